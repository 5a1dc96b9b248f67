"""An edit of the configuration is served within two seconds of the save, without a restart and harming nobody."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, chunked, whole
from tests.serving.operating import Admin, assert_served_in_time, create_operator, edit, wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_REPLY, CHAT_REQUEST, CHAT_STREAM, ENDPOINTS, for_model, streamed

JSON = {"content-type": "application/json"}
ROUTES = """
model_providers:
  - {{model: openai/edited, access_key: $OPENAI_API_KEY, base_url: "{old}", name: moving, default: true}}
  - {{model: openai/untouched, access_key: $OPENAI_API_KEY, base_url: "{steady}", name: steady}}
  - {{model: openai/switched, access_key: $OPENAI_API_KEY, base_url: "{steady}", name: steady}}
"""

POSTGRESQL = "postgres://postgres@127.0.0.1:5432"
UNKNOWN_KEY = "sk-unknown"
RECOVERED_WITHIN_SECONDS = 5.0


@dataclass
class House:
    """A gateway of its own with its admin, and three upstreams: the old one, the new one, and one that stays."""

    gateway: RunningGateway
    http: httpx2.Client
    admin: Admin
    old: FakeUpstream
    new: FakeUpstream
    steady: FakeUpstream

    def ask(self, model: str, path: str = ENDPOINTS["chat"]) -> httpx2.Response:
        """Ask for a model."""
        return self.http.post(path, content=for_model(CHAT_REQUEST, model), headers=JSON)

    def revision(self) -> int:
        """Return the revision that is served."""
        return int(self.ask("untouched").headers["x-gateway-revision"])

    def move(self, to: FakeUpstream) -> float:
        """Let the upstream `moving` be at another address, and return when that was saved."""
        return edit(self.gateway, f'Upstream.objects.filter(name="moving").update(base_url="{to.url}")')


@pytest.fixture(scope="module")
def whole_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house, started once."""
    folder: Path = tmp_path_factory.mktemp("edited")
    old, new, steady = FakeUpstream(), FakeUpstream(), FakeUpstream()
    gateway = RunningGateway(folder, ROUTES.format(old=old.url, steady=steady.url)).start()
    create_operator(gateway)
    admin = Admin(gateway)
    with httpx2.Client(base_url=gateway.url, timeout=15) as http:
        yield House(gateway, http, admin, old, new, steady)
    admin.close()
    gateway.stop()
    assert "Unclosed" not in gateway.log(), "a pool was left to the garbage collector"
    assert "Traceback" not in gateway.log()
    for upstream in (old, new, steady):
        upstream.close()


@pytest.fixture
def house(whole_house: House) -> House:
    """The house as each test finds it: every upstream answers, and `moving` is at the old address."""
    for upstream in (whole_house.old, whole_house.new, whole_house.steady):
        upstream.answer(whole(CHAT_REPLY))
    if not arrives_at(whole_house, whole_house.old):
        assert_served_in_time(whole_house.move(whole_house.old), lambda: arrives_at(whole_house, whole_house.old))
    return whole_house


def arrives_at(house: House, upstream: FakeUpstream) -> bool:
    """Tell whether a request for the edited model reaches that upstream."""
    before = len(upstream.requests)
    assert house.ask("edited").status_code == 200
    return len(upstream.requests) > before


def test_new_route_is_served_in_time(house: House) -> None:
    """A model that did not exist is served within two seconds after its row was saved."""
    assert house.ask("brand-new").status_code == 404
    saved = edit(
        house.gateway,
        'route = Route.objects.create(name="brand-new")\n'
        'Target.objects.create(route=route, upstream=Upstream.objects.get(name="steady"), model="there")',
    )
    assert_served_in_time(saved, lambda: house.ask("brand-new").status_code == 200)
    assert house.ask("brand-new").headers["x-gateway-upstream-model"] == "there"


def test_alias_from_a_seed_file_is_served_in_time(house: House, tmp_path: Path) -> None:
    """The command that seeds a running gateway adds an alias, and clients can ask for it at once."""
    assert house.ask("nickname").status_code == 404
    more = house.gateway.manage("export_routes").replace("model_aliases: {}", "")
    (tmp_path / "more.yaml").write_text(more + "model_aliases: {nickname: {target: untouched}}")
    assert "create alias nickname" in house.gateway.manage("seed_routes", str(tmp_path / "more.yaml"))
    saved = time.time()
    assert_served_in_time(saved, lambda: house.ask("nickname").status_code == 200)
    assert house.ask("nickname").headers["x-gateway-upstream-model"] == "untouched"


def test_base_url_that_was_edited_in_admin_is_used_in_time(house: House) -> None:
    """After the save in admin requests reach the new address, and the credential that the form never showed stays."""
    saved = house.admin.change("upstream", "moving", base_url=house.new.url)
    assert_served_in_time(saved, lambda: arrives_at(house, house.new))
    assert house.new.last.headers["authorization"] == "Bearer upstream-key-of-openai"


def test_route_that_was_disabled_in_admin_is_gone_in_time(house: House) -> None:
    """A disabled route answers 404 like a model that does not exist, by every name; enabled again, it serves."""
    assert house.ask("switched").status_code == 200
    saved = house.admin.change("route", "switched", enabled=[])
    assert_served_in_time(saved, lambda: house.ask("switched").status_code == 404)
    assert house.ask("openai/switched").status_code == 404
    assert house.ask("switched").json()["error"]["code"] == house.ask("never-there").json()["error"]["code"]
    saved = house.admin.change("route", "switched", enabled="on")
    assert_served_in_time(saved, lambda: house.ask("switched").status_code == 200)


