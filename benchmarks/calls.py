"""Load of single replies: prebuilt requests, and a parser that knows only where a reply ends."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Callable

from benchmarks.watch import Connection, Watch, connect

CALLS_TIMEOUT_SECONDS = 120
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED_END = b"\r\n0\r\n\r\n"


class Caller(Connection):
    """One keep-alive connection with one request at a time; `on_reply` runs at the end of each reply."""

    def __init__(self, watch: Watch, request: bytes, on_reply: Callable[[], None]) -> None:
        super().__init__(watch)
        self._request = request
        self._on_reply = on_reply
        self._received = b""

    def send(self) -> None:
        """Send the request once."""
        self.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect the reply, and tell when it is complete."""
        received = self._received = self._received + data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        if not received.startswith(b"HTTP/1.1 200"):
            self.watch.fail(received.decode(errors="replace"))
            return
        length = _CONTENT_LENGTH.search(received, 0, head_end)
        if len(received) - head_end - 4 >= int(length[1]) if length else received.endswith(_CHUNKED_END):
            self._received = b""
            self._on_reply()


class _BusyCaller(Caller):
    """A caller that asks again as soon as it has its reply, and counts."""

    def __init__(self, watch: Watch, request: bytes) -> None:
        super().__init__(watch, request, self._again)
        self.replies = 0

    def _again(self) -> None:
        self.replies += 1
        self.send()


async def requests_per_second(port: int, request: bytes, connections: int, warm_up: float, seconds: float) -> float:
    """Return how many replies a second the server gives when every connection always has one request open."""
    watch = Watch()
    callers = [_BusyCaller(watch, request) for _ in range(connections)]
    try:
        for caller in callers:
            await connect(caller, port)
            caller.send()
        await watch.wait(warm_up)
        before, began = sum(caller.replies for caller in callers), time.perf_counter()
        await watch.wait(seconds)
        return (sum(caller.replies for caller in callers) - before) / (time.perf_counter() - began)
    finally:
        watch.close()
        for caller in callers:
            caller.close()


class _Turns:
    """Sends several requests in turn, one call at a time, and keeps how long each call took."""

    def __init__(self, watch: Watch, requests: list[bytes], rounds: int) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.seconds: list[list[float]] = [[] for _ in requests]
        self.callers = [Caller(watch, request, self._next) for request in requests]
        self._calls_left = rounds * len(requests)

    def start(self) -> None:
        """Make the first call; each reply makes the next."""
        self._turn = 0
        self._began = time.perf_counter()
        self.callers[0].send()

    def _next(self) -> None:
        now = time.perf_counter()
        self.seconds[self._turn].append(now - self._began)
        self._calls_left -= 1
        if not self._calls_left:
            self.over.set_result(None)
            return
        self._turn = (self._turn + 1) % len(self.callers)
        self._began = time.perf_counter()
        self.callers[self._turn].send()


async def interleaved_latencies(calls: list[tuple[int, bytes]], rounds: int) -> list[float]:
    """Return the median seconds of each call, a port and a request, over one connection each.

    The first tenth only warms up.
    """
    watch = Watch()
    turns = _Turns(watch, [request for _, request in calls], rounds)
    try:
        for caller, (port, _) in zip(turns.callers, calls, strict=True):
            await connect(caller, port)
        turns.start()
        await watch.wait_for(turns.over, CALLS_TIMEOUT_SECONDS, f"{rounds} calls")
    finally:
        watch.close()
        for caller in turns.callers:
            caller.close()
    return [statistics.median(seconds[rounds // 10 :]) for seconds in turns.seconds]
