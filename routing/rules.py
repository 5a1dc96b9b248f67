"""What a value of the configuration may be: one function for each kind, used by the seed file and by admin alike.

Each raises InvalidValue, whose message says what was wrong and what would be right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from routing.table import is_wildcard
from translation.capabilities import InvalidCapability, read_capabilities
from translation.quirks import QUIRKS
from translation.shapes import SHAPES

MAX_NAME_CHARACTERS = 200
MAX_URL_CHARACTERS = 500
MAX_WEIGHT = 10_000
MAX_TIER = 100
MAX_TIMEOUT_SECONDS = 86_400
TIMEOUT_NAMES = ("connect", "first_byte", "idle", "total")
SHAPE_NAMES = tuple(SHAPES)

_PROVIDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BETA = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)")
_NUMERIC_HOST = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)(?:\.(?:0[xX][0-9A-Fa-f]*|[0-9]+))*\.?")
_SECRET_HEADERS = {"authorization", "x-api-key", "api-key", "x-goog-api-key", "proxy-authorization", "cookie"}
_CONNECTION_HEADERS = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "host", "content-length", "content-type", "content-encoding", "accept-encoding", "expect",
}  # fmt: skip
_METADATA_NAMES = {"metadata", "metadata.google.internal", "metadata.goog", "instance-data"}
_METADATA_ADDRESSES = {"fd00:ec2::254", "100.100.100.200", "192.0.0.192"}
_EMBEDS_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class InvalidValue(ValueError):
    """A value of the configuration that its operator must change."""


def check_name(name: str, kind: str) -> None:
    """Check the name of an upstream, a route, an alias or a model."""
    if not name:
        raise InvalidValue(f"the name of the {kind} is empty")
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidValue(
            f"the name of the {kind} has at most {MAX_NAME_CHARACTERS} characters, this one has {len(name)}"
        )
    if not name.isprintable() or " " in name:
        raise InvalidValue(f"the name {name!r} has a space or a control character: use letters, digits and -._:/@")


def check_plain_name(name: str, kind: str) -> None:
    """Check a name that may not hold a star: an alias, an upstream, a model at its upstream."""
    check_name(name, kind)
    if "*" in name:
        raise InvalidValue(f"the name {name!r} has a star: only a route may be a wildcard, as provider/*")


def check_route_name(name: str) -> None:
    """Check a route's name: a plain name, or `provider/*`."""
    check_name(name, "route")
    if "*" in name and not (is_wildcard(name) and _PROVIDER.fullmatch(name[:-2])):
        raise InvalidValue(f"the name {name!r} has a star: a wildcard is written provider/*, for instance openai/*")


def check_target_model(model: str, route_name: str) -> None:
    """Check a target's model: a star on a wildcard route, a plain name on every other."""
    if is_wildcard(route_name):
        if model != "*":
            raise InvalidValue(f"the wildcard route {route_name} passes on whatever is asked for: its model is *")
    else:
        check_plain_name(model, "model")


def check_provider(provider: str) -> None:
    """Check a provider's name, which stands before the slash in `provider/model`."""
    if not _PROVIDER.fullmatch(provider) or len(provider) > MAX_NAME_CHARACTERS:
        raise InvalidValue(f"{provider!r} is no provider: use letters, digits, and -_. between them, such as openai")


def check_base_url(url: str) -> None:
    """Check a base URL: http or https, a host that may be called, perhaps a path, and nothing else.

    Addresses of cloud metadata services are refused in every spelling: they give out the machine's own credentials.
    """
    parts, example = _split(url), "write it like https://api.example.com or http://127.0.0.1:8000/v1"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValue(f"{url!r} is not an http or https address: {example}")
    if "@" in parts.netloc:
        raise InvalidValue("a base URL holds no user or password: put the secret in access_key")
    if "?" in url or "#" in url:
        raise InvalidValue(f"a base URL has no query and no fragment: {example}")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or "/../" in f"{parts.path}/":
        raise InvalidValue(f"{url!r} has characters that a base URL must not have: {example}")
    if len(url) > MAX_URL_CHARACTERS:
        raise InvalidValue(f"a base URL has at most {MAX_URL_CHARACTERS} characters, this one has {len(url)}")
    if not _HOST.fullmatch(parts.netloc.rpartition(":")[0] if _port_of(parts) else parts.netloc.removesuffix(":")):
        raise InvalidValue(f"{parts.netloc!r} is no host: {example}")
    _check_host(parts.hostname)


def endpoint_of(url: str) -> tuple[str, str | None, int | None]:
    """Return where a base URL leads: scheme, host and port, by which a stored secret is bound to it."""
    parts = _split(url)
    return parts.scheme, parts.hostname, _port_of(parts) or {"http": 80, "https": 443}.get(parts.scheme)


def check_http_host(host: str) -> None:
    """Check a Host header's value: a name, perhaps with a port."""
    name, _, port = host.rpartition(":") if re.search(r":\d{1,5}$", host) else (host, "", "")
    if not _HOST.fullmatch(name) or (port and not 0 < int(port) < 65536):
        raise InvalidValue(f"{host!r} is no host: write a name, perhaps with a port, such as api.example.com:8443")


