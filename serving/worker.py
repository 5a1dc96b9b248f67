"""One worker process's state: the snapshot and the keys that it serves from, kept up to date with the database.

The database is read in one thread of its own, so that a slow database never holds up a relay. While the database
is away the worker goes on serving from what it has.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import connection

from conversations.turns import turn_store
from keys.snapshot import current_version, load_keys
from keys.table import KeyTable
from routing.snapshot import current_revision, load_table
from routing.table import RouteTable
from serving.keeping import Memory
from serving.snapshot import Snapshot
from serving.storage import keep_pruning, response_store
from serving.upstream import warm_up

logger = logging.getLogger("serving.worker")

SUPERVISOR = "SWITCHYARD_SUPERVISOR"
"""The variable by which a worker of several knows the process that started it."""

POLL_SECONDS = 1.0
SLOW_START_SECONDS = 2.0


class Worker:
    """The state of one worker; `snapshot` and `keys` are None until the first tables are loaded, `keys` first."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.keys: KeyTable | None = None
        self.draining = False
        self.database_ok = False
        self.memory = Memory(
            turns=turn_store(settings.VALKEY_URL),
            responses=response_store(),
            days=settings.GATEWAY_RESPONSES_DAYS,
            most_bytes=settings.GATEWAY_MAX_BODY_BYTES,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="configuration")
        # Not asked for here: a worker may begin only after the process that started it is gone.
        self._parent = int(os.environ.get(SUPERVISOR, os.getppid()))
        self._watching: asyncio.Task[None] | None = None
        self._pruning: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the table, if the database answers in time, and keep watching for newer ones."""
        warm_up()
        self._watching = asyncio.create_task(self._watch())
        self._pruning = asyncio.create_task(keep_pruning(self.memory.responses))
        for _ in range(int(SLOW_START_SECONDS / 0.05)):
            if self.snapshot is not None:
                return
            await asyncio.sleep(0.05)
        logger.warning("no route table yet: the database does not answer; requests get 503 until it does")

    async def stop(self) -> None:
        """Stop watching and close every pool."""
        self.draining = True
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._pruning is not None:
            self._pruning.cancel()
        if self.snapshot is not None:
            await self.snapshot.aclose()
        await self.memory.turns.aclose()
        await self.memory.responses.aclose()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        serving = -1
        while True:
            self._stop_if_orphaned()
            try:
                # Keys go first and by themselves: whatever is wrong with the routes, a revoked key is refused.
                known = None if self.keys is None else self.keys.version
                self.keys = await loop.run_in_executor(self._thread, _newer_keys, known) or self.keys
                table = await loop.run_in_executor(self._thread, _newer_table, serving)
                if table is not None:
                    await self._serve(table)
                    serving = table.revision
                self._note_database(answers=True)
            except Exception as exc:
                self._note_database(answers=False, why=exc)
            await asyncio.sleep(POLL_SECONDS)

    def _stop_if_orphaned(self) -> None:
        """Stop, if the process that started this one of several workers is gone: nobody would end it ever."""
        if settings.GATEWAY_WORKERS > 1 and os.getppid() != self._parent and not self.draining:
            logger.error("the process that started this worker is gone: stopping")
            self.draining = True
            os.kill(os.getpid(), signal.SIGTERM)

    async def _serve(self, table: RouteTable) -> None:
        if self.snapshot is None:
            self.snapshot = Snapshot(table, self.memory)
        else:
            self.snapshot = await self.snapshot.replaced_by(table)
        logger.info("serving", extra={"fields": {"revision": table.revision, "routes": len(table.routes)}})

    def _note_database(self, *, answers: bool, why: Exception | None = None) -> None:
        if answers != self.database_ok:
            if answers:
                logger.info("the database answers")
            else:
                logger.error("the database does not answer: %s", type(why).__name__)
        self.database_ok = answers


def _newer_keys(known: str | None) -> KeyTable | None:
    """Return the keys if their version is not the known one. Runs in the worker's own thread."""
    try:
        return None if current_version() == known else load_keys()
    finally:
        connection.close()


def _newer_table(serving: int) -> RouteTable | None:
    """Return the table if its revision is not the one being served. Runs in the worker's own thread."""
    try:
        return None if current_revision() == serving else load_table()
    finally:
        connection.close()
