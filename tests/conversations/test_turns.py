"""The store of kept turns in a worker's memory: what it holds is bounded by size and by age."""

from __future__ import annotations

from asgiref.sync import async_to_sync

from conversations.turns import ENTRY_OVERHEAD_BYTES, MAX_RECORD_BYTES, MemoryTurnStore


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now


def test_record_is_found_under_its_key_and_nothing_else_is() -> None:
    """What was kept last under a key comes back; a key that is not there is left out."""
    store = MemoryTurnStore()
    async_to_sync(store.put)("a", b"1")
    async_to_sync(store.put)("a", b"2")
    async_to_sync(store.put)("b", b"")
    assert async_to_sync(store.get)(["a", "b", "c"]) == {"a": b"2", "b": b""}


def test_least_recently_used_is_given_up_first() -> None:
    """When the store is full, the record that nobody asked for the longest goes; the size is kept account of."""
    store = MemoryTurnStore(max_bytes=2 * (ENTRY_OVERHEAD_BYTES + 10))
    for key in ("a", "b"):
        async_to_sync(store.put)(key, bytes(10))
    async_to_sync(store.get)(["a"])
    async_to_sync(store.put)("c", bytes(10))
    assert set(async_to_sync(store.get)(["a", "b", "c"])) == {"a", "c"}
    assert store.size == 2 * (ENTRY_OVERHEAD_BYTES + 10)


def test_one_huge_record_displaces_nobody() -> None:
    """A turn of more than 4 MiB is not kept, as on a server: it would cost the other conversations theirs."""
    store = MemoryTurnStore()
    async_to_sync(store.put)("a", b"turn")
    async_to_sync(store.put)("b", bytes(MAX_RECORD_BYTES + 1))
    assert async_to_sync(store.get)(["a", "b"]) == {"a": b"turn"}


def test_record_larger_than_the_store_is_not_kept() -> None:
    """One huge turn does not push everybody else's out; an older record of that key does not outlive it."""
    store = MemoryTurnStore(max_bytes=ENTRY_OVERHEAD_BYTES + 10)
    async_to_sync(store.put)("a", bytes(10))
    async_to_sync(store.put)("a", bytes(11))
    assert async_to_sync(store.get)(["a"]) == {}
    assert store.size == 0


def test_record_is_forgotten_when_its_time_is_over() -> None:
    """A record is there for its time to live and not a second longer."""
    clock = Clock()
    store = MemoryTurnStore(ttl_seconds=60, clock=clock)
    async_to_sync(store.put)("a", b"1")
    clock.now = 60.0
    assert async_to_sync(store.get)(["a"]) == {"a": b"1"}
    clock.now = 60.1
    assert async_to_sync(store.get)(["a"]) == {}
    assert store.size == 0
