"""Messages streams from an upstream, event by event, into hub events.

Rules. One block is open at a time; one that was not stopped is closed by the next, or by the end. Each block of text
and each call is a part of its own; thoughts in a row are one part, so that they go back together. A block of text opens
its part when it has something to say. A search of the web by the vendor's own tool is a part; what its other tools do,
blocks and pieces that nobody here knows, and sources that have no twin in other shapes are passed over and reported.
The counts are cumulative. The finish is told when `stop_reason` comes, the usage and the end at `message_stop` or
at the end of the stream. A stream that ends before any `stop_reason` was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from translation.envelope import Envelope, seal
from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartOpaque,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.exchange import Exchange
from translation.failures import TRUNCATED, Failure, UpstreamProtocolError
from translation.hub import Citation, Wire
from translation.shapes.messages.errors import decode_error
from translation.shapes.messages.upstream.searches import SEARCH_TOOL, Searches
from translation.shapes.messages.upstream.stream_events import Block, Delta, Message, StopDetails, decode_event
from translation.shapes.messages.usage import UsageWire, read_usage
from translation.sse import ServerSentEvent
from translation.stream_state import Phase, after

STOP_REASONS: Mapping[str, StopReason] = {
    "end_turn": StopReason.END,
    "compaction": StopReason.END,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "tool_use": StopReason.TOOL_CALLS,
    "max_tokens": StopReason.MAX_TOKENS,
    "model_context_window_exceeded": StopReason.CONTEXT_WINDOW,
    "refusal": StopReason.REFUSAL,
    "pause_turn": StopReason.PAUSE,
}
"""`stop_reason`; anything else is an end that nobody knows."""

_SERVICE_TIERS = {"standard": "default", "priority": "priority"}
_NO_ARGUMENTS = (b"", b"{}", b"null")
_DELTAS = frozenset(("", "text_delta", "input_json_delta", "thinking_delta", "signature_delta", "citations_delta"))


class _Open:
    """The open block: its number, what it is (None: passed over), its part's key (-1: not started), its content."""

    __slots__ = ("citations", "given", "index", "key", "kind", "length", "pieces", "signature")

    def __init__(self, index: int | None, kind: PartKind | None, key: int = -1) -> None:
        self.index = index
        self.kind = kind
        self.key = key
        self.length = 0
        self.citations: list[Wire] = []
        self.pieces: list[str] = []
        self.signature = ""
        self.given = b""

    def goes_on_with_text(self, index: int | None) -> bool:
        """Tell whether text for the block of that number is the next of this one."""
        return self.kind is PartKind.TEXT and self.key >= 0 and index == self.index

    def said(self, text: str) -> PartDelta:
        """Return the next piece of the block's text."""
        self.length += len(text)
        return PartDelta(self.key, text)


