"""The route table: resolution, order of attempts, URLs. Pure values."""

from __future__ import annotations

from collections import Counter

import pytest

from routing.table import (
    Alias,
    Credential,
    ListedModel,
    NoModel,
    Route,
    RouteTable,
    Target,
    UnknownModel,
    Upstream,
    build_table,
)


def upstream(name: str = "openai", **changes: object) -> Upstream:
    """Return an upstream called as its provider."""
    fields = {
        "name": name,
        "provider": name.partition("-")[0],
        "base_url": "https://api.example.com",
        "shapes": ("chat", "responses"),
        "prefer": "chat",
    }
    return Upstream(**(fields | changes))  # type: ignore[arg-type]


OPENAI, AZURE = upstream("openai"), upstream("azure")
GPT = Route("gpt-4o", (Target(OPENAI, "gpt-4o"), Target(AZURE, "gpt-4o-eu", tier=1)), created=7)
O3 = Route("o3", (Target(OPENAI, "o3"),))
WILD = Route("openai/*", (Target(OPENAI, "*"),))


def table(*routes: Route, **options: object) -> RouteTable:
    """Return a table of these routes."""
    return build_table(1, routes, **options)  # type: ignore[arg-type]


def test_a_route_is_found_by_its_name() -> None:
    """The exact name of a route gives that route, with all of its targets."""
    assert table(GPT, O3).resolve("gpt-4o") == GPT


def test_a_full_name_selects_the_targets_of_one_provider() -> None:
    """`provider/route` gives the route with only that provider's targets."""
    route = table(GPT, O3).resolve("azure/gpt-4o")
    assert (route.name, [target.model for target in route.targets]) == ("gpt-4o", ["gpt-4o-eu"])


def test_a_route_wins_over_a_full_name() -> None:
    """A route that is called like another's full name is the one that is meant."""
    named = Route("openai/gpt-4o", (Target(AZURE, "other"),))
    assert table(GPT, named).resolve("openai/gpt-4o") == named


def test_a_full_name_wins_over_a_wildcard() -> None:
    """A configured model is served by its own route, and only the rest by the wildcard."""
    assert table(WILD, GPT).resolve("openai/gpt-4o").name == "gpt-4o"


@pytest.mark.parametrize(
    ("alias", "models"),
    [
        (Alias("a", "gpt-4o"), ["gpt-4o", "gpt-4o-eu"]),
        (Alias("a", "gpt-4o", provider="azure"), ["gpt-4o-eu"]),
        (Alias("a", "openai/*", model="gpt-9"), ["gpt-9"]),
    ],
)
def test_an_alias_leads_to_its_route(alias: Alias, models: list[str]) -> None:
    """An alias means all of a route, the targets of one provider, or one model of a wildcard."""
    resolved = table(GPT, WILD, aliases=[alias]).resolve("a")
    assert [target.model for target in resolved.targets] == models


def test_a_route_wins_over_an_alias() -> None:
    """An alias never takes the place of a route of the same name."""
    assert table(GPT, O3, aliases=[Alias("o3", "gpt-4o")]).resolve("o3") == O3


def test_a_wildcard_passes_on_what_was_asked_for() -> None:
    """`openai/*` serves any `openai/<anything>`, slashes included, and asks the upstream for <anything>."""
    route = table(WILD).resolve("openai/ft:gpt-4o/acme")
    assert (route.name, route.targets[0].model) == ("openai/ft:gpt-4o/acme", "ft:gpt-4o/acme")


@pytest.mark.parametrize(
    "model", ["gpt-9", "openai/", "openai", "/", "/gpt", "openai/*", "azure/gpt-9", "openai/a*", "GPT-4O"]
)
def test_an_unknown_model_is_refused(model: str) -> None:
    """A name that nothing serves raises UnknownModel with that name."""
    with pytest.raises(UnknownModel) as caught:
        table(GPT, WILD).resolve(model)
    assert caught.value.model == model


def test_a_disabled_route_is_not_served_by_a_wildcard_instead() -> None:
    """What an operator switched off stays off, whatever name a client uses."""
    with pytest.raises(UnknownModel):
        table(WILD, withheld=["openai/gpt-4o"]).resolve("openai/gpt-4o")


@pytest.mark.parametrize("model", [None, ""])
def test_no_model_means_the_default(model: str | None) -> None:
    """A request that names no model gets the default route."""
    assert table(GPT, O3, default="o3").resolve(model) == O3


def test_no_model_and_no_default_is_refused() -> None:
    """Without a default a request must name its model."""
    with pytest.raises(NoModel):
        table(GPT).resolve(None)


def test_a_route_without_targets_is_unknown() -> None:
    """A route that can serve nothing is left out, along with its aliases and as a default."""
    empty = table(Route("gpt-4o", ()), aliases=[Alias("a", "gpt-4o")], default="gpt-4o")
    assert (empty.models(), empty.default, dict(empty.by_name)) == ((), None, {})


