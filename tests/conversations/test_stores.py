"""Every store of responses: what is put is found, by its own project, until it expires or is deleted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import database
from conversations.memory import MemoryResponseStore
from conversations.models import Response
from conversations.stored import ID_LENGTH, NO_ID, RecordRefused, ResponseStore, StoreUnavailable, searchable
from conversations.threads import DatabaseResponseStore
from tests.conversations.records import NOW, record

pytestmark = pytest.mark.django_db(transaction=True)
STORES: dict[str, Callable[[], ResponseStore]] = {
    "memory": MemoryResponseStore,
    "database": lambda: DatabaseResponseStore(10**9),
}


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of a store."""
    return str(request.param)


@asynccontextmanager
async def opened(kind: str) -> AsyncIterator[ResponseStore]:
    """Give a store, and close it."""
    store = STORES[kind]()
    try:
        yield store
    finally:
        await store.aclose()


def test_a_chain_comes_oldest_first(kind: str) -> None:
    """The conversation of a response is what led to it, and nothing of another branch."""

    async def act() -> None:
        async with opened(kind) as store:
            first = record("a")
            second, fork = record("b", first), record("c", first)
            for each in (first, second, fork):
                assert await store.put(each)
            assert await store.chain("web", "b", NOW) == (first, second)
            assert await store.chain("web", "c", NOW) == (first, fork)
            assert list(await store.get("web", ["a", "c"], NOW)) in ([first, fork], [fork, first])

    async_to_sync(act)()


def test_another_project_finds_nothing(kind: str) -> None:
    """The same id may be two responses of two projects; each finds and deletes its own only."""

    async def act() -> None:
        async with opened(kind) as store:
            mine, yours = record("a"), record("a", project="other")
            for each in (mine, yours):
                await store.put(each)
            assert await store.chain("other", "a", NOW) == (yours,)
            assert await store.chain("third", "a", NOW) == ()
            await store.delete("third", "a")
            await store.delete("other", "a")
            assert await store.get("web", ["a"], NOW) == [mine]
            assert await store.get("other", ["a"], NOW) == []

    async_to_sync(act)()


def test_the_end_of_a_chain_decides_whether_it_has_expired(kind: str) -> None:
    """An old response of a conversation that goes on is still its history, and by itself it is not there any more."""

    async def act() -> None:
        async with opened(kind) as store:
            first = record("a", expires=NOW - 1)
            second = record("b", first)
            for each in (first, second):
                await store.put(each)
            await store.prune(NOW)
            assert await store.chain("web", "b", NOW) == (first, second)
            assert await store.chain("web", "a", NOW) == ()
            assert await store.get("web", ["a"], NOW) == []
            await store.prune(NOW + 11)
            assert await store.chain("web", "b", NOW) == ()

    async_to_sync(act)()


def test_a_chain_with_a_gap_is_none(kind: str) -> None:
    """Once a response is deleted nothing that followed it can be gone on with: half a history is a wrong one."""

    async def act() -> None:
        async with opened(kind) as store:
            first = record("a")
            second = record("b", first)
            for each in (first, second, record("c", second)):
                await store.put(each)
            await store.delete("web", "b")
            assert await store.chain("web", "c", NOW) == ()
            assert await store.chain("web", "a", NOW) == (first,)

    async_to_sync(act)()


def test_a_record_is_written_once(kind: str) -> None:
    """Putting a record twice is the same as putting it once."""

    async def act() -> None:
        async with opened(kind) as store:
            await store.put(record("a"))
            await store.put(record("a"))
            assert await store.chain("web", "a", NOW) == (record("a"),)

    async_to_sync(act)()


def test_an_upstream_may_give_an_id_again(kind: str) -> None:
    """Of a response that upstreams keep, the account that named it last is remembered."""

    async def act() -> None:
        async with opened(kind) as store:
            for account in ("one", "other"):
                await store.put(record("a", status="remembered", deployment=account))
            (found,) = await store.get("web", ["a"], NOW)
            assert found.deployment == "other"

    async_to_sync(act)()


def test_what_an_upstream_deleted_leaves_nothing(kind: str) -> None:
    """With a response that its upstream keeps its items are forgotten, and no others; those of a follow-up stay."""

    async def act() -> None:
        async with opened(kind) as store:
            kept = record("a", status="remembered")
            for each in (
                kept,
                record("item", root="a", status="item"),
                record("item", root="a", status="item", project="other"),
                record("item of b", root="b", status="item"),
            ):
                await store.put(each)
            await store.delete("web", "a")
            assert [found.id for found in await store.get("web", ["a", "item", "item of b"], NOW)] == ["item of b"]
            assert len(await store.get("other", ["item"], NOW)) == 1

    async_to_sync(act)()


def test_many_are_asked_for_at_once(kind: str) -> None:
    """However many references a request has, all are looked up."""

    async def act() -> None:
        async with opened(kind) as store:
            await store.put(record("a"))
            asked = [*(f"r{number}" for number in range(40_000)), "a"]
            assert await store.get("web", asked, NOW) == [record("a")]

    async_to_sync(act)()


def test_memory_gives_up_whole_conversations() -> None:
    """Over its limit the memory forgets the conversation that was used the longest time ago, all of it."""

    async def act() -> None:
        first = record("a")
        second, other = record("b", first), record("x")
        store = MemoryResponseStore(first.size + second.size + other.size)
        for each in (first, second, other):
            await store.put(each)
        await store.chain("web", "b", NOW)
        await store.put(record("y"))
        assert await store.chain("web", "x", NOW) == ()
        assert await store.chain("web", "b", NOW) == (first, second)
        await store.put(record("z"))
        await store.put(record("w"))
        assert await store.get("web", ["a", "b"], NOW) == []
        with pytest.raises(RecordRefused):
            await store.put(record("huge", output=b"x" * 10_000))

    async_to_sync(act)()


