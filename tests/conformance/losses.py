"""What a loss is, for the tables of the three client shapes: a request with the members to look at, and what is told.

A row is written from the specification, not from the code. What it does not name must not be reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.translation.relaying import MINIMAL

Wire = dict[str, Any]

MODELS: Mapping[str, str] = {"chat": "some-model", "messages": "claude-sonnet-4-6", "responses": "some-model"}
"""The model of each upstream where a row names no other: one that takes almost everything."""


class Lost(NamedTuple):
    """What is told of one translation: the paths that are dropped, and those that are changed."""

    dropped: tuple[str, ...] = ()
    coerced: tuple[str, ...] = ()


NOTHING = Lost()


def drop(*paths: str) -> Lost:
    """Return the loss of these paths."""
    return Lost(dropped=paths)


def coerce(*paths: str) -> Lost:
    """Return the change of these paths, each with `=old>new` where it is a number or a word."""
    return Lost(coerced=paths)


def two_ways(
    first: str, second: str
) -> tuple[Callable[[Lost, Lost], dict[str, Lost]], Callable[[Lost], dict[str, Lost]]]:
    """Return what a table is written with: a loss on the way to each of two upstreams, and one on both ways."""

    def to(to_first: Lost, to_second: Lost) -> dict[str, Lost]:
        return {first: to_first, second: to_second}

    return to, lambda lost: to(lost, lost)


class Row(NamedTuple):
    """One request of a client, and what is told of it on the way to each upstream; an upstream may be left out.

    `models` are the upstreams' models where they matter.
    """

    name: str
    members: Wire
    told: Mapping[str, Lost]
    models: Mapping[str, str] = {}


class Case(NamedTuple):
    """A row on its way to one upstream."""

    name: str
    client: str
    upstream: str
    model: str
    wire: Wire
    lost: Lost


def cases_of(client: str, rows: tuple[Row, ...]) -> list[Case]:
    """Return the cases of a client's table."""
    assert len({row.name for row in rows}) == len(rows), "two rows have one name"
    return [
        Case(
            name=f"{client}>{upstream}: {row.name}",
            client=client,
            upstream=upstream,
            model=row.models.get(upstream, MODELS[upstream]),
            wire={**MINIMAL[client], **row.members},
            lost=lost,
        )
        for row in rows
        for upstream, lost in row.told.items()
    ]
