"""JSON Schemas cut down to what the vendor's constrained decoding takes.

A keyword that it does not take moves into the description, where the model still reads it. Every object is closed.
Source: Structured outputs, Claude documentation (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from translation.hub import Wire

_KEPT = ("type", "required", "enum", "const", "$ref", "title")
_BRANCHES = ("anyOf", "allOf")
_MAPS = ("properties", "$defs", "definitions")
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})
# Keywords that say nothing about a value.
_SILENT = ("$schema", "$id", "$comment")


def reduced(schema: Mapping[str, Any]) -> Wire:
    """Return the schema with every object closed and other constraints told in words."""
    wire: Wire = {}
    told: list[str] = []
    for keyword, value in schema.items():
        if keyword in _MAPS and isinstance(value, Mapping):
            wire[keyword] = {name: _branch(inner) for name, inner in value.items()}
        elif keyword in _BRANCHES and isinstance(value, list):
            wire[keyword] = [_branch(inner) for inner in value]
        elif keyword == "oneOf" and isinstance(value, list) and "anyOf" not in schema:
            wire["anyOf"] = [_branch(inner) for inner in value]
        elif keyword == "items":
            wire[keyword] = _branch(value)
        elif _is_taken(keyword, value):
            wire[keyword] = value
        elif keyword not in (*_SILENT, "description") and (keyword, value) != ("additionalProperties", False):
            told.append(_told(keyword, value))
    words = [schema["description"]] if isinstance(schema.get("description"), str) else []
    if told:
        words.append("{" + ", ".join(told) + "}")
    if words:
        wire["description"] = "\n".join(words)
    return {**wire, "additionalProperties": False} if _is_object(schema) else wire


def _branch(value: Any) -> Any:
    return reduced(value) if isinstance(value, Mapping) else value


def _is_taken(keyword: str, value: Any) -> bool:
    return (
        keyword in _KEPT
        or (keyword == "format" and isinstance(value, str) and value in _FORMATS)
        or (keyword == "minItems" and value in (0, 1))
    )


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return (
        kind == "object"
        or (isinstance(kind, list) and "object" in kind)
        or isinstance(schema.get("properties"), Mapping)
    )


def _told(keyword: str, value: Any) -> str:
    return f"{keyword}: {msgspec.json.encode(value).decode()}"
