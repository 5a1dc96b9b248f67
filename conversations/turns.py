"""Where kept turns are: by default in the worker's own memory, bounded by size and age.

A turn that is not found is no failure: the conversation goes on with what the client sent.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Protocol

DEFAULT_MAX_BYTES = 64 * 1024 * 1024
DEFAULT_TTL_SECONDS = 24 * 3600.0
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""One turn's, in every store: a larger one would cost many other conversations theirs."""
ENTRY_OVERHEAD_BYTES = 200
"""What the key, the time and the dictionary's slot cost beside the record itself (measured, CPython 3.11)."""


def turn_store(valkey_url: str) -> TurnStore:
    """Return the store on the server at that URL, in this process if there is none.

    The client of the server is loaded only where one is configured: it costs every worker 11 MB.
    """
    if not valkey_url:
        return MemoryTurnStore()
    store: TurnStore = import_module("conversations.valkey").ValkeyTurnStore(valkey_url)
    return store


class TurnStore(Protocol):
    """Keeps records under keys, for a while."""

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the records that are there, by key."""

    async def put(self, key: str, record: bytes) -> None:
        """Keep a record."""

    async def aclose(self) -> None:
        """Give back what the store holds."""


class MemoryTurnStore:
    """Records in this process, the least recently used given up first."""

    def __init__(
        self,
        max_bytes: int = DEFAULT_MAX_BYTES,
        ttl_seconds: float = DEFAULT_TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size = 0
        self._max_bytes, self._ttl, self._clock = max_bytes, ttl_seconds, clock
        self._records: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the records that are there, by key; each is then the most recently used."""
        now = self._clock()
        found: dict[str, bytes] = {}
        for key in keys:
            entry = self._records.get(key)
            if entry is None:
                continue
            kept_at, record = entry
            if now - kept_at > self._ttl:
                self._forget(key)
                continue
            self._records.move_to_end(key)
            found[key] = record
        return found

    async def put(self, key: str, record: bytes) -> None:
        """Keep a record; one that is larger than 4 MiB, or than the whole store, is not kept."""
        if key in self._records:
            self._forget(key)
        size = len(record) + ENTRY_OVERHEAD_BYTES
        if len(record) > MAX_RECORD_BYTES or size > self._max_bytes:
            return
        self._records[key] = (self._clock(), record)
        self.size += size
        while self.size > self._max_bytes:
            self._forget(next(iter(self._records)))

    async def aclose(self) -> None:
        """Forget everything."""
        self._records.clear()
        self.size = 0

    def _forget(self, key: str) -> None:
        _, record = self._records.pop(key)
        self.size -= len(record) + ENTRY_OVERHEAD_BYTES
