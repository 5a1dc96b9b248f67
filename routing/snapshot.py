"""The route table from the database: what serving polls and swaps, called from a thread of its own.

Both functions give their database connection back as the settings say: a long-lived thread may call them for ever, and
a connection that broke is opened anew by the next call.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.db import close_old_connections, connection

from routing import table
from routing.models import Alias, Revision, Route, Target, Upstream
from routing.presets import preset_for
from routing.table import Credential, RouteTable, build_table
from translation.capabilities import InvalidCapability, read_capabilities

MAX_READS = 5
DOCKER_HOST = "host.docker.internal"
LOOPBACK = "127.0.0.1"
_log = logging.getLogger(__name__)


class ConfigurationMoves(RuntimeError):
    """The configuration changed during each of several reads; the next poll tries again."""


def current_revision() -> int:
    """Return the number of the newest revision, 0 if there is none. One query on an index."""
    with _borrowed_connection():
        return _newest()


def load_table() -> RouteTable:
    """Return the table of one state of the configuration, with every credential resolved.

    A change commits its revision along with its rows, so rows read between two equal revision numbers belong together;
    this needs no lock, holds on every database, and never waits for a writer. Raises ConfigurationMoves.
    """
    with _borrowed_connection():
        for _ in range(MAX_READS):
            number = _newest()
            upstreams, routes, aliases = list(Upstream.objects.all()), list(Route.objects.with_targets()), _aliases()
            if number == _newest():
                return _table(number, upstreams, routes, aliases)
    raise ConfigurationMoves(f"the configuration changed during each of {MAX_READS} reads")


@contextmanager
def _borrowed_connection() -> Iterator[None]:
    if connection.in_atomic_block:
        yield  # the connection belongs to whoever opened the transaction
        return
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def _newest() -> int:
    newest = Revision.objects.order_by("-number").values_list("number", flat=True).first()
    return newest or 0


def _aliases() -> list[Alias]:
    return list(Alias.objects.select_related("route"))


def _table(number: int, rows: Iterable[Upstream], routes: Iterable[Route], aliases: Iterable[Alias]) -> RouteTable:
    upstreams = {row.pk: _upstream(row) for row in rows if row.enabled}
    listed = list(routes)
    return build_table(
        revision=number,
        routes=[_route(row, upstreams) for row in listed if row.enabled],
        aliases=[
            table.Alias(row.name, row.route.name, row.provider, row.model, int(row.created.timestamp()))
            for row in aliases
        ],
        default=next((row.name for row in listed if row.is_default and row.enabled), None),
        withheld=[
            f"{target.upstream.provider}/{row.name}"
            for row in listed
            if not row.enabled
            for target in row.targets.all()
        ],
        upstreams=upstreams.values(),
    )


def _route(row: Route, upstreams: dict[int, table.Upstream]) -> table.Route:
    targets = tuple(
        table.Target(
            upstreams[target.upstream_id],
            target.model,
            target.tier,
            target.weight,
            _capabilities(row, target),
        )
        for target in row.targets.all()
        if target.enabled and target.upstream_id in upstreams
    )
    return table.Route(row.name, targets, int(row.created.timestamp()), row.strict)


def _capabilities(row: Route, target: Target) -> dict[str, Any]:
    """Return a target's corrections; none if a newer version of the profiles cannot take them any more."""
    try:
        return read_capabilities(target.capabilities)
    except InvalidCapability as exc:
        _log.warning("route %s, target %s: its capabilities are left aside: %s", row.name, target, exc)
        return {}


def _upstream(row: Upstream) -> table.Upstream:
    return table.Upstream(
        name=row.name,
        provider=row.provider,
        base_url=_reachable(row.base_url),
        shapes=tuple(row.shapes),
        prefer=row.prefer,
        credential=_credential(row),
        headers=tuple(sorted(row.headers.items())),
        host=row.http_host or None,
        passthrough_auth=row.passthrough_auth,
        quirks=tuple(row.quirks),
        timeouts=row.timeouts,
        auth=preset_for(row.provider, row.interface).auth,
        asks_usage=row.is_asked_for_usage,
        betas=row.known_betas,
    )


def _credential(row: Upstream) -> Credential | None:
    credential = row.credential()
    if credential is not None and credential.missing and row.enabled and not row.passthrough_auth:
        _log.warning("upstream %s: %s is not set, requests to it will fail", row.name, credential.missing)
    return credential


def _reachable(base_url: str) -> str:
    """Return the base URL; Docker's name for its host becomes the loopback address where it does not resolve."""
    parts = urlsplit(base_url)
    if parts.hostname != DOCKER_HOST:
        return base_url
    try:
        socket.getaddrinfo(DOCKER_HOST, parts.port or 80)
    except OSError:
        _log.info("%s does not resolve here, using %s", DOCKER_HOST, LOOPBACK)
        netloc = LOOPBACK if parts.port is None else f"{LOOPBACK}:{parts.port}"
        return parts._replace(netloc=netloc).geturl()
    return base_url
