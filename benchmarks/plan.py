"""How long a run measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Rounds are interleaved: each visits every server once, so that a slow minute of the machine hits all alike."""

    rounds: int
    warm_up_seconds: float
    rate_seconds: float
    streams_seconds: float
    latency_calls: int
    connections: int = 32
    paced_streams: int = 200
    idle_streams: int = 1000


FULL = Plan(rounds=5, warm_up_seconds=1, rate_seconds=4, streams_seconds=5, latency_calls=2000)
QUICK = Plan(rounds=3, warm_up_seconds=0.5, rate_seconds=1, streams_seconds=2, latency_calls=500)
