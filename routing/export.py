"""A configuration as YAML, in the form that the seed is read in. `read_seed(write_seed(x))` is `x` again.

What a provider's preset or a default says already is left out. Secrets appear as fingerprints only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from msgspec.structs import asdict

from routing.configuration import AliasEntry, Configuration, RouteEntry, TargetEntry, UpstreamEntry
from routing.located import SeedError, read_located
from routing.presets import preset_for
from routing.rules import InvalidValue
from routing.table import ANY_MODEL, Timeouts

_ENDLESS_LINE = 1_000_000


class _Inline(dict[str, Any]):
    """A mapping that is written on one line."""


class _InlineList(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes block style, but for what is marked as inline, and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value out again instead of referring to where it stood first."""
        return True


_Dumper.add_representer(
    _Inline, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)
)
_Dumper.add_representer(
    _InlineList, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def write_seed(configuration: Configuration) -> str:
    """Return the configuration as YAML text."""
    upstreams, routes, aliases = configuration.upstreams, configuration.routes, configuration.aliases
    used = {target.upstream for route in routes.values() for target in route.targets}
    document: dict[str, Any] = {
        "model_providers": [
            _entry(route, target, upstreams[target.upstream], first=index == 0)
            for _, route in sorted(routes.items())
            for index, target in enumerate(route.targets)
        ],
        "model_aliases": {name: _Inline(target=target_of(alias)) for name, alias in sorted(aliases.items())},
        "upstreams": [_upstream(u) for _, u in sorted(upstreams.items()) if u.name not in used or not u.enabled],
        "routes": [_route(r) for _, r in sorted(routes.items()) if not r.targets or not r.enabled],
    }
    parts = [_dump({name: section}) for name, section in document.items() if section]
    return "\n".join(parts) or "model_providers: []\n"


def target_of(alias: AliasEntry) -> str:
    """Return an alias's target as a client would ask for it."""
    if alias.model:
        return alias.route.removesuffix(ANY_MODEL) + alias.model
    return f"{alias.provider}/{alias.route}" if alias.provider else alias.route


def check_prices(prices: Any) -> None:
    """Check that prices are a mapping that comes back from YAML as it was. Raises InvalidValue."""
    example = 'write a mapping such as {"input": 0.15, "output": 0.6}'
    if not isinstance(prices, Mapping):
        raise InvalidValue(f"prices are not a list or a single value: {example}")
    try:
        same = read_located(_dump({"prices": _sorted(prices)})).plain()["prices"] == prices
    except (SeedError, RecursionError) as exc:
        raise InvalidValue(f"prices hold something that a seed file cannot: {example}") from exc
    if not same:
        raise InvalidValue(f"prices hold something that a seed file cannot: {example}")


def _dump(document: Mapping[str, Any]) -> str:
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS_LINE))


def _entry(route: RouteEntry, target: TargetEntry, upstream: UpstreamEntry, first: bool) -> dict[str, Any]:
    implied = f"{upstream.provider}/{ANY_MODEL}" if target.model == ANY_MODEL else target.model
    entry: dict[str, Any] = {"model": f"{upstream.provider}/{target.model}", "name": upstream.name}
    if route.name != implied:
        entry["route"] = route.name
    if route.is_default and first:
        entry["default"] = True
    if route.strict and first:
        entry["strict"] = True
    entry |= _account(upstream)
    if target.tier:
        entry["tier"] = target.tier
    if target.weight != 1:
        entry["weight"] = target.weight
    if not target.enabled:
        entry["enabled"] = False
    if target.prices is not None:
        entry["prices"] = _Inline(_sorted(target.prices))
    if target.capabilities:
        entry["capabilities"] = _Inline(_sorted(target.capabilities))
    return entry


def _upstream(upstream: UpstreamEntry) -> dict[str, Any]:
    enabled = {} if upstream.enabled else {"enabled": False}
    return {"name": upstream.name, "provider": upstream.provider, **_account(upstream), **enabled}


def _route(route: RouteEntry) -> dict[str, Any]:
    disabled = {} if route.enabled else {"enabled": False}
    default = {"default": True} if route.is_default and not route.targets else {}
    strict = {"strict": True} if route.strict and not route.targets else {}
    return _Inline({"name": route.name, **disabled, **default, **strict})


def _account(upstream: UpstreamEntry) -> dict[str, Any]:
    preset = preset_for(upstream.provider, upstream.interface)
    account = {
        "provider_interface": upstream.interface,
        "base_url": "" if upstream.base_url == preset.base_url else upstream.base_url,
        "access_key": upstream.access_key,
        "passthrough_auth": upstream.passthrough_auth,
        "http_host": upstream.http_host,
        "headers": _Inline(sorted(upstream.headers.items())),
        "timeouts": _timeouts(upstream.timeouts),
    }
    if (upstream.shapes, upstream.prefer) != (preset.shapes, preset.prefer):
        account |= {"shapes": _InlineList(upstream.shapes), "prefer": upstream.prefer}
    said = {name: value for name, value in account.items() if value}
    if upstream.asks_usage is not None:
        said["asks_usage"] = upstream.asks_usage
    if upstream.betas is not None:
        said["betas"] = _InlineList(upstream.betas)
    # An empty list says something here: none of what the preset names.
    return said if upstream.quirks == preset.quirks else said | {"quirks": _InlineList(upstream.quirks)}


def _timeouts(timeouts: Timeouts) -> _Inline:
    usual, changed = asdict(Timeouts()), _Inline()
    for name, seconds in asdict(timeouts).items():
        if seconds != usual[name]:
            changed[name] = int(seconds) if seconds.is_integer() else seconds
    return changed


def _sorted(value: Any) -> Any:
    """Sort every mapping by key: a database may give JSON back in another order."""
    if isinstance(value, Mapping):
        return _Inline({name: _sorted(value[name]) for name in sorted(value)})
    return _InlineList(_sorted(item) for item in value) if isinstance(value, list) else value