class MessagesStreamDecoder:
    """Decodes one Messages stream, or a whole message."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.WAITING
        self._message_id = ""
        self._next_key = 0
        self._open: _Open | None = None
        self._thoughts_key = -1
        self._thoughts: list[Wire] = []
        self._usage: Usage | None = None
        self._blocks = 0
        self._searches = Searches(exchange.deployment)
        self._searches_told = False

    def decode(self, event: ServerSentEvent) -> Iterable[Event]:
        """Return the hub events of one server-sent event."""
        if self._phase in (Phase.ENDED, Phase.FAILED) or event.data == b"[DONE]":
            return ()  # some servers end every stream as OpenAI does
        wire = decode_event(event.data)
        block, delta = self._open, wire.delta
        if delta is not None and delta.text and block is not None and block.goes_on_with_text(wire.index):
            # Nearly all events are these.
            return (block.said(delta.text),)
        match wire.type or event.name:
            case "content_block_delta":
                return self._take_delta(wire.index, delta or Delta())
            case "content_block_start":
                return self._start_block(wire.index, wire.content_block or Block())
            case "content_block_stop":
                return self._close_block()
            case "message_start":
                return self._start(wire.message or Message())
            case "message_delta":
                return self._take_message_delta(delta or Delta(), wire.usage)
            case "message_stop":
                return self._end()
            case _ if wire.error or wire.type == "error" or event.name == "error":
                self._phase = after(self._phase, Failure)
                return (decode_error(200, event.data),)
            case _:
                return ()

    def close(self) -> Iterable[Event]:
        """Return what is left at the end of the upstream's bytes."""
        if self._phase is Phase.FINISHED:
            return self._end()
        if self._phase in (Phase.ENDED, Phase.FAILED):
            return ()
        self._phase = after(self._phase, Failure)
        return (TRUNCATED,)

    def take_whole(self, message: Message) -> Iterator[Event]:
        """Yield the hub events of a message that did not stream."""
        yield from self._start(message)
        for index, block in enumerate(message.content or ()):
            yield from self._start_block(index, block)
        yield from self._finish(message.stop_reason, message.stop_sequence, message.stop_details)
        yield from self._end()

    def _start(self, message: Message) -> Iterator[Event]:
        message_id = message.id or ""
        if self._phase is not Phase.WAITING:
            # Some servers repeat the first event; another message in the same stream cannot be told.
            if message_id != self._message_id:
                raise UpstreamProtocolError("the upstream began a second message in one stream")
            return
        self._message_id = message_id
        self._count(message.usage)
        tier = message.usage.service_tier if message.usage is not None else None
        self._phase = after(self._phase, Start)
        yield Start(message_id, message.model or "", 0, _SERVICE_TIERS.get(tier or ""))

    def _start_block(self, index: int | None, block: Block) -> Iterator[Event]:
        if self._phase is Phase.FINISHED:
            return
        self._check_started()
        yield from self._close_block()
        self._blocks += 1
        if block.type not in ("thinking", "redacted_thinking"):
            yield from self._close_thoughts()
        match block.type:
            case "text":
                self._open = _Open(index, PartKind.TEXT)
                yield from self._add(Delta(text=block.text))
                self._open.citations += block.citations or ()
            case "tool_use":
                self._open = _Open(index, PartKind.TOOL_CALL, self._new_key())
                self._open.given = bytes(block.input)
                call_id = block.id or self._exchange.item_id("call_", self._open.key)
                yield PartStart(self._open.key, PartKind.TOOL_CALL, call_id, block.name or "")
            case "thinking":
                yield from self._open_thoughts(index)
                yield from self._add(Delta(thinking=block.thinking, signature=block.signature))
            case "redacted_thinking":
                yield from self._open_thoughts(index)
                self._thoughts.append({"type": "redacted_thinking", "data": block.data or ""})
            case "server_tool_use" if block.name == SEARCH_TOOL:
                self._open = _Open(index, PartKind.WEB_SEARCH, self._new_key())
                self._open.given = bytes(block.input)
                yield self._searches.begin(self._open.key, block)
            case "web_search_tool_result" if told := self._searches.find(block):
                self._open = _Open(index, None)
                yield from told
            case _:
                self._open = _Open(index, None)
                self._exchange.lost.drop(self._place())

    def _take_delta(self, index: int | None, delta: Delta) -> Iterable[Event]:
        if self._phase is Phase.FINISHED:
            return ()
        self._check_started()
        if self._open is None or index not in (None, self._open.index):
            raise UpstreamProtocolError("the upstream sent a piece of a block that is not open")
        return self._add(delta)

    def _add(self, delta: Delta) -> Iterator[Event]:
        """Yield what the delta adds to the open block."""
        block = self._open
        if block is None or block.kind is None:
            return
        if delta.type not in _DELTAS:
            self._exchange.lost.drop(f"{self._place()}.delta")
        match block.kind:
            case PartKind.TEXT:
                if delta.text:
                    if block.key < 0:
                        block.key = self._new_key()
                        yield PartStart(block.key, PartKind.TEXT)
                    yield block.said(delta.text)
                if delta.citation is not None:
                    block.citations.append(delta.citation)
            case PartKind.TOOL_CALL:
                if delta.partial_json:
                    block.given = b""
                    yield PartDelta(block.key, delta.partial_json)
            case PartKind.WEB_SEARCH:
                if delta.partial_json:
                    block.pieces.append(delta.partial_json)
            case _:
                block.signature = delta.signature or block.signature
                if delta.thinking:
                    apart = self._thoughts and not block.pieces
                    block.pieces.append(delta.thinking)
                    yield PartDelta(block.key, f"\n{delta.thinking}" if apart else delta.thinking)

    def _close_block(self) -> Iterator[Event]:
        block, self._open = self._open, None
        if block is None or block.key < 0:
            return
        if block.kind is PartKind.REASONING:
            if block.pieces or block.signature:
                thought = {"type": "thinking", "thinking": "".join(block.pieces), "signature": block.signature}
                self._thoughts.append(thought)
            return
        if block.kind is PartKind.WEB_SEARCH:
            self._searches.ask(block.key, "".join(block.pieces).encode() or block.given)
            return
        if block.given not in _NO_ARGUMENTS:
            yield PartDelta(block.key, block.given.decode("utf-8", "replace"))
        for wire in block.citations:
            citation = _citation(wire, block.length)
            if citation is None:
                self._exchange.lost.drop(f"{self._place()}.citations")
            else:
                yield PartCitation(block.key, citation)
        yield PartEnd(block.key)

    def _open_thoughts(self, index: int | None) -> Iterator[Event]:
        if self._thoughts_key < 0:
            self._thoughts_key = self._new_key()
            yield PartStart(self._thoughts_key, PartKind.REASONING, summary=True)
        self._open = _Open(index, PartKind.REASONING, self._thoughts_key)

    def _close_thoughts(self) -> Iterator[Event]:
        if self._thoughts_key < 0:
            return
        if self._thoughts:
            envelope = Envelope("messages", self._exchange.deployment, tuple(self._thoughts))
            yield PartOpaque(self._thoughts_key, seal(envelope))
        yield PartEnd(self._thoughts_key)
        self._thoughts_key, self._thoughts = -1, []

    def _take_message_delta(self, delta: Delta, usage: UsageWire | None) -> Iterator[Event]:
        self._check_started()
        self._count(usage)
        if delta.stop_reason is not None:
            yield from self._finish(delta.stop_reason, delta.stop_sequence, delta.stop_details)

    def _finish(self, reason: str | None, sequence: str | None, details: StopDetails | None) -> Iterator[Event]:
        if self._phase is Phase.FINISHED:
            return
        yield from self._close_block()
        yield from self._close_thoughts()
        yield from self._searches.close()
        self._phase = after(self._phase, Finish)
        known = STOP_REASONS.get(reason or "", StopReason.UNKNOWN)
        if reason is not None and known is StopReason.UNKNOWN:
            self._exchange.lost.coerce("reply:stop_reason")
        if reason is None and self._is_at_the_limit():
            known = StopReason.MAX_TOKENS
        explanation = None if details is None else details.explanation
        yield Finish(known, sequence, explanation or "" if known is StopReason.REFUSAL else None)

    def _end(self) -> Iterator[Event]:
        self._check_started()
        yield from self._finish(None, None, None)  # `message_stop` is the upstream's own word that it is complete
        if self._usage is not None:
            searches = self._usage.web_searches if self._searches_told else self._searches.count
            yield replace(self._usage, web_searches=searches)
        self._phase = after(self._phase, End)
        yield End()

    def _is_at_the_limit(self) -> bool:
        limit = self._exchange.request.max_tokens
        return limit is not None and self._usage is not None and self._usage.output_tokens >= limit

    def _count(self, usage: UsageWire | None) -> None:
        if usage is not None:
            self._usage = read_usage(usage, self._usage)
            self._searches_told = self._searches_told or usage.server_tool_use is not None

    def _check_started(self) -> None:
        if self._phase is Phase.WAITING:
            raise UpstreamProtocolError("the upstream's stream does not begin with message_start")

    def _place(self) -> str:
        """Return the path of the latest block, for reports."""
        return f"reply:content[{self._blocks - 1}]"

    def _new_key(self) -> int:
        key = self._next_key
        self._next_key += 1
        return key


def _citation(wire: Wire, length: int) -> Citation | None:
    """Return a web source of the whole text, None for one in a document, which has no twin in other shapes."""
    if wire.get("type") != "web_search_result_location" or not isinstance(wire.get("url"), str):
        return None
    title, cited_text, index = (_words(wire.get(name)) for name in ("title", "cited_text", "encrypted_index"))
    return Citation(wire["url"], title, cited_text, 0, length, index)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else ""
