"""Streams from responses upstreams, event by event, into hub events.

Rules. An item is known by its output_index and its type, since some vendors change the ids with every event; by its id
only where the index is missing. Deltas are told as they come, and what the events that repeat the whole have more of
is told then; what only the last event shows is told then. Reasoning ends with the announcement of the item after it,
and the searches that it led to are told after its end. What the provider's other tools did is reported and passed over.
`completed` and `incomplete` end the reply; a stream that ends before was cut. Events that nobody knows are passed over.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import count

from translation.events import End, Event, Finish, PartKind, Start, StopReason
from translation.exchange import Exchange
from translation.failures import TRUNCATED, Failure, FailureKind
from translation.hub import Wire
from translation.shapes.openai_errors import decode_error, failure_of
from translation.shapes.responses.upstream.arriving import (
    CALL_KINDS,
    CONTENT,
    PROSE_KINDS,
    SUMMARY,
    ArrivingCall,
    ArrivingItem,
    ArrivingMessage,
    ArrivingProse,
    ArrivingReasoning,
    paired,
)
from translation.shapes.responses.upstream.events import StreamEvent, decode_event, objects, words
from translation.shapes.responses.upstream.searches import SEARCH_CALL, told_search
from translation.shapes.responses.upstream.thoughts import KEPT_HOSTED
from translation.shapes.responses.usage import usage_in
from translation.sse import ServerSentEvent
from translation.stream_state import Phase, after

_INCOMPLETE = {
    "max_output_tokens": StopReason.MAX_TOKENS,
    "max_messages": StopReason.MAX_TOKENS,
    "content_filter": StopReason.REFUSAL,
}
_ENDINGS = {f"response.{status}": status for status in ("completed", "incomplete", "failed", "cancelled")}
_OVER = (Phase.ENDED, Phase.FAILED)
_MORE_TEXT = "response.output_text.delta"
_PROSE = {"response.output_text": PartKind.TEXT, "response.refusal": PartKind.REFUSAL}
_THOUGHTS = {"response.reasoning_summary_text": SUMMARY, "response.reasoning_text": CONTENT}
_CALLS = {
    "response.function_call_arguments": "function_call",
    "response.custom_tool_call_input": "custom_tool_call",
}
_ARRIVING: Mapping[str, type[ArrivingItem]] = {
    "message": ArrivingMessage,
    "reasoning": ArrivingReasoning,
    **dict.fromkeys(CALL_KINDS, ArrivingCall),
}


class ResponsesStreamDecoder:
    """Decodes one responses stream."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.WAITING
        self._keys = count()
        self._items: list[ArrivingItem] = []
        self._places: dict[tuple[int, str], ArrivingItem] = {}
        self._held: ArrivingReasoning | None = None
        # The part of text that the last piece belonged to, with its two indexes.
        self._flowing: tuple[int | None, int | None, ArrivingProse] | None = None
        # Searches that wait for the end of the reasoning before them, and how many items the provider's tools made.
        self._searches: list[Wire] = []
        self._hosted = 0

    def decode(self, event: ServerSentEvent) -> Iterable[Event]:
        """Return the hub events of one server-sent event."""
        if self._phase in _OVER or event.data == b"[DONE]":
            return ()
        wire = decode_event(event.data)
        if wire.type == _MORE_TEXT and self._flowing is not None and wire.delta and not wire.logprobs:
            # Nearly all events are these.
            output_index, content_index, part = self._flowing
            if wire.output_index == output_index and wire.content_index == content_index:
                told = part.goes_on(wire.delta)
                if told is not None:
                    return (told,)
        return self._decoded(event, wire)

    def _decoded(self, event: ServerSentEvent, wire: StreamEvent) -> Iterator[Event]:
        name = wire.type or event.name
        if name == "error" or (wire.error and not wire.type):
            yield from self._fail(decode_error(200, event.data))
        elif name in _ENDINGS:
            yield from self.end(wire.response or {}, _ENDINGS[name])
        elif name.startswith("response."):
            if self._phase is Phase.WAITING:
                yield from self._start(wire.response or {})
            yield from self._take(name, wire)

    def close(self) -> Iterator[Event]:
        """Yield the failure of a stream whose upstream went away before it said that the reply is complete."""
        if self._phase not in (Phase.ENDED, Phase.FAILED):
            yield from self._fail(TRUNCATED)

    def end(self, response: Wire, status: str) -> Iterator[Event]:
        """Yield what is missing of the whole Response object, and the end of the reply; or the failure that it is."""
        said = words(response, "status") or status
        if said in _ENDINGS.values():
            status = said
        else:
            self._exchange.lost.coerce("reply:status")
        if status in ("failed", "cancelled"):
            yield from self._fail(_failure(response, status))
            return
        if self._phase is Phase.WAITING:
            yield from self._start(response)
        yield from self._take_output(objects(response, "output"))
        self._phase = after(self._phase, Finish)
        yield Finish(self._stop_reason(response, status))
        usage = usage_in(response)
        if usage is not None:
            yield usage
        self._phase = after(self._phase, End)
        yield End()

    def _fail(self, failure: Failure) -> Iterator[Event]:
        self._phase = after(self._phase, Failure)
        yield failure

    def _start(self, response: Wire) -> Iterator[Event]:
        self._phase = after(self._phase, Start)
        created = response.get("created_at")
        yield Start(
            words(response, "id"),
            words(response, "model"),
            int(created) if isinstance(created, int | float) else 0,
            words(response, "service_tier") or None,
        )

    def _take(self, name: str, wire: StreamEvent) -> Iterator[Event]:
        subject, _, step = name.rpartition(".")
        if subject in _PROSE:
            yield from self._take_prose(_PROSE[subject], step, wire)
        elif subject in _CALLS:
            yield from self._take_arguments(_CALLS[subject], step, wire)
        elif subject in _THOUGHTS:
            yield from self._take_thoughts(_THOUGHTS[subject], step, wire)
        elif name == "response.output_item.added" and wire.item is not None:
            yield from self._announce(wire.item, wire)
        elif name == "response.output_item.done" and wire.item is not None:
            yield from self._take_item(wire.item, wire)
        elif name == "response.content_part.done" and wire.part is not None:
            yield from self._take_part(wire.part, wire)
        elif name == "response.output_text.annotation.added" and wire.annotation is not None:
            message = yield from self._item("message", wire)
            if isinstance(message, ArrivingMessage):
                yield from message.part(wire.content_index or 0, PartKind.TEXT).cite(wire.annotation)

    def _take_prose(self, kind: PartKind, step: str, wire: StreamEvent) -> Iterator[Event]:
        message = yield from self._item("message", wire)
        if isinstance(message, ArrivingMessage):
            part = message.part(wire.content_index or 0, kind)
            if step == "delta":
                if kind is PartKind.TEXT and wire.output_index is not None:
                    self._flowing = (wire.output_index, wire.content_index, part)
                yield from part.say(wire.delta or "", wire.logprobs)
            elif step == "done":
                whole = wire.text if kind is PartKind.TEXT else wire.refusal
                yield from part.whole(whole or "", wire.logprobs)

    def _take_arguments(self, kind: str, step: str, wire: StreamEvent) -> Iterator[Event]:
        call = yield from self._item(kind, wire)
        if isinstance(call, ArrivingCall):
            if step == "delta":
                yield from call.say(wire.delta or "")
            elif step == "done":
                yield from call.whole(wire.arguments or wire.input or "")

    def _take_thoughts(self, source: str, step: str, wire: StreamEvent) -> Iterator[Event]:
        reasoning = yield from self._item("reasoning", wire)
        if isinstance(reasoning, ArrivingReasoning):
            number = (wire.summary_index if source == SUMMARY else wire.content_index) or 0
            if step == "delta":
                yield from reasoning.think(source, number, wire.delta or "")
            elif step == "done":
                yield from reasoning.whole(source, number, wire.text or "")

    def _take_part(self, part: Wire, wire: StreamEvent) -> Iterator[Event]:
        kind = PROSE_KINDS.get(words(part, "type"))
        if kind is not None:
            message = yield from self._item("message", wire)
            if isinstance(message, ArrivingMessage):
                yield from message.part(wire.content_index or 0, kind).complete(part)

    def _announce(self, native: Wire, wire: StreamEvent) -> Iterator[Event]:
        kind = words(native, "type")
        if kind in _ARRIVING:
            known = self._known(kind, wire, native)
            if known is not None and known.done:
                self._places.pop((known.index, kind), None)
            item = yield from self._item(kind, wire, native)
            yield from item.announce(native)
        elif kind not in KEPT_HOSTED:
            yield from self._release(native)

    def _take_item(self, native: Wire, wire: StreamEvent) -> Iterator[Event]:
        kind = words(native, "type")
        if kind in _ARRIVING:
            item = yield from self._item(kind, wire, native)
            yield from self._complete(item, native)
        else:
            yield from self._pass_over(native, wire.output_index)

    def _take_output(self, output: list[Wire]) -> Iterator[Event]:
        """Yield what is missing of the whole output, and the ends of what is open."""
        places = [(index, words(native, "type")) for index, native in enumerate(output)]
        told = self._hosted
        for (index, kind), native, known in zip(places, output, paired(places, self._items), strict=True):
            if kind not in _ARRIVING:
                if told:
                    told -= 1
                else:
                    yield from self._pass_over(native, index)
            elif known is None or not known.done:
                yield from self._release(native)
                yield from self._complete(known or self._new(kind, index, words(native, "id")), native)
        yield from self._release(None)
        for item in self._items:
            yield from item.end()

    def _item(self, kind: str, wire: StreamEvent, native: Wire | None = None) -> Generator[Event, None, ArrivingItem]:
        """Return the item of that type that an event is about, a new one if there is none so far."""
        known = self._known(kind, wire, native or {})
        if known is not None:
            return known
        yield from self._release(native or {"type": kind})
        index = len(self._items) if wire.output_index is None else wire.output_index
        return self._new(kind, index, wire.item_id or words(native or {}, "id"))

    def _known(self, kind: str, wire: StreamEvent, native: Wire) -> ArrivingItem | None:
        if wire.output_index is not None:
            item = self._places.get((wire.output_index, kind))
        else:
            item_id = wire.item_id or words(native, "id")
            alike = [known for known in self._items if known.kind == kind and not known.done]
            item = next((known for known in reversed(alike) if known.item_id == item_id or not item_id), None)
        # Some vendors give every item the index 0; there the call's id tells.
        other = words(native, "call_id")
        return None if isinstance(item, ArrivingCall) and other and item.call_id not in ("", other) else item

    def _new(self, kind: str, index: int, item_id: str) -> ArrivingItem:
        self._flowing = None
        item = _ARRIVING[kind](index, kind, item_id, self._keys, self._exchange)
        self._items.append(item)
        self._places[index, kind] = item
        return item

    def _complete(self, item: ArrivingItem, native: Wire) -> Iterator[Event]:
        if item.done:
            return
        if isinstance(item, ArrivingReasoning):
            yield from self._release(native)
            self._held = item
        yield from item.complete(native)

    def _pass_over(self, native: Wire, index: int | None) -> Iterator[Event]:
        """Yield what a client can be told of an item that the provider's own tools made: nothing but a search.

        What may come between reasoning and the item that it led to is kept in the state of the reasoning.
        """
        place = len(self._items) + self._hosted if index is None else index
        self._hosted += 1
        kind = words(native, "type")
        if kind != SEARCH_CALL:
            self._exchange.lost.drop(f"reply:output[{place}]")
        if kind not in KEPT_HOSTED:
            yield from self._release(native)
        elif self._held is not None:
            self._held.add(native)
        if kind == SEARCH_CALL:
            self._searches.append(native)
            if self._held is None:
                yield from self._release(native)

    def _release(self, successor: Wire | None) -> Iterator[Event]:
        """Yield the end of the reasoning that waits for the item after it, and the searches that it led to."""
        held, self._held = self._held, None
        if held is not None:
            yield from held.release(successor)
        searches, self._searches = self._searches, []
        for native in searches:
            yield from told_search(native, self._keys)

    def _stop_reason(self, response: Wire, status: str) -> StopReason:
        if status == "incomplete":
            details = response.get("incomplete_details")
            reason = _INCOMPLETE.get(words(details if isinstance(details, dict) else {}, "reason"))
            if reason is None:
                self._exchange.lost.coerce("reply:incomplete_details.reason")
            return reason or StopReason.UNKNOWN
        called = any(isinstance(item, ArrivingCall) and item.started for item in self._items)
        return StopReason.TOOL_CALLS if called else StopReason.END


def _failure(response: Wire, status: str) -> Failure:
    if status == "cancelled":
        message = "the upstream cancelled the reply"
        return Failure(status=499, kind=FailureKind.SERVER, message=message, code="cancelled")
    return failure_of({"response": response})
