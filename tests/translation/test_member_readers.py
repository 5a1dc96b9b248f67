"""Readers of one member, for the tables of the client shapes."""

from __future__ import annotations

import pytest

from translation import reading
from translation.failures import RequestRefused
from translation.ledger import Ledger
from translation.member_readers import dropped, read_as, read_elsewhere, read_fields, read_word, refused


def test_a_member_becomes_a_field() -> None:
    """It has its own name, unless it is given another one; null gives no field at all."""
    wire = {"user": "u", "tier": None}
    assert read_as("user", reading.text)(wire, Ledger()) == {"user": "u"}
    assert read_as("user", reading.text, "who")(wire, Ledger()) == {"who": "u"}
    assert read_as("tier", reading.text)(wire, Ledger()) == {}


def test_a_word_is_one_of_a_few() -> None:
    """Any other is refused, with the member's name."""
    read = read_word("verbosity", ("low", "high"))
    assert read({"verbosity": "low"}, Ledger()) == {"verbosity": "low"}
    with pytest.raises(RequestRefused) as caught:
        read({"verbosity": "loud"}, Ledger())
    assert caught.value.failure.param == "verbosity"


def test_what_has_no_place_is_dropped_or_refused() -> None:
    """Null says nothing, and so is neither reported nor refused."""
    ledger = Ledger()
    for value in (None, 1):
        dropped("seed")({"seed": value}, ledger)
    assert ledger.dropped == ("seed",)
    refuse = refused("prompt", "There are no templates.", "Leave 'prompt' out.")
    assert refuse({"prompt": None}, ledger) == {}
    with pytest.raises(RequestRefused, match="There are no templates"):
        refuse({"prompt": {"id": "p"}}, ledger)


def test_a_body_is_read_member_by_member() -> None:
    """What the table does not list is reported as unknown, if it says anything."""
    ledger = Ledger()
    table = {"user": read_as("user", reading.text), "messages": read_elsewhere}
    wire = {"messages": [], "user": "u", "brand_new": 1, "newer": None}
    assert read_fields(table, wire, ledger) == {"user": "u"}
    assert ledger.dropped == ("unknown:brand_new",)
