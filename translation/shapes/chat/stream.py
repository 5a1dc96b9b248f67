"""Chat streams from an upstream, chunk by chunk, into hub events.

Rules. At most one part of prose (text, refusal, reasoning) is open; a change of kind or a tool call closes it. Tool
calls stay open until the finish, since their pieces may interleave. A call starts when its name is known and either its
id or its first argument byte has come. The finish is told when `finish_reason` comes, the usage (from whichever chunk,
the last one wins) and the end at `[DONE]` or at the end of the stream. A stream that ends before any `finish_reason`
was cut. What no event can say is noted in the exchange's ledger, by its path in a whole completion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
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
    PartLogprobs,
    PartOpaque,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.exchange import Exchange
from translation.failures import TRUNCATED, Failure, FailureKind
from translation.hub import Citation, ToolKind
from translation.shapes.chat.chunks import Called, Choice, Chunk, Delta, ToolCallPiece, decode_chunk
from translation.shapes.chat.think_tags import ThinkTags
from translation.shapes.chat.usage import usage_told
from translation.shapes.openai_errors import failure_of
from translation.sse import ServerSentEvent
from translation.stream_state import Phase, after

STOP_REASONS = {
    "stop": StopReason.END,
    "eos": StopReason.END,
    "eos_token": StopReason.END,
    "end_turn": StopReason.END,
    "length": StopReason.MAX_TOKENS,
    "max_length": StopReason.MAX_TOKENS,
    "model_length": StopReason.MAX_TOKENS,
    "tool_calls": StopReason.TOOL_CALLS,
    "tool_use": StopReason.TOOL_CALLS,
    "function_call": StopReason.TOOL_CALLS,
    "content_filter": StopReason.REFUSAL,
}
"""`finish_reason` and vendors' extras; anything else is an END that nobody knows."""

_THOUGHTS = ("reasoning_content", "reasoning", "content_thoughts", "tagged_thoughts")

FAILED_REASONS = frozenset({"error", "insufficient_system_resource"})


class _Call:
    """One tool call on its way: held back, with key -1, until it may start. `call_id` as the upstream gave it."""

    __slots__ = ("call_id", "extra", "key", "kind", "name", "pieces")

    def __init__(self) -> None:
        self.key = -1
        self.call_id = ""
        self.kind = ToolKind.FUNCTION
        self.name = ""
        self.pieces: list[str] = []
        self.extra: dict[str, Any] | None = None

    def is_complete(self) -> bool:
        """Tell whether the arguments so far are a whole JSON object."""
        try:
            msgspec.json.decode("".join(self.pieces), type=dict)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True


