"""Edits of JSON text keep every byte that they are not about."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.splicing import Ambiguous, spans_of, spliced

TEXT = b'{ "a" : 1.0,\n "big":9223372036854775809 ,\t"t": "\\u20ac\xe2\x82\xac", "z":[ 1e2 , {"k" : 1.50} ] }'


def edited(raw: bytes, new: dict[str, Any]) -> bytes:
    """Return the text that says `new`; the values of the text itself are taken over where `new` says None."""
    old = msgspec.json.decode(raw)
    return spliced(raw, old, {name: old[name] if value is None else value for name, value in new.items()})


@pytest.mark.parametrize(
    ("new", "text"),
    [
        pytest.param(
            {"a": None, "t": None, "z": None},
            b'{ "a" : 1.0 ,\t"t": "\\u20ac\xe2\x82\xac", "z":[ 1e2 , {"k" : 1.50} ] }',
            id="a member in the middle is removed with the comma before it",
        ),
        pytest.param(
            {"big": None, "z": None},
            b'{ "big":9223372036854775809, "z":[ 1e2 , {"k" : 1.50} ] }',
            id="the first member is removed with the comma after it",
        ),
        pytest.param({"a": None}, b'{ "a" : 1.0 }', id="all but the first are removed"),
        pytest.param({}, b"{  }", id="all are removed"),
        pytest.param(
            {"a": 2, "big": None, "t": None, "z": None},
            b'{ "a" : 2,\n "big":9223372036854775809 ,\t"t": "\\u20ac\xe2\x82\xac", "z":[ 1e2 , {"k" : 1.50} ] }',
            id="a value is replaced",
        ),
        pytest.param(
            {"new": True, "a": None, "big": None, "t": None, "z": None},
            b'{ "new":true,"a" : 1.0,\n "big":9223372036854775809 ,\t"t": "\\u20ac\xe2\x82\xac",'
            b' "z":[ 1e2 , {"k" : 1.50} ] }',
            id="a member is put in front",
        ),
        pytest.param(
            {"a": None, "big": None, "t": None, "z": None, "new": {"x": "€"}},
            b'{ "a" : 1.0,\n "big":9223372036854775809 ,\t"t": "\\u20ac\xe2\x82\xac",'
            b' "z":[ 1e2 , {"k" : 1.50} ],"new":{"x":"\xe2\x82\xac"} }',
            id="a member is put at the end",
        ),
    ],
)
def test_only_what_an_edit_changes_is_written_anew(new: dict[str, Any], text: bytes) -> None:
    """White space, the forms of numbers, escapes and the order of members stay, whatever happens next to them."""
    assert edited(TEXT, new) == text


def test_a_member_that_keeps_its_value_under_another_name_is_renamed_in_its_place() -> None:
    """Only the name is written anew; the value keeps its bytes."""
    old = msgspec.json.decode(TEXT)
    new = {("tall" if name == "big" else name): value for name, value in old.items()}
    assert spliced(TEXT, old, new) == TEXT.replace(b'"big"', b'"tall"')


def test_an_edit_deep_inside_keeps_the_bytes_around_it() -> None:
    """A change in one of many messages writes that one value anew."""
    raw = b'{"messages": [ {"role":"developer", "n": 1.0},\n{"role" : "user","x":1e3}\t]}'
    old = msgspec.json.decode(raw)
    messages = [{**old["messages"][0], "role": "system"}, old["messages"][1]]
    assert spliced(raw, old, {**old, "messages": messages}) == raw.replace(b'"developer"', b'"system"')


def test_items_that_stay_keep_their_bytes_when_others_go() -> None:
    """Of a list that becomes shorter or longer, what was in it before is taken over as it was written."""
    raw = b'{"messages": [ {"a":1.0}, {"b" : "\\u20ac"} ,{"c":1e3} ]}'
    old = msgspec.json.decode(raw)
    first, second, third = old["messages"]
    shorter = spliced(raw, old, {"messages": [{"n": 1}, second]})
    assert shorter == b'{"messages": [{"n":1},{"b" : "\\u20ac"}]}'
    longer = spliced(raw, old, {"messages": [third, first, {}, second]})
    assert longer == b'{"messages": [{"c":1e3},{"a":1.0},{},{"b" : "\\u20ac"}]}'


def test_no_change_gives_the_same_object() -> None:
    """An edit that changes nothing copies nothing."""
    old = msgspec.json.decode(TEXT)
    assert spliced(TEXT, old, old) is TEXT
    assert spliced(TEXT, old, dict(old)) is TEXT


def test_a_number_of_another_type_is_a_change() -> None:
    """1 is not 1.0 and not true: what an edit says is what is sent."""
    assert edited(b'{"n":1.0,"b":1}', {"n": 1, "b": True}) == b'{"n":1,"b":true}'


def test_a_name_that_stands_twice_is_found() -> None:
    """Nobody can tell which of the two is meant; inside of a value that is edited, it is written as it was read."""
    with pytest.raises(Ambiguous, match="'a' stands twice"):
        spans_of(b'{"a":1,"b":2,"a":3}')
    assert edited(b'{"in": {"a":1,"a":2}}', {"in": {"a": 5}}) == b'{"in": {"a":5}}'


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"x":{"k":1,"model":"aaaa"},"x":"abcd","model":"dear"}', id="a name that is there once"),
        pytest.param(b'{"x":{"k":1,"zz":2},"x":"abcd","model":"dear"}', id="a name that is not there"),
        pytest.param(b'{"x":1,"b":"ppppp","x":{"k":"...",      "b":"qqqq"}}', id="a walk that ends at the end"),
    ],
)
def test_a_name_that_stands_twice_leads_nowhere_else(raw: bytes) -> None:
    """The length of one value leads into the middle of the other: what stands there is no member of the object."""
    with pytest.raises(Ambiguous, match="'x' stands twice"):
        spans_of(raw)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('aé"\\€\n/'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab,:{}\\"', max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text('abc,:{}\\"', max_size=3), VALUES, max_size=5)


@given(OBJECTS, OBJECTS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_the_text_says_what_the_edit_says(old: dict[str, Any], new: dict[str, Any], indent: Any, escaped: bool) -> None:
    """Whatever changes into whatever, in any white space: the result is the JSON of the new value, in its order."""
    raw = json.dumps(old, indent=indent, ensure_ascii=escaped).encode()
    read = msgspec.json.decode(raw)
    merged = {**{name: value for name, value in read.items() if name in new}, **new}
    for wanted in (new, merged, {**read, **new}):
        text = spliced(raw, read, wanted)
        assert msgspec.json.decode(text) == wanted
        assert list(msgspec.json.decode(text)) == list(wanted)
