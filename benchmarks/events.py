"""Figure `events`: CPU per streamed event, with many streams that each get events at an even pace."""

from __future__ import annotations

import asyncio
from itertools import permutations

import uvloop

from benchmarks.plan import Plan
from benchmarks.processes import Running
from benchmarks.report import Result, at_most
from benchmarks.stage import Cores, stage
from benchmarks.streams import open_streams
from benchmarks.upstream import EVENTS_PER_SECOND
from benchmarks.watch import LoadFailedError
from benchmarks.wire import PACED, chat_request, messages_request, responses_request

REQUESTS = {"chat": chat_request, "messages": messages_request, "responses": responses_request}
MOST_MICROSECONDS = 40
"""What a translated event may cost in each direction, on a machine whose bare proxy takes about 20."""

LEAST_SHARE_OF_EVENTS = 0.9
"""A server that falls behind its upstream is saturated, and its CPU per event says nothing."""

REST_SECONDS = 1.0
MOST_REST_BUSY = 0.1
"""A server that is busier than this after its clients left still forwards their streams."""


def events(cores: Cores, plan: Plan) -> list[Result]:
    """Return the CPU per event as multiples of the bare proxy's in the same round, then in microseconds."""
    with stage(cores) as servers:
        visits = {
            "passthrough": (servers.gateway, chat_request(PACED)),
            "bare proxy": (servers.bare, chat_request(PACED)),
            **{
                f"{client} to {upstream}": (servers.gateway, REQUESTS[client](PACED, upstream))
                for client, upstream in permutations(REQUESTS, 2)
            },
        }
        measured: dict[str, list[float]] = {name: [] for name in visits}
        for _ in range(plan.rounds):
            for name, (server, request) in visits.items():
                measured[name].append(uvloop.run(microseconds_per_event(server, request, plan)))

    def times(name: str) -> tuple[float, ...]:
        return tuple(mine / bare for mine, bare in zip(measured[name], measured["bare proxy"], strict=True))

    return [
        Result("CPU per event, passthrough", "times (b)", times("passthrough"), at_most(1.3)),
        Result("CPU per event, messages to chat", "times (b)", times("messages to chat"), at_most(2.3)),
        Result("CPU per event, responses to chat", "times (b)", times("responses to chat"), at_most(2.3)),
        *(
            Result(f"  {name}", "µs an event", tuple(rounds), at_most(MOST_MICROSECONDS) if " to " in name else None)
            for name, rounds in measured.items()
        ),
    ]


async def microseconds_per_event(server: Running, request: bytes, plan: Plan) -> float:
    """Return the CPU of one event, with many streams of that request; raises LoadFailedError."""
    async with open_streams(server.port, request, plan.paced_streams) as streams:
        await streams.hold(plan.warm_up_seconds)
        before = server.cpu_seconds()
        count = await streams.events_during(plan.streams_seconds)
        taken = server.cpu_seconds() - before
    await _rested(server)
    expected = plan.paced_streams * EVENTS_PER_SECOND * plan.streams_seconds
    if count < LEAST_SHARE_OF_EVENTS * expected:
        raise LoadFailedError(f"{count} events arrived, {expected:.0f} were due: the server fell behind")
    return taken / count * 1e6


async def _rested(server: Running) -> None:
    """Wait until the closed streams are over, and make sure that they are: they would count in the next round."""
    await asyncio.sleep(REST_SECONDS)
    before = server.cpu_seconds()
    await asyncio.sleep(REST_SECONDS)
    if server.cpu_seconds() - before > MOST_REST_BUSY * REST_SECONDS:
        raise LoadFailedError("the server went on streaming after its clients had left")
