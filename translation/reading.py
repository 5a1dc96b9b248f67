"""Typed reading of wire objects: the value, or a refusal that names its path and what would be right.

A wire member that is absent or null reads as None; a member of the wrong type raises RequestRefused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from translation.failures import RequestRefused
from translation.hub import Wire
from translation.ledger import Ledger


def path(at: str, key: str) -> str:
    """Return the path of member `key` of the object at `at`."""
    return f"{at}.{key}" if at else key


def _wrong(at: str, expected: str, value: object) -> RequestRefused:
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a number",
    }
    got = "null" if value is None else names.get(type(value), type(value).__name__)
    return RequestRefused(
        f"Invalid type for '{at}': expected {expected}, but got {got} instead.", param=at, code="invalid_type"
    )


def text(wire: Mapping[str, Any], key: str, at: str = "") -> str | None:
    """Return a string member."""
    value = wire.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _wrong(path(at, key), "a string", value)


def required_text(wire: Mapping[str, Any], key: str, at: str = "") -> str:
    """Return a string member that must be there."""
    value = wire.get(key)
    if isinstance(value, str):
        return value
    raise missing(path(at, key)) if key not in wire else _wrong(path(at, key), "a string", value)


def integer(wire: Mapping[str, Any], key: str, at: str = "") -> int | None:
    """Return an integer member; a float without a fraction counts, a boolean does not."""
    value = wire.get(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _wrong(path(at, key), "an integer", value)


def number(wire: Mapping[str, Any], key: str, at: str = "") -> float | None:
    """Return a number member, an integer left as one."""
    value = wire.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _wrong(path(at, key), "a number", value)


def boolean(wire: Mapping[str, Any], key: str, at: str = "") -> bool | None:
    """Return a boolean member."""
    value = wire.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise _wrong(path(at, key), "a boolean", value)


def mapping(wire: Mapping[str, Any], key: str, at: str = "") -> Wire | None:
    """Return an object member."""
    value = wire.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise _wrong(path(at, key), "an object", value)


def sequence(wire: Mapping[str, Any], key: str, at: str = "") -> list[Any] | None:
    """Return an array member."""
    value = wire.get(key)
    if value is None or isinstance(value, list):
        return value
    raise _wrong(path(at, key), "an array", value)


def element(value: object, at: str) -> Wire:
    """Return an element of an array that must be an object."""
    if isinstance(value, dict):
        return value
    raise _wrong(at, "an object", value)


def elements(wire: Mapping[str, Any], key: str, at: str) -> list[tuple[Wire, str]]:
    """Return the objects of an array member, each with its path; [] if the member is absent."""
    values = wire.get(key)
    if not values and (values is None or isinstance(values, list)):
        return []
    where = path(at, key)
    if not isinstance(values, list):
        raise _wrong(where, "an array", values)
    found = []
    for index, value in enumerate(values):
        place = f"{where}[{index}]"
        if not isinstance(value, dict):
            raise _wrong(place, "an object", value)
        found.append((value, place))
    return found


def note_unknown(wire: Mapping[str, Any], known: Collection[str], at: str, ledger: Ledger) -> None:
    """Report the members that no rule knows; one that is null says nothing and is not reported."""
    for key in wire:
        if key not in known and wire[key] is not None:
            ledger.drop(f"unknown:{path(at, key)}")


def word(value: object, at: str) -> str:
    """Return an element of an array that must be a string."""
    if isinstance(value, str):
        return value
    raise _wrong(at, "a string", value)


def one_of(wire: Mapping[str, Any], key: str, allowed: tuple[str, ...], at: str = "") -> str | None:
    """Return a string member that must be one of `allowed`."""
    value = text(wire, key, at)
    if value is None or value in allowed:
        return value
    raise unsupported_value(path(at, key), value, allowed)


def missing(at: str) -> RequestRefused:
    """Return the refusal of a request that lacks a required member."""
    return RequestRefused(f"Missing required parameter: '{at}'.", param=at, code="missing_required_parameter")


def no_messages(origin: str) -> RequestRefused:
    """Return the refusal of a conversation in which nothing is said, by a client of the shape `origin`."""
    at = "input" if origin == "responses" else "messages"
    return RequestRefused("at least one message is required", param=at, code="invalid_value")


def wrong_type(at: str, expected: str, value: object) -> RequestRefused:
    """Return the refusal of a value of the wrong type; `expected` reads like `a string or an array`."""
    return _wrong(at, expected, value)


def unsupported_value(at: str, value: str, allowed: tuple[str, ...]) -> RequestRefused:
    """Return the refusal of a word that is none of `allowed`."""
    choices = ", ".join(f"'{choice}'" for choice in allowed)
    return RequestRefused(
        f"Invalid value: '{value[:64]}'. Supported values are: {choices}.", param=at, code="invalid_value"
    )


def unsupported(at: str, what: str, remedy: str) -> RequestRefused:
    """Return the refusal of a feature that the upstream's shape does not have; `remedy` says what would be right."""
    return RequestRefused(f"{what} {remedy}", param=at, code="unsupported_parameter")
