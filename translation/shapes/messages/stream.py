"""Streams to clients that speak Messages.

    message_start  (ping | Block)*  message_delta  message_stop        or, at any point, error and nothing more
    Block = content_block_start  content_block_delta*  content_block_stop        numbered from 0, one open at a time

A part opens its block when it has something to say, so that no block is empty. Text and thoughts give way to any other
part and go on in a new block. A call gives way only when its arguments are complete; until then the events of other
parts wait. A search that the provider made is two blocks, told when it is over. The end waits for the token counts.
Source: the event grammar of the Messages API, November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartSearch,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.exchange import Exchange
from translation.failures import Failure
from translation.hub import Citation, ToolKind, WebSearch, Wire
from translation.shapes.messages.arguments import ArgumentScanner
from translation.shapes.messages.errors import error_event
from translation.shapes.messages.response import (
    LOST_LOGPROBS,
    Emitted,
    arguments_of,
    citation,
    ending,
    lost_at,
    message,
    tool_use,
)
from translation.shapes.messages.searches import search_input, search_result, server_tool_use
from translation.shapes.messages.usage import encode_usage
from translation.sse import encode_event
from translation.stream_state import Phase, after

PING = encode_event("ping", b'{"type":"ping"}')

_json = msgspec.json.Encoder().encode
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
_DELTA_TAIL = b"}}\n\n"
_BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_MESSAGE_STOP = encode_event("message_stop", b'{"type":"message_stop"}')

_ARGUMENTS = (b"input_json_delta", b"partial_json")
_DELTAS: Mapping[PartKind, tuple[bytes, bytes]] = {
    PartKind.TEXT: (b"text_delta", b"text"),
    PartKind.REFUSAL: (b"text_delta", b"text"),
    PartKind.REASONING: (b"thinking_delta", b"thinking"),
    PartKind.TOOL_CALL: _ARGUMENTS,
}
_EMPTY_TEXT: Wire = {"type": "text", "text": ""}
_EMPTY_THINKING: Wire = {"type": "thinking", "thinking": "", "signature": ""}

_PartEvent = PartStart | PartDelta | PartOpaque | PartCitation | PartLogprobs | PartSearch | PartEnd


class _Part:
    """A part of the reply: what it has said, and what of that its blocks must still tell."""

    __slots__ = (
        "block",
        "citations",
        "key",
        "kind",
        "opaque",
        "opaque_told",
        "pieces",
        "scanned",
        "scanner",
        "search",
        "start",
    )

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.key = start.key
        self.kind = start.kind
        self.pieces: list[str] = []
        self.citations: list[Citation] = []
        self.opaque = ""
        self.opaque_told = ""
        self.scanner = ArgumentScanner()
        self.scanned = 0
        self.search = WebSearch()
        # The number of the part's last block, None before the first.
        self.block: int | None = None

    @property
    def told_at_once(self) -> bool:
        """Whether the part's text can be told only when it is whole."""
        return self.kind is PartKind.TOOL_CALL and self.start.tool is ToolKind.CUSTOM

    def gives_way(self) -> bool:
        """Tell whether the part's block may be closed before the part has ended."""
        if self.kind is not PartKind.TOOL_CALL:
            return True
        if self.told_at_once:
            return False
        for piece in self.pieces[self.scanned :]:
            self.scanner.feed(piece)
        self.scanned = len(self.pieces)
        return self.scanner.complete


