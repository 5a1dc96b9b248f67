"""The stage of a run: the fake upstream and the load on one core, the servers under test on another.

Every server forwards to the same fake upstream; those that are not being measured are idle.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from benchmarks.processes import Running, free_port, running, wait_until_listening, wait_until_ready
from benchmarks.watch import HOST
from benchmarks.wire import MODEL, MODEL_OF


@dataclass(frozen=True)
class Cores:
    """Where the servers under test run, and where everything else does."""

    server: int
    load: int


@dataclass(frozen=True)
class Stage:
    """The processes of one run."""

    upstream: Running
    gateway: Running
    stock: Running
    bare: Running


def choose_cores() -> Cores:
    """Return two cores of this machine, or one for both where there is no second."""
    cores = sorted(os.sched_getaffinity(0))
    return Cores(server=cores[0], load=cores[-1])


def gateway_environment(folder: Path, port: int, upstream_port: int) -> dict[str, str]:
    """Return the environment of a gateway with a database of its own and a route to each shape, all to one place."""
    routes = folder / "routes.yaml"
    providers = [
        {
            "model": f"mock/{model}",
            "name": shape,
            "access_key": "$BENCH_KEY",
            "base_url": f"http://{HOST}:{upstream_port}",
            "shapes": [shape],
            "default": model == MODEL,
        }
        for shape, model in MODEL_OF.items()
    ]
    routes.write_text(yaml.safe_dump({"version": "v0.3.0", "model_providers": providers}))
    return {
        "BENCH_KEY": "bench",
        "DATABASE_URL": f"sqlite:///{folder / 'gateway.sqlite3'}",
        "GATEWAY_CLIENT_AUTH": "open",
        "GATEWAY_ENV": "development",
        "GATEWAY_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "GATEWAY_ROUTES": str(routes),
        "GATEWAY_VAR_DIR": str(folder),
        "GATEWAY_WORKERS": "1",
    }


@contextmanager
def fake_upstream(core: int) -> Iterator[Running]:
    """Run the fake upstream."""
    port = free_port()
    with running([sys.executable, "-m", "benchmarks.upstream", str(port)], port, core, {}) as upstream:
        wait_until_listening(port)
        yield upstream


@contextmanager
def gateway(core: int, upstream_port: int) -> Iterator[Running]:
    """Run the gateway as an operator does, with one worker."""
    port = free_port()
    with TemporaryDirectory(prefix="bench-") as folder:
        environment = gateway_environment(Path(folder), port, upstream_port)
        with running([sys.executable, "manage.py", "serve"], port, core, environment) as server:
            wait_until_ready(port, "/readyz")
            yield server


@contextmanager
def baseline(name: str, core: int, upstream_port: int) -> Iterator[Running]:
    """Run one of the baselines under the same server as the gateway's."""
    port = free_port()
    options = ["--host", HOST, "--port", str(port), "--http", "httptools", "--loop", "uvloop", "--no-access-log"]
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.baselines.{name}:app", *options, "--log-level", "warning"]
    environment: Mapping[str, str] = {"BENCH_UPSTREAM": f"http://{HOST}:{upstream_port}"}
    with running(command, port, core, environment) as server:
        wait_until_listening(port)
        yield server


@contextmanager
def stage(cores: Cores) -> Iterator[Stage]:
    """Run all of them."""
    with ExitStack() as stack:
        upstream = stack.enter_context(fake_upstream(cores.load))
        yield Stage(
            upstream=upstream,
            gateway=stack.enter_context(gateway(cores.server, upstream.port)),
            stock=stack.enter_context(baseline("stock", cores.server, upstream.port)),
            bare=stack.enter_context(baseline("bare", cores.server, upstream.port)),
        )
