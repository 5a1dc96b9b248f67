"""What a relay takes up again before it asks an upstream, and keeps before the client gets the end of the reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from conversations.stored import ResponseStore
from conversations.turns import TurnStore
from routing.table import Target
from serving.recording import RelayRecord
from translation.capabilities import corrected
from translation.exchange import Exchange
from translation.hub import Item
from translation.profiles import profile_for
from translation.replay import Scope, Trace, kept_turn, put_back, trace
from translation.reply import Pieces, Reply
from translation.shapes import SHAPES
from translation.translator import Reading, Translation

Keep = Callable[[Reply, Pieces], Awaitable[bytes]]
"""Keeps a whole reply, and in which pieces it was told; awaited before the client gets its end.

Returns what a stream's client is told before it.
"""

Echoed = Callable[[Reply, Exchange], Sequence[Item]]


class Memory(Struct, frozen=True):
    """The stores of a worker; responses are kept for `days`, and taken up in conversations of `most_bytes`."""

    turns: TurnStore
    responses: ResponseStore
    days: float
    most_bytes: int = 32 * 1024 * 1024


class Recalled(Struct, frozen=True):
    """A request with what was remembered of its conversation, and how to keep its reply; `found` is None for none."""

    reading: Reading
    found: Trace | None = None
    state: bytes = b""

    def keep(self, translation: Translation, memory: Memory) -> Keep | None:
        """Return how the reply is kept, None if it need not be."""
        found, echoed = self.found, SHAPES[self.reading.client].client
        if found is None or echoed is None or echoed.echoed is None:
            return None
        return _keeper(found, self.state, echoed.echoed, translation.exchange, memory.turns)


async def recall(reading: Reading, scope: Scope, memory: Memory, record: RelayRecord) -> Recalled:
    """Return the request with the model's turns as they were, where the client sends only words and calls."""
    side = SHAPES[reading.client].client
    if side is None or side.echoed is None:
        return Recalled(reading)
    found = trace(reading.request, scope)
    records = await memory.turns.get([place.key for place in found.places]) if found.places else {}
    replayed = put_back(reading.request, found, records)
    record.restored_turns, record.missed_turns = replayed.restored, replayed.missed
    return Recalled(replace(reading, request=replayed.request), found, replayed.state)


def scope_of(tenant: str, deployment: str, target: Target) -> Scope:
    """Return whose turns are taken up."""
    profile = corrected(profile_for(target.model), target.capabilities)
    return Scope(tenant, deployment, target.model, binds=profile.bound_thinking)


def _keeper(found: Trace, state: bytes, echoed: Echoed, exchange: Exchange, turns: TurnStore) -> Keep:
    async def keep(reply: Reply, _: Pieces) -> bytes:
        await turns.put(*kept_turn(found, state, reply, echoed(reply, exchange), exchange))
        return b""

    return keep
