"""Reads along with a Messages stream that goes to a client as it came, for its token counts and its end.

Almost every chunk is whole events of text, which a search for two words tells apart without parsing.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from translation.events import Usage
from translation.failures import Failure
from translation.shapes.messages.errors import error_event
from translation.shapes.messages.stream import PING
from translation.shapes.messages.usage import UsageWire, read_usage
from translation.sse import EventTooLarge, SseDecoder

_BOUNDARIES = (b"\n\n", b"\r\n\r\n")


class _Message(Struct):
    usage: UsageWire | None = None


class _Delta(Struct):
    stop_reason: str | None = None


class _Event(Struct):
    type: str = ""
    message: _Message | None = None
    delta: _Delta | None = None
    usage: UsageWire | None = None


_EVENT = msgspec.json.Decoder(_Event)


class MessagesTap:
    """Reads along with one stream; an event that it cannot parse changes nothing."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.ended = False
        self.failed = False
        self.at_boundary = True
        self._started = False
        self._decoder = SseDecoder()

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes."""
        if self.at_boundary and chunk.endswith(_BOUNDARIES) and b"message_" not in chunk and b"error" not in chunk:
            return
        try:
            events = self._decoder.feed(chunk)
        except EventTooLarge:
            # The client gets the bytes all the same; only what this event counts is lost.
            self._decoder = SseDecoder()
            return
        self.at_boundary = not self._decoder.pending
        for event in events:
            if b"message_" in event.data or b"error" in event.data:
                self._read(event.name, event.data)

    def failure_event(self, failure: Failure, request_id: str) -> bytes:
        """Return the error event; in the middle of an event it takes over that event's name, so that clients see it."""
        event = error_event(failure, request_id)
        return event if self.at_boundary else b"\n" + event

    def keep_alive(self) -> bytes:
        """Return a ping; b"" in the middle of an event, before the first and after the last."""
        under_way = self._started and self.at_boundary and not self.ended and not self.failed
        return PING if under_way else b""

    def _read(self, name: str, data: bytes) -> None:
        try:
            event = _EVENT.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.failed = self.failed or name == "error"
            return
        match event.type:
            case "message_start":
                self._started = True
                if event.message and event.message.usage:
                    self.usage = read_usage(event.message.usage, self.usage)
            case "message_delta":
                if event.usage:
                    self.usage = read_usage(event.usage, self.usage)
                if event.delta and event.delta.stop_reason is not None:
                    self.ended = True
            case "message_stop":
                self.ended = True
            case "error":
                self.failed = True
