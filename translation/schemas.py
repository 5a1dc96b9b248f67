"""JSON Schemas, as far as a translation has to know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def is_strict_schema(schema: object) -> bool:
    """Tell whether a JSON Schema is in OpenAI's strict subset: every object closed, every property required."""
    # A list of branches and no recursion: how deep a schema is nested is up to the client.
    waiting = [schema]
    while waiting:
        branch = waiting.pop()
        if isinstance(branch, list):
            waiting.extend(branch)
        elif isinstance(branch, Mapping):
            if not _is_closed(branch):
                return False
            waiting.extend(branch.get(key) for key in ("items", "anyOf", "allOf", "oneOf"))
            for key in ("properties", "$defs", "definitions"):
                waiting.extend(_members(branch, key).values())
    return True


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema is of no object, or of one that has all its properties and no others."""
    if schema.get("type") != "object" and not isinstance(schema.get("properties"), Mapping):
        return True
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return schema.get("additionalProperties") is False and all(name in names for name in _members(schema, "properties"))


def _members(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, Mapping) else {}
