"""A stored conversation for people: who said what, in order, as plain text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, json

from conversations.items import kind_of
from translation.hub import Wire

LONGEST_TEXT = 20_000
_TEXT_MEMBERS = ("text", "refusal")


class Line(Struct, frozen=True):
    """One item: who speaks, or what is done, and the words."""

    who: str
    words: str


def lines_of(items: Iterable[Wire]) -> list[Line]:
    """Return the items as lines."""
    return [_line(item) for item in items]


def _line(item: Wire) -> Line:
    kind = kind_of(item)
    match kind:
        case "message":
            return Line(str(item.get("role", "?")), _words(item.get("content")))
        case "reasoning":
            thoughts = _words(item.get("content")) or _words(item.get("summary"))
            return Line("assistant thinks", thoughts or "(not readable)")
    call = item.get("name") or kind.removesuffix("_output").removesuffix("_call").replace("_", " ")
    # Calls of one turn are often of one tool: only the id says which of them a result answers.
    which = f" ({item['call_id']})" if item.get("call_id") else ""
    if kind.endswith("_output"):
        return Line(f"tool answers{which}", _words(item.get("output")))
    if kind.endswith("_call"):
        given = next((item[name] for name in ("arguments", "input", "action", "operation") if item.get(name)), "")
        return Line(f"assistant calls {call}{which}", _words(given))
    return Line(kind.replace("_", " "), _clipped(_compact(item)))


def _words(content: Any) -> str:
    if isinstance(content, str):
        return _clipped(content)
    if isinstance(content, list):
        return _clipped("\n".join(_part(part) for part in content))
    return "" if content is None else _clipped(_compact(content))


def _part(part: Any) -> str:
    if not isinstance(part, dict):
        return str(part)
    for member in _TEXT_MEMBERS:
        if isinstance(part.get(member), str):
            return str(part[member])
    return f"[{str(part.get('type', 'part')).removeprefix('input_')}]"


def _compact(value: Any) -> str:
    return json.encode(value).decode()


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"
