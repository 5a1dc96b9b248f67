"""The seed file: YAML text to a configuration. Pure: no database, no network, no environment.

Entries of `model_providers` that describe the same account become one upstream; entries that serve the same model
become the targets of one route. `docs/routes.md` describes every key.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from routing.accounts import ACCOUNT_KEYS, read_account
from routing.aliases import read_aliases
from routing.configuration import Configuration, RouteEntry, Seed, TargetEntry, UpstreamEntry, sorted_targets
from routing.fields import Fields, items_of
from routing.located import Located, read_located
from routing.rules import (
    MAX_TIER,
    MAX_WEIGHT,
    check_capabilities,
    check_plain_name,
    check_provider,
    check_route_name,
    check_target_model,
    check_whole_number,
)
from routing.storage import storage_in
from routing.table import ANY_MODEL, is_wildcard

ENTRY_KEYS = (
    "model", "name", "route", "default", "strict", "tier", "weight", "enabled", "prices", "capabilities", *ACCOUNT_KEYS,
)  # fmt: skip
UPSTREAM_KEYS = ("name", "provider", "enabled", *ACCOUNT_KEYS)
SECTIONS = ("model_providers", "llm_providers", "model_aliases", "upstreams", "routes")
SILENT_SECTIONS = ("version", "listeners", "state_storage")
FOREIGN_SECTIONS = (
    "agents", "endpoints", "error_target", "filters", "guards", "mode", "overrides", "prompt_guards", "prompt_targets",
    "ratelimits", "routing", "routing_preferences", "system_prompt", "tracing",
)  # fmt: skip
FOREIGN_ENTRY_KEYS = ("routing_preferences", "rate_limits")
_ENTRY_EXAMPLE = "- model: openai/gpt-4o-mini"


def read_seed(text: str) -> Seed:
    """Return what a seed file says. Raises SeedError."""
    sections = Fields(read_located(text), "the seed file", (*SECTIONS, *SILENT_SECTIONS), ignored=FOREIGN_SECTIONS)
    reader = _Reader()
    present = {name: value for name, (_, value) in sections.pairs.items()}
    storage_in(present.get("state_storage"))
    entries = [
        Fields(item, "a provider entry", ENTRY_KEYS, FOREIGN_ENTRY_KEYS)
        for name in ("model_providers", "llm_providers")
        for item in items_of(present.get(name), name, _ENTRY_EXAMPLE)
    ]
    declared = items_of(present.get("upstreams"), "upstreams", "- name: openai")
    reader.upstreams_of([Fields(item, "an upstream", UPSTREAM_KEYS) for item in declared])
    reader.reserve([fields for fields in entries if "name" in fields])
    for fields in entries:
        reader.entry(fields)
    for item in items_of(present.get("routes"), "routes", "- name: gpt-4o-mini"):
        reader.route(Fields(item, "a route", ("name", "enabled", "default", "strict")))
    routes = reader.routes_with_targets()
    aliases = read_aliases(present.get("model_aliases"), routes, reader.upstreams)
    ignored = [*sections.ignored, *(key for fields in entries for key in fields.ignored)]
    return Seed(
        configuration=Configuration(upstreams=reader.upstreams, routes=routes, aliases=aliases),
        warnings=tuple(f"line {key.line}: {key.value} lies outside a gateway and is ignored" for key in ignored),
    )


class _Reader:
    """Gathers upstreams and routes while the entries are read one by one."""

    def __init__(self) -> None:
        self.upstreams: dict[str, UpstreamEntry] = {}
        self.routes: dict[str, RouteEntry] = {}
        self._declared: set[str] = set()
        self._name_of_account: dict[bytes, str] = {}
        self._accounts_of_provider: dict[str, int] = {}
        self._line_of_upstream: dict[str, int] = {}
        self._line_of_target: dict[tuple[str, str, str], int] = {}
        self._targets: dict[str, list[TargetEntry]] = {}
        self._line_of_default = 0

    def upstreams_of(self, declared: list[Fields]) -> None:
        """Read the section `upstreams`."""
        for fields in declared:
            name = fields.required_text("name", "openai-2", _upstream_name)
            provider = fields.required_text("provider", "openai", check_provider)
            if name in self.upstreams:
                raise fields.pairs["name"][1].error(f"the upstream {name!r} is listed twice")
            account = replace(read_account(fields, provider), enabled=fields.flag("enabled", True))
            self._add_upstream(replace(account, name=name), fields.place.line)
            self._declared.add(name)

    def reserve(self, named: list[Fields]) -> None:
        """Read the entries with a name before the others, which may share the account or must avoid the name."""
        for fields in named:
            name, provider = fields.text("name", "openai-2", _upstream_name), _provider_and_model(fields)[0]
            bare = not any(key in fields for key in ACCOUNT_KEYS)
            if bare and name in self._declared and self.upstreams[name].provider == provider:
                continue
            self._name_account(fields, name, provider)

    def entry(self, fields: Fields) -> None:
        """Read one entry of `model_providers`: a target, and the upstream and route that it needs."""
        provider, model = _provider_and_model(fields)
        route_name = fields.text("route", "gpt-4o-mini") or (f"{provider}/*" if model == ANY_MODEL else model)
        place = "route" if "route" in fields else "model"
        fields.obey(place, check_route_name, route_name)
        fields.obey("model", check_target_model, model, route_name)
        target = TargetEntry(
            upstream=self._upstream_of(fields, provider),
            model=model,
            tier=fields.whole_number("tier", 0, check_whole_number, MAX_TIER),
            weight=fields.whole_number("weight", 1, check_whole_number, MAX_WEIGHT),
            enabled=fields.flag("enabled", True),
            prices=_prices(fields),
            capabilities=_capabilities(fields),
        )
        self._add_target(fields, route_name, target)
        if fields.flag("default", False):
            self._make_default(fields, route_name)
        self._make_strict(fields, route_name)

    def route(self, fields: Fields) -> None:
        """Read one item of the section `routes`: a route that has no targets, or is disabled."""
        name = fields.required_text("name", "gpt-4o-mini", check_route_name)
        route = self.routes.get(name, RouteEntry(name=name))
        self.routes[name] = replace(route, enabled=fields.flag("enabled", True))
        if fields.flag("default", False):
            self._make_default(fields, name)
        self._make_strict(fields, name)

    def routes_with_targets(self) -> dict[str, RouteEntry]:
        """Return the routes with all of their targets."""
        return {
            name: replace(route, targets=sorted_targets(self._targets.get(name, ())))
            for name, route in self.routes.items()
        }

    def _upstream_of(self, fields: Fields, provider: str) -> str:
        if "name" in fields:
            return fields.text("name", "openai-2")
        account = read_account(fields, provider)
        name = self._name_of_account.get(_identity(account))
        if name is None:
            name = self._free_name(provider)
            self._add_upstream(replace(account, name=name), fields.place.line)
        return name

    def _name_account(self, fields: Fields, name: str, provider: str) -> None:
        account = replace(read_account(fields, provider), name=name)
        known = self.upstreams.get(name)
        if known is None:
            self._add_upstream(account, fields.place.line)
        elif _identity(account) != _identity(known):
            raise fields.pairs["name"][1].error(
                f"the upstream {name!r} is described in another way on line {self._line_of_upstream[name]}:"
                " make both alike, or give one another name"
            )

    def _add_upstream(self, upstream: UpstreamEntry, line: int) -> None:
        self.upstreams[upstream.name] = upstream
        self._line_of_upstream[upstream.name] = line
        self._name_of_account.setdefault(_identity(upstream), upstream.name)

    def _free_name(self, provider: str) -> str:
        name = provider
        while name in self.upstreams:
            number = self._accounts_of_provider[provider] = self._accounts_of_provider.get(provider, 1) + 1
            name = f"{provider}-{number}"
        return name

    def _add_target(self, fields: Fields, route_name: str, target: TargetEntry) -> None:
        key = (route_name, target.upstream, target.model)
        if key in self._line_of_target:
            raise fields.pairs["model"][1].error(
                f"{target.model!r} at the upstream {target.upstream!r} is listed twice,"
                f" first on line {self._line_of_target[key]}: remove one"
            )
        self._line_of_target[key] = fields.place.line
        self._targets.setdefault(route_name, []).append(target)
        self.routes.setdefault(route_name, RouteEntry(name=route_name))

    def _make_default(self, fields: Fields, route_name: str) -> None:
        place: Located = fields.pairs["default"][1]
        if is_wildcard(route_name):
            raise place.error("a wildcard cannot be the default, as it names no model: add an entry with the model")
        if self._line_of_default and not self.routes[route_name].is_default:
            raise place.error(f"there is a default already, on line {self._line_of_default}: keep one")
        self._line_of_default = place.line
        self.routes[route_name] = replace(self.routes[route_name], is_default=True)

    def _make_strict(self, fields: Fields, route_name: str) -> None:
        if fields.flag("strict", False):
            self.routes[route_name] = replace(self.routes[route_name], strict=True)


def _provider_and_model(fields: Fields) -> tuple[str, str]:
    text = fields.required_text("model", "openai/gpt-4o-mini")
    provider, slash, model = text.partition("/")
    if not slash or not provider or not model:
        raise fields.pairs["model"][1].error(f"{text!r} names no provider: write provider/model, openai/gpt-4o-mini")
    fields.obey("model", check_provider, provider)
    return provider, model


def _prices(fields: Fields) -> dict[str, object] | None:
    value = fields.value("prices")
    if value is None:
        return None
    value.of_type(dict, "prices", "{input: 0.15, output: 0.6}")
    prices: dict[str, object] = value.plain()
    return prices


def _capabilities(fields: Fields) -> dict[str, object]:
    value = fields.value("capabilities")
    if value is None:
        return {}
    value.of_type(dict, "capabilities", "{max_output_tokens: 8192}")
    capabilities: dict[str, object] = value.plain()
    fields.obey("capabilities", check_capabilities, capabilities)
    return capabilities


def _identity(upstream: UpstreamEntry) -> bytes:
    """Return what makes two entries the same account: everything but the name, and whether it is enabled."""
    return msgspec.json.encode(replace(upstream, name="", enabled=True))


def _upstream_name(name: str) -> None:
    check_plain_name(name, "upstream")
