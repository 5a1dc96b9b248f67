"""The seed file: what it says, and what each mistake in it is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.configuration import AliasEntry, Configuration, RouteEntry, TargetEntry, UpstreamEntry
from routing.located import SeedError
from routing.seed import FOREIGN_SECTIONS, read_seed
from routing.table import Timeouts

ROOT = Path(__file__).parents[2]
CUSTOMER = (Path(__file__).parent / "customer.yaml").read_text()


def read(text: str) -> Configuration:
    """Return the configuration of a seed file."""
    return read_seed(text).configuration


def only_upstream(entry: str) -> UpstreamEntry:
    """Return the one upstream of a file with one entry."""
    (upstream,) = read(f"model_providers:\n  - {entry}").upstreams.values()
    return upstream


def test_the_customers_file_is_read_unchanged() -> None:
    """Five models at one address with two credentials are two upstreams, five routes, two aliases and no warning."""
    seed = read_seed(CUSTOMER)
    address = "http://host.docker.internal:51001"
    assert seed.warnings == ()
    assert seed.configuration.upstreams == {
        "openai": UpstreamEntry(
            name="openai", provider="openai", base_url=address, access_key="$OPENAI_API_KEY",
            shapes=("chat", "responses"), prefer="chat",
        ),
        "anthropic": UpstreamEntry(
            name="anthropic", provider="anthropic", base_url=address, access_key="$ANTHROPIC_API_KEY",
            shapes=("messages", "chat"), prefer="chat",
        ),
    }  # fmt: skip
    assert {name: route.is_default for name, route in seed.configuration.routes.items()} == {
        "gpt-5-mini-2025-08-07": True,
        "gpt-4o-mini": False,
        "o3": False,
        "gpt-4o": False,
        "claude-sonnet-4-20250514": False,
    }
    assert seed.configuration.aliases == {
        "arch.summarize.v1": AliasEntry(name="arch.summarize.v1", route="gpt-5-mini-2025-08-07"),
        "arch.v1": AliasEntry(name="arch.v1", route="o3"),
    }


def test_the_mock_fixture_is_the_customers_file_on_loopback() -> None:
    """fixtures/routes.mock.yaml says the same with 127.0.0.1 as the host."""
    mock = (ROOT / "fixtures" / "routes.mock.yaml").read_text()
    assert read(mock) == read(CUSTOMER.replace("host.docker.internal", "127.0.0.1"))


def test_the_default_fixture_is_read() -> None:
    """fixtures/routes.yaml has one upstream for each provider, a default, wildcards and aliases."""
    seed = read_seed((ROOT / "fixtures" / "routes.yaml").read_text())
    assert seed.warnings == ()
    assert sorted(seed.configuration.upstreams) == ["anthropic", "openai"]
    assert [route.name for route in seed.configuration.routes.values() if route.is_default] == ["gpt-4o-mini"]
    assert {"openai/*", "anthropic/*"} < set(seed.configuration.routes)


@pytest.mark.parametrize(
    ("model", "url", "shapes", "prefer"),
    [
        ("openai/m", "https://api.openai.com", ("chat", "responses"), "chat"),
        ("xai/m", "https://api.x.ai", ("chat", "responses"), "chat"),
        ("anthropic/m", "https://api.anthropic.com", ("messages", "chat"), "chat"),
        ("groq/m", "https://api.groq.com/openai/v1", ("chat",), "chat"),
    ],
)
def test_a_preset_fills_what_is_left_out(model: str, url: str, shapes: tuple[str, ...], prefer: str) -> None:
    """A known provider has its address, native shapes and preferred shape."""
    upstream = only_upstream(f"model: {model}")
    assert (upstream.base_url, upstream.shapes, upstream.prefer) == (url, shapes, prefer)


def test_another_interface_brings_its_shapes() -> None:
    """`provider_interface` gives a provider of one's own the shapes of a known one, but not its address."""
    upstream = only_upstream("{model: acme/m, provider_interface: claude, base_url: 'https://llm.acme.example/'}")
    assert (upstream.provider, upstream.interface) == ("acme", "claude")
    assert (upstream.base_url, upstream.shapes) == ("https://llm.acme.example", ("messages", "chat"))


