"""Schemas cut down to what the model can be held to."""

from __future__ import annotations

from typing import Any

import pytest

from translation.shapes.messages.upstream.schema import reduced

STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"type": "integer", "minimum": 1, "maximum": 5},
            {"type": "integer", "description": "{minimum: 1, maximum: 5}"},
        ),
        (
            {"type": "string", "description": "A word.", "pattern": "^a"},
            {"type": "string", "description": 'A word.\n{pattern: "^a"}'},
        ),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "iri"}, {"type": "string", "description": '{format: "iri"}'}),
        ({"type": "array", "items": STRING, "minItems": 1}, {"type": "array", "items": STRING, "minItems": 1}),
        (
            {"type": "array", "items": {"type": "object"}, "minItems": 2},
            {
                "type": "array",
                "items": {"type": "object", "additionalProperties": False},
                "description": "{minItems: 2}",
            },
        ),
        (
            {"oneOf": [STRING, {"type": "object"}]},
            {"anyOf": [STRING, {"type": "object", "additionalProperties": False}]},
        ),
        (
            {"anyOf": [STRING], "oneOf": [STRING]},
            {"anyOf": [STRING], "description": '{oneOf: [{"type":"string"}]}'},
        ),
        ({"enum": [1], "const": 1, "title": "T"}, {"enum": [1], "const": 1, "title": "T"}),
        (
            {"$schema": "s", "$ref": "#/$defs/a", "$defs": {"a": {"type": ["object", "null"]}}},
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": ["object", "null"], "additionalProperties": False}}},
        ),
        (
            {
                "type": "object",
                "properties": {"minimum": STRING},
                "required": ["minimum"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"minimum": STRING},
                "required": ["minimum"],
                "additionalProperties": False,
            },
        ),
        (
            {"type": "object", "additionalProperties": STRING},
            {
                "type": "object",
                "description": '{additionalProperties: {"type":"string"}}',
                "additionalProperties": False,
            },
        ),
        ({"type": "array", "items": True}, {"type": "array", "items": True}),
        ({}, {}),
    ],
)
def test_schema_keeps_what_can_be_held(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """Objects are closed, and a keyword that cannot be held is told in the description."""
    before = repr(schema)
    assert reduced(schema) == expected
    assert repr(schema) == before


def test_reduced_schema_stays_as_it_is() -> None:
    """A schema that has been cut down needs no more cutting."""
    schema = reduced({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}})
    assert reduced(schema) == schema
