"""The configuration in the database: reads the rows as one value, and makes the rows equal to one.

Neither opens a transaction: what belongs together is up to the caller.
"""

from __future__ import annotations

from routing.configuration import AliasEntry, Configuration, RouteEntry, TargetEntry, UpstreamEntry, sorted_targets
from routing.credentials import FINGERPRINT_PREFIX
from routing.models import Alias, Route, Target, Upstream


def read_configuration() -> Configuration:
    """Return everything that the rows say, in four queries."""
    return Configuration(
        upstreams={row.name: _upstream_entry(row) for row in Upstream.objects.all()},
        routes={row.name: _route_entry(row) for row in Route.objects.with_targets()},
        aliases={
            row.name: AliasEntry(name=row.name, route=row.route.name, provider=row.provider, model=row.model)
            for row in Alias.objects.select_related("route")
        },
    )


def write_configuration(wanted: Configuration) -> None:
    """Make the rows equal to a configuration. Rows that are equal already, and stored secrets, stay untouched."""
    current = read_configuration()
    kept = [name for name, alias in wanted.aliases.items() if current.aliases.get(name) == alias]
    Alias.objects.exclude(name__in=kept).delete()
    Route.objects.exclude(name__in=wanted.routes).delete()
    for name, upstream in wanted.upstreams.items():
        if current.upstreams.get(name) != upstream:
            _write_upstream(upstream)
    changed = [route for name, route in wanted.routes.items() if current.routes.get(name) != route]
    Route.objects.filter(name__in=[route.name for route in changed]).update(is_default=False)
    for route in changed:
        _write_route(route)
    Upstream.objects.exclude(name__in=wanted.upstreams).delete()
    left = set(Alias.objects.values_list("name", flat=True))
    rows = {route.name: route for route in Route.objects.all()}
    for alias in wanted.aliases.values():
        if alias.name not in left:
            Alias.objects.create(name=alias.name, route=rows[alias.route], provider=alias.provider, model=alias.model)


def _upstream_entry(row: Upstream) -> UpstreamEntry:
    return UpstreamEntry(
        name=row.name,
        provider=row.provider,
        interface=row.interface,
        base_url=row.base_url,
        access_key=row.access_key,
        shapes=tuple(row.shapes),
        prefer=row.prefer,
        headers=row.headers,
        http_host=row.http_host,
        passthrough_auth=row.passthrough_auth,
        quirks=tuple(row.quirks),
        asks_usage=row.asks_usage,
        betas=None if row.betas is None else tuple(row.betas),
        timeouts=row.timeouts,
        enabled=row.enabled,
    )


def _route_entry(row: Route) -> RouteEntry:
    targets = (
        TargetEntry(
            upstream=target.upstream.name,
            model=target.model,
            tier=target.tier,
            weight=target.weight,
            enabled=target.enabled,
            prices=target.prices,
            capabilities=target.capabilities,
        )
        for target in row.targets.all()
    )
    return RouteEntry(
        name=row.name,
        targets=sorted_targets(targets),
        enabled=row.enabled,
        is_default=row.is_default,
        strict=row.strict,
    )


def _write_upstream(wanted: UpstreamEntry) -> None:
    row = Upstream.objects.filter(name=wanted.name).first() or Upstream(name=wanted.name)
    row.provider, row.interface, row.base_url = wanted.provider, wanted.interface, wanted.base_url
    row.shapes, row.prefer, row.quirks = list(wanted.shapes), wanted.prefer, list(wanted.quirks)
    row.headers, row.http_host, row.enabled = dict(wanted.headers), wanted.http_host, wanted.enabled
    row.passthrough_auth, row.asks_usage = wanted.passthrough_auth, wanted.asks_usage
    row.betas = None if wanted.betas is None else list(wanted.betas)
    row.connect_timeout, row.first_byte_timeout = wanted.timeouts.connect, wanted.timeouts.first_byte
    row.idle_timeout, row.total_timeout = wanted.timeouts.idle, wanted.timeouts.total
    if not wanted.access_key.startswith(FINGERPRINT_PREFIX):
        row.set_access_key(wanted.access_key)
    row.save()


def _write_route(wanted: RouteEntry) -> None:
    row = Route.objects.filter(name=wanted.name).first() or Route(name=wanted.name)
    row.enabled, row.is_default, row.strict = wanted.enabled, wanted.is_default, wanted.strict
    row.save()
    upstreams = Upstream.objects.in_bulk([target.upstream for target in wanted.targets], field_name="name")
    stale = {(target.upstream.name, target.model): target for target in row.targets.select_related("upstream")}
    for target in wanted.targets:
        existing = stale.pop((target.upstream, target.model), None)
        saved = existing or Target(route=row, upstream=upstreams[target.upstream], model=target.model)
        saved.tier, saved.weight, saved.enabled = target.tier, target.weight, target.enabled
        saved.prices = None if target.prices is None else dict(target.prices)
        saved.capabilities = dict(target.capabilities)
        saved.save()
    for target_row in stale.values():
        target_row.delete()
