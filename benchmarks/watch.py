"""What the load generators share: a connection, and a wait that ends when one of the connections fails.

A reply that is not 200 fails the measurement: a fast error is no result.
"""

from __future__ import annotations

import asyncio
from typing import cast

HOST = "127.0.0.1"
_LONGEST_REASON = 1000


class LoadFailedError(Exception):
    """The server under test gave an error, closed a connection that was in use, or was too slow."""


class Watch:
    """Waits for time or for a signal, and raises what went wrong meanwhile."""

    def __init__(self) -> None:
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        """End every wait with an error; only the first reason counts."""
        if not self._failed.done():
            self._failed.set_exception(LoadFailedError(reason[:_LONGEST_REASON]))

    def close(self) -> None:
        """Ignore failures from now on: the measurement is over and the connections are being closed."""
        self._failed.cancel()

    async def wait(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.wait([self._failed], timeout=seconds)
        if self._failed.done():
            self._failed.result()

    async def wait_for(self, signal: asyncio.Future[None], seconds: float, what: str) -> None:
        """Wait for the signal, at most that long."""
        await asyncio.wait([self._failed, signal], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            self._failed.result()
        if not signal.done():
            raise LoadFailedError(f"{what} took longer than {seconds:.0f} s")


class Connection(asyncio.Protocol):
    """One connection to the server under test."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports behave like asyncio's, but are none by class.
        self._transport = cast(asyncio.Transport, transport)

    def write(self, request: bytes) -> None:
        """Send a request."""
        if self._transport is None:
            raise LoadFailedError("a request was sent before the connection was made")
        self._transport.write(request)

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the measurement, if it still runs."""
        self.watch.fail(f"the server closed a connection: {exc}")


async def connect(connection: Connection, port: int) -> None:
    """Connect to the server under test."""
    await asyncio.get_running_loop().create_connection(lambda: connection, HOST, port)