def test_every_key_of_an_entry_is_read() -> None:
    """Each key lands where it belongs: on the upstream, or on the target."""
    configuration = read("""
model_providers:
  - model: acme/big
    name: acme-eu
    route: fast
    default: true
    base_url: https://llm.acme.example/api
    access_key: file:/run/secrets/acme
    provider_interface: openai
    passthrough_auth: true
    http_host: llm.internal:8443
    headers: {X-Team: search, A: b}
    shapes: [messages, chat]
    prefer: messages
    quirks: [no_stream_options]
    timeouts: {connect: 1, first_byte: 2.5, idle: 3, total: 4}
    weight: 5
    tier: 6
    enabled: false
    prices: {input: 1.5, cached: {read: 0}}
""")
    assert configuration.upstreams["acme-eu"] == UpstreamEntry(
        name="acme-eu",
        provider="acme",
        interface="openai",
        base_url="https://llm.acme.example/api",
        access_key="file:/run/secrets/acme",
        shapes=("messages", "chat"),
        prefer="messages",
        headers={"A": "b", "X-Team": "search"},
        http_host="llm.internal:8443",
        passthrough_auth=True,
        quirks=("no_stream_options",),
        timeouts=Timeouts(1.0, 2.5, 3.0, 4.0),
    )
    target = TargetEntry(
        upstream="acme-eu", model="big", tier=6, weight=5, enabled=False, prices={"input": 1.5, "cached": {"read": 0}}
    )
    assert configuration.routes == {"fast": RouteEntry(name="fast", targets=(target,), is_default=True)}


@pytest.mark.parametrize(("shapes", "prefer"), [("[messages]", "messages"), ("[responses, chat]", "chat")])
def test_narrowed_shapes_choose_what_is_preferred(shapes: str, prefer: str) -> None:
    """Without `prefer` the preset's choice holds if it is still there, else the first shape."""
    assert only_upstream(f"{{model: openai/m, shapes: {shapes}}}").prefer == prefer


def test_one_account_is_one_upstream() -> None:
    """Entries with the same provider, address, credential and options share an upstream."""
    configuration = read("""
model_providers:
  - {model: openai/a, access_key: $OPENAI_API_KEY}
  - {model: openai/b, access_key: $OPENAI_API_KEY, base_url: 'https://api.openai.com/'}
  - {model: openai/c, access_key: $OTHER_KEY}
  - {model: openai/d, access_key: $OTHER_KEY, headers: {X-Team: a}}
""")
    used = [route.targets[0].upstream for route in configuration.routes.values()]
    assert used == ["openai", "openai", "openai-2", "openai-3"]


def test_two_ports_are_two_upstreams() -> None:
    """One host with two ports is two upstreams, and the same model at both is one route with two targets."""
    configuration = read("""
model_providers:
  - {model: openai/a, base_url: 'http://h:1'}
  - {model: openai/a, base_url: 'http://h:2', weight: 3, tier: 1}
""")
    targets = configuration.routes["a"].targets
    assert [(t.upstream, t.weight, t.tier) for t in targets] == [("openai", 1, 0), ("openai-2", 3, 1)]


def test_one_model_of_several_providers_is_one_route() -> None:
    """The same bare name at two providers makes them targets of one route."""
    targets = read("model_providers: [{model: openai/a}, {model: groq/a}]").routes["a"].targets
    assert [target.upstream for target in targets] == ["groq", "openai"]


def test_a_name_that_is_given_is_not_made_up_again() -> None:
    """Made-up names avoid the given ones, and an unnamed entry of a named account joins it."""
    configuration = read("""
model_providers:
  - {model: openai/a, base_url: 'http://one.example'}
  - {model: openai/b, base_url: 'http://two.example'}
  - {model: openai/c, base_url: 'http://two.example', name: openai}
""")
    used = {name: route.targets[0].upstream for name, route in configuration.routes.items()}
    assert used == {"a": "openai-2", "b": "openai", "c": "openai"}


def test_a_declared_upstream_is_referred_to_by_name() -> None:
    """An entry may name an upstream of the section `upstreams` and say nothing else of it."""
    configuration = read("""
upstreams:
  - {name: main, provider: openai, access_key: $OPENAI_API_KEY, enabled: false}
  - {name: spare, provider: openai}
model_providers:
  - {model: openai/a, name: main}
""")
    assert configuration.routes["a"].targets[0].upstream == "main"
    assert [(u.name, u.access_key, u.enabled) for u in configuration.upstreams.values()] == [
        ("main", "$OPENAI_API_KEY", False),
        ("spare", "", True),
    ]


def test_a_wildcard_is_a_route_of_its_own() -> None:
    """`openai/*` is a route of that name, whose target passes the model on."""
    configuration = read("model_providers: [{model: openai/*}]")
    assert configuration.routes["openai/*"].targets[0].model == "*"


def test_a_model_name_may_hold_slashes() -> None:
    """Only the first slash ends the provider's name."""
    assert list(read("model_providers: [{model: openrouter/meta-llama/llama-3}]").routes) == ["meta-llama/llama-3"]


