"""The tap of a same-shape responses relay: reads usage and how the reply ended, and changes nothing.

A few substring tests prove of most chunks that they hold deltas only; the others are cut into events and parsed. The
first event holds the Response object, which is kept in case the stream breaks and the client must be told so.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from translation.events import Usage
from translation.failures import Failure
from translation.hub import Wire
from translation.shapes.responses.response import failed
from translation.shapes.responses.stream_events import KEEP_ALIVE, failure_bytes
from translation.shapes.responses.usage import usage_of
from translation.sse import EventTooLarge, ServerSentEvent, SseDecoder

_NUMBER = b'"sequence_number"'
_ENDED = ("response.completed", "response.incomplete")


class _WireEvent(Struct):
    type: str = ""
    response: Raw = Raw(b"null")
    error: Raw = Raw(b"null")


_event_decoder = msgspec.json.Decoder(_WireEvent)


class ResponsesTap:
    """Reads along with one stream; `on_response` is given each Response object of it, as JSON, when it has come."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.ended = False
        self.failed = False
        self.at_boundary = True
        self.on_response: Callable[[bytes], None] | None = None
        self._sse = SseDecoder()
        self._started = False
        self._number = 0
        self._created = b""

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes."""
        if self.at_boundary and self._started and chunk.endswith(b"\n\n") and _says_nothing(chunk):
            self._number += chunk.count(_NUMBER)
            return
        self._started = True
        try:
            events = self._sse.feed(chunk)
        except EventTooLarge:
            self.failed = True
            return
        self.at_boundary = not self._sse.pending
        for event in events:
            self._number += event.data.count(_NUMBER)
            if not _says_nothing(event.data) or event.name == "error":
                self._read(event)

    def _read(self, event: ServerSentEvent) -> None:
        try:
            wire = _event_decoder.decode(event.data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.failed = self.failed or event.name == "error"
            return  # it is forwarded as it came; the client's parser is the judge
        name = wire.type or event.name
        if self.on_response is not None:
            self.on_response(bytes(wire.response))
        if name == "response.created":
            self._created = bytes(wire.response)
        elif name in _ENDED:
            self.ended = True
            self.usage = usage_of(bytes(wire.response))
        elif name == "response.failed":
            self.failed = True
            self.usage = usage_of(bytes(wire.response))
        elif name == "error" or (not name and bytes(wire.error) != b"null"):
            self.failed = True

    def failure_event(self, failure: Failure, request_id: str) -> bytes:
        """Return the error event and `response.failed`: the response that the stream began, its numbers continued."""
        lead = b"" if self.at_boundary else b"\n\n"
        return lead + failure_bytes(failure, failed(self._begun(request_id), [], failure), self._number)

    def _begun(self, request_id: str) -> Wire:
        try:
            response = msgspec.json.decode(self._created)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            response = None
        if isinstance(response, dict):
            return response
        return {"id": f"resp_{request_id}", "object": "response"}

    def keep_alive(self) -> bytes:
        """Return a comment, or b"" in the middle of an event."""
        return KEEP_ALIVE if self.at_boundary else b""


def _says_nothing(chunk: bytes) -> bool:
    return not (
        b"response.completed" in chunk
        or b"response.incomplete" in chunk
        or b"response.failed" in chunk
        or b"response.created" in chunk
        or b'"error"' in chunk
        or b"event: error" in chunk
    )
