"""Figure `latency`: what a server adds to one call at a time, next to calls that go to the fake upstream directly."""

from __future__ import annotations

import uvloop

from benchmarks.calls import interleaved_latencies
from benchmarks.plan import Plan
from benchmarks.report import Result, at_most
from benchmarks.stage import Cores, stage
from benchmarks.wire import chat_request


def latency(cores: Cores, plan: Plan) -> list[Result]:
    """Return the added milliseconds: the median through the server less the median without it."""
    added: dict[str, list[float]] = {"gateway": [], "bare": []}
    with stage(cores) as servers:
        calls = [(server.port, chat_request()) for server in (servers.upstream, servers.gateway, servers.bare)]
        for _ in range(plan.rounds):
            direct, gateway, bare = uvloop.run(interleaved_latencies(calls, plan.latency_calls))
            added["gateway"].append((gateway - direct) * 1e3)
            added["bare"].append((bare - direct) * 1e3)
    return [
        Result("added latency, passthrough", "ms", tuple(added["gateway"]), at_most(0.4)),
        Result("  bare proxy", "ms", tuple(added["bare"])),
    ]