def test_a_disabled_route_and_an_empty_one_are_written_in_routes() -> None:
    """The section `routes` holds what no entry can say."""
    configuration = read("""
model_providers: [{model: openai/a}]
routes: [{name: a, enabled: false}, {name: empty, default: true}]
""")
    assert [(r.name, r.enabled, len(r.targets), r.is_default) for r in configuration.routes.values()] == [
        ("a", False, 1, False),
        ("empty", True, 0, True),
    ]


@pytest.mark.parametrize(
    ("target", "alias"),
    [
        ("a", AliasEntry(name="x", route="a")),
        ("openai/a", AliasEntry(name="x", route="a", provider="openai")),
        ("anthropic/claude-9", AliasEntry(name="x", route="anthropic/*", model="claude-9")),
        ("y", AliasEntry(name="x", route="a")),
    ],
)
def test_an_alias_leads_where_a_client_would_ask(target: str, alias: AliasEntry) -> None:
    """A target is a route, a full name, a name of a wildcard, or another alias."""
    aliases = f"model_aliases: {{x: {{target: {target}}}, y: {{target: a}}}}"
    assert read(f"model_providers: [{{model: openai/a}}, {{model: anthropic/*}}]\n{aliases}").aliases["x"] == alias


@pytest.mark.parametrize("section", FOREIGN_SECTIONS)
def test_what_lies_outside_a_gateway_is_one_warning(section: str) -> None:
    """Sections for agents, prompts and the like are ignored with one warning each, whatever is in them."""
    seed = read_seed(f"version: v0.4.0\n{section}: [{{a: 1}}, b]\n")
    assert seed.warnings == (f"line 2: {section} lies outside a gateway and is ignored",)


def test_preferences_inside_an_entry_are_a_warning() -> None:
    """The choice of models by prompt lies outside a gateway too."""
    seed = read_seed("model_providers:\n- model: openai/a\n  routing_preferences: [{name: x, description: y}]")
    assert seed.warnings == ("line 3: routing_preferences lies outside a gateway and is ignored",)


def test_the_older_name_of_the_section_is_read() -> None:
    """`llm_providers` means `model_providers`."""
    assert list(read("llm_providers: [{model: openai/a}]").routes) == ["a"]


@pytest.mark.parametrize("text", ["", "version: v0.3.0", "model_providers:", "model_providers: []\nmodel_aliases:"])
def test_an_empty_file_is_an_empty_configuration(text: str) -> None:
    """A file without entries says nothing, and is no error."""
    assert read(text) == Configuration(upstreams={}, routes={}, aliases={})


def entry(rest: str) -> str:
    """Return a file whose second line is one entry."""
    return f"model_providers:\n- {{model: openai/a, {rest}}}"


