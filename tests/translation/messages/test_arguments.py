"""Whether a call's arguments are complete."""

from __future__ import annotations

import pytest

from translation.shapes.messages.arguments import ArgumentScanner


def completed_at(text: str, size: int) -> int | None:
    """Return how many characters the scanner had read when it found the text complete, cut into pieces of `size`."""
    scanner = ArgumentScanner()
    for start in range(0, len(text), size):
        scanner.feed(text[start : start + size])
        if scanner.complete:
            return min(start + size, len(text))
    return None


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a":1}',
        ' {"a": [1, {"b": 2}]}',
        '{"a":"}"}',
        '{"a":"\\"}"}',
        '{"a":"\\\\"}',
        '{"a":"\\u007d","b":"]["}',
        '{"path":"C:\\\\"}',
    ],
)
def test_object_is_complete_at_its_last_bracket(text: str, size: int) -> None:
    """Brackets inside strings and escaped quotes do not count, wherever the pieces are cut."""
    found = completed_at(text, size)
    assert found == len(text)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("text", ["", " ", "{", '{"a":1', '{"a":"}', '{"a":"\\"}', '{"a":{}', "12", '"x"', "null"])
def test_cut_object_is_not_complete(text: str, size: int) -> None:
    """What lacks its last bracket, and what has none, is not known to be complete."""
    assert completed_at(text, size) is None


def test_complete_stays_complete() -> None:
    """What comes after the last bracket changes nothing."""
    scanner = ArgumentScanner()
    scanner.feed("{}")
    scanner.feed("{")
    assert scanner.complete


def test_empty_piece_keeps_an_escape() -> None:
    """A piece without characters does not end the escape before it."""
    scanner = ArgumentScanner()
    for piece in ('{"a":"\\', "", '"}'):
        scanner.feed(piece)
    assert not scanner.complete
