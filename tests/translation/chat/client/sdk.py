"""The official OpenAI client as a judge of the chat replies that it is sent."""

from __future__ import annotations

from typing import Any

import httpx2
from openai import OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

HELLO: Any = [{"role": "user", "content": "hi"}]


def _client(body: bytes, content_type: str) -> OpenAI:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": content_type}, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(api_key="test", base_url="http://gateway.test/v1", http_client=http, max_retries=0)


def streamed(stream: bytes) -> ChatCompletion:
    """Return what the accumulating client makes of a stream, whatever the reason for its end."""
    state = ChatCompletionStreamState()
    with _client(stream, "text/event-stream").chat.completions.stream(model="m", messages=HELLO) as events:
        for event in events:
            if event.type == "chunk":
                state.handle_chunk(event.chunk)
    return state.current_completion_snapshot


def iterated(stream: bytes) -> list[ChatCompletionChunk]:
    """Return the chunks that the client sees."""
    return list(_client(stream, "text/event-stream").chat.completions.create(model="m", messages=HELLO, stream=True))


def created(body: bytes) -> ChatCompletion:
    """Return what the client makes of a whole reply."""
    return _client(body, "application/json").chat.completions.create(model="m", messages=HELLO)
