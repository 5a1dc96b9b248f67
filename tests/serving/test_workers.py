"""Several worker processes behind one port: each follows an edit, and all of them end in good order."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, chunked, whole
from tests.serving.operating import assert_served_in_time, edit, wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_REPLY, CHAT_REQUEST, CHAT_STREAM, ENDPOINTS, REQUESTS, for_model, streamed

JSON = {"content-type": "application/json"}
ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}"}}
  - {{model: openai/responses-model, access_key: $OPENAI_API_KEY, base_url: "{url}"}}
  - {{model: anthropic/messages-model, access_key: $ANTHROPIC_API_KEY, base_url: "{url}"}}
"""
STOPPED_WITHIN_SECONDS = 5.0
RECOVERED_WITHIN_SECONDS = 5.0


@dataclass
class Pair:
    """A gateway of two workers, and for each worker's process id a client whose one connection that worker has."""

    gateway: RunningGateway
    clients: dict[int, httpx2.Client]


def workers_of(gateway: RunningGateway) -> list[int]:
    """Return the process ids of the workers."""
    assert gateway.process is not None
    pid = gateway.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


def connect_to_each(gateway: RunningGateway) -> dict[int, httpx2.Client]:
    """Return a client for each worker: while one of them takes its connection, the others are held."""
    workers = workers_of(gateway)
    clients = {}
    for worker in workers:
        others = [other for other in workers if other != worker]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        clients[worker] = httpx2.Client(base_url=gateway.url, timeout=15)
        assert clients[worker].get("/healthz").status_code == 200
        for other in others:
            os.kill(other, signal.SIGCONT)
    return clients


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """An upstream of the test's own."""
    with FakeUpstream() as fake:
        fake.answer(whole(CHAT_REPLY))
        yield fake


@pytest.fixture
def pair(upstream: FakeUpstream, tmp_path: Path) -> Iterator[Pair]:
    """The two workers and a client for each."""
    with RunningGateway(tmp_path, ROUTES.format(url=upstream.url), GATEWAY_WORKERS="2") as gateway:
        wait_until(lambda: len(workers_of(gateway)) == 2, 5)
        clients = connect_to_each(gateway)
        for client in clients.values():
            wait_until(partial(is_ready, client), 5)
        yield Pair(gateway, clients)
        for client in clients.values():
            client.close()


def ask(client: httpx2.Client, model: str) -> httpx2.Response:
    """Ask for a model."""
    return client.post(ENDPOINTS["chat"], content=for_model(CHAT_REQUEST, model), headers=JSON)


def serves(client: httpx2.Client, model: str) -> bool:
    """Tell whether a model is served."""
    return ask(client, model).status_code == 200


def is_ready(client: httpx2.Client) -> bool:
    """Tell whether the worker is ready."""
    return client.get("/readyz").status_code == 200


def test_each_worker_serves_an_edit_in_time(pair: Pair) -> None:
    """Within two seconds of the save no worker serves the old revision any more."""
    assert len(pair.clients) == 2
    assert {ask(client, "renamed").status_code for client in pair.clients.values()} == {404}
    saved = edit(pair.gateway, 'Route.objects.filter(name="chat-model").update(name="renamed")')
    for client in pair.clients.values():
        assert_served_in_time(saved, partial(serves, client, "renamed"))
        answer = ask(client, "renamed")
        assert (answer.status_code, answer.headers["x-gateway-revision"]) == (200, "2")


def test_no_connection_reaches_an_old_revision_after_an_edit(pair: Pair) -> None:
    """Once the time is over, every fresh connection is served from the new revision, whichever worker takes it."""
    saved = edit(pair.gateway, 'Route.objects.filter(name="chat-model").update(name="renamed")')
    for client in pair.clients.values():
        assert_served_in_time(saved, partial(serves, client, "renamed"))
    answers = [httpx2.post(f"{pair.gateway.url}{ENDPOINTS['chat']}", content=CHAT_REQUEST) for _ in range(20)]
    assert {(answer.status_code, answer.headers["x-gateway-revision"]) for answer in answers} == {(404, "2")}


def test_each_worker_ends_its_streams_before_it_stops(pair: Pair, upstream: FakeUpstream) -> None:
    """On SIGTERM the streams that run go on to their end, nothing new is taken, and then every process is gone."""
    workers = list(pair.clients)
    go_on = threading.Event()
    upstream.answer([OPEN_STREAM, chunked(CHAT_STREAM[:300]), go_on, chunked(CHAT_STREAM[300:]), b"0\r\n\r\n"])
    streams = [
        client.stream("POST", ENDPOINTS["chat"], content=streamed(CHAT_REQUEST), headers=JSON)
        for client in pair.clients.values()
    ]
    opened = [stream.__enter__().iter_raw() for stream in streams]
    received = [next(chunks) for chunks in opened]
    assert pair.gateway.process is not None
    pair.gateway.process.terminate()
    wait_until(lambda: is_refused(pair.gateway), STOPPED_WITHIN_SECONDS)
    go_on.set()
    assert [begun + b"".join(rest) for begun, rest in zip(received, opened, strict=True)] == [CHAT_STREAM] * 2
    pair.gateway.process.wait(STOPPED_WITHIN_SECONDS)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]


def is_refused(gateway: RunningGateway) -> bool:
    """Tell whether a new connection is refused."""
    try:
        return httpx2.get(f"{gateway.url}/healthz", timeout=1).status_code != 200
    except httpx2.TransportError:
        return True


@pytest.mark.parametrize("auth", ["open", "required"])
def test_gateway_starts_while_the_database_is_locked(auth: str, upstream: FakeUpstream, tmp_path: Path) -> None:
    """It is alive, not ready, and answers 503 in the caller's shape, never 401; with the lock gone it serves soon."""
    gateway = RunningGateway(tmp_path, ROUTES.format(url=upstream.url), GATEWAY_CLIENT_AUTH=auth)
    gateway.start()
    key = gateway.manage("create_key", "early").split()[-1]
    gateway.stop()
    headers = JSON | {"authorization": f"Bearer {key}"}
    lock = sqlite3.connect(tmp_path / "gateway.sqlite3", isolation_level=None)
    lock.execute("PRAGMA locking_mode = EXCLUSIVE")  # with a write-ahead log, BEGIN EXCLUSIVE alone lets readers in
    lock.execute("BEGIN EXCLUSIVE")
    try:
        gateway.launch("--no-setup")
        with httpx2.Client(base_url=gateway.url, timeout=15) as http:
            wait_until(lambda: not is_refused(gateway), 15)
            assert http.get("/readyz").status_code == 503
            for shape, path in ENDPOINTS.items():
                answer = http.post(path, content=REQUESTS[shape], headers=headers)
                assert answer.status_code == 503
                assert (answer.json().get("type") == "error") == (shape == "messages")
                assert answer.json()["error"]["message"]
            lock.close()
            wait_until(lambda: http.get("/readyz").status_code == 200, RECOVERED_WITHIN_SECONDS)
            answer = http.post(ENDPOINTS["chat"], content=CHAT_REQUEST, headers=headers)
            assert answer.status_code == 200
    finally:
        lock.close()
        gateway.stop()