class ChatStreamDecoder:
    """Decodes one chat stream."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.WAITING
        self._next_key = 0
        self._prose: PartKind | None = None
        self._prose_key = -1
        # How much text there is, and before the open part: sources have their offsets in all of it.
        self._text_length = self._text_start = 0
        self._thoughts: dict[str, str] = {}
        self._thought_details: list[dict[str, Any]] = []
        self._tags = ThinkTags() if exchange.profile.think_tags else None
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._usage: Usage | None = None

    def decode(self, event: ServerSentEvent) -> Iterator[Event]:
        """Yield the hub events of one server-sent event."""
        if self._phase in (Phase.ENDED, Phase.FAILED):
            return
        if event.data == b"[DONE]":
            yield from self._end()
            return
        chunk = decode_chunk(event.data)
        if event.name == "error" and not chunk.error:
            chunk.error = {"message": "the upstream reported an error without saying which"}
        yield from self.take(chunk)

    def close(self) -> Iterator[Event]:
        """Yield what is left at the end of the upstream's bytes."""
        if self._phase is Phase.FINISHED:
            yield from self._end()
        elif self._phase in (Phase.WAITING, Phase.STREAMING):
            self._phase = after(self._phase, Failure)
            yield TRUNCATED

    def take(self, chunk: Chunk) -> Iterator[Event]:
        """Yield the hub events of one chunk."""
        if chunk.error:
            self._phase = after(self._phase, Failure)
            yield failure_of({"error": chunk.error})
            return
        if chunk.usage is not None or chunk.x_groq is not None:
            self._usage = usage_told(chunk) or self._usage
        choice = self._first_choice(chunk)
        if choice is None:
            return
        delta = choice.delta or choice.message
        if self._phase is Phase.FINISHED:
            if delta is not None and (delta.content or delta.tool_calls):
                self._lose("reply:choices[0].message")
            return
        if self._phase is Phase.WAITING:
            self._phase = after(self._phase, Start)
            yield Start(chunk.id or "", chunk.model or "", int(chunk.created or 0), chunk.service_tier)
        if delta is not None:
            if self._tags is not None and delta.content:
                thought, words = self._tags.feed(delta.content)
                delta = replace(delta, content=words, tagged_thoughts=thought)
            yield from self._take_delta(delta, choice)
        if choice.finish_reason:
            yield from self._finish(choice.finish_reason)

    def _first_choice(self, chunk: Chunk) -> Choice | None:
        """Return the choice that the client gets: it asked for one, and some upstreams give more."""
        choices = chunk.choices or ()
        if len(choices) == 1 and not choices[0].index:
            return choices[0]
        choice = next((c for c in choices if not c.index), None)
        if len(choices) > (choice is not None):
            self._lose("reply:choices[1:]")
        return choice

    def _lose(self, path: str) -> None:
        self._exchange.lost.drop(path)

    def _take_delta(self, delta: Delta, choice: Choice) -> Iterator[Event]:
        if delta.thinks():
            yield from self._take_thoughts(delta)
        if delta.content:
            yield from self._say(PartKind.TEXT, delta.content)
            if choice.logprobs is not None and choice.logprobs.content:
                yield PartLogprobs(self._prose_key, tuple(choice.logprobs.content))
        if delta.refusal:
            yield from self._say(PartKind.REFUSAL, delta.refusal)
        if delta.annotations:
            yield from self._cite(delta.annotations)
        if delta.audio:
            self._lose("reply:choices[0].message.audio")
        if delta.extra_content:
            self._lose("reply:choices[0].message.extra_content")
        if delta.tool_calls:
            for piece in delta.tool_calls:
                yield from self._take_call(piece)
        elif delta.function_call is not None:
            yield from self._take_call(ToolCallPiece(index=0, function=delta.function_call))

    def _cite(self, annotations: list[dict[str, Any]]) -> Iterator[Event]:
        citations = _citations(annotations, self._text_start) if self._prose is PartKind.TEXT else []
        if len(citations) < len(annotations):
            self._lose("reply:choices[0].message.annotations")
        for citation in citations:
            yield PartCitation(self._prose_key, citation)

    def _say(self, kind: PartKind, text: str) -> Iterator[Event]:
        if self._prose is not kind:
            yield from self._open_prose(kind)
            self._text_start = self._text_length
        if kind is PartKind.TEXT:
            self._text_length += len(text)
        yield PartDelta(self._prose_key, text)

    def _open_prose(self, kind: PartKind) -> Iterator[Event]:
        if self._prose is not kind:
            yield from self._close_prose()
            self._prose, self._prose_key = kind, self._new_key()
            yield PartStart(self._prose_key, kind)

    def _take_thoughts(self, delta: Delta) -> Iterator[Event]:
        field = next((name for name in _THOUGHTS if getattr(delta, name)), "")
        text: str = getattr(delta, field) if field else ""
        if delta.reasoning_details:
            self._thought_details.extend(delta.reasoning_details)
        if text:
            self._thoughts[field] = self._thoughts.get(field, "") + text
        text = text or "".join(_detail_text(detail) for detail in delta.reasoning_details or ())
        yield from self._open_prose(PartKind.REASONING)
        if text:
            yield PartDelta(self._prose_key, text)

    def _close_prose(self) -> Iterator[Event]:
        if self._prose is None:
            return
        if self._prose is PartKind.REASONING:
            native: dict[str, Any] = dict(self._thoughts)
            if self._thought_details:
                native["reasoning_details"] = self._thought_details
            if self._tags is not None and native.pop("tagged_thoughts", None):
                native["think_tags"] = self._tags.native
            yield PartOpaque(self._prose_key, seal(Envelope("chat", self._exchange.deployment, (native,))))
            self._thoughts, self._thought_details = {}, []
        yield PartEnd(self._prose_key)
        self._prose = None

    def _take_call(self, piece: ToolCallPiece) -> Iterator[Event]:
        # Some upstreams send both members with every call, the one that is not meant with empty strings.
        is_custom = piece.custom is not None and bool(piece.custom.name or piece.custom.input)
        called = (piece.custom if is_custom else piece.function) or Called()
        text = (called.input if is_custom else called.arguments) or ""
        call = self._call_of(piece, called.name or "", text)
        if is_custom and call.key < 0:
            call.kind = ToolKind.CUSTOM
        if call.key >= 0 and not call.call_id and piece.id:
            # The call went out under an id of ours when its arguments began, and keeps it.
            self._lose(f"reply:choices[0].message.tool_calls[{self._calls.index(call)}].id")
        if piece.extra_content and call.key < 0:
            call.extra = piece.extra_content
        elif piece.extra_content and piece.extra_content != call.extra:
            self._lose(f"reply:choices[0].message.tool_calls[{self._calls.index(call)}].extra_content")
        call.call_id = call.call_id or piece.id or ""
        call.name = call.name or called.name or ""
        if text:
            call.pieces.append(text)
        if call.key >= 0:
            if text:
                yield PartDelta(call.key, text)
        elif call.name and (call.call_id or call.pieces):
            yield from self._start_call(call)

    def _call_of(self, piece: ToolCallPiece, name: str, text: str) -> _Call:
        known = self._known_call(piece)
        if known is not None and not _is_another(piece, name, text, known):
            return known
        call = _Call()
        self._calls.append(call)
        if piece.index is not None:
            self._by_index[piece.index] = call
        return call

    def _known_call(self, piece: ToolCallPiece) -> _Call | None:
        if piece.index is not None:
            return self._by_index.get(piece.index)
        if piece.id:
            return next((call for call in self._calls if call.call_id == piece.id), None)
        return self._calls[-1] if self._calls else None

    def _start_call(self, call: _Call) -> Iterator[Event]:
        yield from self._close_prose()
        call.key = self._new_key()
        call_id = call.call_id or self._exchange.item_id("call_", call.key)
        if call.extra is not None:
            yield from self._tell_extra(call_id, call.extra)
        yield PartStart(call.key, PartKind.TOOL_CALL, call_id, call.name, call.kind)
        if call.pieces:
            yield PartDelta(call.key, "".join(call.pieces))

    def _tell_extra(self, call_id: str, extra: dict[str, Any]) -> Iterator[Event]:
        """Tell what a call must come back with as a thought without words, the only thing that carries such a state."""
        key = self._new_key()
        yield PartStart(key, PartKind.REASONING)
        native = {"call_id": call_id, "extra_content": extra}
        yield PartOpaque(key, seal(Envelope("chat", self._exchange.deployment, (native,))))
        yield PartEnd(key)

    def _finish(self, reason: str) -> Iterator[Event]:
        if reason in FAILED_REASONS:
            self._phase = after(self._phase, Failure)
            yield Failure(
                status=502, kind=FailureKind.SERVER, message="the upstream stopped with an error", code="upstream_error"
            )
            return
        if self._tags is not None:
            thought, words = self._tags.close()
            yield from self._take_delta(Delta(content=words, tagged_thoughts=thought), Choice())
        yield from self._close_prose()
        for number, call in enumerate(self._calls):
            if call.key < 0 and call.name:
                yield from self._start_call(call)
            if call.key >= 0:
                yield PartEnd(call.key)
            else:
                self._lose(f"reply:choices[0].message.tool_calls[{number}]")
        self._phase = after(self._phase, Finish)
        meant = STOP_REASONS.get(reason)
        if meant is None:
            self._exchange.lost.coerce("reply:choices[0].finish_reason")
        yield Finish(meant or StopReason.UNKNOWN)

    def _end(self) -> Iterator[Event]:
        if self._phase is Phase.STREAMING:
            yield from self._finish("stop")  # `[DONE]` is the upstream's own word that the reply is complete
        if self._phase is not Phase.FINISHED:
            self._phase = after(self._phase, Failure)
            yield TRUNCATED
            return
        if self._usage is not None:
            yield self._usage
        self._phase = after(self._phase, End)
        yield End()

    def _new_key(self) -> int:
        key = self._next_key
        self._next_key += 1
        return key


def _is_another(piece: ToolCallPiece, name: str, text: str, known: _Call) -> bool:
    """Tell whether a piece at the place of a known call begins another one.

    Some upstreams give every call the index 0, and some of them no id either: there a name after complete arguments
    tells. An id that comes after the call has started is the same call's.
    """
    if piece.id and known.call_id:
        return piece.id != known.call_id
    return bool(name and known.name) and bool(text or name != known.name) and known.is_complete()


def _detail_text(detail: dict[str, Any]) -> str:
    text = detail.get("text") or detail.get("summary")
    return text if isinstance(text, str) else ""


def _citations(annotations: list[dict[str, Any]], before: int) -> list[Citation]:
    """Return the web sources of the open text, which has so much text before it; places in files have no twin."""
    citations = []
    for annotation in annotations:
        source = annotation.get("url_citation")
        if not isinstance(source, dict) or not isinstance(source.get("url"), str):
            continue
        start, end = _offset(source.get("start_index"), before), _offset(source.get("end_index"), before)
        if end or not source.get("end_index"):
            citations.append(Citation(url=source["url"], title=str(source.get("title") or ""), start=start, end=end))
    return citations


def _offset(value: object, before: int) -> int:
    return max(0, value - before) if isinstance(value, int) else 0
