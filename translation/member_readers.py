"""Readers of one member of a body, for the tables in which a client shape lists what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from translation import reading
from translation.hub import Wire
from translation.ledger import Ledger

MemberReader = Callable[[Wire, Ledger], Mapping[str, Any]]
"""Reads one member of the body and returns the fields of hub.Request that it gives."""


def read_fields(members: Mapping[str, MemberReader], wire: Wire, ledger: Ledger) -> dict[str, Any]:
    """Return the fields that the body's members give; one that the table does not list is dropped and reported."""
    fields: dict[str, Any] = {}
    for member, value in wire.items():
        if member in members:
            fields.update(members[member](wire, ledger))
        elif value is not None:
            ledger.drop(f"unknown:{member}")
    return fields


def read_as(member: str, reader: Callable[[Wire, str], object], field: str = "") -> MemberReader:
    """Return the reader of a member that is one field of the request, under its own name if `field` has no other."""

    def read(wire: Wire, _: Ledger) -> Mapping[str, Any]:
        value = reader(wire, member)
        return {} if value is None else {field or member: value}

    return read


def read_word(member: str, allowed: tuple[str, ...], field: str = "") -> MemberReader:
    """Return the reader of a member that is one of a few words."""
    return read_as(member, lambda wire, key: reading.one_of(wire, key, allowed), field)


def read_elsewhere(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    """Read nothing: another reader takes the member together with others."""
    return {}


def dropped(member: str) -> MemberReader:
    """Return the reader of a member that no other shape has a place for."""

    def drop(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
        if wire[member] is not None:
            ledger.drop(member)
        return {}

    return drop


def refused(member: str, what: str, remedy: str) -> MemberReader:
    """Return the reader of a member whose loss would change what the client gets; raises RequestRefused."""

    def refuse(wire: Wire, _: Ledger) -> Mapping[str, Any]:
        if wire[member] is not None:
            raise reading.unsupported(member, what, remedy)
        return {}

    return refuse
