"""The member `text`: the form that the answer must have."""

from __future__ import annotations

from translation import reading
from translation.hub import OutputFormat, Wire
from translation.ledger import Ledger

_TYPES = ("text", "json_object", "json_schema")
_MEMBERS = ("type", "name", "description", "schema", "strict")


def decode_format(text: Wire, at: str, ledger: Ledger) -> OutputFormat | None:
    """Return the form that `text.format` asks for, None for plain text."""
    wire, at = reading.mapping(text, "format", at), reading.path(at, "format")
    if wire is None:
        return None
    kind = reading.required_text(wire, "type", at)
    for member in wire:
        if member not in _MEMBERS and wire[member] is not None:
            ledger.drop(f"unknown:{at}.{member}")
    if kind == "text":
        return None
    if kind == "json_object":
        return OutputFormat()
    if kind != "json_schema":
        raise reading.unsupported_value(reading.path(at, "type"), kind, _TYPES)
    schema = reading.mapping(wire, "schema", at)
    if schema is None:
        raise reading.missing(reading.path(at, "schema"))
    return OutputFormat(
        schema=schema,
        name=reading.required_text(wire, "name", at),
        description=reading.text(wire, "description", at),
        strict=reading.boolean(wire, "strict", at),
    )
