"""Usage of chat streams that the client did not ask for: asked for by the gateway, and taken out again.

A chat upstream counts the tokens of a stream only for whoever asks. The chunk that tells them has no choices, which
clients that did not ask for it do not expect.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, Struct

from translation.hub import Wire
from translation.shapes.chat.tap import ChatTap, says_nothing
from translation.sse import EventTooLarge, SseDecoder

# A blank line after a line. A CR at the end of what has come may be the first half of a CRLF.
_EVENT_END = re.compile(rb"(?>\r\n|\n|\r(?!\Z)){2}")


def ask_for_usage(wire: Wire) -> Wire:
    """Return the request with usage asked for; the same object if the client has asked, or means something else."""
    options = wire.get("stream_options")
    if options is None:
        options = {}
    if not isinstance(options, dict) or options.get("include_usage") not in (None, False):
        return wire
    return {**wire, "stream_options": {**options, "include_usage": True}}


class _Chunk(Struct):
    choices: list[Raw] | None = None
    usage: dict[str, Raw] | None = None
    error: Raw = Raw(b"null")


_CHUNK = msgspec.json.Decoder(_Chunk)


class UsageTakingTap(ChatTap):
    """A tap of a stream whose usage only the gateway asked for: it passes everything on but the chunk with the usage.

    An event that has not come whole is held back until it has: it may be that chunk.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._searched = 0

    def pass_on(self, chunk: bytes) -> bytes:
        """Read the next bytes and return what of them the client gets now."""
        if not self._held and self.at_boundary and chunk.endswith(b"\n\n") and says_nothing(chunk):
            return chunk
        self.feed(chunk)
        self._held += chunk
        if self._broken:
            return self._taken(len(self._held))
        passed, position = [], 0
        for end in [found.end() for found in _EVENT_END.finditer(self._held, self._searched)]:
            passed.append(_without_usage(self._taken(end - position)))
            position = end
        # All but the last bytes were searched: the end of an event has up to four.
        self._searched = max(0, len(self._held) - 3)
        return b"".join(passed)

    def rest(self) -> bytes:
        """Return what was held back of a stream that has ended; b"" if it broke off inside an event."""
        rest = self._taken(len(self._held))
        return _without_usage(rest) if self.ended or self.failed else b""

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def _without_usage(event: bytes) -> bytes:
    """Return the event as it came; of the chunk with the usage, only the comments."""
    # Some servers count on every chunk: where a choice begins there is no need to parse.
    if b'"usage"' not in event or b'"choices":[{' in event or b'"choices": [{' in event or not _is_usage(event):
        return event
    return b"".join(line for line in event.splitlines(keepends=True) if line.startswith(b":"))


def _is_usage(event: bytes) -> bool:
    decoder = SseDecoder()
    try:
        told = [_CHUNK.decode(data) for _, data in (*decoder.feed(event), *decoder.close())]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, EventTooLarge):
        return False  # it is forwarded as it came; the client's parser is the judge
    return any(chunk.choices == [] and chunk.usage is not None and bytes(chunk.error) == b"null" for chunk in told)
