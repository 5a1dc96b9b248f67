"""The keys of one mapping in a seed file: which are known, what type each has, and errors that name the line.

`Fields` reads one mapping; it knows nothing of what the keys mean.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable
from typing import Any

from routing.located import Located
from routing.rules import InvalidValue


class Fields:
    """The keys of a mapping, each read with its type. `what` names the mapping in errors: a provider entry."""

    def __init__(self, place: Located, what: str, known: Collection[str], ignored: Collection[str] = ()) -> None:
        example = f"{next(iter(known))}: ..."
        self.place, self.what = place, what
        self.pairs: dict[str, tuple[Located, Located]] = place.of_type(dict, what, example)
        self.ignored = tuple(key for name, (key, _) in self.pairs.items() if name in ignored)
        for name, (key, _) in self.pairs.items():
            if name not in known and name not in ignored:
                raise key.error(f"{what} has no key {name!r}{did_you_mean(name, known)}")

    def __contains__(self, name: str) -> bool:
        return name in self.pairs

    def value(self, name: str) -> Located | None:
        """Return the value of a key, None if the key is not there. Raises SeedError if it has no value."""
        if name not in self.pairs:
            return None
        key, value = self.pairs[name]
        if value.value is None:
            raise key.error(f"{name} is empty: write a value or remove the key")
        return value

    def text(self, name: str, example: str, check: Callable[[str], None] | None = None) -> str:
        """Return a text, "" if the key is not there."""
        value = self.value(name)
        if value is None:
            return ""
        text: str = value.of_type(str, name, example)
        if check is not None:
            obey(value, check, text)
        return text

    def required_text(self, name: str, example: str, check: Callable[[str], None] | None = None) -> str:
        """Return a text. Raises SeedError if the key is not there."""
        if name not in self.pairs:
            raise self.place.error(f"{self.what} needs {name}, for instance {name}: {example}")
        return self.text(name, example, check)

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false."""
        value = self.value(name)
        return default if value is None else value.of_type(bool, name, f"{name}: true")

    def whole_number(self, name: str, default: int, check: Callable[[str, Any, int], None], maximum: int) -> int:
        """Return a whole number from 0 to `maximum`."""
        value = self.value(name)
        if value is None:
            return default
        obey(value, check, name, value.plain(), maximum)
        return int(value.value)

    def names(self, name: str, example: str) -> tuple[str, ...] | None:
        """Return a list of texts, None if the key is not there."""
        value = self.value(name)
        if value is None:
            return None
        items: list[Located] = value.of_type(list, name, example)
        return tuple(item.of_type(str, f"an item of {name}", example) for item in items)

    def obey(self, name: str, check: Callable[..., None], *values: Any) -> None:
        """Apply a rule to what was read; its error stands at the key's value, or at the mapping if there is none."""
        obey(self.pairs[name][1] if name in self.pairs else self.place, check, *values)


def obey(place: Located, check: Callable[..., None], *values: Any) -> None:
    """Apply a rule; turn its InvalidValue into an error at this place."""
    try:
        check(*values)
    except InvalidValue as exc:
        raise place.error(str(exc)) from exc


def items_of(place: Located | None, what: str, example: str) -> list[Located]:
    """Return the items of a section that is a list; [] if the section is missing or empty."""
    if place is None or place.value is None:
        return []
    items: list[Located] = place.of_type(list, what, example)
    return items


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error about an unknown name: the nearest known one, or all of them if they are few."""
    choices = sorted(known)
    near = difflib.get_close_matches(name[:100], choices[:1000], n=1)
    if near:
        return f": did you mean {near[0]!r}?"
    return f": choose from {', '.join(choices)}" if 0 < len(choices) <= 20 else ""
