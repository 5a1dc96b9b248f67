"""The route table: frozen values that a worker serves from, built in one go from one state of the configuration.

Nothing here knows Django. All indexes are made together by `build_table`, so that a name is either known to all of them
or to none. A name is looked up in this order: route, `provider/route`, alias, wildcard (`provider/*`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

DEFAULT_PREFIX = "/v1"
ANY_MODEL = "*"
EVERY_BETA = ("*",)


class UnknownModel(LookupError):
    """No route, alias or wildcard serves this model name; the client's fault."""

    def __init__(self, model: str) -> None:
        super().__init__(f"no route serves the model {model!r}")
        self.model = model


class NoModel(LookupError):
    """The request names no model, and no route is the default; the client's fault."""

    def __init__(self) -> None:
        super().__init__("the request names no model, and no route is the default")


class Timeouts(Struct, frozen=True):
    """How long a relay waits, in seconds; 0 means for ever.

    `connect`: for a connection. `first_byte`: from the request sent to the head of the answer; a reply that is not
    streamed is made in this time, so it is as long as the official SDKs wait. `idle`: between two reads. `total`: all.
    """

    connect: float = 5.0
    first_byte: float = 600.0
    idle: float = 300.0
    total: float = 0.0


class Credential(Struct, frozen=True):
    """A resolved secret, or what is missing of it: the variable or file that should hold it."""

    value: str | None
    missing: str | None
    fingerprint: str

    def __repr__(self) -> str:
        """Show which secret it is, never the secret."""
        return f"Credential(missing={self.missing!r}, fingerprint={self.fingerprint!r})"


