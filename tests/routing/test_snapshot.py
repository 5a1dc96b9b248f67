"""From the database to the route table."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from routing import snapshot
from routing.models import Alias, Revision, Route, Target, Upstream
from routing.revisions import publish
from routing.seed import read_seed
from routing.snapshot import ConfigurationMoves, current_revision, load_table
from routing.store import write_configuration
from routing.table import RouteTable, Timeouts, UnknownModel

pytestmark = pytest.mark.django_db

CUSTOMER = (Path(__file__).parent / "customer.yaml").read_text()


def published(text: str) -> RouteTable:
    """Write a seed file to the database, publish it, and return the table of it."""
    with transaction.atomic():
        write_configuration(read_seed(text).configuration)
        publish("ada", "test")
    return load_table()


def test_an_empty_database_gives_an_empty_table() -> None:
    """Before anything is configured the revision is 0 and every model is unknown."""
    table = load_table()
    assert (table.revision, table.models(), current_revision()) == (0, (), 0)


def test_the_customers_file_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name of the file resolves to its upstream, with the credential of the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "k-openai")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k-anthropic")
    table = published(CUSTOMER)
    served = {
        name: (target.upstream.name, target.model, target.upstream.credential.value)
        for name in ("gpt-4o-mini", "openai/o3", "arch.v1", "arch.summarize.v1", "claude-sonnet-4-20250514", None)
        for target in table.resolve(name).targets
        if target.upstream.credential
    }
    assert served == {
        "gpt-4o-mini": ("openai", "gpt-4o-mini", "k-openai"),
        "openai/o3": ("openai", "o3", "k-openai"),
        "arch.v1": ("openai", "o3", "k-openai"),
        "arch.summarize.v1": ("openai", "gpt-5-mini-2025-08-07", "k-openai"),
        "claude-sonnet-4-20250514": ("anthropic", "claude-sonnet-4-20250514", "k-anthropic"),
        None: ("openai", "gpt-5-mini-2025-08-07", "k-openai"),
    }
    assert (table.revision, current_revision()) == (1, 1)


def test_every_field_of_an_upstream_reaches_the_table() -> None:
    """The frozen upstream says what the row says."""
    table = published("""
model_providers:
  - model: acme/a
    base_url: https://llm.acme.example/api
    provider_interface: claude
    passthrough_auth: true
    http_host: llm.internal
    headers: {X-B: b, X-A: a}
    shapes: [messages]
    quirks: [no_stream_options]
    timeouts: {connect: 1, first_byte: 2, idle: 3, total: 4}
    weight: 5
    tier: 6
""")
    (target,) = table.resolve("a").targets
    upstream = target.upstream
    assert (target.weight, target.tier, upstream.provider, upstream.auth) == (5, 6, "acme", "x-api-key")
    assert upstream.url("/messages") == "https://llm.acme.example/api/messages"
    assert (upstream.shapes, upstream.prefer, upstream.quirks) == (("messages",), "messages", ("no_stream_options",))
    assert (upstream.host, upstream.headers) == ("llm.internal", (("X-A", "a"), ("X-B", "b")))
    assert (upstream.passthrough_auth, upstream.credential) == (True, None)
    assert upstream.timeouts == Timeouts(1.0, 2.0, 3.0, 4.0)


def test_an_unset_variable_is_named_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An upstream without its secret is in the table, and says which variable is missing; so does the log."""
    logging.getLogger("routing").propagate = True
    credential = published(CUSTOMER).resolve("o3").targets[0].upstream.credential
    assert credential is not None
    assert (credential.value, credential.missing) == (None, "OPENAI_API_KEY")
    assert "OPENAI_API_KEY is not set" in caplog.text


def test_a_stored_secret_is_decrypted_and_kept_out_of_repr() -> None:
    """Serving gets the secret itself; the table's repr does not."""
    table = published("model_providers: [{model: openai/a, access_key: sk-canary}]")
    credential = table.resolve("a").targets[0].upstream.credential
    assert credential is not None
    assert credential.value == "sk-canary"
    assert "canary" not in repr(table)


