"""A value that fits a JSON schema, made from the user's words where the schema leaves a choice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MAX_DEPTH = 8
"""A schema may contain itself; below this depth every value is null."""

_FORMATS = {
    "date": "2026-11-20",
    "date-time": "2026-11-20T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: Mapping[str, Any], text: str) -> object:
    """Return a value that fits the schema; strings and numbers come from the text."""
    return _Sampler(schema, text).value(schema, 0)


class _Sampler:
    """Walks one schema: strings are what the user quoted, else the last word; numbers are the user's, in order."""

    def __init__(self, root: Mapping[str, Any], text: str) -> None:
        self._root = root
        self._quoted: Iterator[str] = iter(re.findall(r'"([^"]+)"', text))
        self._numbers: Iterator[str] = iter(re.findall(r"-?\d{1,15}(?:\.\d{1,15})?", text))
        words: list[str] = re.findall(r"\w+", text)
        self._word = words[-1] if words else "text"

    def value(self, schema: object, depth: int) -> object:
        """Return a value for one schema inside the root."""
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            return None
        schema = self._resolved(schema)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        for key in ("enum", "examples"):
            if isinstance(schema.get(key), list) and schema[key]:
                return schema[key][0]
        match _kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                length = max(1, _integer(schema.get("minItems"), 1))
                return [self.value(schema.get("items", {"type": "string"}), depth + 1) for _ in range(min(length, 8))]
            case "string":
                return _FORMATS.get(str(schema.get("format"))) or next(self._quoted, self._word)
            case "integer" | "number" as kind:
                return self._number(schema, kind)
            case "boolean":
                return True
            case _:
                return None

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference inside the document, then take the first choice that is not null."""
        for _ in range(_MAX_DEPTH):
            reference = schema.get("$ref")
            choices = next((schema[key] for key in ("anyOf", "oneOf", "allOf") if schema.get(key)), None)
            if isinstance(reference, str):
                found: object = self._root
                for name in reference.removeprefix("#").strip("/").split("/"):
                    found = found.get(name, {}) if name and isinstance(found, Mapping) else found
            elif isinstance(choices, list):
                found = next((entry for entry in choices if entry != {"type": "null"}), {})
            else:
                return schema
            schema = found if isinstance(found, Mapping) else {}
        return {"type": "null"}

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, object]:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        required = schema.get("required")
        names = required if isinstance(required, list) and required else list(properties)
        return {str(name): self.value(properties.get(name, {}), depth + 1) for name in names}

    def _number(self, schema: Mapping[str, Any], kind: str) -> int | float:
        low = schema.get("minimum", 1)
        number = float(next(self._numbers, low if isinstance(low, int | float) else 1))
        for limit, choose in (("minimum", max), ("maximum", min)):
            if isinstance(schema.get(limit), int | float):
                number = choose(number, float(schema[limit]))
        return int(number) if kind == "integer" or number.is_integer() else number


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the schema's type; the first that is not null where it lists several; an object where it has members."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((entry for entry in kind if entry != "null"), "null")
    return kind if isinstance(kind, str) else "object" if "properties" in schema else "string"


def _integer(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise
