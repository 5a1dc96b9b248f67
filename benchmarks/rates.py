"""Figure `rates`: requests a second, not streamed, against both baselines."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import uvloop

from benchmarks.calls import requests_per_second
from benchmarks.plan import Plan
from benchmarks.processes import Running
from benchmarks.report import Result, at_least
from benchmarks.stage import Cores, Stage, stage
from benchmarks.wire import chat_request, messages_request, responses_request


@dataclass(frozen=True)
class _Rate:
    """Requests a second, and how busy the two cores were."""

    per_second: float
    server_busy: float
    load_busy: float


def rates(cores: Cores, plan: Plan) -> list[Result]:
    """Return the rates of the gateway as shares of the baselines' in the same round, then the rates themselves."""
    with stage(cores) as servers:
        visits = {
            "passthrough": (servers.gateway, chat_request()),
            "bare proxy": (servers.bare, chat_request()),
            "messages to chat": (servers.gateway, messages_request()),
            "stock Django": (servers.stock, chat_request()),
            "responses to chat": (servers.gateway, responses_request()),
        }
        measured: dict[str, list[_Rate]] = {name: [] for name in visits}
        for _ in range(plan.rounds):
            for name, (server, request) in visits.items():
                measured[name].append(_rate(servers, server, request, plan))

    def share(name: str, of: str) -> tuple[float, ...]:
        pairs = zip(measured[name], measured[of], strict=True)
        return tuple(mine.per_second / other.per_second for mine, other in pairs)

    return [
        Result("requests/s, passthrough", "of (b)", share("passthrough", "bare proxy"), at_least(0.40)),
        Result("requests/s, passthrough", "times (a)", share("passthrough", "stock Django"), at_least(5)),
        Result("requests/s, messages to chat", "of (b)", share("messages to chat", "bare proxy"), at_least(0.25)),
        Result("requests/s, responses to chat", "of (b)", share("responses to chat", "bare proxy"), at_least(0.25)),
        *(_absolute(name, rounds) for name, rounds in measured.items()),
    ]


def _rate(servers: Stage, server: Running, request: bytes, plan: Plan) -> _Rate:
    server_cpu, load_cpu, began = server.cpu_seconds(), _load_cpu(servers.upstream), time.perf_counter()
    per_second = uvloop.run(
        requests_per_second(server.port, request, plan.connections, plan.warm_up_seconds, plan.rate_seconds)
    )
    taken = time.perf_counter() - began
    return _Rate(
        per_second=per_second,
        server_busy=(server.cpu_seconds() - server_cpu) / taken,
        load_busy=(_load_cpu(servers.upstream) - load_cpu) / taken,
    )


def _load_cpu(upstream: Running) -> float:
    return time.process_time() + upstream.cpu_seconds()


def _absolute(name: str, rounds: list[_Rate]) -> Result:
    server = statistics.median(rate.server_busy for rate in rounds)
    load = statistics.median(rate.load_busy for rate in rounds)
    note = f"its core {server:.0%} busy with it, load and upstream {load:.0%} of the other"
    return Result(f"  {name}", "requests/s", tuple(rate.per_second for rate in rounds), note=note)
