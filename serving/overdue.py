"""Deadlines for tasks that wait, at next to no cost: one timer looks after all of a worker's.

A timer of its own for each wait costs a relay ten times as much. The price is precision: a wait ends up to LOOK_SECONDS
late.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

LOOK_SECONDS = 0.1


class Overdue:
    """Everybody who waits, by their deadline; looked after while there is anybody."""

    def __init__(self) -> None:
        self._waiting: dict[Wait, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> Wait:
        """Return a context in which the current task may wait; TimeoutError after that many seconds, 0 for no limit."""
        return Wait(self, seconds)

    def enter(self, wait: Wait) -> None:
        """Look after one more."""
        self._waiting[wait] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def leave(self, wait: Wait) -> None:
        """Forget one."""
        self._waiting.pop(wait, None)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for wait in [wait for wait in self._waiting if wait.deadline <= now]:
            del self._waiting[wait]
            wait.expire()
        again = bool(self._waiting)
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look) if again else None


class Wait:
    """One wait of one task."""

    __slots__ = ("_expired", "_overdue", "_task", "deadline")

    def __init__(self, overdue: Overdue, seconds: float) -> None:
        self._overdue = overdue
        self._expired = False
        self._task = asyncio.current_task()
        self.deadline = asyncio.get_running_loop().time() + seconds if seconds else 0.0

    def expire(self) -> None:
        """Wake the task; it leaves the context with a TimeoutError."""
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> None:
        if self.deadline:
            self._overdue.enter(self)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.deadline:
            self._overdue.leave(self)
        if self._expired and self._task is not None and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from exc
