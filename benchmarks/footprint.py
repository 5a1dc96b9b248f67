"""Figures `idle` and `start`: memory and threads of open silent streams, memory at rest, and time to be ready."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.plan import Plan
from benchmarks.processes import Running, free_port, running, wait_until_ready
from benchmarks.report import Result, at_most
from benchmarks.stage import Cores, baseline, fake_upstream, gateway, gateway_environment
from benchmarks.streams import open_streams
from benchmarks.wire import IDLE, chat_request, messages_request

SETTLE_SECONDS = 2.5
"""Longer than the gateway's poll for a new revision, so that what it does in the background is counted."""


def idle(cores: Cores, plan: Plan) -> list[Result]:
    """Return the memory of each open stream; every server is a fresh one, whose heap has no room left from before."""
    with fake_upstream(cores.load) as upstream:

        def of_each(server: AbstractContextManager[Running], request: bytes) -> tuple[float, int]:
            with server as fresh:
                return uvloop.run(_kilobytes_and_threads(fresh, request, plan.idle_streams))

        passthrough, threads = of_each(gateway(cores.server, upstream.port), chat_request(IDLE))
        translated, translated_threads = of_each(gateway(cores.server, upstream.port), messages_request(IDLE))
        bare, _ = of_each(baseline("bare", cores.server, upstream.port), chat_request(IDLE))
    many = f"{plan.idle_streams:,} idle streams"
    return [
        Result(f"memory of each of {many}, passthrough", "KB", (passthrough,), at_most(48)),
        Result(f"memory of each of {many}, messages to chat", "KB", (translated,), at_most(48)),
        Result("  bare proxy", "KB", (bare,)),
        Result(f"threads with {many}", "threads", (float(max(threads, translated_threads)),), at_most(19)),
    ]


async def _kilobytes_and_threads(server: Running, request: bytes, count: int) -> tuple[float, int]:
    async with open_streams(server.port, request, 1) as streams:
        await streams.hold(SETTLE_SECONDS)
    before = server.memory_bytes()
    async with open_streams(server.port, request, count) as streams:
        await streams.hold(SETTLE_SECONDS)
        return (server.memory_bytes() - before) / count / 1024, server.threads()


def start(cores: Cores, plan: Plan) -> list[Result]:
    """Return the seconds that `make run` takes to be ready when it is not the first time, and its memory then."""
    seconds: list[float] = []
    megabytes: list[float] = []
    with TemporaryDirectory(prefix="bench-") as folder:
        for _ in range(plan.rounds + 1):
            port = free_port()
            environment = gateway_environment(Path(folder), port, upstream_port=free_port())
            began = time.monotonic()
            with running(["make", "--silent", "run"], port, cores.server, environment) as server:
                wait_until_ready(port, "/readyz")
                seconds.append(time.monotonic() - began)
                time.sleep(SETTLE_SECONDS)
                megabytes.append(server.memory_bytes() / 1024**2)
    return [
        Result("make run, second time, until ready", "s", tuple(seconds[1:]), at_most(3)),
        Result("memory of the worker at rest", "MB", tuple(megabytes[1:]), at_most(110)),
    ]
