"""Runs the benchmarks and prints their table: `python -m benchmarks [--quick] [--only FIGURE] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.events import events
from benchmarks.footprint import idle, start
from benchmarks.latency import latency
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.rates import rates
from benchmarks.report import Result, table
from benchmarks.stage import Cores, choose_cores
from benchmarks.storing import storing
from benchmarks.translating import translation
from benchmarks.watch import LoadFailedError

FIGURES: dict[str, Callable[[Cores, Plan], list[Result]]] = {
    "rates": rates,
    "events": events,
    "translation": translation,
    "latency": latency,
    "storing": storing,
    "idle": idle,
    "start": start,
}
BUSY_LOAD_AVERAGE = 0.5


def arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the gateway against two proxies."
    )
    parser.add_argument("--quick", action="store_true", help="measure for about a minute; the figures are rougher")
    parser.add_argument("--only", choices=FIGURES, help="measure one figure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to a file")
    return parser.parse_args(words)


def machine(cores: Cores) -> str:
    """Describe where the figures come from, and what may have disturbed them."""
    lines = [
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores.",
        f"Servers run on core {cores.server}, load and fake upstream on core {cores.load}.",
        "(a) is a three-line Django view over a stock client, (b) a bare ASGI proxy over aiohttp.",
    ]
    if cores.server == cores.load:
        lines.append("There is only one core: the load takes time from the servers, and the figures mean little.")
    if (busy := os.getloadavg()[0]) > BUSY_LOAD_AVERAGE:
        lines.append(f"The machine was not at rest at the start (load average {busy:.1f}): expect wide ranges.")
    return "\n".join(lines)


def main(words: list[str]) -> int:
    """Measure, print and write; return 1 where an aim was missed or a figure could not be measured."""
    chosen = arguments(words)
    plan = QUICK if chosen.quick else FULL
    cores = choose_cores()
    os.sched_setaffinity(0, {cores.load})
    # A thousand streams are two thousand files in the gateway, more than the usual soft limit.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(machine(cores), flush=True)
    results: list[Result] = []
    failed = False
    for name in [chosen.only] if chosen.only else FIGURES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            results += FIGURES[name](cores, plan)
        except LoadFailedError as error:
            failed = True
            print(f"{name} could not be measured: {error}", file=sys.stderr, flush=True)
    print(table(results))
    if chosen.json:
        chosen.json.write_text(json.dumps([result.wire() for result in results], indent=2) + "\n")
    return int(failed or any(result.verdict == "MISSED" for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
