"""YAML text to plain values that remember where they stand, so that every error can name its line.

A seed file is data that people write by hand: tags, anchors and aliases are refused, nesting and size are bounded, and
a key that is written twice is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import yaml
from msgspec import Struct

MAX_SEED_BYTES = 1024 * 1024
MAX_DEPTH = 24
MAX_NUMBER_CHARACTERS = 40
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_T = TypeVar("_T")


class SeedError(ValueError):
    """A seed file that cannot be read as configuration: what is wrong, what would be right, and where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message, self.line, self.column = message, line, column


class Located(Struct, frozen=True):
    """A value and where it stands, both counted from 1. Lists hold Located; mappings map keys to (key, value) pairs."""

    value: Any
    line: int
    column: int

    def error(self, message: str) -> SeedError:
        """Return an error about this value."""
        return SeedError(message, self.line, self.column)

    def of_type(self, kind: type[_T], what: str, example: str) -> _T:
        """Return the value if it is of this type, else raise an error that says what would be right."""
        if not isinstance(self.value, kind) or (kind is not bool and isinstance(self.value, bool)):
            raise self.error(f"{what} must be {_KINDS[kind]}, this is {_name_of(self.value)}: write it like {example}")
        return self.value

    def plain(self) -> Any:
        """Return the value without its places, as JSON has it."""
        if isinstance(self.value, dict):
            return {name: value.plain() for name, (_, value) in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


_KINDS: dict[type, str] = {str: "a text", bool: "true or false", list: "a list", dict: "a mapping"}


def read_located(text: str) -> Located:
    """Return the document of a YAML text. Raises SeedError."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_SEED_BYTES:
        raise SeedError(f"the file is larger than {MAX_SEED_BYTES} bytes: split it or leave parts out", 1, 1)
    try:
        _refuse_unsafe(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as exc:
        raise _error_of(exc, text) from exc
    except (yaml.YAMLError, UnicodeError) as exc:
        raise SeedError("the file has a character that YAML does not allow: save it as UTF-8 text", 1, 1) from exc
    return Located({}, 1, 1) if node is None else _located(node)


def _refuse_unsafe(text: str) -> None:
    """Walk the text as events, which cost no memory, before any value is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line, column = _place_of(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise SeedError("aliases (*name) are not read: write the value out, or put it in quotes", line, column)
        if getattr(event, "anchor", None):
            raise SeedError("anchors (&name) are not read: write the value out, or put it in quotes", line, column)
        if getattr(event, "tag", None):
            raise SeedError("tags (!name) are not read: remove the tag, or put the value in quotes", line, column)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise SeedError(f"nested deeper than {MAX_DEPTH} levels: nothing in a seed file is", line, column)


def _error_of(exc: yaml.MarkedYAMLError, text: str) -> SeedError:
    line, column = _place_of(exc.problem_mark or exc.context_mark)
    rows = text.splitlines()
    if line <= len(rows) and re.match(r" *\t", rows[line - 1]):
        return SeedError("a tab at the beginning of a line: YAML is indented with spaces", line, column)
    return SeedError(f"this is not YAML: {exc.problem or exc.context or 'it cannot be read'}", line, column)


def _place_of(mark: Any) -> tuple[int, int]:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _located(node: yaml.Node) -> Located:
    line, column = _place_of(node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return Located(_mapping(node), line, column)
    if isinstance(node, yaml.SequenceNode):
        return Located([_located(child) for child in node.value], line, column)
    return Located(_scalar(node, line, column), line, column)


def _mapping(node: yaml.MappingNode) -> dict[str, tuple[Located, Located]]:
    found: dict[str, tuple[Located, Located]] = {}
    for key, value in _pairs(node):
        if key.value in found:
            raise key.error(f"the key {key.value!r} is written twice, first on line {found[key.value][0].line}")
        found[key.value] = (key, value)
    return found


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[Located, Located]]:
    for key, value in node.value:
        line, column = _place_of(key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            raise SeedError("a key must be a text", line, column)
        yield Located(_storable(key), line, column), _located(value)


def _scalar(node: yaml.Node, line: int, column: int) -> Any:
    text, tag = _storable(node), node.tag.rpartition(":")[2]
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("yes", "true", "on")
    if tag in ("int", "float"):
        return _number(text, tag, Located(text, line, column))
    return text  # a date stays what was written: nothing in a seed file is a date


def _storable(node: yaml.Node) -> str:
    """Return a scalar's text. PostgreSQL stores neither NUL nor half of a surrogate pair."""
    text = str(node.value)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise SeedError("a text with NUL or half a character: remove the escape", *_place_of(node.start_mark))
    return text


def _number(text: str, tag: str, place: Located) -> int | float:
    try:
        if len(text) > MAX_NUMBER_CHARACTERS:
            raise ValueError
        number = int(text) if tag == "int" else float(text)
    except ValueError:
        raise place.error(f"{text[:MAX_NUMBER_CHARACTERS]!r} is not a plain decimal number: write 10 or 0.5") from None
    if not math.isfinite(number):
        raise place.error(f"{text!r} is not a finite number")
    return number


def _name_of(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return repr(value) if len(repr(value)) < 40 else "a long text"
