"""What an operator switches: usage, betas, strictness and capabilities, from the file to the table and in admin."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core import checks
from django.db import transaction
from django.test import Client

from routing.export import write_seed
from routing.located import SeedError
from routing.models import Revision, Route, Target, Upstream
from routing.revisions import publish
from routing.seed import read_seed
from routing.snapshot import load_table
from routing.store import read_configuration, write_configuration
from routing.table import EVERY_BETA, RouteTable
from tests.routing.test_admin import UPSTREAM, change, page_errors, route_form, target
from translation.profiles import ForcedChoice

pytestmark = pytest.mark.django_db

SWITCHED = """\
model_providers:
- model: acme/big
  name: acme
  strict: true
  base_url: https://llm.acme.example
  asks_usage: true
  betas: [a-beta, b-beta]
  capabilities: {forced_choice: never, max_output_tokens: 8192}
- model: anthropic/claude-opus-5
  name: anthropic
  asks_usage: false
  betas: []
- model: ollama/*
  name: ollama
  betas: ['*']

routes:
- {name: later, enabled: false, strict: true}
"""


def published(text: str) -> RouteTable:
    """Write a seed file to the database, publish it, and return the table of it."""
    with transaction.atomic():
        write_configuration(read_seed(text).configuration)
        publish("ada", "test")
    return load_table()


def test_every_switch_reaches_the_table_and_comes_back_as_it_was_written() -> None:
    """The table says what the file says, and the export of the rows is the file."""
    table = published(SWITCHED)
    big, claude = table.resolve("big"), table.resolve("claude-opus-5")
    assert (big.strict, claude.strict) == (True, False)
    assert big.targets[0].capabilities == {"forced_choice": ForcedChoice.NEVER, "max_output_tokens": 8192}
    acme, anthropic = big.targets[0].upstream, claude.targets[0].upstream
    assert (acme.asks_usage, acme.betas) == (True, ("a-beta", "b-beta"))
    assert (anthropic.asks_usage, anthropic.betas) == (False, ())
    assert table.resolve("ollama/llama3").targets[0].upstream.betas == EVERY_BETA
    assert write_seed(read_configuration()) == SWITCHED


def test_what_is_left_out_is_as_known_about_the_provider() -> None:
    """OpenAI and Anthropic are asked for usage, Anthropic takes every beta, and a look-alike neither."""
    table = published(
        """
model_providers:
  - {model: openai/a}
  - {model: anthropic/b}
  - {model: acme/c, base_url: 'https://llm.acme.example', provider_interface: anthropic}
"""
    )
    known = {name: table.resolve(name).targets[0].upstream for name in ("a", "b", "c")}
    said = {name: (upstream.asks_usage, upstream.betas) for name, upstream in known.items()}
    assert said == {"a": (True, ()), "b": (True, EVERY_BETA), "c": (False, ())}
    assert (table.resolve("a").strict, table.resolve("a").targets[0].capabilities) == (False, {})


def test_one_strict_entry_makes_its_whole_route_strict() -> None:
    """All names that lead to the route are strict: with its provider, and as a model of a wildcard."""
    table = published(
        "model_providers: [{model: openai/a}, {model: azure_openai/a, base_url: 'https://h', strict: true},"
        " {model: openai/*, strict: true}]"
    )
    assert [table.resolve(name).strict for name in ("a", "openai/a", "openai/any")] == [True] * 3


def test_a_star_alone_means_every_beta() -> None:
    """The usual case needs no list."""
    (upstream,) = read_seed("model_providers: [{model: openai/a, betas: '*'}]").configuration.upstreams.values()
    assert upstream.betas == EVERY_BETA


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("asks_usage: maybe", "asks_usage must be true or false"),
        ("asks_usage: true, quirks: [no_stream_options]", "cannot be asked for usage"),
        ("betas: all", "betas must be a list"),
        ("betas: [a, '*']", "'\\*' is no beta"),
        ("betas: [a, a]", "a beta is listed twice"),
        ("betas: ['a,b']", "'a,b' is no beta"),
        ("strict: 1", "strict must be true or false"),
        ("capabilities: [stop]", "capabilities must be a mapping"),
        ("capabilities: {stops: true}", "'stops' is no capability: choose from"),
        ("capabilities: {efforts: [lots]}", "efforts cannot be 'lots'"),
    ],
)
def test_a_wrong_switch_is_an_error_with_its_line(keys: str, message: str) -> None:
    """The file is refused with what would be right."""
    with pytest.raises(SeedError, match=message) as caught:
        read_seed(f"model_providers:\n  - {{model: openai/a, {keys}}}\n")
    assert caught.value.line == 2


def test_capabilities_that_no_profile_has_any_more_are_left_aside(caplog: pytest.LogCaptureFixture) -> None:
    """A newer version serves what an older one stored; the log and the checks say what is left aside."""
    logging.getLogger("routing").propagate = True
    published("model_providers: [{model: openai/a, default: true}]")
    Target.objects.update(capabilities={"telepathy": True})
    assert load_table().resolve("a").targets[0].capabilities == {}
    assert "'telepathy' is no capability" in caplog.text
    found = [message for message in checks.run_checks(databases=["default"]) if message.id == "routing.W005"]
    assert "telepathy" in found[0].msg


@pytest.mark.parametrize(
    ("fields", "asks_usage", "betas", "in_effect"),
    [
        ({}, None, None, "Streams are not asked for usage; no betas go on."),
        ({"asks_usage": "true", "betas": "b-beta\r\na-beta"}, True, ["a-beta", "b-beta"], "the betas a-beta, b-beta"),
        ({"asks_usage": "false", "betas": "none"}, False, [], "Streams are not asked"),
        ({"betas": "*"}, None, ["*"], "all betas go on."),
    ],
)
def test_the_switches_of_an_upstream_are_set_in_admin(
    admin_client: Client, fields: dict[str, Any], asks_usage: bool | None, betas: list[str] | None, in_effect: str
) -> None:
    """The form saves what it says, shows what that comes to, and saving it again changes nothing."""
    assert admin_client.post("/admin/routing/upstream/add/", {**UPSTREAM, **fields}).status_code == 302
    row = Upstream.objects.get(name="acme")
    assert (row.asks_usage, row.betas) == (asks_usage, betas)
    page = admin_client.get(f"/admin/routing/upstream/{row.pk}/change/")
    assert in_effect in page.text
    count = Revision.objects.count()
    form = page.context["adminform"].form
    shown = {name: form[name].value() for name in ("asks_usage", "betas")}
    assert change(admin_client, "acme", **{name: "" if value is None else value for name, value in shown.items()})
    assert Revision.objects.count() == count


def test_each_quirk_is_a_box_with_its_help_and_evidence(admin_client: Client) -> None:
    """An operator reads what a quirk does and where it was seen before ticking it."""
    page = admin_client.get("/admin/routing/upstream/add/").text
    assert 'type="checkbox" name="quirks" value="no_stream_options"' in page
    assert "Leaves stream_options out" in page
    assert "Seen: " in page


def test_a_route_is_made_strict_and_a_target_corrected_in_admin(admin_client: Client) -> None:
    """Both are saved from the route's page, which then shows the profile with the correction in bold."""
    published("model_providers: [{model: openai/a}]")
    row = target(capabilities='{"max_output_tokens": 77}', model="claude-opus-5")
    answer = admin_client.post("/admin/routing/route/add/", route_form("new", [row], strict="on"))
    assert answer.status_code == 302
    route = Route.objects.get(name="new")
    assert (route.strict, route.targets.get().capabilities) == (True, {"max_output_tokens": 77})
    page = admin_client.get(f"/admin/routing/route/{route.pk}/change/").text
    assert '<tr><th>max_output_tokens</th><td class="routing-corrected">77</td></tr>' in page
    assert '<tr><th>thinking</th><td class="">adaptive, disabled</td></tr>' in page
    assert '<tr><th>sampling</th><td class="">no</td></tr>' in page


def test_an_empty_list_is_no_effort_of_the_name_none(admin_client: Client) -> None:
    """A model that takes the effort `none` is told apart from one that takes no effort at all."""
    published("model_providers: [{model: openai/gpt-5.5}, {model: openai/gpt-4.1}]")
    rows = [Route.objects.get(name=name).pk for name in ("gpt-5.5", "gpt-4.1")]
    thinking, other = (admin_client.get(f"/admin/routing/route/{pk}/change/").text for pk in rows)
    assert '<tr><th>efforts</th><td class="">none, low, medium, high, xhigh</td></tr>' in thinking
    assert '<tr><th>efforts</th><td class="">[]</td></tr>' in other


def test_what_is_assumed_counts_the_quirks_of_the_upstream(admin_client: Client) -> None:
    """A route's page shows each target's model as its upstream serves it; of a wildcard only the corrections."""
    published(
        "model_providers: [{model: ollama/a, quirks: [takes_top_k]}, {model: openai/a, tier: 1},"
        " {model: openai/*, capabilities: {stop: false}}]"
    )
    row, wildcard = Route.objects.get(name="a"), Route.objects.get(name="openai/*")
    page = admin_client.get(f"/admin/routing/route/{row.pk}/change/").text
    assert '<tr><th>reads_top_k</th><td class="">yes</td><td class="">no</td></tr>' in page
    page = admin_client.get(f"/admin/routing/route/{wildcard.pk}/change/").text
    assert '<tr><th>reads_top_k</th><td class="">as each model</td></tr>' in page
    assert '<tr><th>stop</th><td class="routing-corrected">no</td></tr>' in page


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('{"telepathy": true}', "&#x27;telepathy&#x27; is no capability"),
        ("[1]", "apabilities are a mapping"),
        ("{", "This is not JSON"),
    ],
)
def test_wrong_capabilities_are_refused_with_a_reason(admin_client: Client, written: str, message: str) -> None:
    """The form comes back with what would be right, and nothing is saved."""
    published("model_providers: [{model: openai/a}]")
    answer = admin_client.post("/admin/routing/route/add/", route_form("new", [target(capabilities=written)]))
    assert answer.status_code == 200
    assert message.replace("&#x27;", "'") in page_errors(answer)
    assert not Route.objects.filter(name="new").exists()
