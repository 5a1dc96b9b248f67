"""Configurations of every kind, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from routing.configuration import (
    AliasEntry,
    Configuration,
    RouteEntry,
    TargetEntry,
    UpstreamEntry,
    sorted_targets,
)
from routing.table import Timeouts
from translation.quirks import QUIRKS

PROVIDERS = st.sampled_from(["openai", "anthropic", "groq", "acme", "1e3", "null"])
NAMES = st.sampled_from(
    ["a", "b.c", "gpt-4o", "1.0", "yes", "null", "2025-08-07", "m/n", "x:y", "~", "#a", "'q", "модель"]
)
PRICES = st.dictionaries(
    st.text("abc é'\"#:", min_size=1, max_size=4),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-9, 10**12)
        | st.floats(-9, 9)
        | st.text(max_size=5).filter(str.isprintable),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)
CAPABILITIES = st.fixed_dictionaries(
    {},
    optional={
        "stop": st.booleans(),
        "max_output_tokens": st.integers(1, 10**6),
        "efforts": st.lists(st.sampled_from(["none", "low", "max"]), unique=True),
        "forced_choice": st.sampled_from(["always", "never"]),
    },
)
SHAPES = st.lists(st.sampled_from(["chat", "messages", "responses"]), min_size=1, unique=True)


@st.composite
def upstreams(draw: Any, name: str) -> UpstreamEntry:
    """Draw an upstream."""
    shapes = draw(SHAPES)
    quirks = draw(st.sets(st.sampled_from(sorted(QUIRKS))))
    betas = draw(st.none() | st.just({"*"}) | st.sets(st.sampled_from(["a-beta-2025-01-01", "1e3", "null"])))
    seconds = st.floats(0, 86_400) | st.integers(0, 86_400).map(float)
    return UpstreamEntry(
        name=name,
        provider=draw(PROVIDERS),
        interface=draw(st.sampled_from(["", "claude", "xai"])),
        base_url=draw(st.sampled_from(["https://api.openai.com", "http://127.0.0.1:1", "https://h.example/api/v2"])),
        access_key=draw(st.sampled_from(["", "$KEY", "${KEY}", "file:/run/secrets/key"])),
        shapes=tuple(shapes),
        prefer=draw(st.sampled_from(shapes)),
        headers=draw(st.dictionaries(st.sampled_from(["X-A", "X-B"]), st.sampled_from(["", "1", "a: b", "yes", "#"]))),
        http_host=draw(st.sampled_from(["", "h.example:8443"])),
        passthrough_auth=draw(st.booleans()),
        quirks=tuple(sorted(quirks)),
        asks_usage=draw(st.sampled_from([None, False] if "no_stream_options" in quirks else [None, False, True])),
        betas=None if betas is None else tuple(sorted(betas)),
        timeouts=draw(st.builds(Timeouts, seconds, seconds, seconds, seconds)),
        enabled=draw(st.booleans()),
    )


@st.composite
def targets(draw: Any, upstream: str, model: str) -> TargetEntry:
    """Draw a target."""
    return TargetEntry(
        upstream=upstream,
        model=model,
        tier=draw(st.integers(0, 3)),
        weight=draw(st.integers(0, 5)),
        enabled=draw(st.booleans()),
        prices=draw(st.none() | PRICES),
        capabilities=draw(CAPABILITIES),
    )


@st.composite
def configurations(draw: Any) -> Configuration:
    """Draw a configuration that is valid as a whole."""
    accounts = {name: draw(upstreams(name)) for name in draw(st.sets(NAMES, max_size=3))}
    names = draw(st.sets(NAMES | PROVIDERS.map("{}/*".format), max_size=4))
    chosen = draw(st.sampled_from(sorted(name for name in names if "*" not in name) or [""]))
    routes = {}
    for name in names:
        used = sorted(draw(st.sets(st.sampled_from(sorted(accounts)))) if accounts else [])
        models = ["*"] * len(used) if "*" in name else [draw(NAMES) for _ in used]
        listed = sorted_targets(draw(targets(u, m)) for u, m in zip(used, models, strict=True))
        enabled, strict = draw(st.booleans()), draw(st.booleans())
        routes[name] = RouteEntry(name=name, targets=listed, enabled=enabled, is_default=name == chosen, strict=strict)
    aliases = {}
    for index, route in enumerate(draw(st.lists(st.sampled_from(sorted(names)), max_size=3)) if names else []):
        providers = sorted({accounts[target.upstream].provider for target in routes[route].targets})
        wild = "*" in route
        aliases[f"alias.{index}"] = AliasEntry(
            name=f"alias.{index}",
            route=route,
            provider="" if wild else draw(st.sampled_from(["", *providers])),
            model="wild-9" if wild else "",
        )
    return Configuration(upstreams=accounts, routes=routes, aliases=aliases)
