"""Figure `storing`: what it costs to store a response, next to the same stream that is not stored.

It is written to SQLite before the client gets the end of the stream.
"""

from __future__ import annotations

import uvloop

from benchmarks.calls import interleaved_latencies
from benchmarks.events import microseconds_per_event
from benchmarks.plan import Plan
from benchmarks.report import Result, at_most
from benchmarks.stage import Cores, fake_upstream, gateway
from benchmarks.wire import ENDING, PACED, responses_request

MOST_MILLISECONDS = 3
MOST_TIMES = 1.1
"""An event of a stream that is stored costs no more than noise beyond one of a stream that is not."""


def storing(cores: Cores, plan: Plan) -> list[Result]:
    """Return the milliseconds that storing adds to a stream, and what it adds to the CPU of its events."""
    added, times = [], []
    with fake_upstream(cores.load) as upstream, gateway(cores.server, upstream.port) as server:
        calls = [(server.port, responses_request(ENDING, store=store)) for store in (False, True)]
        for _ in range(plan.rounds):
            passing, stored = uvloop.run(interleaved_latencies(calls, plan.latency_calls))
            added.append((stored - passing) * 1e3)
        for number in range(plan.rounds):
            # Each is first in turn: a worker is not quite the same after a few hundred streams.
            taken = {
                store: uvloop.run(microseconds_per_event(server, responses_request(PACED, store=store), plan))
                for store in (number % 2 == 0, number % 2 == 1)
            }
            times.append(taken[True] / taken[False])
    return [
        Result("added to a stream by storing it", "ms", tuple(added), at_most(MOST_MILLISECONDS)),
        Result("CPU per event, stored", "times not stored", tuple(times), at_most(MOST_TIMES)),
    ]
