"""The database's store: rows are read and written by a few threads of its own, never on the event loop's.

Rules. Readers have a deadline, after which the store counts as unavailable. All writes go through one thread, and those
that wait for it are written in one transaction. A record that cannot be written in time stays with this worker, which
goes on answering from it, and is written within RETRY_SECONDS of the database's return; there is room for
MAX_POSTPONED_BYTES of them, and beyond that a record is refused. Each thread keeps its connection, and gives it up
after any error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from conversations import database
from conversations.stored import Chain, RecordRefused, StoredResponse, StoreUnavailable, whole_chain

logger = logging.getLogger("conversations.store")

READERS = 2
MAX_WAITING_READS = 200
READ_SECONDS = 2.0
WRITE_SECONDS = 2.0
RETRY_SECONDS = 0.5
STOP_SECONDS = 5.0
LOCK_SECONDS = 1.0
MAX_POSTPONED_BYTES = 64 * 1024 * 1024
MAX_WRITTEN_AT_ONCE = 100
PRUNE_BATCHES = 20

_Found = TypeVar("_Found")
_Key = tuple[str, str]


class DatabaseResponseStore:
    """Records in the database, shared by all workers. `most_bytes` is the share of a project."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="responses-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="responses-write")
        self._waiting_reads = 0
        self._unwritten: dict[_Key, StoredResponse] = {}
        self._unwritten_bytes = 0
        self._awaited: dict[_Key, asyncio.Future[None]] = {}
        self._writing: asyncio.Task[None] | None = None
        self._failing = False

    async def chain(self, project: str, response_id: str, now: float) -> Chain:
        """Return the conversation that ends with this response, () if any of it is missing or it has expired.

        Raises StoreUnavailable.
        """
        newest: list[StoredResponse] = []
        wanted = response_id
        while (record := self._unwritten.get((project, wanted))) is not None:
            newest.append(record)
            wanted = record.previous
        if newest and not wanted:
            return whole_chain(newest, now)
        # Of a conversation whose end is still here, the rest may be past its time: the end is what counts.
        older = await self._read(lambda: database.chain(project, wanted, -1 if newest else now))
        return whole_chain([*newest, *reversed(older)], now) if older else ()

    async def get(self, project: str, response_ids: Sequence[str], now: float) -> Sequence[StoredResponse]:
        """Return those of the responses that are there and have not expired; raises StoreUnavailable."""
        here = [self._unwritten[project, wanted] for wanted in response_ids if (project, wanted) in self._unwritten]
        known = {record.id for record in here}
        rest = [wanted for wanted in response_ids if wanted not in known]
        found = await self._read(lambda: database.get(project, rest, now)) if rest else []
        return [*(record for record in here if record.expires > now), *found]

    async def put(self, record: StoredResponse) -> bool:
        """Write a record; returns False if it is written later. Raises RecordRefused if there is no room to wait."""
        key = (record.project, record.id)
        if self._unwritten_bytes + record.size > MAX_POSTPONED_BYTES and self._unwritten:
            raise RecordRefused("the database does not answer, and there is no room left for what it must be told")
        replaced = self._unwritten.get(key)
        self._unwritten[key] = record
        self._unwritten_bytes += record.size - (0 if replaced is None else replaced.size)
        written = self._awaited.setdefault(key, asyncio.get_running_loop().create_future())
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        if self._failing:
            return False
        try:
            await asyncio.wait_for(asyncio.shield(written), WRITE_SECONDS)
        except TimeoutError as exc:
            self._note(failing=True, why=exc)
            return False
        except StoreUnavailable:
            return False
        return True

    async def delete(self, project: str, response_id: str) -> None:
        """Delete a response; raises StoreUnavailable."""
        # First of all here: what waits to be written must not be written after it was deleted.
        record = self._unwritten.pop((project, response_id), None)
        if record is not None:
            self._unwritten_bytes -= record.size
        await self._within(WRITE_SECONDS, self._writer, lambda: database.delete(project, response_id))

    async def prune(self, now: float) -> bool:
        """Delete what has expired or is over a share, a few batches of it, and tell if there may be more.

        Raises StoreUnavailable.
        """
        for _ in range(PRUNE_BATCHES):
            keys = await self._read(lambda: database.prunable(now, self._most_bytes))
            if not keys:
                return False
            await self._within(WRITE_SECONDS, self._writer, lambda: database.delete_rows(keys))  # noqa: B023
        return True

    async def aclose(self) -> None:
        """Write what is still to be written, if that can be done soon, and close the connections."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=STOP_SECONDS)
            self._writing.cancel()
        if self._unwritten:
            logger.error("%d stored responses are lost: the database does not answer", len(self._unwritten))
        self._writer.submit(connection.close)
        for _ in range(READERS):
            self._readers.submit(connection.close)
        self._writer.shutdown(wait=False)
        self._readers.shutdown(wait=False)

    async def _read(self, question: Callable[[], _Found]) -> _Found:
        if self._waiting_reads >= MAX_WAITING_READS:
            raise StoreUnavailable("too many requests wait for the database")
        self._waiting_reads += 1
        try:
            return await self._within(READ_SECONDS, self._readers, question)
        finally:
            self._waiting_reads -= 1

    @staticmethod
    async def _within(seconds: float, threads: ThreadPoolExecutor, act: Callable[[], _Found]) -> _Found:
        """Return what a thread finds out; raises StoreUnavailable if the database does not answer in time."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(threads, _acting, act)
        except (TimeoutError, DatabaseError, InterfaceError) as exc:
            logger.warning("stored responses cannot be asked for: %s", type(exc).__name__)
            raise StoreUnavailable(f"the database does not answer: {type(exc).__name__}") from exc

    async def _write(self) -> None:
        """Write until nothing is left, again and again while the database does not answer."""
        loop = asyncio.get_running_loop()
        while self._unwritten:
            batch = list(self._unwritten.values())[:MAX_WRITTEN_AT_ONCE]
            try:
                refused = await loop.run_in_executor(self._writer, _acting, lambda: _insert(batch))  # noqa: B023
            except (OperationalError, InterfaceError) as exc:
                self._note(failing=True, why=exc)
                for record in batch:
                    self._tell(record, StoreUnavailable("the database does not answer"))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._note(failing=False)
            for record in batch:
                if self._unwritten.get((record.project, record.id)) is record:
                    del self._unwritten[record.project, record.id]
                    self._unwritten_bytes -= record.size
                self._tell(record, refused.get(record.id))

    def _tell(self, record: StoredResponse, error: Exception | None) -> None:
        """Tell whoever waits for the record."""
        awaited = self._awaited.pop((record.project, record.id), None)
        if awaited is None or awaited.done():
            return
        if error is None:
            awaited.set_result(None)
        else:
            awaited.set_exception(error)
            awaited.exception()  # nobody may be waiting any more

    def _note(self, *, failing: bool, why: Exception | None = None) -> None:
        if failing != self._failing:
            if failing:
                logger.error("stored responses wait for the database: %s", type(why).__name__)
            else:
                logger.warning("stored responses are written again")
        self._failing = failing


