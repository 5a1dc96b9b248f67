"""Bodies that clients might send: those of the tables, two of them as one, and the same damaged in every place.

They come from a seeded generator, the same ones in every process. As a program, this module prints a digest of what
becomes of a thousand of each client's on the way to each upstream; two processes must print the same.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from tests.conformance.losses import MODELS, Wire
from tests.conformance.refusals import REFUSED
from tests.conformance.reporting_gateway import CASES
from tests.translation.relaying import MINIMAL, PAIRS, translation
from translation.failures import RequestRefused

Way = tuple[str | int, ...]

GOOD: dict[str, list[Wire]] = {client: [case.wire for case in CASES if case.client == client] for client in MINIMAL}
"""The requests of the tables that can be translated, by client."""

SAMPLES: dict[str, list[Wire]] = {
    client: [*GOOD[client], *(case.wire for case in REFUSED if case.client == client)] for client in MINIMAL
}
"""All requests of the tables, by client."""

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**63, 1.5, -1e308, "", " ", "x", "é東👩", "a" * 300, "\x00", "[1]", '{"a":'),
    *([], {}, [None], [[]], [{}], ["x"], {"type": "text"}, {"type": "smell"}, [{"type": "smell"}], {"type": None}),
    *({"role": "user", "content": "hi"}, {"role": "tool", "tool_call_id": "call_9", "content": "lost"}),
    {"type": "tool_result", "tool_use_id": "toolu_9", "content": "lost"},
    {"type": "function_call_output", "call_id": "call_9", "output": "lost"},
)


def bodies(client: str, seed: int, count: int) -> Iterator[Wire]:
    """Yield so many bodies of a client, damaged in up to three places."""
    random = Random(f"{client} {seed}")  # noqa: S311 - nothing secret is drawn
    for _ in range(count):
        wire = copy.deepcopy({**random.choice(GOOD[client]), **random.choice(SAMPLES[client])})
        for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
            _damage(wire, random)
        yield wire


def _damage(wire: Wire, random: Random) -> None:
    """Change one place of a body: another value, nothing, twice the same, or a value from elsewhere in it."""
    ways = list(places(wire))
    if not ways:
        return
    *way, last = random.choice(ways)
    holder: Any = at(wire, way)
    match random.randrange(6):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, list):
            holder.insert(random.randrange(len(holder) + 1), copy.deepcopy(holder[last]))
        case 2:
            holder[last] = copy.deepcopy(at(wire, random.choice(ways)))
        case 3 if isinstance(holder, dict):
            holder[random.choice(("future", "type", "id", "content", "name"))] = copy.deepcopy(
                random.choice(ODD_VALUES)
            )
        case _:
            holder[last] = copy.deepcopy(random.choice(ODD_VALUES))


def places(value: Any, way: Way = ()) -> Iterator[Way]:
    """Yield the way to every member and element, outer ones before what is in them."""
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*way, key)
        yield from places(inner, (*way, key))


def at(value: Any, way: Sequence[str | int]) -> Any:
    """Return what is at a place."""
    for key in way:
        value = value[key]
    return value


def digest(client: str, upstream: str, count: int = 1000) -> str:
    """Return a digest of what becomes of so many bodies: the upstream's bytes, or the refusal."""
    found = hashlib.sha256()
    for wire in bodies(client, 0, count):
        try:
            found.update(translation(client, wire, MODELS[upstream], upstream=upstream).body)
        except RequestRefused as refused:
            found.update(str(refused).encode())
    return found.hexdigest()


if __name__ == "__main__":
    for pair in PAIRS:
        print(*pair, digest(*pair))
