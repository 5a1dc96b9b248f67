"""The judge of every emitted stream: the official client, fed with the bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import pytest

Accumulate = Callable[[bytes], dict[str, Any]]


def _accumulate(stream: bytes) -> dict[str, Any]:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http_client,
        anthropic.Anthropic(api_key="test", http_client=http_client, max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as reading,
    ):
        message = reading.get_final_message()
    return message.to_dict(mode="json")


@pytest.fixture
def accumulate() -> Accumulate:
    """Give the function that returns the message that the official client makes of a stream."""
    return _accumulate
