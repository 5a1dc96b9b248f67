"""Reading and writing that the three shapes of the mock share: tools, text of content, and server-sent events."""

from __future__ import annotations

import json

from serving.mock.script import Tool
from translation import reading
from translation.hub import Wire


def text_of(content: object, at: str) -> str:
    """Return the text of a message's content: a string, or the text members of its parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [reading.element(part, f"{at}[{index}]") for index, part in enumerate(content)]
        return " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    raise reading.wrong_type(at, "a string or an array", content)


def required_elements(wire: Wire, key: str) -> list[Wire]:
    """Return an array of objects that must be there and must not be empty."""
    entries = elements(wire, key)
    if not entries:
        raise reading.missing(key)
    return entries


def elements(wire: Wire, key: str, at: str = "") -> list[Wire]:
    """Return an array of objects; an absent one is empty."""
    entries = reading.sequence(wire, key, at) or []
    return [reading.element(entry, f"{reading.path(at, key)}[{index}]") for index, entry in enumerate(entries)]


def tool_of(function: Wire, schema_key: str, at: str) -> Tool:
    """Return the tool that a function definition describes."""
    return Tool(reading.required_text(function, "name", at), reading.mapping(function, schema_key, at) or {})


def data_only(wire: Wire) -> bytes:
    """Return an event without a name."""
    return f"data: {json.dumps(wire)}\n\n".encode()


def named(wire: Wire) -> bytes:
    """Return an event that is named as its type says."""
    return f"event: {wire['type']}\ndata: {json.dumps(wire)}\n\n".encode()


def wants_stream(wire: Wire) -> bool:
    """Tell whether the request asks for a stream."""
    return bool(reading.boolean(wire, "stream"))
