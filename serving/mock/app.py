"""The mock upstream as an ASGI application: one path per shape, with and without the /v1 prefix.

Any credential is accepted. A stream pauses before each event, so that one sees it arrive, and ends when the client
leaves.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Protocol

import msgspec

from serving.mock import chat, messages, responses
from serving.mock.script import Prompt, Reply, reply_to
from serving.mock.wire import wants_stream
from translation import reading
from translation.failures import RequestRefused
from translation.hub import Wire

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Shape(Protocol):
    """What the module of each shape offers."""

    def read(self, wire: Wire, /) -> Prompt:
        """Return what the request asks."""

    def body(self, wire: Wire, prompt: Prompt, reply: Reply, /) -> Wire:
        """Return the whole answer."""

    def stream(self, wire: Wire, prompt: Prompt, reply: Reply, /) -> Iterator[bytes]:
        """Yield the answer's events."""

    def error(self, message: str, kind: str, param: str | None, /) -> Wire:
        """Return the body of an error."""


SHAPES: dict[str, Shape] = {"/chat/completions": chat, "/messages": messages, "/responses": responses}
COUNTED: dict[str, Shape] = {"/messages/count_tokens": messages, "/responses/input_tokens": responses}
MODELS = ("gpt-5-mini-2025-08-07", "gpt-4o-mini", "claude-sonnet-4-20250514")


class ClientLeftError(Exception):
    """The client closed its connection before the answer was over."""


class MockUpstream:
    """Answers as a model would that knows only `script.py`."""

    def __init__(self, delay_seconds: float = 0.02) -> None:
        self._delay_seconds = delay_seconds

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; the lifespan protocol is not spoken, which uvicorn takes for no."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the mock upstream speaks HTTP, not {scope['type']}")
        path = scope["path"].rstrip("/").removeprefix("/v1")
        try:
            body = await _body(receive)
            status, answer = _answer(scope["method"], path, dict(scope["headers"]), body)
            if isinstance(answer, dict):
                await _send_json(send, status, answer)
            else:
                await self._send_stream(receive, send, answer)
        except ClientLeftError:
            return

    async def _send_stream(self, receive: Receive, send: Send, events: Iterator[bytes]) -> None:
        await send(_start(200, b"text/event-stream"))
        for event in events:
            await _pause(receive, self._delay_seconds)
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _answer(method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> tuple[int, Wire | Iterator[bytes]]:
    """Decide the status and the body, or the events of a stream."""
    shape = SHAPES.get(path) or COUNTED.get(path)
    speaker = shape or (messages if b"anthropic-version" in headers else chat)
    if path == "/models" and method == "GET":
        return 200, _models(speaker)
    if shape is None and path != "/models":
        return 404, speaker.error(f"The mock upstream has no {path[:100]}.", "not_found_error", None)
    if method != "POST" or shape is None:
        return 405, speaker.error(f"{method} is not allowed on {path}.", "invalid_request_error", None)
    try:
        return 200, _reply(shape, path, _object(body))
    except RequestRefused as refused:
        return 400, speaker.error(str(refused), "invalid_request_error", refused.failure.param)
    except RecursionError:
        return 400, speaker.error("The body is nested too deeply.", "invalid_request_error", None)


def _reply(shape: Shape, path: str, wire: Wire) -> Wire | Iterator[bytes]:
    prompt = shape.read(wire)
    if path in COUNTED:
        return {"object": "response.input_tokens", "input_tokens": prompt.tokens}
    write = shape.stream if wants_stream(wire) else shape.body
    return write(wire, prompt, reply_to(prompt))


def _object(body: bytes) -> Wire:
    try:
        wire = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise RequestRefused(f"The body is not JSON: {error}") from error
    return reading.element(wire, "body")


def _models(speaker: Shape) -> Wire:
    if speaker is messages:
        made = "2026-01-01T00:00:00Z"
        data: list[Wire] = [{"type": "model", "id": name, "display_name": name, "created_at": made} for name in MODELS]
        return {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 1767225600, "owned_by": "mock"} for name in MODELS],
    }


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _pause(receive: Receive, seconds: float) -> None:
    """Wait, unless the client leaves: after the body, a disconnect is all that is left to receive."""
    try:
        async with asyncio.timeout(seconds):
            await receive()
    except TimeoutError:
        return
    raise ClientLeftError


async def _send_json(send: Send, status: int, wire: Wire) -> None:
    await send(_start(status, b"application/json"))
    await send({"type": "http.response.body", "body": json.dumps(wire).encode()})


def _start(status: int, content_type: bytes) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]}