def test_a_project_over_its_share_loses_its_oldest_conversation() -> None:
    """Pruning deletes whole conversations of that project, the least recently used first, and no other project's."""
    first = record("a", created=NOW - 9)
    goes_on = record("b", first, created=NOW)
    old = record("x", created=NOW - 5)
    other = record("a", project="other", created=NOW - 20)
    database.insert([first, goes_on, old, other])
    assert database.prune(NOW, first.size + goes_on.size, batches=5) == 1
    assert set(Response.objects.values_list("project", "response_id")) == {("web", "a"), ("web", "b"), ("other", "a")}
    assert database.prune(NOW, first.size, batches=5) == 2
    assert set(Response.objects.values_list("project", "response_id")) == {("other", "a")}


def test_pruning_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call deletes at most so many batches; the rest is left for the next."""
    monkeypatch.setattr(database, "BATCH", 3)
    database.insert([record(f"r{number}", expires=NOW - 1) for number in range(10)])
    assert database.prune(NOW, 10**9, batches=2) == 6
    assert database.prune(NOW, 10**9, batches=9) == 4


def test_a_store_says_whether_it_is_done_with_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one step leaves for the next is told, so that the next one comes soon."""
    monkeypatch.setattr(database, "BATCH", 3)
    monkeypatch.setattr("conversations.threads.PRUNE_BATCHES", 2)

    async def act() -> None:
        async with opened("database") as store:
            for number in range(8):
                await store.put(record(f"r{number}", expires=NOW - 1))
            assert [await store.prune(NOW) for _ in range(2)] == [True, False]

    async_to_sync(act)()
    assert Response.objects.count() == 0


def test_a_record_that_cannot_be_stored_does_not_take_others_along() -> None:
    """Of records that are written together, one that the database refuses is refused alone."""

    async def act() -> None:
        async with opened("database") as store:
            await store.put(record("good"))
            with pytest.raises(RecordRefused):
                await store.put(record("bad", model="\ud800"))
            assert await store.chain("web", "good", NOW) == (record("good"),)

    async_to_sync(act)()


def test_what_cannot_be_an_id_is_looked_for_all_the_same() -> None:
    """An id that is too long or has control characters becomes one that nothing has, since a database may refuse it."""
    assert searchable("resp_1") == "resp_1"
    assert {searchable("x" * (ID_LENGTH + 1)), searchable("a\x00b"), searchable("a\nb")} == {NO_ID}


def test_the_walk_uses_the_index() -> None:
    """A look-up costs what the conversation has turns, however many responses there are: no scan of the table."""
    database.insert([record("a")])
    with connection.cursor() as cursor:
        explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        if connection.vendor != "sqlite":
            cursor.execute("SET enable_seqscan = off")
        cursor.execute(explain + database._CHAIN, ["a", "web", NOW, "web"])
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "SCAN conversations_response" not in plan
    assert "Seq Scan on conversations_response" not in plan
    assert "response_of_project" in plan or "sqlite_autoindex_conversations_response" in plan


def test_what_has_expired_costs_what_is_unknown_costs() -> None:
    """The conversation of an expired response is not read: how long an answer takes tells nothing of what there was."""
    last = None
    for number in range(300):
        last = record(f"r{number}", last, output=b" " * 20_000)
        database.insert([last])
    assert last is not None
    known, expired, unknown = (
        _quickest(partial(database.chain, "web", *asked))
        for asked in ((last.id, NOW), (last.id, NOW + 11), ("unknown", NOW))
    )
    assert max(expired, unknown) < known / 5


@pytest.mark.parametrize(
    ("project", "wanted", "now"),
    [("web", "unknown", NOW), ("other", "a", NOW), ("web", "a", NOW + 11), ("web", NO_ID, NOW)],
    ids=["unknown", "of another project", "expired", "malformed"],
)
def test_what_is_not_there_is_looked_for_alike(project: str, wanted: str, now: float) -> None:
    """Whatever the reason, it is the same one statement, with the same empty answer."""
    database.insert([record("a")])
    for ask, nothing in ((database.chain, ()), (lambda *asked: database.get(asked[0], [asked[1]], asked[2]), [])):
        with CaptureQueriesContext(connection) as told:
            assert ask(project, wanted, now) == nothing
        assert len(told) == 1


def test_a_look_up_among_many_takes_no_time() -> None:
    """Among 10,000 stored responses one is found within 5 ms, and so is a conversation of ten."""
    for hundred in range(0, 10_000, 100):
        database.insert([record(f"r{hundred + number}", output=b" " * 4000) for number in range(100)])
    last = None
    for number in range(10):
        last = record(f"turn{number}", last, output=b" " * 4000)
        database.insert([last])
    assert _quickest(lambda: database.get("web", ["r5000"], NOW)) < 0.005
    assert _quickest(lambda: database.chain("web", "turn9", NOW)) < 0.005


def _quickest(act: Callable[[], object]) -> float:
    """Return the seconds of the quickest of several times: what the machine does meanwhile is no cost of ours."""
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - started)
    return best


def test_a_table_that_is_not_there_yet_is_a_store_that_does_not_answer() -> None:
    """Before the database is migrated nothing can be looked up: that is a reason to wait, and no defect."""

    async def act() -> None:
        async with opened("database") as store:
            with pytest.raises(StoreUnavailable):
                await store.chain("web", "a", NOW)

    with connection.schema_editor() as editor:
        editor.delete_model(Response)
    try:
        async_to_sync(act)()
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(Response)
