"""The part of a seed entry that describes an upstream: address, credential, shapes and the rest of an account."""

from __future__ import annotations

from routing.configuration import UpstreamEntry
from routing.credentials import FINGERPRINT_PREFIX, check_access_key
from routing.fields import Fields, did_you_mean, obey
from routing.presets import PRESETS, preset_for
from routing.rules import (
    TIMEOUT_NAMES,
    check_asks_usage,
    check_base_url,
    check_betas,
    check_headers,
    check_http_host,
    check_quirks,
    check_shapes,
    check_timeout,
)
from routing.table import EVERY_BETA, Timeouts

ACCOUNT_KEYS = (
    "provider_interface", "base_url", "access_key", "shapes", "prefer", "headers", "http_host", "passthrough_auth",
    "quirks", "asks_usage", "betas", "timeouts",
)  # fmt: skip


def read_account(fields: Fields, provider: str) -> UpstreamEntry:
    """Return the upstream that these keys describe, without a name yet; a preset fills what is left out."""
    interface = _interface(fields, provider)
    preset = preset_for(provider, interface)
    base_url = fields.text("base_url", "https://api.example.com", check_base_url).rstrip("/") or preset.base_url
    if base_url is None:
        raise fields.place.error(f"the address of {provider!r} is not known: add base_url: https://api.example.com")
    shapes, prefer = _shapes(fields, preset.shapes, preset.prefer)
    named = fields.names("quirks", "[NAME]")
    quirks = preset.quirks if named is None else named
    fields.obey("quirks", check_quirks, quirks)
    asks_usage = fields.flag("asks_usage", False) if "asks_usage" in fields else None
    fields.obey("asks_usage", check_asks_usage, asks_usage, quirks)
    return UpstreamEntry(
        name="",
        provider=provider,
        interface=interface,
        base_url=base_url,
        access_key=_access_key(fields),
        shapes=shapes,
        prefer=prefer,
        headers=_headers(fields),
        http_host=fields.text("http_host", "api.example.com", check_http_host),
        passthrough_auth=fields.flag("passthrough_auth", False),
        quirks=tuple(sorted(set(quirks))),
        asks_usage=asks_usage,
        betas=_betas(fields),
        timeouts=_timeouts(fields),
    )


def _interface(fields: Fields, provider: str) -> str:
    interface = fields.text("provider_interface", "openai")
    if interface and interface not in PRESETS:
        place = fields.pairs["provider_interface"][1]
        raise place.error(f"provider_interface {interface!r} is not known{did_you_mean(interface, PRESETS)}")
    return "" if interface == provider else interface


def _shapes(fields: Fields, shapes: tuple[str, ...], prefer: str) -> tuple[tuple[str, ...], str]:
    listed = fields.names("shapes", "[chat, responses]")
    preferred = fields.text("prefer", "chat")
    if listed is not None:
        shapes = listed
    if not preferred:
        # Who narrows the shapes need not say what is preferred: the preset's choice if it is left, else the first.
        preferred = prefer if prefer in shapes or not shapes else shapes[0]
    fields.obey("prefer" if "prefer" in fields else "shapes", check_shapes, shapes, preferred)
    return shapes, preferred


def _betas(fields: Fields) -> tuple[str, ...] | None:
    value = fields.value("betas")
    if value is not None and value.value == "*":
        return EVERY_BETA
    betas = fields.names("betas", "[context-management-2025-06-27]")
    fields.obey("betas", check_betas, betas)
    return None if betas is None else tuple(sorted(betas))


def _access_key(fields: Fields) -> str:
    value = fields.value("access_key")
    if value is None:
        return ""
    if not isinstance(value.value, str):
        raise value.error("access_key must be a text: write $NAME, file:/path, or the secret in quotes")
    if not value.value.startswith(FINGERPRINT_PREFIX):
        obey(value, check_access_key, value.value)
    return value.value


def _headers(fields: Fields) -> dict[str, str]:
    value = fields.value("headers")
    if value is None:
        return {}
    value.of_type(dict, "headers", "{X-Team: search}")
    headers = value.plain()
    obey(value, check_headers, headers)
    return dict(sorted(headers.items()))


def _timeouts(fields: Fields) -> Timeouts:
    value = fields.value("timeouts")
    if value is None:
        return Timeouts()
    inner = Fields(value, "timeouts", TIMEOUT_NAMES)
    seconds = {name: place.plain() for name in TIMEOUT_NAMES if (place := inner.value(name)) is not None}
    for name, number in seconds.items():
        inner.obey(name, check_timeout, name, number)
    return Timeouts(**{name: float(number) for name, number in seconds.items()})
