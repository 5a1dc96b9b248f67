"""What a seed would change: the configuration that results, and the difference as lines for people. Pure.

Seeding adds what is missing and leaves alone whatever is there; replacing takes the file for the whole truth. Both keep
a stored secret only where its upstream stays at the same host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from routing.configuration import AliasEntry, Configuration, RouteEntry, UpstreamEntry, sorted_targets
from routing.credentials import FINGERPRINT_PREFIX, fingerprint, is_reference
from routing.rules import InvalidValue, endpoint_of


class Change(Struct, frozen=True):
    """One line of a plan: `create route gpt-4o-mini`."""

    action: str
    kind: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        """Return the line."""
        return f"{self.action} {self.kind} {self.name}" + (f" ({self.detail})" if self.detail else "")


def seeded(current: Configuration, seed: Configuration) -> Configuration:
    """Return the current configuration plus the routes and aliases that it lacks, and the upstreams that these need."""
    routes = {
        name: replace(route, is_default=route.is_default and not _has_default(current))
        for name, route in seed.routes.items()
        if name not in current.routes and name not in current.aliases
    }
    upstreams, used = dict(current.upstreams), _used(seed.routes)
    names = {name: _add_missing(upstreams, seed.upstreams[name]) for name in sorted(_used(routes))}
    for name, spare in seed.upstreams.items():
        if name not in used and name not in upstreams:
            upstreams[name] = with_kept_secret(spare, None)
    added = {name: _renamed(route, names) for name, route in routes.items()}
    result = Configuration(upstreams=upstreams, routes={**current.routes, **added}, aliases=current.aliases)
    aliases = {name: alias for name, alias in seed.aliases.items() if _is_missing(alias, result)}
    return replace(result, aliases={**current.aliases, **aliases})


def replaced(current: Configuration, seed: Configuration) -> Configuration:
    """Return the seed's configuration, with the stored secrets that it refers to. Raises InvalidValue."""
    upstreams = {name: with_kept_secret(entry, current.upstreams.get(name)) for name, entry in seed.upstreams.items()}
    return replace(seed, upstreams=upstreams)


def with_kept_secret(wanted: UpstreamEntry, stored: UpstreamEntry | None) -> UpstreamEntry:
    """Return the upstream; its `fingerprint:...` stands for the stored secret, as does the same secret written out.

    Raises InvalidValue if no secret is stored, or if it was stored for another host.
    """
    key, kept = wanted.access_key, stored.access_key if stored is not None else ""
    if not key.startswith(FINGERPRINT_PREFIX):
        return wanted if stored is None else with_same_secret(wanted, stored)
    if stored is None or not kept.startswith(FINGERPRINT_PREFIX):
        raise InvalidValue(
            f"the upstream {wanted.name!r} refers to a stored secret ({key}), and none is stored:"
            " write $NAME, file:/path or the secret as its access_key"
        )
    if endpoint_of(wanted.base_url) != endpoint_of(stored.base_url):
        raise InvalidValue(
            f"the upstream {wanted.name!r} moves to another host, and its stored secret does not move along:"
            " write $NAME, file:/path or the secret as its access_key"
        )
    return replace(wanted, access_key=kept)


def with_same_secret(wanted: UpstreamEntry, stored: UpstreamEntry) -> UpstreamEntry:
    """Return the upstream; a secret that is written out becomes its fingerprint if it is the one that is stored."""
    key = wanted.access_key
    is_secret = bool(key) and not is_reference(key) and not key.startswith(FINGERPRINT_PREFIX)
    same = is_secret and stored.access_key == FINGERPRINT_PREFIX + fingerprint(key)
    return replace(wanted, access_key=stored.access_key) if same else wanted


def changes_between(current: Configuration, wanted: Configuration) -> list[Change]:
    """Return what leads from one configuration to another."""
    return [
        *_changes("upstream", current.upstreams, wanted.upstreams),
        *_changes("route", current.routes, wanted.routes),
        *_changes("alias", current.aliases, wanted.aliases),
    ]


def _changes(kind: str, current: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*current, *wanted}):
        if name not in current:
            yield Change("create", kind, name)
        elif name not in wanted:
            yield Change("delete", kind, name)
        elif current[name] != wanted[name]:
            before, after = asdict(current[name]), asdict(wanted[name])
            yield Change("change", kind, name, ", ".join(field for field in after if after[field] != before[field]))


def _used(routes: Mapping[str, RouteEntry]) -> set[str]:
    return {target.upstream for route in routes.values() for target in route.targets}


def _add_missing(upstreams: dict[str, UpstreamEntry], wanted: UpstreamEntry) -> str:
    """Add the upstream unless it is there, and return the name that it has there.

    A name that was given to it in the file decides. A name made from its provider's does not: another account may have
    it, so what counts is that the account is the same.
    """
    if wanted.name in upstreams and not _is_made_up(wanted):
        return wanted.name
    for name, entry in upstreams.items():
        if with_same_secret(wanted, entry) == replace(entry, name=wanted.name, enabled=wanted.enabled):
            return name
    name, number = wanted.name, 1
    while name in upstreams:
        number += 1
        name = f"{wanted.provider}-{number}"
    upstreams[name] = replace(with_kept_secret(wanted, None), name=name)
    return name


def _is_made_up(upstream: UpstreamEntry) -> bool:
    rest = upstream.name.removeprefix(upstream.provider)
    return rest == "" or (rest.startswith("-") and rest[1:].isdigit())


def _renamed(route: RouteEntry, names: Mapping[str, str]) -> RouteEntry:
    return replace(route, targets=sorted_targets(replace(t, upstream=names[t.upstream]) for t in route.targets))


def _has_default(configuration: Configuration) -> bool:
    return any(route.is_default for route in configuration.routes.values())


def _is_missing(alias: AliasEntry, configuration: Configuration) -> bool:
    """Return whether the alias is new, its name is free and its route can serve it."""
    route: RouteEntry | None = configuration.routes.get(alias.route)
    if route is None or alias.name in configuration.aliases or alias.name in configuration.routes:
        return False
    providers = {configuration.upstreams[target.upstream].provider for target in route.targets}
    return not alias.provider or alias.provider in providers
