"""Load of open streams: each holds one connection, and counts the events that it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.watch import Connection, Watch, connect
from benchmarks.wire import EVENT_END

OPEN_TIMEOUT_SECONDS = 60
OPENING_AT_ONCE = 50


class Listener(Connection):
    """One open stream."""

    def __init__(self, watch: Watch, request: bytes) -> None:
        super().__init__(watch)
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.events = 0
        self._request = request
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        super().connection_made(transport)
        self.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count the events that end in this read."""
        self.events += data.count(EVENT_END)
        if not self.opened.done():
            self._head += data
            if b"\r\n\r\n" in self._head and not self._head.startswith(b"HTTP/1.1 200"):
                self.watch.fail(self._head.decode(errors="replace"))
            elif self.events:
                self.opened.set_result(None)


class OpenStreams:
    """Streams that are open; their upstream sends until they are closed."""

    def __init__(self, watch: Watch, listeners: list[Listener]) -> None:
        self._watch = watch
        self._listeners = listeners

    async def events_during(self, seconds: float) -> int:
        """Return how many events all streams together got in that time."""
        before = sum(listener.events for listener in self._listeners)
        await self._watch.wait(seconds)
        return sum(listener.events for listener in self._listeners) - before

    async def hold(self, seconds: float) -> None:
        """Keep the streams open for that time."""
        await self._watch.wait(seconds)


@asynccontextmanager
async def open_streams(port: int, request: bytes, count: int) -> AsyncIterator[OpenStreams]:
    """Hold `count` streams open, each with its first event received; a few at a time, so that no backlog overflows."""
    watch = Watch()
    listeners: list[Listener] = []
    try:
        for start in range(0, count, OPENING_AT_ONCE):
            opening = [Listener(watch, request) for _ in range(min(OPENING_AT_ONCE, count - start))]
            for listener in opening:
                await connect(listener, port)
                listeners.append(listener)
            for listener in opening:
                await watch.wait_for(listener.opened, OPEN_TIMEOUT_SECONDS, "opening a stream")
        yield OpenStreams(watch, listeners)
    finally:
        watch.close()
        for listener in listeners:
            listener.close()
