"""The vendors' own clients as judges: what they make of the bytes that the gateway sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anthropic
import httpx2
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

_MESSAGES: Mapping[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def _transport(body: bytes, content_type: str) -> httpx2.Client:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": content_type}, content=body)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def _anthropic(body: bytes, content_type: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="test", http_client=_transport(body, content_type), max_retries=0)


def _openai(body: bytes, content_type: str) -> openai.OpenAI:
    http_client = _transport(body, content_type)
    return openai.OpenAI(api_key="test", base_url="http://gateway.test/v1", http_client=http_client, max_retries=0)


def _messages_streamed(stream: bytes) -> Any:
    with _anthropic(stream, "text/event-stream").messages.stream(**_MESSAGES) as reading:
        return reading.get_final_message()


def _messages_whole(body: bytes) -> Any:
    return _anthropic(body, "application/json").messages.create(**_MESSAGES)


def _responses_streamed(stream: bytes) -> Any:
    """Read the stream twice: the accumulating client judges its grammar, the last event holds the response.

    The accumulating client gives nothing back for a response that is incomplete.
    """
    with _openai(stream, "text/event-stream").responses.stream(model="m", input="hi") as reading:
        events = list(reading)
    if events[-1].type == "response.completed":
        reading.get_final_response()
    raw: list[Any] = list(_openai(stream, "text/event-stream").responses.create(model="m", input="hi", stream=True))
    return raw[-1].response


def _responses_whole(body: bytes) -> Any:
    return _openai(body, "application/json").responses.create(model="m", input="hi")


_HELLO: Any = [{"role": "user", "content": "hi"}]


def _chat_streamed(stream: bytes) -> Any:
    """Accumulate the chunks ourselves: the client's own end raises for a reply that the limit cut."""
    state = ChatCompletionStreamState()
    with _openai(stream, "text/event-stream").chat.completions.stream(model="m", messages=_HELLO) as reading:
        for event in reading:
            if event.type == "chunk":
                state.handle_chunk(event.chunk)
    return state.current_completion_snapshot


def _chat_whole(body: bytes) -> Any:
    return _openai(body, "application/json").chat.completions.create(model="m", messages=_HELLO)


_STREAMED = {"messages": _messages_streamed, "responses": _responses_streamed, "chat": _chat_streamed}
_WHOLE = {"messages": _messages_whole, "responses": _responses_whole, "chat": _chat_whole}


def of_stream(client: str, stream: bytes) -> dict[str, Any]:
    """Return the reply that the official client makes of a stream; it raises APIError if the stream tells one."""
    reply: dict[str, Any] = _STREAMED[client](stream).to_dict(mode="json")
    return reply


def of_whole(client: str, body: bytes) -> dict[str, Any]:
    """Return the reply that the official client makes of a JSON body."""
    reply: dict[str, Any] = _WHOLE[client](body).to_dict(mode="json")
    return reply