def test_the_list_of_models_has_routes_and_aliases_but_no_wildcards() -> None:
    """Every name that a client can ask for is listed once, sorted, with provider and time of creation."""
    listed = table(GPT, O3, WILD, aliases=[Alias("fast", "gpt-4o", "azure", created=9)]).models()
    assert listed == (
        ListedModel("fast", "azure", 9),
        ListedModel("gpt-4o", "openai", 7),
        ListedModel("o3", "openai", 0),
    )


def test_tiers_are_tried_in_order() -> None:
    """A lower tier comes first, whatever the order in which targets were given."""
    route = table(Route("r", (Target(AZURE, "b", tier=2), Target(OPENAI, "a", tier=1)))).resolve("r")
    assert [target.model for target in route.attempts(0.99)] == ["a", "b"]


def test_weights_share_the_first_attempt() -> None:
    """Within a tier each target is first in proportion to its weight, and every target is tried once."""
    targets = (Target(OPENAI, "a", weight=1), Target(OPENAI, "b", weight=3), Target(AZURE, "c", weight=6))
    orders = [Route("r", targets).attempts(number / 1000) for number in range(1000)]
    assert Counter(order[0].model for order in orders) == {"a": 100, "b": 300, "c": 600}
    assert {frozenset(target.model for target in order) for order in orders} == {frozenset("abc")}


def test_the_second_attempt_is_weighted_too() -> None:
    """What is left after the first draw is shared by weight again, from the same random value."""
    targets = (Target(OPENAI, "a", weight=2), Target(OPENAI, "b", weight=1), Target(AZURE, "c", weight=1))
    seconds = Counter(Route("r", targets).attempts(number / 1000)[1].model for number in range(500))
    assert seconds == {"b": 250, "c": 250}


def test_a_drained_target_is_not_tried() -> None:
    """A target of weight 0 gets nothing, not even when others fail."""
    route = Route("r", (Target(OPENAI, "a", weight=0), Target(AZURE, "b", tier=1)))
    assert [target.model for target in route.attempts(0.0)] == ["b"]


def test_targets_that_are_all_drained_are_tried() -> None:
    """Where every target is drained, there is nothing else to try."""
    route = Route("r", (Target(OPENAI, "a", weight=0), Target(AZURE, "b", weight=0, tier=1)))
    assert [target.model for target in route.attempts(0.5)] == ["a", "b"]


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://h:51001", "http://h:51001/v1/chat/completions"),
        ("http://h:51001/", "http://h:51001/v1/chat/completions"),
        ("https://h/api/v2", "https://h/api/v2/chat/completions"),
        ("https://h/v1/", "https://h/v1/chat/completions"),
        ("http://[::1]:8000", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_a_path_in_the_base_url_replaces_the_prefix(base_url: str, url: str) -> None:
    """The default prefix is /v1; a base URL with a path has its own."""
    assert upstream(base_url=base_url).url("/chat/completions") == url


@pytest.mark.parametrize(("client", "spoken"), [("chat", "chat"), ("responses", "responses"), ("messages", "chat")])
def test_a_native_shape_passes_and_others_become_the_preferred_one(client: str, spoken: str) -> None:
    """The client's shape goes upstream where it is native, else the preferred one."""
    assert upstream(shapes=("chat", "responses"), prefer="chat").shape_for(client) == spoken


@pytest.mark.parametrize(
    ("auth", "shape", "header"),
    [
        ("bearer", "chat", ("authorization", "Bearer canary")),
        ("bearer", "messages", ("authorization", "Bearer canary")),
        ("x-api-key", "chat", ("authorization", "Bearer canary")),
        ("x-api-key", "messages", ("x-api-key", "canary")),
    ],
)
def test_the_credential_goes_in_one_header(auth: str, shape: str, header: tuple[str, str]) -> None:
    """An upstream gets its credential once, in the header that its shape and provider want."""
    assert upstream(auth=auth, credential=Credential("canary", None, "")).credential_headers(shape) == (header,)


@pytest.mark.parametrize("credential", [None, Credential(None, "OPENAI_API_KEY", "")])
def test_without_a_credential_no_header_is_sent(credential: Credential | None) -> None:
    """Neither an upstream without credential nor one whose variable is unset sends a credential header."""
    assert upstream(credential=credential).credential_headers("chat") == ()


def test_a_secret_is_in_no_repr() -> None:
    """Whatever is logged of a table, a route or an upstream, the secret is not in it."""
    secret = upstream(credential=Credential("canary-secret", None, "ab12"))
    shown = repr(table(Route("r", (Target(secret, "m"),)))) + str(secret.credential)
    assert "canary" not in shown
    assert "ab12" in shown


def test_upstreams_are_equal_by_value() -> None:
    """Two snapshots of the same upstream are one key, so that its connections outlive a new table."""
    credential = Credential("k", None, "")
    assert len({upstream(credential=credential), upstream(credential=credential)}) == 1
    assert upstream(credential=credential) != upstream(credential=Credential("other", None, ""))
