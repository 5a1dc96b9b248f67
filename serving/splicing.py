"""Edits of JSON text: only what an edit changed is written anew, every other byte stays as it was sent.

An edit is told by its result: the value that the text says, and the value that it shall say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

_KEY = re.compile(rb'[ \t\n\r]*("(?:[^"\\]|\\.){0,256}")[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(rb"[ \t\n\r]*([,}])")
_START = re.compile(rb"[ \t\n\r]*\{")
_BEFORE_ITEM = re.compile(rb"[ \t\n\r]*[\[,]?[ \t\n\r]*")
_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])


class Span(Struct, frozen=True, gc=False):
    """Where a member stands: its name with the quotes from `name` to `colon`, its value from `start` to `end`."""

    name: int
    colon: int
    start: int
    end: int


class Ambiguous(ValueError):
    """An object says one name twice, or one of more than 256 characters (None)."""

    def __init__(self, name: str | None) -> None:
        super().__init__(f"the name {name!r} stands twice")
        self.name = name


def spans_of(raw: bytes) -> dict[str, Span]:
    """Return where the members of the object `raw` stand, in their order; raises Ambiguous."""
    values = _raw_members.decode(raw)
    spans: dict[str, Span] = {}
    opening = _START.match(raw)
    position = opening.end() if opening else 0
    while key := _KEY.match(raw, position):
        name = msgspec.json.decode(key.group(1))
        # Of a name that stands twice, `values` has the last value. At the first one its length would lead astray: into
        # another value, where the client may have put what looks like a member.
        if name in spans or not raw.startswith(memoryview(values[name]), key.end()):
            raise Ambiguous(name)
        end = key.end() + len(memoryview(values[name]))
        following = _NEXT.match(raw, end)
        if following is None:
            raise Ambiguous(name)
        spans[name] = Span(key.start(1), key.end(1), key.end(), end)
        position = following.end()
    if len(spans) != len(values):
        raise Ambiguous(None)
    return spans


def spliced(raw: bytes, old: Any, new: Any) -> bytes:
    """Return the text `raw`, which says `old`, as text that says `new`; the same object if nothing changes."""
    if _is_same(old, new):
        return raw
    try:
        if isinstance(old, dict) and isinstance(new, dict):
            return with_members(raw, spans_of(raw), old, new)
        if isinstance(old, list) and isinstance(new, list):
            return _with_items(raw, old, new)
    except Ambiguous:
        pass  # nobody can tell which of the two was meant: written anew, as the edit has read it
    return msgspec.json.encode(new)


def with_members(raw: bytes, spans: Mapping[str, Span], old: Mapping[str, Any], new: Mapping[str, Any]) -> bytes:
    """Return the object `raw` with the members of `new`, in their order; the same object if nothing changes.

    A member of `new` that has a value of the old ones under another name is that member, renamed.
    """
    if list(old) == list(new) and all(new[name] is value for name, value in old.items()):
        return raw
    order = list(spans.values())
    place_of = {name: index for index, name in enumerate(spans)}
    first = order[0].name if order else raw.index(b"{") + 1
    pieces = [raw[:first]]
    for number, (name, value) in enumerate(new.items()):
        was = name if name in old else renamed_from(name, old, new)
        index = None if was is None else place_of[was]
        if number:
            # The comma with its white space that stood before this member, if one did.
            pieces.append(raw[order[index - 1].end : order[index].name] if index else b",")
        if was is None or index is None:
            pieces += [msgspec.json.encode(name), b":", msgspec.json.encode(value)]
            continue
        span = order[index]
        pieces.append(raw[span.name : span.colon] if was == name else msgspec.json.encode(name))
        pieces += [raw[span.colon : span.start], spliced(raw[span.start : span.end], old[was], value)]
    pieces.append(raw[order[-1].end :] if order else raw[first:])
    return b"".join(pieces)


def renamed_from(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Return which of the old members has become the new one called `name`, None if it is really new."""
    return next((was for was, value in old.items() if was not in new and value is new[name]), None)


def _with_items(raw: bytes, old: list[Any], new: list[Any]) -> bytes:
    spans, position = [], 0
    for text in _raw_items.decode(raw):
        before = _BEFORE_ITEM.match(raw, position)
        start = before.end() if before else position
        position = start + len(memoryview(text))
        spans.append((start, position))
    if len(new) == len(old):
        pieces, position = [], 0
        for (start, end), was, value in zip(spans, old, new, strict=True):
            pieces += [raw[position:start], spliced(raw[start:end], was, value)]
            position = end
        return b"".join((*pieces, raw[position:]))
    # Items came or went: those that stay are known by being the same objects.
    place_of = {id(item): span for item, span in zip(old, spans, strict=True)}
    kept = [place_of.get(id(item)) for item in new]
    texts = [
        msgspec.json.encode(item) if span is None else raw[slice(*span)] for item, span in zip(new, kept, strict=True)
    ]
    return b"[" + b",".join(texts) + b"]"


def _is_same(old: Any, new: Any) -> bool:
    return new is old or (type(new) is type(old) and not isinstance(new, dict | list) and bool(new == old))
