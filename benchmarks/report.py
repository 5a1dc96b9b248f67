"""Results: a figure's values over the rounds, its aim, and the table and JSON that show both."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum

_HEADINGS = ("figure", "aim", "median", "min to max", "verdict", "note")


class Direction(Enum):
    """Which side of the limit is good."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True)
class Aim:
    """What a figure should reach."""

    direction: Direction
    limit: float

    def reached(self, value: float) -> bool:
        """Tell whether the value is on the good side."""
        return value >= self.limit if self.direction is Direction.AT_LEAST else value <= self.limit


def at_least(limit: float) -> Aim:
    """Return the aim of a figure that should be high."""
    return Aim(Direction.AT_LEAST, limit)


def at_most(limit: float) -> Aim:
    """Return the aim of a figure that should be low."""
    return Aim(Direction.AT_MOST, limit)


@dataclass(frozen=True)
class Result:
    """One line of the table: a figure's value in each round. Without an aim it is there to compare with."""

    figure: str
    unit: str
    values: tuple[float, ...]
    aim: Aim | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """Return the value that counts: machines are noisy, and one bad round should not decide."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Return reached or missed; nothing where there is no aim."""
        if self.aim is None:
            return ""
        return "reached" if self.aim.reached(self.median) else "MISSED"

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        aim = f"{self.aim.direction.value} {_number(self.aim.limit)} {self.unit}" if self.aim else ""
        span = f"{_number(min(self.values))} to {_number(max(self.values))}" if len(self.values) > 1 else ""
        return (self.figure, aim, f"{_number(self.median)} {self.unit}", span, self.verdict, self.note)

    def wire(self) -> dict[str, object]:
        """Return the result as it is written to JSON."""
        aim = {"direction": self.aim.direction.value, "limit": self.aim.limit} if self.aim else None
        return asdict(self) | {"aim": aim, "median": self.median, "verdict": self.verdict}


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(results: Iterable[Result]) -> str:
    """Return the results as a table in Markdown that is aligned for a terminal too."""
    rows = [_HEADINGS, *(result.row() for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