MISTAKES = [
    ("- a", 1, "the seed file must be a mapping, this is a list"),
    ("model_provider: []", 1, "has no key 'model_provider': did you mean 'model_providers'"),
    ("model_providers: {a: b}", 1, "model_providers must be a list"),
    ("model_providers:\n- openai/a", 2, "a provider entry must be a mapping"),
    ("model_providers:\n- name: a", 2, "a provider entry needs model, for instance"),
    ("model_providers:\n- model: a", 2, "'a' names no provider: write provider/model"),
    ("model_providers:\n- model: openai/", 2, "names no provider"),
    ("model_providers:\n- model: 'open ai/a'", 2, "'open ai' is no provider"),
    ("model_providers:\n- model: openai/gpt-*", 2, "a wildcard is written provider/\\*"),
    ("model_providers:\n- model: 4", 2, "model must be a text, this is 4"),
    ("model_providers:\n- model: acme/a", 2, "the address of 'acme' is not known: add base_url"),
    (entry("acces_key: $A"), 2, "has no key 'acces_key': did you mean 'access_key'"),
    (entry("access_key: "), 2, "access_key is empty"),
    (entry("access_key: 12345678"), 2, "access_key must be a text"),
    (entry("access_key: '$1'"), 2, "names a variable"),
    (entry("base_url: 'api.openai.com'"), 2, "not an http or https address"),
    (entry("base_url: 'http://169.254.169.254'"), 2, "link-local"),
    (entry("default: 'yes'"), 2, "default must be true or false, this is 'yes'"),
    (entry("passthrough_auth: 1"), 2, "passthrough_auth must be true or false"),
    (entry("shapes: chat"), 2, "shapes must be a list"),
    (entry("shapes: [chatty]"), 2, "'chatty' is no shape: choose from chat, messages, responses"),
    (entry("shapes: []"), 2, "at least one shape"),
    (entry("shapes: [chat], prefer: messages"), 2, "not among"),
    (entry("prefer: messages"), 2, "not among"),
    (entry("quirks: [sulks]"), 2, "'sulks' is no quirk"),
    (entry("quirks: [1]"), 2, "an item of quirks must be a text"),
    (entry("headers: [a]"), 2, "headers must be a mapping"),
    (entry("headers: {Authorization: x}"), 2, "carries a credential"),
    (entry("headers: {X-Count: 1}"), 2, "in quotes"),
    (entry("http_host: 'a b'"), 2, "is no host"),
    (entry("provider_interface: opnai"), 2, "did you mean 'openai'"),
    (entry("timeouts: 5"), 2, "timeouts must be a mapping"),
    (entry("timeouts: {idel: 5}"), 2, "timeouts has no key 'idel': did you mean 'idle'"),
    (entry("timeouts: {idle: -1}"), 2, "the timeout idle is -1"),
    (entry("timeouts: {idle: soon}"), 2, "the timeout idle is 'soon'"),
    (entry("weight: -1"), 2, "weight is -1: write a whole number"),
    (entry("weight: 0.5"), 2, "weight is 0.5: write a whole number"),
    (entry("weight: true"), 2, "weight is True"),
    (entry("tier: [1]"), 2, "tier is \\[1\\]"),
    (entry("prices: 5"), 2, "prices must be a mapping"),
    (entry("name: 'a b'"), 2, "has a space"),
    (entry("route: 'a*'"), 2, "has a star"),
    (entry("route: 'b/*'"), 2, "its model is \\*"),
    ("model_providers:\n- {model: openai/*, default: true}", 2, "a wildcard cannot be the default"),
    ("model_providers:\n- {model: openai/*, route: a}", 2, "has a star"),
    ("model_providers:\n- model: openai/a\n- model: openai/a", 3, "listed twice, first on line 2"),
    (
        "model_providers:\n- {model: openai/a, default: true}\n- {model: openai/b, default: true}",
        3,
        "default already, on line 2",
    ),
    (
        "model_providers:\n- {model: openai/a, name: x}\n- {model: openai/b, name: x, weight: 1, http_host: h}",
        3,
        "the upstream 'x' is described in another way on line 2",
    ),
    ("upstreams:\n- {name: a, provider: openai}\n- {name: a, provider: xai}", 3, "'a' is listed twice"),
    ("upstreams:\n- {name: a}", 2, "an upstream needs provider"),
    ("upstreams:\n- {name: a, provider: openai, model: b}", 2, "an upstream has no key 'model'"),
    ("routes:\n- {name: a, target: b}", 2, "a route has no key 'target'"),
    ("routes:\n- {enabled: true}", 2, "a route needs name"),
    ("model_aliases: [a]", 1, "model_aliases must be a mapping"),
    ("model_aliases:\n  x: a", 2, "the alias 'x' must be a mapping, this is 'a': write it like target"),
    ("model_aliases:\n  x: {}", 2, "the alias 'x' needs target"),
    ("model_aliases:\n  x: {target: gpt}", 2, "leads to 'gpt', which no route serves"),
    ("model_providers: [{model: openai/gpt-4o}]\nmodel_aliases:\n  x: {target: gpt-4}", 3, "did you mean 'gpt-4o'"),
    ("model_aliases:\n  x: {target: y}\n  y: {target: x}", 3, "x, y lead to each other"),
    ("model_aliases:\n  x: {target: x}", 2, "lead to each other"),
    ("model_providers: [{model: openai/a}]\nmodel_aliases:\n  a: {target: a}", 3, "'a' has the name of a route"),
    ("model_providers: [{model: openai/a}]\nmodel_aliases:\n  openai/a: {target: a}", 3, "has the name of a route"),
    ("model_providers: [{model: openai/a}]\nmodel_aliases:\n  'x*': {target: a}", 3, "has a star"),
    ("model_providers: [{model: openai/*}]\nmodel_aliases:\n  x: {target: openai/*}", 3, "which no route serves"),
]


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES)
def test_a_mistake_is_an_error_at_its_line(text: str, line: int, message: str) -> None:
    """Whatever is wrong in a seed file is a SeedError with its line that says what would be right."""
    with pytest.raises(SeedError, match=message) as caught:
        read_seed(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        entry("access_key: [canary]"),
        entry("access_key: '$canary-x'"),
        entry("access_key: 'canary ü'"),
        entry("acces_key: canary"),
    ],
)
def test_no_error_repeats_an_access_key(text: str) -> None:
    """A mistake next to a secret does not put it into a terminal or a log."""
    with pytest.raises(SeedError) as caught:
        read_seed(text)
    assert "canary" not in str(caught.value)


def test_an_upstream_entry_shows_no_secret() -> None:
    """A configuration in a log or a traceback holds no access key."""
    assert "canary" not in repr(read(entry("access_key: sk-canary")))
