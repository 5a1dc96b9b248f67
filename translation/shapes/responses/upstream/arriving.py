"""Output items on their way: what has been told of each, and what of it is still to be told.

An item may be told in deltas, in events that repeat the whole, or only in the last event of all. So whatever names a
whole text is compared with what has been told, and what is missing at its end follows. A text that turns out different
stays as it was told, which the exchange's ledger says, as it says what has no place elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from translation.events import (
    Event,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartStart,
)
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, Wire
from translation.ledger import Ledger
from translation.shapes.responses.freeform import action_arguments
from translation.shapes.responses.upstream.events import objects, words
from translation.shapes.responses.upstream.thoughts import sealed_thought

SUMMARY, CONTENT = "summary", "content"
"""The members of reasoning that hold readable text; what is told comes from one of them only."""

PROSE_KINDS: Mapping[str, PartKind] = {"output_text": PartKind.TEXT, "refusal": PartKind.REFUSAL}

CALL_KINDS: Mapping[str, ToolKind] = {
    "function_call": ToolKind.FUNCTION,
    "custom_tool_call": ToolKind.CUSTOM,
    "shell_call": ToolKind.SHELL,
    "local_shell_call": ToolKind.LOCAL_SHELL,
    "apply_patch_call": ToolKind.APPLY_PATCH,
}

_BETWEEN_SUMMARIES = "\n\n"
_CALL_TEXTS = {ToolKind.FUNCTION: "arguments", ToolKind.CUSTOM: "input"}


class Place:
    """Where something stood when it arrived: its index, and its type; neither is unique with every vendor."""

    def __init__(self, index: int, kind: Hashable) -> None:
        self.index = index
        self.kind = kind


def missing(whole: str, told: str, at: str, lost: Ledger) -> str:
    """Return what of a whole text has not been told; "" if another text was, which cannot be taken back."""
    if whole.startswith(told):
        return whole[len(told) :]
    if whole:
        lost.coerce(at)
    return ""


def paired(places: Sequence[tuple[int, Hashable]], known: Sequence[Any]) -> list[Any]:
    """Return for each place the known one that is meant, None if there is none.

    The one of the same index and kind is; else the first one of its kind that is left, since some vendors count
    otherwise in the last event than before it.
    """
    left = list(known)
    found: list[Any] = [None] * len(places)
    for exact in (True, False):
        for number, (index, kind) in enumerate(places):
            if found[number] is None:
                matches = (k for k in left if k.kind == kind and (k.index == index or not exact))
                found[number] = next(matches, None)
                left = [k for k in left if k is not found[number]]
    return found


class _Told:
    """One part of the reply. It starts with its first text, so that an empty one leaves no trace."""

    def __init__(self, kind: PartKind, keys: Iterator[int]) -> None:
        self.part_kind = kind
        self.phase: str | None = None
        self.summary = False
        self.key = -1
        self.ended = False
        self.pieces: list[str] = []
        self._keys = keys

    def start(self) -> Iterator[Event]:
        if self.key < 0:
            self.key = next(self._keys)
            yield PartStart(self.key, self.part_kind, phase=self.phase, summary=self.summary)

    def say(self, text: str) -> Iterator[Event]:
        if text and not self.ended:
            yield from self.start()
            self.pieces.append(text)
            yield PartDelta(self.key, text)

    def told(self) -> str:
        return "".join(self.pieces)

    def end(self) -> Iterator[Event]:
        if self.key >= 0 and not self.ended:
            yield PartEnd(self.key)
        self.ended = True


class ArrivingProse(Place):
    """A content part of a message; `at` is its path in the reply."""

    def __init__(self, index: int, kind: PartKind, keys: Iterator[int], at: str, lost: Ledger) -> None:
        super().__init__(index, kind)
        self._told = _Told(kind, keys)
        self._at = at
        self._lost = lost
        self._cited = 0
        self._logprobs = 0

    def belongs(self, phase: str | None) -> None:
        """Note the phase of its message; one that comes to be known after the first word comes too late."""
        self._told.phase = phase

    def goes_on(self, text: str) -> PartDelta | None:
        """Return one more delta of a part that is open, None if it is not."""
        told = self._told
        if told.key < 0 or told.ended:
            return None
        told.pieces.append(text)
        return PartDelta(told.key, text)

    def say(self, text: str, logprobs: Sequence[Any] | None = None) -> Iterator[Event]:
        """Yield a delta, and the log probabilities of its tokens."""
        yield from self._told.say(text)
        if logprobs and self._told.key >= 0 and not self._told.ended:
            self._logprobs += len(logprobs)
            yield PartLogprobs(self._told.key, tuple(logprobs))

    def cite(self, annotation: Wire) -> Iterator[Event]:
        """Yield a source of the text; sources that are no web pages have no place elsewhere."""
        if annotation.get("type") != "url_citation" or not words(annotation, "url") or self._told.ended:
            self._lost.drop(f"{self._at}.annotations")
            return
        self._cited += 1
        yield from self._told.start()
        yield PartCitation(self._told.key, _citation(annotation, self._told.told()))

    def whole(self, text: str, logprobs: Sequence[Any] | None) -> Iterator[Event]:
        """Yield what is missing of the whole text."""
        member = "refusal" if self.kind is PartKind.REFUSAL else "text"
        unsaid = missing(text, self._told.told(), f"{self._at}.{member}", self._lost)
        yield from self.say(unsaid, (logprobs or ())[self._logprobs :])

    def complete(self, part: Wire) -> Iterator[Event]:
        """Yield what is missing of the whole part, and its end."""
        logprobs = part.get("logprobs")
        text = words(part, "refusal" if self.kind is PartKind.REFUSAL else "text")
        yield from self.whole(text, logprobs if isinstance(logprobs, list) else None)
        told = self._cited
        for source in objects(part, "annotations"):
            if source.get("type") == "url_citation" and told:
                told -= 1
            else:
                yield from self.cite(source)
        yield from self.end()

    def end(self) -> Iterator[Event]:
        """Yield the end of the part."""
        return self._told.end()


class ArrivingItem(Place):
    """An output item; `kind` is its type. `done` once the upstream has told the whole of it."""

    def __init__(self, index: int, kind: str, item_id: str, keys: Iterator[int], exchange: Exchange) -> None:
        super().__init__(index, kind)
        self.item_id = item_id
        self.done = False
        self.at = f"reply:output[{index}]"
        self._keys = keys
        self._exchange = exchange

    def announce(self, native: Wire) -> Iterator[Event]:
        """Yield what the announcement of the item tells."""
        return iter(())

    def complete(self, native: Wire) -> Iterator[Event]:
        """Yield what is missing of the whole item."""
        raise NotImplementedError

    def end(self) -> Iterator[Event]:
        """Yield the end of what is still open; nothing more will come."""
        raise NotImplementedError


class ArrivingMessage(ArrivingItem):
    """A message: any number of texts and refusals."""

    def __init__(self, index: int, kind: str, item_id: str, keys: Iterator[int], exchange: Exchange) -> None:
        super().__init__(index, kind, item_id, keys, exchange)
        self._parts: list[ArrivingProse] = []
        self._phase: str | None = None

    def announce(self, native: Wire) -> Iterator[Event]:
        """Yield nothing, but note the phase, with which the parts start."""
        self._phase = words(native, "phase") or self._phase
        for part in self._parts:
            part.belongs(self._phase)
        return iter(())

    def part(self, index: int, kind: PartKind) -> ArrivingProse:
        """Return the content part of that index and kind."""
        for part in self._parts:
            if part.index == index and part.kind is kind:
                return part
        part = ArrivingProse(index, kind, self._keys, f"{self.at}.content[{index}]", self._exchange.lost)
        part.belongs(self._phase)
        self._parts.append(part)
        return part

    def complete(self, native: Wire) -> Iterator[Event]:
        """Yield what is missing of the parts, and their ends."""
        self.done = True
        yield from self.announce(native)
        # Some vendors write a message's only text as a string.
        lone = words(native, "content")
        content = [{"type": "output_text", "text": lone}] if lone else objects(native, "content")
        wires = [(index, wire) for index, wire in enumerate(content) if words(wire, "type") in PROSE_KINDS]
        places = [(index, PROSE_KINDS[wire["type"]]) for index, wire in wires]
        for (index, kind), (_, wire), known in zip(places, wires, paired(places, self._parts), strict=True):
            part = known or self.part(index, kind)
            yield from part.complete(wire)
        yield from self.end()

    def end(self) -> Iterator[Event]:
        """Yield the ends of the parts that are still open."""
        for part in self._parts:
            yield from part.end()


class ArrivingReasoning(ArrivingItem):
    """Reasoning: one part, whose text is the summaries or else the thoughts themselves, and whose state is sealed."""

    def __init__(self, index: int, kind: str, item_id: str, keys: Iterator[int], exchange: Exchange) -> None:
        super().__init__(index, kind, item_id, keys, exchange)
        self._told = _Told(PartKind.REASONING, keys)
        self._source = ""
        self._numbers: dict[int, list[str]] = {}
        self._natives: list[Wire] = []

    def think(self, source: str, number: int, text: str) -> Iterator[Event]:
        """Yield a piece of the `number`-th text of one source."""
        if not text or (self._source or source) != source:
            return
        self._choose(source)
        if self._numbers and number not in self._numbers:
            yield from self._told.say(_BETWEEN_SUMMARIES)
        self._numbers.setdefault(number, []).append(text)
        yield from self._told.say(text)

    def whole(self, source: str, number: int, text: str) -> Iterator[Event]:
        """Yield what is missing of the `number`-th text of one source."""
        if (self._source or source) == source:
            told = "".join(self._numbers.get(number, ()))
            yield from self.think(source, number, missing(text, told, f"{self.at}.{source}", self._exchange.lost))

    def complete(self, native: Wire) -> Iterator[Event]:
        """Yield what is missing of the text; the part stays open until it is known what the reasoning led to."""
        self.done = True
        texts = {source: [words(part, "text") for part in objects(native, source)] for source in (SUMMARY, CONTENT)}
        source = self._source or (SUMMARY if any(texts[SUMMARY]) else CONTENT)
        self._choose(source)
        whole = _BETWEEN_SUMMARIES.join(text for text in texts[source] if text)
        yield from self._told.say(missing(whole, self._told.told(), f"{self.at}.{source}", self._exchange.lost))
        self._natives = [native]

    def _choose(self, source: str) -> None:
        self._source = source
        self._told.summary = source == SUMMARY

    def add(self, native: Wire) -> None:
        """Keep what a tool of the provider's did right after this."""
        if native not in self._natives:
            self._natives.append(native)

    def release(self, successor: Wire | None) -> Iterator[Event]:
        """Yield the sealed state and the end, now that the item after it is known, or that there is none."""
        opaque = sealed_thought(self._natives, successor, self._exchange.deployment)
        if opaque and not self._told.ended:
            yield from self._told.start()
            yield PartOpaque(self._told.key, opaque)
        yield from self.end()

    def end(self) -> Iterator[Event]:
        """Yield the end of the part."""
        return self._told.end()


