"""Server-sent events: bytes to events and back.

Lines end with LF, CR or CRLF, also when a read ends between CR and LF. Text is decoded by whoever reads `data`, per
event and never per read, so that a character split over two reads survives. Comments, `id:` and `retry:` yield nothing.
Source: WHATWG HTML, section 9.2 (Server-sent events).
"""

from __future__ import annotations

from typing import NamedTuple

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """One event: its name (`message` is written as "") and its data, lines joined with LF."""

    name: str
    data: bytes


class EventTooLarge(Exception):
    """An event grew beyond MAX_EVENT_BYTES; what has come of it is forgotten."""


class SseDecoder:
    """Cuts a stream of bytes, however it was split by the network, into events."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched = 0
        self._at_start = True
        self._after_cr = False

    @property
    def pending(self) -> bool:
        """Tell whether the stream stands in the middle of an event."""
        return bool(self._pending) and self._pending != b"\n"

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that these bytes complete."""
        if self._at_start:
            chunk = self._without_bom(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_lf_only(chunk)
        if not self._pending and chunk.endswith(b"\n\n"):
            return _events(chunk)
        self._pending += chunk
        cut = self._pending.rfind(b"\n\n", self._searched)
        if cut < 0:
            if len(self._pending) > MAX_EVENT_BYTES:
                self._pending.clear()
                self._searched = 0
                raise EventTooLarge(f"an event is larger than {MAX_EVENT_BYTES} bytes")
            self._searched = max(0, len(self._pending) - 1)
            return []
        complete = bytes(self._pending[: cut + 2])
        del self._pending[: cut + 2]
        self._searched = max(0, len(self._pending) - 1)
        return _events(complete)

    def close(self) -> list[ServerSentEvent]:
        """Return the last event if the stream ended without the blank line that should follow it."""
        left = bytes(self._pending)
        self._pending.clear()
        return _events(left)

    def _without_bom(self, chunk: bytes) -> bytes:
        held = bytes(self._pending) + chunk
        if len(held) < len(_BOM) and _BOM.startswith(held):
            self._pending[:] = held
            return b""
        self._pending.clear()
        self._at_start = False
        return held.removeprefix(_BOM)

    def _with_lf_only(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _events(blocks: bytes) -> list[ServerSentEvent]:
    found = []
    for block in blocks.split(b"\n\n"):
        if block.startswith(b"data: ") and b"\n" not in block:
            found.append(ServerSentEvent("", block[6:]))
        elif block.startswith(b"event: ") and block.count(b"\n") == 1 and b"\ndata: " in block:
            named, _, told = block.partition(b"\ndata: ")
            found.append(ServerSentEvent(named[7:].decode("utf-8", "replace"), told))
        elif block:
            name, data = _fields(block)
            if data is not None:
                found.append(ServerSentEvent(name, data))
    return found


def _fields(block: bytes) -> tuple[str, bytes | None]:
    name, data = "", None
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data = value if data is None else data + b"\n" + value
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return name, data


def encode_event(name: str, data: bytes) -> bytes:
    """Return one event on the wire; `data` must be one line, which JSON always is. An empty name is left out."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data) if name else b"data: %b\n\n" % data
