"""What is kept of a reply of the responses shape, and what every store of them can do.

A record holds what its own request added to the conversation (`items`) and what the model answered (`output`), and
names the response before it. The conversation is the chain of records, oldest first: each turn is stored once, and
what a client deletes is gone from every conversation that went through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from translation.hub import Wire

COMPLETED = "completed"
REMEMBERED = "remembered"
"""The status of a response that the upstream itself keeps: only where it is, is known."""
ITEM = "item"
"""The status of an item of such a response, whose id is `root`: only whom it was told is known."""

ID_LENGTH = 512
"""Proxies in front of a provider write much into the ids that they give."""
NO_ID = "-"


class StoredResponse(Struct, frozen=True, kw_only=True):
    """One stored response of one project. Times are in Unix seconds; `items`, `output` and `response` are JSON.

    `root` is the id of the chain's first response, `previous` that of the one before, "" for the first. `response` is
    the Response object without its output, which `output` holds with the model's opaque thoughts; `shows_thoughts`
    tells whether the client asked to see them, and `pieces` in which pieces a stream was told (replayed.py).
    `deployment` is the tag of the account at the upstream.
    """

    project: str
    id: str
    root: str
    status: str
    created: float
    expires: float
    previous: str = ""
    model: str = ""
    upstream: str = ""
    deployment: str = ""
    items: bytes = b"[]"
    output: bytes = b"[]"
    response: bytes = b"{}"
    pieces: bytes = b"[]"
    shows_thoughts: bool = False

    @property
    def size(self) -> int:
        """How many bytes the record takes, about."""
        return sum(map(len, (self.items, self.output, self.response, self.pieces))) + ROW_BYTES

    def is_remembered(self) -> bool:
        """Tell a response that the upstream keeps from one that is kept here."""
        return self.status == REMEMBERED


ROW_BYTES = 500
"""What a record costs beside its JSON: ids, times and the entries of the indexes (measured, SQLite)."""

Chain = tuple[StoredResponse, ...]
"""The records of a conversation, oldest first; the last one is the response that was asked for."""


class StoreUnavailable(Exception):
    """The store cannot be asked or written at the moment."""


class RecordRefused(Exception):
    """The record itself cannot be stored, now or later."""


class ResponseStore(Protocol):
    """Keeps the stored responses of all projects; what belongs to another project is never found."""

    async def chain(self, project: str, response_id: str, now: float) -> Chain:
        """Return the conversation that ends with this response, () if any of it is missing or it has expired."""

    async def get(self, project: str, response_ids: Sequence[str], now: float) -> Sequence[StoredResponse]:
        """Return those of the responses that are there and have not expired, in no order."""

    async def put(self, record: StoredResponse) -> bool:
        """Keep a record; returns False if it is only in this worker so far, and will be written later."""

    async def delete(self, project: str, response_id: str) -> None:
        """Forget a response."""

    async def prune(self, now: float) -> bool:
        """Forget what has expired and what is over a project's share, a bounded piece of it; tells if there is more."""

    async def aclose(self) -> None:
        """Write what is still to be written, and give back what the store holds."""


def whole_chain(found: Sequence[StoredResponse], now: float) -> Chain:
    """Return records, newest first, as a chain; () if the newest has expired or an older one is missing."""
    if not found or found[0].expires <= now or found[-1].previous:
        return ()
    return tuple(reversed(found))


def searchable(response_id: str) -> str:
    """Return an id that every database can look for: one that cannot be an id finds nothing, in the same time."""
    return response_id if len(response_id) <= ID_LENGTH and response_id.isprintable() else NO_ID


def wires(data: bytes) -> list[Wire]:
    """Return a JSON list of objects."""
    return msgspec.json.decode(data, type=list[dict[str, Any]])