class ArrivingCall(ArrivingItem):
    """A call of a tool; it starts when its name is known."""

    def __init__(self, index: int, kind: str, item_id: str, keys: Iterator[int], exchange: Exchange) -> None:
        super().__init__(index, kind, item_id, keys, exchange)
        self.started = False
        self.call_id = ""
        self._tool = CALL_KINDS[kind]
        self._name = "" if self._tool in _CALL_TEXTS else self._tool.value
        self._key = -1
        self._pieces: list[str] = []
        self._ended = False

    def announce(self, native: Wire) -> Iterator[Event]:
        """Yield the start of the call and what had come of it before, once the name is known."""
        self.call_id = self.call_id or words(native, "call_id")
        self._name = self._name or words(native, "name")
        if self._name and not self.started:
            self.started = True
            self._key = next(self._keys)
            call_id = self.call_id or self.item_id or self._exchange.item_id("call_", self._key)
            yield PartStart(self._key, PartKind.TOOL_CALL, call_id, self._name, self._tool)
            if self._pieces:
                yield PartDelta(self._key, "".join(self._pieces))

    def say(self, text: str) -> Iterator[Event]:
        """Yield a piece of the arguments, or keep it until the call has started."""
        if text and not self._ended:
            self._pieces.append(text)
            if self.started:
                yield PartDelta(self._key, text)

    def whole(self, text: str) -> Iterator[Event]:
        """Yield what is missing of the whole arguments."""
        at = f"{self.at}.{_CALL_TEXTS.get(self._tool, 'action')}"
        yield from self.say(missing(text, "".join(self._pieces), at, self._exchange.lost))

    def complete(self, native: Wire) -> Iterator[Event]:
        """Yield what is missing of the call, and its end."""
        self.done = True
        yield from self.announce(native)
        yield from self.whole(self._text(native))
        yield from self.end()

    def end(self) -> Iterator[Event]:
        """Yield the end of the call; one that was never named is none."""
        if self.started and not self._ended:
            yield PartEnd(self._key)
        elif not self.started:
            self._exchange.lost.drop(self.at)
        self._ended = True

    def _text(self, native: Wire) -> str:
        if self._tool in _CALL_TEXTS:
            member = _CALL_TEXTS[self._tool]
            value = native.get(member)
            return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else words(native, member)
        given = native.get("operation" if self._tool is ToolKind.APPLY_PATCH else "action")
        return action_arguments(self._tool, given) if isinstance(given, dict) else ""


def _citation(annotation: Wire, text: str) -> Citation:
    start, end = annotation.get("start_index"), annotation.get("end_index")
    start, end = start if isinstance(start, int) else 0, end if isinstance(end, int) else 0
    return Citation(words(annotation, "url"), words(annotation, "title"), text[max(0, start) : max(0, end)], start, end)
