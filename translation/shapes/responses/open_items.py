"""Items of a stream that are under way: which events open them, and which complete them.

Every item is announced before anything in it, and every part before its first delta; the events that complete them
carry the whole text.
"""

from __future__ import annotations

from collections.abc import Iterator

from translation.events import PartKind
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, Wire
from translation.shapes.responses.output_items import (
    CALL_PREFIXES,
    MESSAGE_PREFIX,
    REASONING_PREFIX,
    Call,
    annotation,
    call_item,
    call_text,
    message_item,
    prose_part,
    reasoning_item,
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

    def opening(self) -> Iterator[NamedEvent]:
        """Yield the event that announces the part."""
        yield "response.content_part.added", {**self._place, "part": prose_part(self.kind, "")}

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
        yield "response.content_part.done", {**self._place, "part": self.part()}

    def part(self) -> Wire:
        """Return the part as far as it has come."""
        return prose_part(self.kind, "".join(self.pieces), self.annotations, self.logprobs)


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
    """Reasoning under way; it may stay without readable text."""

    def __init__(self, index: int, exchange: Exchange) -> None:
        super().__init__(REASONING_PREFIX, index, exchange)
        self.prose = OpenProse(PartKind.REASONING, self.item_id, index, 0)
        self.opaque = ""
        self._exchange = exchange

    def item(self, status: str) -> Wire:
        """Return the item as far as it has come; the opaque state is complete only with the item."""
        opaque = self.opaque if status == "completed" else ""
        return reasoning_item(self.item_id, "".join(self.prose.pieces), opaque, status, self._exchange)

    def closing(self) -> Iterator[NamedEvent]:
        """Yield the events that complete the item, and its text before it if there is any."""
        if self.prose.pieces:
            yield from self.prose.closing()
        yield from super().closing()


class OpenCall(OpenItem):
    """A tool call under way. A wrapped tool's arguments are gathered, and told in one go at the end."""

    def __init__(self, call: Call, index: int, exchange: Exchange) -> None:
        super().__init__(CALL_PREFIXES[call.kind], index, exchange)
        self.call = call
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
        if self._event:
            text = "".join(self.pieces)
            shown = call_text(self.call, text)
            unsent = shown if self.call.wrapped else shown[len(text) :]
            if unsent:
                yield f"{self._event}.delta", {**self._place, "delta": unsent}
            yield f"{self._event}.done", {**self._place, self._field: shown}
        yield from super().closing()