class MessagesEncoder:
    """Turns hub events into one Messages stream; what comes after its end is not told."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.WAITING
        self._parts: dict[int, _Part] = {}
        self._waiting: dict[int, list[_PartEvent]] = {}
        self._emitted = Emitted()
        self._finish = Finish(StopReason.UNKNOWN)
        self._usage: Usage | None = None
        # The open block: its part, its number, and what begins each of its deltas.
        self._open: _Part | None = None
        self._index = -1
        self._delta_head = b""
        # The short way of a delta: the key that may take it, and where its pieces are kept.
        self._direct_key: int | None = None
        self._direct_pieces: list[str] = []

    def encode(self, event: Event) -> bytes:
        """Return the bytes that one hub event becomes; b"" if none."""
        if type(event) is PartDelta and event.key == self._direct_key and event.text:
            self._direct_pieces.append(event.text)
            return self._delta_head + _json(event.text) + _DELTA_TAIL
        if self._phase in (Phase.ENDED, Phase.FAILED):
            return b""
        self._phase = after(self._phase, type(event))
        match event:
            case Start():
                return _event({"type": "message_start", "message": message(event, self._exchange)})
            case Finish():
                return self._finished(event)
            case Usage():
                self._usage = event
                return b""
            case End():
                return self._ended()
            case Failure():
                self._direct_key = None
                return error_event(event, self._exchange.request_id)
            case _:
                return self._about_part(event)

    def keep_alive(self) -> bytes:
        """Return a ping while the message is under way; before it and after it there is no place for one."""
        return PING if self._phase in (Phase.STREAMING, Phase.FINISHED) else b""

    def _about_part(self, event: _PartEvent) -> bytes:
        self._direct_key = None
        if self._blocked_for(event.key):
            self._waiting.setdefault(event.key, []).append(event)
            return b""
        told = self._told(event)
        if self._waiting:
            told += self._told_waiting()
        if self._open is not None and self._open.pieces and not self._open.told_at_once and not self._waiting:
            self._direct_key, self._direct_pieces = self._open.key, self._open.pieces
        return told

    def _blocked_for(self, key: int) -> bool:
        return self._open is not None and self._open.key != key and not self._open.gives_way()

    def _told_waiting(self) -> bytes:
        told = []
        for key in tuple(self._waiting):
            if self._blocked_for(key):
                break
            told += [self._told(event) for event in self._waiting.pop(key)]
        return b"".join(told)

    def _told(self, event: _PartEvent) -> bytes:
        match event:
            case PartDelta():
                return self._said(self._parts[event.key], event.text)
            case PartStart():
                part = self._parts[event.key] = _Part(event)
                if part.kind is not PartKind.TOOL_CALL:
                    return b""
                self._emitted.tool_call = True
                return self._block_start(part)
            case PartOpaque():
                self._parts[event.key].opaque = event.opaque
                return b""
            case PartCitation():
                self._parts[event.key].citations.append(event.citation)
                return b""
            case PartSearch():
                self._parts[event.key].search = event.search
                return b""
            case PartEnd():
                return self._part_ended(self._parts.pop(event.key))
            case PartLogprobs():
                self._exchange.lost.drop(LOST_LOGPROBS)
                return b""

    def _said(self, part: _Part, text: str) -> bytes:
        head = b""
        if not text:
            return b""
        if part.kind is PartKind.TOOL_CALL:
            # White space before arguments means nothing, and alone the official client cannot parse it. After complete
            # arguments have been closed, nothing more can be told.
            if part is not self._open:
                self._exchange.lost.drop(lost_at(part.block, "input"))
                return b""
            if not part.pieces and not text.strip():
                return b""
        elif part is not self._open:
            head = self._block_start(part)
        part.pieces.append(text)
        return head if part.told_at_once else head + self._delta_head + _json(text) + _DELTA_TAIL

    def _part_ended(self, part: _Part) -> bytes:
        if part.kind is PartKind.REFUSAL:
            self._emitted.refusal = (self._emitted.refusal or "") + "".join(part.pieces)
        if part is self._open:
            return self._block_stop()
        if part.kind is PartKind.REASONING and part.opaque != part.opaque_told:
            return self._block_start(part) + self._block_stop()
        if part.kind is PartKind.WEB_SEARCH:
            return self._searched(part)
        if part.citations:
            self._exchange.lost.drop(lost_at(part.block, "citations"))
        return b""

    def _searched(self, part: _Part) -> bytes:
        """Return a search and what it found, as two whole blocks; one that says nothing is not told."""
        if part.search == WebSearch():
            return b""
        before = self._block_stop()
        opening = server_tool_use(part.start.call_id, self._index + 1, self._exchange)
        asked = self._block_opened(opening) + self._delta(*_ARGUMENTS)
        asked += _json(_json(search_input(part.search)).decode()) + _DELTA_TAIL + _BLOCK_STOP % self._index
        found = self._block_opened(search_result(opening, part.search)) + _BLOCK_STOP % self._index
        return before + asked + found

    def _block_opened(self, block: Wire) -> bytes:
        self._index += 1
        return _event({"type": "content_block_start", "index": self._index, "content_block": block})

    def _block_start(self, part: _Part) -> bytes:
        before = self._block_stop()
        part.block = self._index + 1
        match part.kind:
            case PartKind.TOOL_CALL:
                block = tool_use(part.start.call_id, part.start.name, part.block, self._exchange)
            case PartKind.REASONING:
                block = _EMPTY_THINKING
            case PartKind.TEXT | PartKind.REFUSAL:
                block = _EMPTY_TEXT
            case PartKind.WEB_SEARCH:
                return before  # it is told when it is over
        opened = self._block_opened(block)
        self._open = part
        self._delta_head = self._delta(*_DELTAS[part.kind])
        return before + opened

    def _block_stop(self) -> bytes:
        """Return what the open block still has to say, and its end; a source that comes later is lost."""
        part, self._open = self._open, None
        if part is None:
            return b""
        last = b""
        if part.told_at_once:
            last = self._delta_head + _json(arguments_of(part.start.tool, "".join(part.pieces))) + _DELTA_TAIL
        elif part.kind is PartKind.TOOL_CALL and not part.pieces:
            last = self._delta_head + b'""' + _DELTA_TAIL
        elif part.kind is PartKind.REASONING and part.opaque != part.opaque_told:
            part.opaque_told = part.opaque
            last = self._delta(b"signature_delta", b"signature") + _json(part.opaque) + _DELTA_TAIL
        elif part.citations:
            text, head = "".join(part.pieces), self._delta(b"citations_delta", b"citation")
            last = b"".join(head + _json(citation(source, text)) + _DELTA_TAIL for source in part.citations)
            part.citations = []
        return last + _BLOCK_STOP % self._index

    def _delta(self, kind: bytes, member: bytes) -> bytes:
        return _DELTA % (self._index, kind, member)

    def _finished(self, finish: Finish) -> bytes:
        self._direct_key = None
        self._finish = finish
        told = [self._block_stop()]
        told += [self._told(event) for events in self._waiting.values() for event in events]
        self._waiting = {}
        return b"".join(told) + self._block_stop()

    def _ended(self) -> bytes:
        delta = ending(self._finish, self._emitted)
        return _event({"type": "message_delta", "delta": delta, "usage": encode_usage(self._usage)}) + _MESSAGE_STOP


def _event(wire: Wire) -> bytes:
    return encode_event(wire["type"], _json(wire))
