"""The section `model_aliases` of a seed file: other names for routes.

A target is written as a client would ask for it: a route's name, `provider/model`, or another alias.
"""

from __future__ import annotations

from collections.abc import Mapping

from routing.configuration import AliasEntry, RouteEntry, UpstreamEntry
from routing.fields import Fields, did_you_mean, obey
from routing.located import Located
from routing.rules import check_plain_name
from routing.table import ANY_MODEL, is_wildcard


def read_aliases(
    section: Located | None, routes: Mapping[str, RouteEntry], upstreams: Mapping[str, UpstreamEntry]
) -> dict[str, AliasEntry]:
    """Return the aliases by name. Raises SeedError for a circle, an unknown target, or a name that shadows a route."""
    if section is None or section.value is None:
        return {}
    pairs: dict[str, tuple[Located, Located]] = section.of_type(dict, "model_aliases", "NAME: {target: gpt-4o-mini}")
    full_names = {
        f"{upstreams[target.upstream].provider}/{route.name}"
        for route in routes.values()
        for target in route.targets
        if not is_wildcard(route.name)
    }
    targets: dict[str, Located] = {}
    for name, (key, value) in pairs.items():
        obey(key, _alias_name, name)
        if name in routes or name in full_names:
            raise key.error(f"the alias {name!r} has the name of a route: choose another name")
        fields = Fields(value, f"the alias {name!r}", ("target",))
        fields.required_text("target", "gpt-4o-mini")
        targets[name] = fields.pairs["target"][1]
    ends: dict[str, Located] = {}
    for name in targets:
        _follow(name, targets, ends)
    return {name: _alias(name, ends[name], routes, full_names, targets) for name in targets}


def _follow(name: str, targets: Mapping[str, Located], ends: dict[str, Located]) -> None:
    """Note where an alias ends, and every alias on the way there."""
    passed = {name: None}
    place = targets[name]
    while place.value in targets and place.value not in ends:
        if place.value in passed:
            names = ", ".join(sorted(passed)[:5])
            raise place.error(f"the aliases {names} lead to each other: let one name a route")
        passed[place.value] = None
        place = targets[place.value]
    ends |= dict.fromkeys(passed, ends.get(place.value, place))


def _alias(
    name: str,
    target: Located,
    routes: Mapping[str, RouteEntry],
    full_names: set[str],
    targets: Mapping[str, Located],
) -> AliasEntry:
    provider, _, model = target.value.partition("/")
    wildcard = f"{provider}/{ANY_MODEL}"
    if target.value in routes and not is_wildcard(target.value):
        return AliasEntry(name=name, route=target.value)
    if target.value in full_names:
        return AliasEntry(name=name, route=model, provider=provider)
    if wildcard in routes and model and ANY_MODEL not in model:
        obey(target, check_plain_name, model, "model")
        return AliasEntry(name=name, route=wildcard, model=model)
    near = did_you_mean(target.value, [*routes, *full_names, *targets])
    raise target.error(f"the alias {name!r} leads to {target.value!r}, which no route serves{near}")


def _alias_name(name: str) -> None:
    check_plain_name(name, "alias")
