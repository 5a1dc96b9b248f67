"""Stored responses while the database does not answer: what is refused, what is served, and when it is written."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.grammar import responses
from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, chunked, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.test_configuration import POSTGRESQL, Database
from tests.serving.wires import CHAT_REPLY, CHAT_STREAM, RESPONSES_REPLY, RESPONSES_STREAM

ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat], prefer: chat}}
"""
ASK: dict[str, Any] = {"model": "chat-model", "input": "Hi"}
REFUSED_WITHIN_SECONDS = 4.0
WRITTEN_WITHIN_SECONDS = 3.0


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    """An upstream of the test's own."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture
def gateway(upstream: FakeUpstream, tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that holds no connection to its database: it has not used its store yet, and did not set it up."""
    running = RunningGateway(tmp_path, ROUTES.format(url=upstream.url), GATEWAY_LOG_FORMAT="json")
    running.start()
    running.stop()
    running.launch("--no-setup")
    wait_until(running.ready, 20)
    yield running
    running.stop()


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain client."""
    with httpx2.Client(base_url=f"{gateway.url}/v1", timeout=20) as http:
        yield http


@contextmanager
def locked(gateway: RunningGateway) -> Iterator[None]:
    """Hold the database, so that nobody reads it and nobody writes."""
    lock = sqlite3.connect(gateway.folder / "gateway.sqlite3", isolation_level=None, timeout=5)
    lock.execute("PRAGMA locking_mode = EXCLUSIVE")
    lock.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        lock.close()


def rows(gateway: RunningGateway) -> list[str]:
    """Return the ids of the stored responses."""
    with sqlite3.connect(gateway.folder / "gateway.sqlite3", timeout=5) as reading:
        found = [row[0] for row in reading.execute("SELECT response_id FROM conversations_response")]
    reading.close()
    return found


def test_history_that_cannot_be_read_is_a_503(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """While the database does not answer, what needs a stored response gets a clear 503 soon, and no upstream is asked
    without its history.
    """
    upstream.answer(whole(CHAT_REPLY))
    unknown = "resp_0123456789abcdef01234567"
    with locked(gateway):
        began = time.monotonic()
        refused = [
            client.post("/responses", json=ASK | {"previous_response_id": unknown}),
            client.post("/responses", json=ASK | {"input": [{"type": "item_reference", "id": f"msg_{unknown[5:]}00"}]}),
            client.get(f"/responses/{unknown}"),
        ]
        assert time.monotonic() - began < REFUSED_WITHIN_SECONDS * len(refused)
        for answer in refused:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["error"]["code"] == "state_unavailable"
    assert upstream.requests == []
    wait_until(lambda: client.get(f"/responses/{unknown}").status_code == 404, 5)


def test_what_needs_no_history_is_served_and_written_later(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """A reply that cannot be written is complete, says in its stream that it is not written yet, can be gone on with at
    once, and is in the database soon after that answers again.
    """
    upstream.answer(streaming(CHAT_STREAM))
    with locked(gateway):
        first = client.post("/responses", json=ASK | {"stream": True}).text
        assert ": this response is not in the database yet" in first
        events = responses.check(first.encode())
        response_id = events[-1]["response"]["id"]
        second = client.post("/responses", json=ASK | {"stream": True, "previous_response_id": response_id}).text
        assert responses.check(second.encode())[-1]["type"] == "response.completed"
        assert [message["role"] for message in json.loads(upstream.last.body)["messages"]] == [
            "user",
            "assistant",
            "user",
        ]
        assert client.get(f"/responses/{response_id}").json()["status"] == "completed"
    wait_until(lambda: len(rows(gateway)) == 2, WRITTEN_WITHIN_SECONDS)
    assert response_id in rows(gateway)
    third = client.post("/responses", json=ASK | {"stream": True})
    assert ": this response" not in third.text
    assert len(rows(gateway)) == 3


def test_a_gateway_that_stops_writes_what_waits(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """What is not written when the gateway is told to stop is written before it stops, if the database answers."""
    upstream.answer(whole(CHAT_REPLY))
    with locked(gateway):
        assert client.post("/responses", json=ASK).status_code == 200
        assert gateway.process is not None
        gateway.process.terminate()
    gateway.process.wait(20)
    assert len(rows(gateway)) == 1


def test_a_response_whose_stream_begins_late_is_remembered(upstream: FakeUpstream, tmp_path: Path) -> None:
    """An upstream that keeps its responses, and is silent for so long that the client has its headers before the first
    event, is asked for the response all the same.
    """
    routes = ROUTES.replace("shapes: [chat], prefer: chat", "shapes: [responses], prefer: responses")
    upstream.answer([OPEN_STREAM, 0.5, chunked(RESPONSES_STREAM), b"0\r\n\r\n"])
    with RunningGateway(tmp_path, routes.format(url=upstream.url), GATEWAY_KEEP_ALIVE_SECONDS="0.1") as gateway:
        stream = httpx2.post(f"{gateway.url}/v1/responses", json=ASK | {"stream": True}, timeout=15)
        assert stream.content.endswith(RESPONSES_STREAM)
        wait_until(lambda: httpx2.get(f"{gateway.url}/v1/responses/resp_12345678").status_code == 200, 5)
        assert upstream.last.path == "/v1/responses/resp_12345678"


def test_an_account_whose_key_is_changed_is_still_asked(upstream: FakeUpstream, tmp_path: Path) -> None:
    """What an upstream keeps is asked of the upstream of the same name, once its key is another one."""
    routes = ROUTES.replace("shapes: [chat], prefer: chat", "shapes: [responses], prefer: responses")
    gateway = RunningGateway(tmp_path, routes.format(url=upstream.url))
    upstream.answer(whole(RESPONSES_REPLY))
    with gateway:
        assert httpx2.post(f"{gateway.url}/v1/responses", json=ASK, timeout=15).status_code == 200
    gateway.environment["OPENAI_API_KEY"] = "another-key-of-openai"
    with gateway:
        follow_up = ASK | {"previous_response_id": "resp_12345678"}
        assert httpx2.post(f"{gateway.url}/v1/responses", json=follow_up, timeout=15).status_code == 200
        assert httpx2.get(f"{gateway.url}/v1/responses/resp_12345678", timeout=15).status_code == 200
    assert upstream.last.headers["authorization"] == "Bearer another-key-of-openai"


@pytest.fixture
def postgresql() -> Iterator[Database]:
    """A PostgreSQL database; without a server the test is skipped, and says so."""
    try:
        server = psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip(f"there is no PostgreSQL server at {POSTGRESQL}")
    with server:
        made = Database(server)
        yield made
        made.drop()


def test_conversations_survive_the_loss_of_postgresql(
    postgresql: Database, upstream: FakeUpstream, tmp_path: Path
) -> None:
    """Connections that the server ended are made anew without a word; while it takes none, what needs history is a 503,
    what does not is served, and it is there for everybody once the server is back.
    """
    upstream.answer(whole(CHAT_REPLY))
    with (
        RunningGateway(tmp_path, ROUTES.format(url=upstream.url), DATABASE_URL=postgresql.url) as gateway,
        httpx2.Client(base_url=f"{gateway.url}/v1", timeout=20) as client,
    ):
        first = client.post("/responses", json=ASK).json()
        assert client.get(f"/responses/{first['id']}").json() == first
        postgresql.refuse()
        postgresql.accept()
        follow_up = client.post("/responses", json=ASK | {"previous_response_id": first["id"]})
        assert follow_up.status_code == 200
        postgresql.refuse()
        refused = client.post("/responses", json=ASK | {"previous_response_id": first["id"]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "state_unavailable")
        later = client.post("/responses", json=ASK | {"stream": True}).text
        assert ": this response is not in the database yet" in later
        postgresql.accept()
        with psycopg.connect(postgresql.url) as reading:
            wait_until(lambda: _count(reading) == 3, WRITTEN_WITHIN_SECONDS)


SOCKET_OPTIONS = """
import socket
from django.db import connection
connection.ensure_connection()
held = socket.socket(fileno=connection.connection.fileno())
print(held.getsockopt(socket.SOL_TCP, socket.TCP_USER_TIMEOUT), held.getsockopt(socket.SOL_TCP, socket.TCP_KEEPIDLE))
held.detach()
"""


def test_a_connection_that_leads_nowhere_is_given_up(postgresql: Database, tmp_path: Path) -> None:
    """A network that swallows everything says nothing: a connection to PostgreSQL without a sign of life for a few
    seconds ends, instead of holding a thread for the quarter of an hour that the system would wait.
    """
    gateway = RunningGateway(tmp_path, "model_providers: []", DATABASE_URL=postgresql.url)
    printed = gateway.manage("shell", "--verbosity", "0", "--command", SOCKET_OPTIONS)
    unanswered_milliseconds, silent_seconds = map(int, printed.split())
    assert 0 < unanswered_milliseconds <= 10_000
    assert 0 < silent_seconds <= 10


def _count(reading: psycopg.Connection[Any]) -> int:
    found = reading.execute("SELECT count(*) FROM conversations_response").fetchone()
    reading.rollback()
    return 0 if found is None else int(found[0])


def test_a_table_that_is_locked_is_a_503(postgresql: Database, upstream: FakeUpstream, tmp_path: Path) -> None:
    """A look-up that waits for a lock is given up in time, and works again when the lock is gone."""
    upstream.answer(whole(CHAT_REPLY))
    with (
        RunningGateway(tmp_path, ROUTES.format(url=upstream.url), DATABASE_URL=postgresql.url) as gateway,
        httpx2.Client(base_url=f"{gateway.url}/v1", timeout=20) as client,
        psycopg.connect(postgresql.url) as holder,
    ):
        first = client.post("/responses", json=ASK).json()
        holder.execute("LOCK TABLE conversations_response IN ACCESS EXCLUSIVE MODE")
        assert client.get(f"/responses/{first['id']}").status_code == 503
        holder.rollback()
        wait_until(lambda: client.get(f"/responses/{first['id']}").status_code == 200, 5)
