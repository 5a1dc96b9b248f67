"""The tap of a same-shape chat relay: reads usage and the end of the reply, and changes nothing.

Most chunks say nothing that matters, and a few substring counts prove it; only the others are cut into events and
parsed.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from translation.events import Usage
from translation.failures import Failure, UpstreamProtocolError
from translation.shapes.chat.chunks import decode_chunk
from translation.shapes.chat.stream import FAILED_REASONS
from translation.shapes.chat.usage import decode_usage, usage_told
from translation.shapes.openai_errors import encode_error
from translation.sse import EventTooLarge, ServerSentEvent, SseDecoder, encode_event


class ChatTap:
    """Reads along with one stream. `ended` after `[DONE]` or a finish reason; `failed` after an error in the stream."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.ended = False
        self.failed = False
        self.at_boundary = True
        self._sse = SseDecoder()
        self._broken = False

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes."""
        if self._broken or (self.at_boundary and chunk.endswith(b"\n\n") and says_nothing(chunk)):
            return
        try:
            events = self._sse.feed(chunk)
        except EventTooLarge:
            self._broken = self.failed = True
            self.at_boundary = False
            return
        self.at_boundary = not self._sse.pending
        for event in events:
            self._read(event)

    def _read(self, event: ServerSentEvent) -> None:
        if event.data == b"[DONE]":
            self.ended = True
            return
        try:
            chunk = decode_chunk(event.data)
        except UpstreamProtocolError:
            return  # it is forwarded as it came; the client's parser is the judge
        reasons = [choice.finish_reason for choice in chunk.choices or () if choice.finish_reason]
        if chunk.error or event.name == "error" or not FAILED_REASONS.isdisjoint(reasons):
            self.failed = True
        elif reasons:
            self.ended = True
        self.usage = usage_told(chunk) or self.usage

    def failure_event(self, failure: Failure, request_id: str) -> bytes:
        """Return the error chunk; no `[DONE]` follows, since a lenient client would take it for success."""
        _, wire = encode_error(failure, request_id)
        lead = b"" if self.at_boundary else b"\n\n"
        return lead + encode_event("", msgspec.json.encode(wire))

    def keep_alive(self) -> bytes:
        """Return a comment, or b"" in the middle of an event."""
        return b": keep-alive\n\n" if self.at_boundary else b""


# How a chunk ends that only adds to a message, in the two ways in which JSON is written.
_QUIET_ENDS = (b'"finish_reason":null}]}\n\n', b'"finish_reason": null}]}\n\n')
_QUIET_ENDS_OF_USAGE = (b'"finish_reason":null}],"usage":null}\n\n', b'"finish_reason": null}], "usage": null}\n\n')


def says_nothing(chunk: bytes) -> bool:
    """Tell whether whole events neither end nor break the reply, nor count its tokens."""
    if b"error" in chunk or b"[DONE]" in chunk:
        return False
    if chunk.count(b"\n\n") == 1 and b"\r" not in chunk:
        if chunk.endswith(_QUIET_ENDS):
            return b'"usage"' not in chunk
        if chunk.endswith(_QUIET_ENDS_OF_USAGE):
            return chunk.count(b'"usage"') == 1
    nulls = chunk.count(b'"finish_reason":null') + chunk.count(b'"finish_reason": null')
    unused = chunk.count(b'"usage":null') + chunk.count(b'"usage": null')
    return chunk.count(b"finish_reason") == nulls and chunk.count(b'"usage"') == unused


class _Body(Struct):
    usage: dict[str, object] | None = None


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of a whole completion, None where it has none."""
    try:
        found = msgspec.json.decode(body, type=_Body).usage
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return None if found is None else decode_usage(found)
