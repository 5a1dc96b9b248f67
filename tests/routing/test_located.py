"""YAML with places: whatever a hand-written file can have wrong, the error names the line."""

from __future__ import annotations

import pytest

from routing.located import MAX_SEED_BYTES, SeedError, read_located

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("# only a comment\n", {}),
        ("a: 1", {"a": 1}),
        ("a: [1, 0.5, yes, null, 'no']", {"a": [1, 0.5, True, None, "no"]}),
        ("a: {b: {c: d}}", {"a": {"b": {"c": "d"}}}),
        ("a: 2025-08-07", {"a": "2025-08-07"}),
        ("1: x", {"1": "x"}),
        ('a: "tab\\tin quotes"', {"a": "tab\tin quotes"}),
    ],
)
def test_plain_values_are_read(text: str, value: object) -> None:
    """Texts, numbers, flags, lists and mappings come out as JSON has them; a date stays a text."""
    assert read_located(text).plain() == value


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\na: 2", 2, 1, "written twice, first on line 1"),
        ("a:\n\t- b", 2, 1, "a tab at the beginning"),
        ("a: 1\nb: }", 2, 4, "not YAML"),
        ('a: 1\nb: "\\0"', 2, 4, "NUL"),
        ('"\\0": b', 1, 1, "NUL"),
        ("a: b: c", 1, 5, "not YAML"),
        (BOMB, 1, 4, "anchors"),
        ("a: 1\nb: *a", 2, 4, "aliases"),
        ("a: !!python/object:os.system x", 1, 4, "tags"),
        ("a: !!str x", 1, 4, "tags"),
        ("[a]: 1", 1, 1, "a key must be a text"),
        ("a: .nan", 1, 4, "plain decimal number"),
        ("a: 1.0e+999", 1, 4, "not a finite number"),
        ("a: 0x1F", 1, 4, "plain decimal number"),
        ("a: " + "9" * 5000, 1, 4, "plain decimal number"),
        ("a: " + "[" * 30 + "]" * 30, 1, 27, "nested deeper"),
        ("a: 1\n---\nb: 2", 2, 1, "not YAML"),
    ],
)
def test_an_error_names_its_place(text: str, line: int, column: int, message: str) -> None:
    """Duplicates, tabs, anchors, aliases, tags, depth and broken syntax are errors at a line and a column."""
    with pytest.raises(SeedError, match=message) as caught:
        read_located(text)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["a: \x00", "a: \x07", "a: \ud800", "\ufeff\ufeffa: \x1b", "a: \ufffe"])
def test_a_character_outside_yaml_is_an_error(text: str) -> None:
    """Control characters and lone surrogates are an error like any other."""
    with pytest.raises(SeedError):
        read_located(text)


def test_a_file_beyond_the_limit_is_refused() -> None:
    """A megabyte is read, more is not."""
    assert read_located("#" * MAX_SEED_BYTES).plain() == {}
    with pytest.raises(SeedError, match="larger than"):
        read_located("#" * (MAX_SEED_BYTES + 1))


def test_a_wrong_type_says_what_would_be_right() -> None:
    """The error shows what stands there and how it should be written, at its place."""
    _, value = read_located("a:\n  b").value["a"]
    with pytest.raises(SeedError, match=r"line 2, column 3: a must be a list, this is 'b': write it like \[b\]"):
        value.of_type(list, "a", "[b]")
