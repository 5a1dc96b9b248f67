"""The stream of a reply to a client of the responses shape.

    created, in_progress, then items; completed, incomplete or failed with the whole output

Rules. Each item is announced, filled and completed; several may be open at once. Text that follows text is a further
part of the same message, text after anything else a new message. A part of text is announced with its first word, so
that an empty one leaves no trace. The finish completes what is open, in the order of `output_index`; the terminal event
waits for the end, since the usage may come in between.
"""

from __future__ import annotations

from collections.abc import Iterable

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
from translation.hub import Wire
from translation.shapes.responses.open_items import (
    NamedEvent,
    OpenCall,
    OpenItem,
    OpenMessage,
    OpenProse,
    OpenReasoning,
    OpenSearch,
)
from translation.shapes.responses.output_items import logprobs_shown, restored_call
from translation.shapes.responses.response import begun, failed, finished, unsaid_refusal
from translation.shapes.responses.stream_events import KEEP_ALIVE, encode_text, event_bytes, failure_bytes
from translation.stream_state import Phase, after

_EXPLANATION_KEY = -1


class ResponsesStreamEncoder:
    """Encodes one stream."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.WAITING
        self._number = 0
        self._written: list[bytes] = []
        self._response: Wire = {}
        self._items: list[OpenItem] = []
        self._message: OpenMessage | None = None
        self._unannounced: dict[int, PartKind] = {}
        self._open: dict[int, OpenProse | OpenReasoning | OpenSearch | OpenCall] = {}
        # For each key whose deltas go out as they come: their bytes, and where their text is gathered.
        self._flowing: dict[int, tuple[bytes, list[str]]] = {}
        self._held: tuple[OpenProse, str] | None = None
        self._finish = Finish(StopReason.UNKNOWN)
        self._usage: Usage | None = None

    def encode(self, event: Event) -> bytes:
        """Return the bytes that one hub event becomes; b"" if none, and after the terminal event always."""
        if type(event) is PartDelta:
            flowing = self._flowing.get(event.key)
            if flowing is not None:
                template, pieces = flowing
                pieces.append(event.text)
                number = self._number
                self._number = number + 1
                return template % (encode_text(event.text), number)
        if self._phase in (Phase.ENDED, Phase.FAILED):
            return b""
        self._phase = after(self._phase, type(event))
        if self._held is not None and not isinstance(event, PartLogprobs):
            self._release(())
        self._take(event)
        written = b"".join(self._written)
        self._written.clear()
        return written

    def keep_alive(self) -> bytes:
        """Return a comment, which is legal between any two events."""
        return KEEP_ALIVE

    def _take(self, event: Event) -> None:
        match event:
            case Start():
                self._response = begun(event, self._exchange)
                self._write([(f"response.{what}", {"response": self._response}) for what in ("created", "in_progress")])
            case PartStart():
                self._start_part(event)
            case PartDelta(key, text):
                self._take_delta(key, text)
            case PartLogprobs(_, logprobs):
                self._release(logprobs)
            case PartCitation(key, citation):
                prose = self._announced(key)
                if isinstance(prose, OpenProse) and prose.kind is PartKind.TEXT:
                    self._write([prose.cite(citation)])
            case PartOpaque(key, opaque):
                reasoning = self._open.get(key)
                if isinstance(reasoning, OpenReasoning):
                    reasoning.opaque = opaque
            case PartSearch(key, search):
                searching = self._open.get(key)
                if isinstance(searching, OpenSearch):
                    searching.search = search
            case PartEnd(key):
                self._end_part(key)
            case Finish():
                self._take_finish(event)
            case Usage():
                self._usage = event
            case End():
                self._end()
            case Failure():
                self._fail(event)

    def _write(self, events: Iterable[NamedEvent]) -> None:
        for name, fields in events:
            self._written.append(event_bytes(name, fields, self._number))
            self._number += 1

    def _start_part(self, start: PartStart) -> None:
        if start.kind in (PartKind.TEXT, PartKind.REFUSAL):
            self._unannounced[start.key] = start.kind
            return
        self._seal_message()
        item: OpenReasoning | OpenSearch | OpenCall
        if start.kind is PartKind.REASONING:
            item = OpenReasoning(len(self._items), self._exchange, summary=start.summary)
        elif start.kind is PartKind.WEB_SEARCH:
            item = OpenSearch(len(self._items), self._exchange)
        else:
            call = restored_call(start.call_id, start.name, start.tool, self._exchange)
            item = OpenCall(call, len(self._items), self._exchange)
            if not call.wrapped:
                self._flowing[start.key] = (item.template(), item.pieces)
        self._items.append(item)
        self._open[start.key] = item
        self._write(item.opening())

    def _seal_message(self) -> None:
        if self._message is not None:
            self._message.sealed = True
            if self._message.is_complete():
                self._write(self._message.closing())
            self._message = None

    def _announced(self, key: int) -> OpenProse | OpenReasoning | OpenSearch | OpenCall | None:
        """Return the open part of that key, its announcement made up for if it is text without a word so far."""
        kind = self._unannounced.pop(key, None)
        if kind is None:
            return self._open.get(key)
        if self._message is None:
            self._message = OpenMessage(len(self._items), self._exchange)
            self._items.append(self._message)
            self._write(self._message.opening())
        prose = self._message.add(kind)
        self._open[key] = prose
        self._write(prose.opening())
        if kind is PartKind.REFUSAL or not self._exchange.request.logprobs:
            self._flowing[key] = (prose.template(), prose.pieces)
        return prose

    def _take_delta(self, key: int, text: str) -> None:
        """Take a delta that does not flow: a part's first one, one that waits for its logprobs, or a wrapped call's."""
        if not text:
            return
        part = self._announced(key)
        if isinstance(part, OpenReasoning):
            self._write(part.prose.opening())
            self._flowing[key] = (part.prose.template(), part.prose.pieces)
        if key in self._flowing:
            template, pieces = self._flowing[key]
            pieces.append(text)
            self._written.append(template % (encode_text(text), self._number))
            self._number += 1
        elif isinstance(part, OpenProse):
            part.pieces.append(text)
            self._held = (part, text)
        elif isinstance(part, OpenCall):
            part.pieces.append(text)

    def _release(self, logprobs: Iterable[object]) -> None:
        """Write the delta that was held back until it was clear whether log probabilities belong to it."""
        if self._held is not None:
            prose, text = self._held
            self._held = None
            self._write([prose.delta_with_logprobs(text, logprobs_shown(logprobs))])

    def _end_part(self, key: int) -> None:
        self._flowing.pop(key, None)
        self._unannounced.pop(key, None)
        part = self._open.pop(key, None)
        if part is None:
            return
        self._write(part.closing())
        if isinstance(part, OpenProse):
            for item in self._items:
                if isinstance(item, OpenMessage) and not item.done and item.is_complete():
                    self._write(item.closing())

    def _take_finish(self, finish: Finish) -> None:
        self._finish = finish
        self._flowing.clear()
        if explanation := unsaid_refusal(finish, [item.item("completed") for item in self._items]):
            self._start_part(PartStart(_EXPLANATION_KEY, PartKind.REFUSAL))
            self._take_delta(_EXPLANATION_KEY, explanation)
            self._end_part(_EXPLANATION_KEY)
        for item in self._items:
            if not item.done:
                self._write(item.closing())

    def _end(self) -> None:
        output = [item.item("completed") for item in self._items]
        response = finished(self._response, output, self._finish, self._usage, self._exchange)
        self._write([(f"response.{response['status']}", {"response": response})])

    def _fail(self, failure: Failure) -> None:
        self._flowing.clear()
        response = self._response or begun(Start(), self._exchange)
        output = [item.item("completed" if item.done else "incomplete") for item in self._items]
        self._written.append(failure_bytes(failure, failed(response, output, failure), self._number))
