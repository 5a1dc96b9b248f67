"""Items of a stream that are under way: which events open them, and which complete them.

Every item is announced before anything in it, and every part before its first delta; the events that complete them
carry the whole text.
"""

from __future__ import annotations

from collections.abc import Iterator

from translation.events import PartKind
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, WebSearch, Wire
from translation.reply import ReplyPart
from translation.shapes.responses.output_items import (
    CALL_PREFIXES,
    MESSAGE_PREFIX,
    REASONING_PREFIX,
    SEARCH_PREFIX,
    Call,
    annotation,
    call_item,
    call_text,
    message_item,
    prose_part,
    reasoning_item,
    report_lost_arguments,
    search_item,
    thought_part,
)
from translation.shapes.responses.stream_events import delta_template

NamedEvent = tuple[str, Wire]
"""An event without its number: its name and its fields."""

_PROSE_EVENTS = {PartKind.TEXT: "output_text", PartKind.REFUSAL: "refusal", PartKind.REASONING: "reasoning_text"}
_PROSE_FIELDS = {PartKind.TEXT: "text", PartKind.REFUSAL: "refusal", PartKind.REASONING: "text"}


class OpenProse:
    """A content part under way: text, a refusal or readable reasoning."""

    def __init__(self, kind: PartKind, item_id: str, output_index: int, content_index: int) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.annotations: list[Wire] = []
        self.logprobs: list[object] = []
        self.ended = False
        self._place: Wire = {"item_id": item_id, "output_index": output_index, "content_index": content_index}
        self._event = f"response.{_PROSE_EVENTS[kind]}"
        self._frame = "response.content_part"

    def opening(self) -> Iterator[NamedEvent]:
        """Yield the event that announces the part."""
        yield f"{self._frame}.added", {**self._place, "part": self.part()}

    def template(self) -> bytes:
        """Return the bytes of its deltas."""
        trailer: Wire = {"logprobs": []} if self.kind is PartKind.TEXT else {}
        return delta_template(f"{self._event}.delta", self._place, trailer)

    def delta_with_logprobs(self, text: str, logprobs: list[object]) -> NamedEvent:
        """Return a delta with the log probabilities of its tokens."""
        self.logprobs += logprobs
        return f"{self._event}.delta", {**self._place, "delta": text, "logprobs": logprobs}

    def cite(self, citation: Citation) -> NamedEvent:
        """Return the event that adds a source to the text."""
        self.annotations.append(annotation(citation))
        number = len(self.annotations) - 1
        added = {**self._place, "annotation_index": number, "annotation": self.annotations[-1]}
        return "response.output_text.annotation.added", added

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the part."""
        self.ended = True
        done = {**self._place, _PROSE_FIELDS[self.kind]: "".join(self.pieces)}
        if self.kind is PartKind.TEXT:
            done["logprobs"] = self.logprobs
        yield f"{self._event}.done", done
        yield f"{self._frame}.done", {**self._place, "part": self.part()}

    def part(self) -> Wire:
        """Return the part as far as it has come."""
        return prose_part(self.kind, "".join(self.pieces), self.annotations, self.logprobs)


class OpenSummary(OpenProse):
    """The summary of a reasoning item under way."""

    def __init__(self, item_id: str, output_index: int) -> None:
        super().__init__(PartKind.REASONING, item_id, output_index, 0)
        self._place = {"item_id": item_id, "output_index": output_index, "summary_index": 0}
        self._event = "response.reasoning_summary_text"
        self._frame = "response.reasoning_summary_part"

    def part(self) -> Wire:
        """Return the part as far as it has come."""
        return thought_part("".join(self.pieces), summary=True)


class OpenItem:
    """An item under way: `index` is its output_index, `done` whether it has been completed on the wire."""

    def __init__(self, prefix: str, index: int, exchange: Exchange) -> None:
        self.index = index
        self.item_id = exchange.item_id(prefix, index)
        self.done = False

    def item(self, status: str) -> Wire:
        """Return the item as far as it has come."""
        raise NotImplementedError

    def opening(self) -> Iterator[NamedEvent]:
        """Yield the event that announces the item."""
        yield "response.output_item.added", {"output_index": self.index, "item": self.item("in_progress")}

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the item."""
        self.done = True
        yield "response.output_item.done", {"output_index": self.index, "item": self.item("completed")}


