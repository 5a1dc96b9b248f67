"""A stored response told as a stream again, in the pieces in which it was told first.

A place is where text is told in pieces: a part of a message, the thoughts of a reasoning item, the arguments of a call.
Places that were told side by side, as some upstreams write several calls, are told one after the other here, with the
same numbers in all. A reply that did not stream has one piece a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translation.events import PartKind
from translation.hub import Wire
from translation.reply import Pieces, ReplyPart
from translation.shapes.responses.stream_events import event_bytes

_Event = tuple[str, Wire]
_UNFINISHED: Wire = {
    "status": "in_progress",
    "output": [],
    "usage": None,
    "completed_at": None,
    "incomplete_details": None,
}
_MEMBERS = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}
_ARGUMENTS = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}
_WORDS = (PartKind.TEXT, PartKind.REFUSAL)


def pieces_told(output: Sequence[Wire], parts: Sequence[ReplyPart], pieces: Pieces) -> list[list[int]]:
    """Return the lengths of the pieces of each place of the output; [] if the reply did not stream."""
    texts = [text for item in output for text in _texts(item)]
    told = []
    for part, lengths in zip(parts, pieces, strict=False):
        if part.kind is PartKind.WEB_SEARCH or (part.kind in _WORDS and not part.text and not part.citations):
            continue
        if part.kind is PartKind.REASONING and not part.text:
            continue
        told.append([length for length in lengths if length])  # what is empty is not told
    if len(told) != len(texts):
        return []
    return [lengths if sum(lengths) == len(text) else [] for lengths, text in zip(told, texts, strict=True)]


def _texts(item: Wire) -> Iterator[str]:
    """Yield the texts of the item's places."""
    for part in (*(item.get("summary") or ()), *(item.get("content") or ())):
        yield part[_MEMBERS[part["type"]]]
    if item["type"].endswith("_call") and item["type"] != "web_search_call":
        yield item[_ARGUMENTS[item["type"]][1]] if item["type"] in _ARGUMENTS else ""


def replayed(response: Wire, starting_after: int, pieces: Sequence[Sequence[int]] = ()) -> Iterator[bytes]:
    """Yield the events of a Response object that come after the one with that number; the last one in any case."""
    events = list(_Telling(response, pieces).events())
    for number, (name, fields) in enumerate(events):
        if number > starting_after or number == len(events) - 1:
            yield event_bytes(name, fields, number)


class _Telling:
    """One response being told."""

    def __init__(self, response: Wire, pieces: Sequence[Sequence[int]]) -> None:
        self._response = response
        self._pieces = iter(pieces)

    def events(self) -> Iterator[_Event]:
        """Yield the events, without their numbers."""
        response = self._response
        begun = response | _UNFINISHED
        yield "response.created", {"response": begun}
        yield "response.in_progress", {"response": begun}
        for index, item in enumerate(response["output"]):
            yield "response.output_item.added", {"output_index": index, "item": _announced(item)}
            yield from self._inner(item, {"item_id": item["id"], "output_index": index})
            yield "response.output_item.done", {"output_index": index, "item": item}
        yield f"response.{response['status']}", {"response": response}

    def _inner(self, item: Wire, place: Wire) -> Iterator[_Event]:
        kind = item["type"]
        for number, part in enumerate(item.get("summary") or ()):
            yield from self._summary(part, {**place, "summary_index": number})
        for number, part in enumerate(item.get("content") or ()):
            yield from self._content(part, {**place, "content_index": number})
        if kind == "web_search_call":
            for step in ("in_progress", "searching", "completed"):
                yield f"response.web_search_call.{step}", place
        elif kind in _ARGUMENTS:
            event, member = _ARGUMENTS[kind]
            for piece in self._cut(item[member]):
                yield f"response.{event}.delta", {**place, "delta": piece}
            yield f"response.{event}.done", {**place, member: item[member]}
        elif kind.endswith("_call"):
            next(self._pieces, ())

    def _summary(self, part: Wire, where: Wire) -> Iterator[_Event]:
        yield "response.reasoning_summary_part.added", {**where, "part": {**part, "text": ""}}
        for piece in self._cut(part["text"]):
            yield "response.reasoning_summary_text.delta", {**where, "delta": piece}
        yield "response.reasoning_summary_text.done", {**where, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**where, "part": part}

    def _content(self, part: Wire, where: Wire) -> Iterator[_Event]:
        event, member = part["type"], _MEMBERS[part["type"]]
        is_text = event == "output_text"
        text, logprobs = part[member], {"logprobs": part.get("logprobs") or []} if is_text else {}
        empty = {**part, member: ""} | ({"annotations": [], "logprobs": []} if is_text else {})
        yield "response.content_part.added", {**where, "part": empty}
        pieces = self._cut(text)
        for piece in pieces:
            # How the log probabilities were spread over the pieces is not kept: one piece alone has its own.
            told = logprobs if len(pieces) == 1 else {"logprobs": []} if is_text else {}
            yield f"response.{event}.delta", {**where, "delta": piece, **told}
        for number, annotation in enumerate(part.get("annotations") or []):
            added = {**where, "annotation_index": number, "annotation": annotation}
            yield "response.output_text.annotation.added", added
        yield f"response.{event}.done", {**where, member: text, **logprobs}
        yield "response.content_part.done", {**where, "part": part}

    def _cut(self, text: str) -> list[str]:
        """Return the next place's text in the pieces in which it was told."""
        lengths = next(self._pieces, ())
        if not lengths:
            return [text] if text else []
        pieces, start = [], 0
        for length in lengths:
            pieces.append(text[start : start + length])
            start += length
        return pieces


def _announced(item: Wire) -> Wire:
    """Return an item as it is announced."""
    announced = {**item, "status": "in_progress"}
    announced.pop("encrypted_content", None)
    if item["type"] == "reasoning":
        announced.pop("content", None)
        announced["summary"] = []
    elif "content" in item:
        announced["content"] = []
    if item["type"] in _ARGUMENTS:
        announced[_ARGUMENTS[item["type"]][1]] = ""
    return announced