def check_shapes(shapes: Iterable[str], prefer: str) -> None:
    """Check the shapes of an upstream: known ones, at least one, and the preferred one among them."""
    known, chosen = ", ".join(SHAPE_NAMES), list(shapes)
    if not chosen:
        raise InvalidValue(f"an upstream speaks at least one shape: {known}")
    for shape in [*chosen, prefer]:
        if shape not in SHAPE_NAMES:
            raise InvalidValue(f"{shape!r} is no shape: choose from {known}")
    if len(set(chosen)) != len(chosen):
        raise InvalidValue(f"a shape is listed twice: {', '.join(chosen)}")
    if prefer not in chosen:
        raise InvalidValue(f"the preferred shape {prefer!r} is not among the upstream's shapes: {', '.join(chosen)}")


def check_quirks(quirks: Iterable[str]) -> None:
    """Check that every quirk is known."""
    for quirk in quirks:
        if quirk not in QUIRKS:
            raise InvalidValue(f"{quirk!r} is no quirk: choose from {', '.join(sorted(QUIRKS))}")


def check_asks_usage(asks: bool | None, quirks: Iterable[str]) -> None:
    """Check that an upstream is not asked for usage in a way that one of its quirks takes back."""
    if asks and "no_stream_options" in quirks:
        raise InvalidValue("the quirk 'no_stream_options' says that this upstream cannot be asked for usage: drop one")


def check_betas(betas: Iterable[str] | None) -> None:
    """Check the betas that an upstream takes: names, or a star alone for all of them."""
    chosen = list(betas or ())
    for beta in chosen:
        if not _BETA.fullmatch(beta) and chosen != ["*"]:
            raise InvalidValue(f"{beta!r} is no beta: write names such as context-management-2025-06-27, or * alone")
    if len(set(chosen)) != len(chosen):
        raise InvalidValue("a beta is listed twice")


def check_capabilities(capabilities: Any) -> None:
    """Check corrections of a model's profile: members of it with values that they can have."""
    if not isinstance(capabilities, Mapping):
        raise InvalidValue('capabilities are a mapping, such as {"max_output_tokens": 8192, "reads_top_k": true}')
    try:
        read_capabilities(capabilities)
    except InvalidCapability as exc:
        raise InvalidValue(str(exc)) from exc


def check_headers(headers: Mapping[str, str]) -> None:
    """Check the headers that are added to each request: legal, not set by the gateway itself, and no credentials."""
    for name, value in headers.items():
        if not isinstance(value, str):
            raise InvalidValue(f"the header {name!r} needs a text as its value: write it in quotes")
        if not _HEADER_NAME.fullmatch(name):
            raise InvalidValue(f"{name!r} is no header name: use letters, digits and dashes")
        if name.lower() in _SECRET_HEADERS:
            raise InvalidValue(f"the header {name!r} carries a credential: put the secret in access_key")
        if name.lower() in _CONNECTION_HEADERS:
            raise InvalidValue(f"the header {name!r} is set by the gateway itself, remove it")
        if not _HEADER_VALUE.fullmatch(value) or value != value.strip():
            raise InvalidValue(f"the value of the header {name!r} must be plain ASCII without line breaks")
    if len({name.lower() for name in headers}) != len(headers):
        raise InvalidValue("a header is listed twice")


def check_timeout(name: str, seconds: Any) -> None:
    """Check one timeout in seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidValue(f"the timeout {name} is {seconds!r}: write a number of seconds, 0 for none")
    if not math.isfinite(seconds) or not 0 <= seconds <= MAX_TIMEOUT_SECONDS:
        raise InvalidValue(f"the timeout {name} is {seconds}: write 0 (none) to {MAX_TIMEOUT_SECONDS} seconds")


def check_whole_number(name: str, value: Any, maximum: int) -> None:
    """Check a tier or a weight."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise InvalidValue(f"{name} is {value!r}: write a whole number from 0 to {maximum}")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as exc:
        raise InvalidValue(f"{url!r} is not an address: {exc}") from exc


def _port_of(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError as exc:
        raise InvalidValue(f"{parts.netloc!r} has no port from 1 to 65535") from exc
    if port == 0:
        raise InvalidValue(f"{parts.netloc!r} has no port from 1 to 65535")
    return port


def _check_host(host: str) -> None:
    if host.rstrip(".").lower() in _METADATA_NAMES:
        raise InvalidValue(f"{host!r} is a metadata service of a cloud: an upstream may not be there")
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        if _NUMERIC_HOST.fullmatch(host):
            raise InvalidValue(f"{host!r} is an address in an unusual form: write it like 192.0.2.1") from None
        return
    for inner in (address, *_embedded(address)):
        if inner.is_link_local or inner.is_multicast or inner.is_unspecified or str(inner) in _METADATA_ADDRESSES:
            raise InvalidValue(f"{host!r} is a link-local, metadata, multicast or empty address: use another")


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address can stand for (mapped, 6to4, NAT64)."""
    if isinstance(address, IPv4Address):
        return []
    found = [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None]
    if any(address in network for network in _EMBEDS_IPV4):
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return found