class OpenMessage(OpenItem):
    """A message under way; once it is `sealed` by an item of another kind, no further part joins it."""

    def __init__(self, index: int, exchange: Exchange) -> None:
        super().__init__(MESSAGE_PREFIX, index, exchange)
        self.parts: list[OpenProse] = []
        self.sealed = False

    def add(self, kind: PartKind) -> OpenProse:
        """Return a new part of the message."""
        self.parts.append(OpenProse(kind, self.item_id, self.index, len(self.parts)))
        return self.parts[-1]

    def is_complete(self) -> bool:
        """Tell whether nothing can come to the message any more."""
        return self.sealed and all(part.ended for part in self.parts)

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the item, and before it the parts that are still open."""
        for part in self.parts:
            if not part.ended:
                yield from part.closing()
        yield from super().closing()

    def item(self, status: str) -> Wire:
        """Return the item as far as it has come."""
        return message_item(self.item_id, [part.part() for part in self.parts], status)


class OpenReasoning(OpenItem):
    """Reasoning under way; it may stay without readable text. `summary`: what can be read is only a summary."""

    def __init__(self, index: int, exchange: Exchange, *, summary: bool) -> None:
        super().__init__(REASONING_PREFIX, index, exchange)
        self.summary = summary
        thoughts = OpenProse(PartKind.REASONING, self.item_id, index, 0)
        self.prose = OpenSummary(self.item_id, index) if summary else thoughts
        self.opaque = ""
        self._exchange = exchange

    def item(self, status: str) -> Wire:
        """Return the item as far as it has come; the opaque state is complete only with the item."""
        opaque = self.opaque if status == "completed" else ""
        text = "".join(self.prose.pieces)
        part = ReplyPart(kind=PartKind.REASONING, text=text, opaque=opaque, summary=self.summary)
        return reasoning_item(self.item_id, part, status, self._exchange)

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the item, and its text before it if there is any."""
        if self.prose.pieces:
            yield from self.prose.closing()
        yield from super().closing()


class OpenSearch(OpenItem):
    """A search of the web under way, by the provider's own tool; what it asked for may be known only at its end."""

    def __init__(self, index: int, exchange: Exchange) -> None:
        super().__init__(SEARCH_PREFIX, index, exchange)
        self.search: WebSearch | None = None
        self._place: Wire = {"item_id": self.item_id, "output_index": index}
        self._exchange = exchange

    def item(self, status: str) -> Wire:
        """Return the item as far as it has come."""
        return search_item(self.item_id, self.search, status, self._exchange)

    def opening(self) -> Iterator[NamedEvent]:
        """Yield the events that announce the item."""
        yield from super().opening()
        yield "response.web_search_call.in_progress", self._place
        yield "response.web_search_call.searching", self._place

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the item."""
        yield "response.web_search_call.completed", self._place
        yield from super().closing()


class OpenCall(OpenItem):
    """A tool call under way. A wrapped tool's arguments are gathered, and told in one go at the end."""

    def __init__(self, call: Call, index: int, exchange: Exchange) -> None:
        super().__init__(CALL_PREFIXES[call.kind], index, exchange)
        self.call = call
        self._exchange = exchange
        self.pieces: list[str] = []
        self._place: Wire = {"item_id": self.item_id, "output_index": index}
        self._event, self._field = {
            ToolKind.FUNCTION: ("response.function_call_arguments", "arguments"),
            ToolKind.CUSTOM: ("response.custom_tool_call_input", "input"),
        }.get(call.kind, ("", ""))

    def template(self) -> bytes:
        """Return the bytes of its deltas; b"" if they are gathered."""
        return b"" if self.call.wrapped else delta_template(f"{self._event}.delta", self._place, {})

    def item(self, status: str) -> Wire:
        """Return the item as far as it has come."""
        text = "".join(self.pieces)
        if status == "completed":
            text = call_text(self.call, text)
        elif self.call.wrapped:
            text = ""  # half a wrapper cannot be taken off
        return call_item(self.call, self.item_id, text, status)

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the item."""
        text = "".join(self.pieces)
        report_lost_arguments(self.call, text, self.index, self._exchange)
        if self._event:
            shown = call_text(self.call, text)
            unsent = shown if self.call.wrapped else shown[len(text) :]
            if unsent:
                yield f"{self._event}.delta", {**self._place, "delta": unsent}
            yield f"{self._event}.done", {**self._place, self._field: shown}
        yield from super().closing()
