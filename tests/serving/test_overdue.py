"""Deadlines for waits: one timer for all, as exact as it needs to be."""

from __future__ import annotations

import asyncio

import pytest

from serving.overdue import LOOK_SECONDS, Overdue


def test_wait_beyond_the_deadline_times_out() -> None:
    """Who waits longer than allowed gets a TimeoutError, soon after the deadline and not before."""

    async def wait() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError), Overdue().within(0.2):
            await asyncio.sleep(5)
        return asyncio.get_running_loop().time() - began

    assert 0.2 <= asyncio.run(wait()) < 0.2 + 2 * LOOK_SECONDS + 0.1


def test_wait_that_ends_in_time_is_left_alone() -> None:
    """Who is done in time is never cancelled, also not later."""

    async def wait() -> str:
        overdue = Overdue()
        for _ in range(3):
            with overdue.within(0.15):
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.4)
        return "done"

    assert asyncio.run(wait()) == "done"


def test_no_limit_waits_for_ever() -> None:
    """Zero seconds is no limit."""

    async def wait() -> str:
        with Overdue().within(0):
            await asyncio.sleep(0.3)
        return "done"

    assert asyncio.run(wait()) == "done"


def test_cancellation_from_outside_stays_a_cancellation() -> None:
    """A task that somebody else cancels is cancelled, not timed out."""

    async def wait() -> None:
        with Overdue().within(5):
            await asyncio.sleep(5)

    async def cancel() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