def test_every_edit_has_the_next_revision(house: House) -> None:
    """The revision in the answers counts the edits, one by one; what changes nothing is no revision."""
    before = house.revision()
    saved = house.move(house.new)
    assert_served_in_time(saved, lambda: house.revision() == before + 1)
    house.move(house.new)
    saved = house.move(house.old)
    assert_served_in_time(saved, lambda: house.revision() == before + 2)


def test_running_stream_keeps_its_upstream_to_the_end(house: House) -> None:
    """A stream that runs during an edit ends whole, from the upstream that it began with; then the pool closes."""
    first, rest = CHAT_STREAM[:300], CHAT_STREAM[300:]
    go_on = threading.Event()
    body = streamed(for_model(CHAT_REQUEST, "edited"))
    house.old.answer([OPEN_STREAM, chunked(first), go_on, chunked(rest), b"0\r\n\r\n"], whole(CHAT_REPLY))
    with house.http.stream("POST", ENDPOINTS["chat"], content=body, headers=JSON) as stream:
        chunks = stream.iter_raw()
        received = next(chunks)
        assert_served_in_time(house.move(house.new), lambda: arrives_at(house, house.new))
        assert not house.old.requests[0].left.is_set()
        go_on.set()
        received += b"".join(chunks)
    assert received == CHAT_STREAM
    wait_until(lambda: house.old.open_connections == 0, 2)


def test_edit_leaves_the_connections_of_other_upstreams_alone(house: House) -> None:
    """An upstream that an edit does not touch keeps its open connections; the edited one's are closed."""
    house.ask("untouched")
    connections = house.steady.connections
    assert house.old.open_connections == 1
    assert_served_in_time(house.move(house.new), lambda: arrives_at(house, house.new))
    assert house.ask("untouched").status_code == 200
    assert house.steady.connections == connections
    wait_until(lambda: house.old.open_connections == 0, 2)


class Database:
    """A PostgreSQL database of the test's own, which can be made to refuse everybody."""

    def __init__(self, server: psycopg.Connection) -> None:
        self._server = server
        self.name = f"switchyard_test_{os.getpid()}"
        self.url = f"{POSTGRESQL}/{self.name}"
        self.drop()
        server.execute(SQL("CREATE DATABASE {}").format(Identifier(self.name)))

    def refuse(self) -> None:
        """End every connection and take no new one."""
        self._allow("false")
        self._server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self.name])

    def accept(self) -> None:
        """Take connections again."""
        self._allow("true")

    def drop(self) -> None:
        """Delete the database, whoever uses it."""
        self._server.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(self.name)))

    def _allow(self, connections: str) -> None:
        change = SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        self._server.execute(change.format(Identifier(self.name), SQL(connections)))


@pytest.fixture
def database() -> Iterator[Database]:
    """The database; without a PostgreSQL server the test is skipped, and says so."""
    try:
        server = psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip(f"there is no PostgreSQL server at {POSTGRESQL}")
    with server:
        made = Database(server)
        yield made
        made.drop()


def test_gateway_serves_on_while_its_database_is_away(database: Database, tmp_path: Path) -> None:
    """On PostgreSQL as well edits are served in time; without it the gateway serves what it has, and then recovers.

    A key that it knows goes on working. One that it does not know is answered 503, never 401: it may be a new one.
    """
    with FakeUpstream() as upstream:
        upstream.answer(whole(CHAT_REPLY))
        routes = ROUTES.format(old="http://127.0.0.1:9", steady=upstream.url)
        gateway = RunningGateway(tmp_path, routes, DATABASE_URL=database.url, GATEWAY_CLIENT_AUTH="required")
        with gateway, httpx2.Client(base_url=gateway.url, timeout=15) as http:
            key = gateway.manage("create_key", "known").split()[-1]
            wait_until(lambda: status_of(http, "untouched", key) == 200, 2)
            rename(gateway, http, key, "untouched", "renamed")
            assert status_of(http, "renamed", UNKNOWN_KEY) == 401
            database.refuse()
            wait_until(lambda: database_state(http) == "not answering", 5)
            assert [status_of(http, "renamed", key) for _ in range(5)] == [200] * 5
            assert (status_of(http, "renamed", UNKNOWN_KEY), status_of(http, "untouched", key)) == (503, 404)
            database.accept()
            wait_until(lambda: database_state(http) == "ok", RECOVERED_WITHIN_SECONDS)
            rename(gateway, http, key, "renamed", "untouched")
            assert status_of(http, "untouched", UNKNOWN_KEY) == 401


def status_of(http: httpx2.Client, model: str, key: str) -> int:
    """Ask for a model with a key and return the status."""
    headers = JSON | {"authorization": f"Bearer {key}"}
    return http.post(ENDPOINTS["chat"], content=for_model(CHAT_REQUEST, model), headers=headers).status_code


def database_state(http: httpx2.Client) -> str:
    """Return what a gateway that is ready says about its database."""
    ready = http.get("/readyz")
    assert ready.status_code == 200
    return str(ready.json()["database"])


def rename(gateway: RunningGateway, http: httpx2.Client, key: str, old: str, new: str) -> None:
    """Rename a route, and see that clients find it under the new name only, in time."""
    saved = edit(gateway, f'Route.objects.filter(name="{old}").update(name="{new}")')
    assert_served_in_time(saved, lambda: status_of(http, new, key) == 200)
    assert status_of(http, old, key) == 404