def _insert(records: Sequence[StoredResponse]) -> dict[str, RecordRefused]:
    """Write the records; returns those that cannot be written at all, by id, with the reason."""
    try:
        database.insert(records)
    except (OperationalError, InterfaceError):
        raise
    except Exception as exc:
        if len(records) == 1:
            logger.exception("a response cannot be stored", extra={"fields": {"response": records[0].id}})
            return {records[0].id: RecordRefused(type(exc).__name__)}
        return {found: refusal for record in records for found, refusal in _insert([record]).items()}
    return {}


def _acting(act: Callable[[], _Found]) -> _Found:
    """Do it over this thread's connection; one that was lost in the meantime is made anew, once."""
    fresh = connection.connection is None
    try:
        return _once(act)
    except (OperationalError, InterfaceError):
        if fresh or connection.vendor == "sqlite":
            raise
        return _once(act)


def _once(act: Callable[[], _Found]) -> _Found:
    try:
        if connection.connection is None:
            connection.ensure_connection()
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_SECONDS * 1000)}")
                else:
                    cursor.execute(f"SET statement_timeout = {int(READ_SECONDS * 1000)}")
                    # As with SQLite's write-ahead log: a commit is seen by all at once, and on disk a moment later.
                    cursor.execute("SET synchronous_commit = off")
        return act()
    except BaseException:
        connection.close()
        raise