def test_a_secret_that_no_key_opens_is_missing(settings: Settings) -> None:
    """After the encryption key was lost, the upstream says that its stored secret is."""
    published("model_providers: [{model: openai/a, access_key: sk-canary}]")
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    credential = load_table().resolve("a").targets[0].upstream.credential
    assert credential is not None
    assert (credential.value, credential.missing) == (None, "the stored secret of openai")


@pytest.mark.parametrize("switched_off", [Route, Target, Upstream])
def test_what_is_disabled_is_not_served(switched_off: Any) -> None:
    """A disabled route, target or upstream takes its model out of the table, and no wildcard serves it instead."""
    published("model_providers: [{model: openai/a}, {model: openai/*, name: other}]")
    rows = {Route: Route.objects.filter(name="a"), Target: Target.objects.filter(model="a"), Upstream: Upstream.objects}
    rows[switched_off].update(enabled=False)
    with pytest.raises(UnknownModel):
        load_table().resolve("a")
    if switched_off is Route:
        with pytest.raises(UnknownModel):
            load_table().resolve("openai/a")


def test_a_disabled_default_is_no_default() -> None:
    """Requests without a model are refused rather than sent to a route that is switched off."""
    published("model_providers: [{model: openai/a, default: true}]\nroutes: [{name: a, enabled: false}]")
    assert load_table().default is None


@pytest.mark.parametrize(
    ("resolves", "url"), [(True, "http://host.docker.internal:51001"), (False, "http://127.0.0.1:51001")]
)
def test_dockers_host_falls_back_to_loopback(resolves: bool, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Docker's name for its host means nothing, the address is 127.0.0.1 with the same port."""

    def lookup(host: str, port: int) -> list[object]:
        assert (host, port) == ("host.docker.internal", 51001)
        if not resolves:
            raise socket.gaierror(-2, "Name or service not known")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert published(CUSTOMER).resolve("o3").targets[0].upstream.base_url == url


def test_a_change_during_a_read_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that were read while a revision came are thrown away: a table never mixes two configurations."""
    published("model_providers: [{model: openai/a}]")
    read = snapshot._aliases

    def read_and_change() -> list[Alias]:
        monkeypatch.setattr(snapshot, "_aliases", read)
        published("model_providers: [{model: openai/b}]")
        return read()

    monkeypatch.setattr(snapshot, "_aliases", read_and_change)
    table = load_table()
    assert (table.revision, [route.name for route in table.routes]) == (2, ["b"])


def test_a_configuration_that_never_rests_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After several reads with a change in each the caller is told, and keeps the table that it has."""

    def change() -> list[Alias]:
        Revision.objects.create(number=current_revision() + 1)
        return []

    monkeypatch.setattr(snapshot, "_aliases", change)
    with pytest.raises(ConfigurationMoves):
        load_table()


def test_the_poll_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Asking for the newest revision costs one query, whatever there is."""
    published(CUSTOMER)
    with django_assert_num_queries(1):
        assert current_revision() == 1


def test_a_table_takes_as_many_queries_for_many_routes(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Loading costs the same seven queries for one route and for fifty."""
    for count in (1, 50):
        published("model_providers:\n" + "\n".join(f"- {{model: openai/m{number}}}" for number in range(count)))
        with django_assert_num_queries(7):
            load_table()


@pytest.mark.django_db(transaction=True)
def test_a_thread_of_its_own_may_poll() -> None:
    """Both functions work in a thread that Django knows nothing of."""
    published(CUSTOMER)
    seen: list[object] = []

    def poll() -> None:
        seen.extend([current_revision(), load_table().revision])

    thread = Thread(target=poll)
    thread.start()
    thread.join()
    assert seen == [1, 1]
