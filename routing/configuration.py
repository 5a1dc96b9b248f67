"""The whole configuration as frozen values: what a seed file says, and what the database holds, in one form.

Two configurations that are equal serve alike. Rows, files and revisions meet here, so each is read and written once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from routing.table import Timeouts


class UpstreamEntry(Struct, frozen=True, kw_only=True):
    """An upstream. `access_key` is a reference, `fingerprint:...` for a stored secret, a secret, or "" for none.

    `asks_usage` and `betas` are None where what is known about the provider decides.
    """

    name: str
    provider: str
    base_url: str
    shapes: tuple[str, ...]
    prefer: str
    interface: str = ""
    access_key: str = ""
    headers: Mapping[str, str] = {}
    http_host: str = ""
    passthrough_auth: bool = False
    quirks: tuple[str, ...] = ()
    asks_usage: bool | None = None
    betas: tuple[str, ...] | None = None
    timeouts: Timeouts = Timeouts()
    enabled: bool = True

    def __repr__(self) -> str:
        """Show which upstream it is, never its access key."""
        return f"UpstreamEntry(name={self.name!r}, provider={self.provider!r}, base_url={self.base_url!r})"


class TargetEntry(Struct, frozen=True, kw_only=True):
    """A target of a route; `upstream` is the upstream's name. `prices` and `capabilities` are kept as written."""

    upstream: str
    model: str
    tier: int = 0
    weight: int = 1
    enabled: bool = True
    prices: Mapping[str, Any] | None = None
    capabilities: Mapping[str, Any] = {}


class RouteEntry(Struct, frozen=True, kw_only=True):
    """A route and its targets, in the order of `sorted_targets`."""

    name: str
    targets: tuple[TargetEntry, ...] = ()
    enabled: bool = True
    is_default: bool = False
    strict: bool = False


def sorted_targets(targets: Iterable[TargetEntry]) -> tuple[TargetEntry, ...]:
    """Return targets in the one order in which they are kept: how they stand in a file means nothing."""
    return tuple(sorted(targets, key=lambda target: (target.tier, target.upstream, target.model)))


class AliasEntry(Struct, frozen=True, kw_only=True):
    """Another name for a route; `provider` limits it to that provider's targets, `model` fills a wildcard's star."""

    name: str
    route: str
    provider: str = ""
    model: str = ""


class Configuration(Struct, frozen=True, kw_only=True):
    """Everything that operators edit, by name."""

    upstreams: Mapping[str, UpstreamEntry]
    routes: Mapping[str, RouteEntry]
    aliases: Mapping[str, AliasEntry]


class Seed(Struct, frozen=True, kw_only=True):
    """What a seed file says: a configuration, and what in the file was left aside, one warning each."""

    configuration: Configuration
    warnings: tuple[str, ...] = ()