class Upstream(Struct, frozen=True, kw_only=True):
    """A provider account at a base URL. `prefer` is the shape to translate to when the client's is not in `shapes`.

    `asks_usage`: streams are asked for their usage where the client did not. `betas` are the values of the header
    `anthropic-beta` that the upstream takes, EVERY_BETA for all.
    """

    name: str
    provider: str
    base_url: str
    shapes: tuple[str, ...]
    prefer: str
    credential: Credential | None = None
    headers: tuple[tuple[str, str], ...] = ()
    host: str | None = None
    passthrough_auth: bool = False
    quirks: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    auth: str = "bearer"
    asks_usage: bool = False
    betas: tuple[str, ...] = ()

    def shape_for(self, client_shape: str) -> str:
        """Return the shape to speak to this upstream: the client's own if it is native, else the preferred one."""
        return client_shape if client_shape in self.shapes else self.prefer

    def url(self, path: str) -> str:
        """Return the URL of an endpoint. A path in the base URL replaces the default prefix `/v1`."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or DEFAULT_PREFIX}{path}"

    def credential_headers(self, shape: str) -> tuple[tuple[str, str], ...]:
        """Return the header that carries the credential on this shape; () where there is none to send."""
        if self.credential is None or self.credential.value is None:
            return ()
        if shape == "messages" and self.auth == "x-api-key":
            return (("x-api-key", self.credential.value),)
        return (("authorization", f"Bearer {self.credential.value}"),)


class Target(Struct, frozen=True):
    """One upstream of a route and the model's name there. Tier 0 is tried first; weight 0 means drained.

    `capabilities` are an operator's corrections of the model's profile, by the names of its members.
    """

    upstream: Upstream
    model: str
    tier: int = 0
    weight: int = 1
    capabilities: Mapping[str, Any] = {}


class Route(Struct, frozen=True):
    """A public model name and its targets, ordered by tier. `created` is in seconds since 1970.

    `strict`: a request that a translation would drop or change something of is refused.
    """

    name: str
    targets: tuple[Target, ...]
    created: int = 0
    strict: bool = False

    @property
    def owner(self) -> str:
        """The provider of the first target."""
        return self.targets[0].upstream.provider

    def attempts(self, random_value: float) -> tuple[Target, ...]:
        """Return the targets in the order in which to try them, for one random value in [0, 1).

        Tiers go in order. Within a tier each target comes first in proportion to its weight. Drained targets are left
        out, unless all are drained.
        """
        if len(self.targets) == 1:
            return self.targets
        usable = [target for target in self.targets if target.weight > 0]
        if not usable:
            return self.targets
        ordered: list[Target] = []
        for tier in dict.fromkeys(target.tier for target in usable):
            ordered += _by_weight([target for target in usable if target.tier == tier], random_value)
        return tuple(ordered)

    def of_provider(self, provider: str) -> Route:
        """Return the route with the targets of one provider only."""
        return replace(self, targets=tuple(t for t in self.targets if t.upstream.provider == provider))

    def for_model(self, model: str) -> Route:
        """Return what a wildcard route is for one model that it serves."""
        name = self.name.removesuffix(ANY_MODEL) + model
        targets = tuple(replace(t, model=model) if t.model == ANY_MODEL else t for t in self.targets)
        return replace(self, name=name, targets=targets)


class Alias(Struct, frozen=True):
    """Another name for a route: for all of it, for the targets of one provider, or for one model of a wildcard."""

    name: str
    route: str
    provider: str = ""
    model: str = ""
    created: int = 0


class ListedModel(Struct, frozen=True):
    """One line of the list of models. `created` is in seconds since 1970."""

    name: str
    owner: str
    created: int


class RouteTable(Struct, frozen=True):
    """One published state of the configuration, ready to serve from. Made by `build_table`.

    `upstreams` are all accounts by name, also those that no route leads to: they may keep what they once made.
    """

    revision: int
    routes: tuple[Route, ...]
    upstreams: Mapping[str, Upstream]
    listed: tuple[ListedModel, ...]
    default: Route | None
    by_name: Mapping[str, Route]
    wildcards: Mapping[str, Route]
    withheld: frozenset[str]

    def resolve(self, model: str | None) -> Route:
        """Return the route for the model that a request names, the default if it names none.

        Raises UnknownModel, or NoModel where there is no default.
        """
        if not model:
            if self.default is None:
                raise NoModel
            return self.default
        route = self.by_name.get(model)
        return route if route is not None else self._from_wildcard(model)

    def models(self) -> tuple[ListedModel, ...]:
        """Return every name that a client can ask for, aliases included and wildcards left out, sorted."""
        return self.listed

    def _from_wildcard(self, model: str) -> Route:
        provider, _, rest = model.partition("/")
        wildcard = self.wildcards.get(provider)
        if wildcard is None or not rest or ANY_MODEL in rest or model in self.withheld:
            raise UnknownModel(model)
        return wildcard.for_model(rest)


def build_table(
    revision: int,
    routes: Iterable[Route],
    aliases: Iterable[Alias] = (),
    default: str | None = None,
    withheld: Iterable[str] = (),
    upstreams: Iterable[Upstream] = (),
) -> RouteTable:
    """Return the table of these routes. A route without targets is left out, and an alias that leads to no target.

    `withheld` are the full names of disabled routes: no wildcard serves them instead.
    """
    served = {route.name: _in_tiers(route) for route in routes if route.targets}
    plain = {name: route for name, route in served.items() if not is_wildcard(name)}
    wildcards = {name.removesuffix("/" + ANY_MODEL): route for name, route in served.items() if is_wildcard(name)}
    renamed = {alias.name: route for alias in aliases if (route := _meant_by(alias, served)) is not None}
    full = {
        f"{provider}/{route.name}": route.of_provider(provider)
        for route in plain.values()
        for provider in {target.upstream.provider for target in route.targets}
    }
    created = {alias.name: alias.created for alias in aliases}
    listed = {name: ListedModel(name, route.owner, created.get(name, route.created)) for name, route in renamed.items()}
    listed |= {name: ListedModel(name, route.owner, route.created) for name, route in plain.items()}
    known = [*upstreams, *(target.upstream for route in served.values() for target in route.targets)]
    return RouteTable(
        revision=revision,
        routes=tuple(served.values()),
        upstreams={upstream.name: upstream for upstream in known},
        listed=tuple(listed[name] for name in sorted(listed)),
        default=plain.get(default) if default else None,
        by_name=renamed | full | plain,
        wildcards=wildcards,
        withheld=frozenset(withheld),
    )


def is_wildcard(name: str) -> bool:
    """Return whether a route's name is a wildcard: `provider/*`."""
    return name.endswith("/" + ANY_MODEL)


def _in_tiers(route: Route) -> Route:
    return replace(route, targets=tuple(sorted(route.targets, key=lambda target: target.tier)))


def _meant_by(alias: Alias, served: Mapping[str, Route]) -> Route | None:
    route = served.get(alias.route)
    if route is None:
        return None
    if alias.model:
        route = route.for_model(alias.model)
    if alias.provider:
        route = route.of_provider(alias.provider)
    return route if route.targets else None


def _by_weight(targets: list[Target], random_value: float) -> list[Target]:
    """Order by repeated draws without replacement; what is left of the random value after a draw decides the next."""
    left, ordered = list(targets), []
    while len(left) > 1:
        point = random_value * sum(target.weight for target in left)
        index = 0
        while index < len(left) - 1 and point >= left[index].weight:
            point -= left[index].weight
            index += 1
        chosen = left.pop(index)
        random_value = min(point / chosen.weight, 0.999_999_999)
        ordered.append(chosen)
    return ordered + left
