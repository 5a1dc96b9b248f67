"""The official OpenAI client as a judge of what it is sent."""

from __future__ import annotations

from typing import Any

import httpx2
from openai import OpenAI
from openai.types.responses import Response


def _client(body: bytes, content_type: str, status: int = 200) -> OpenAI:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": content_type}, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(api_key="test", base_url="http://gateway.test/v1", http_client=http, max_retries=0)


def streamed(stream: bytes) -> Response:
    """Return what the client makes of a stream."""
    with _client(stream, "text/event-stream").responses.stream(model="m", input="hi") as events:
        return events.get_final_response()


def iterated(stream: bytes) -> list[Any]:
    """Return the raw events that the client sees."""
    return list(_client(stream, "text/event-stream").responses.create(model="m", input="hi", stream=True))


def created(body: bytes, status: int = 200) -> Response:
    """Return what the client makes of a whole reply, or raise what it raises for an error."""
    return _client(body, "application/json", status).responses.create(model="m", input="hi")
