"""What the gateway refuses to start with."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from serving.checks import is_loopback

STRONG = "k7Qx" * 12 + "Zp"


@pytest.fixture(autouse=True)
def _sound_production(settings: Settings) -> None:
    """Begin with a production that lacks nothing."""
    settings.GATEWAY_ENV, settings.PRODUCTION = "production", True
    settings.GATEWAY_CLIENT_AUTH, settings.GATEWAY_HOST = "required", "0.0.0.0"  # noqa: S104 - nothing listens
    settings.SECRET_KEY = STRONG
    settings.GATEWAY_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]


def _found() -> list[str | None]:
    messages = [message for message in run_checks() if str(message.id).startswith("serving.")]
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_a_sound_production_starts() -> None:
    """Required keys, strong secrets and any address are nothing to complain about."""
    assert _found() == []


@pytest.mark.parametrize(
    ("setting", "value", "error"),
    [
        ("GATEWAY_ENV", "prod", "serving.E001"),
        ("GATEWAY_ENV", "", "serving.E001"),
        ("GATEWAY_CLIENT_AUTH", "Open", "serving.E002"),
        ("GATEWAY_CLIENT_AUTH", "none", "serving.E002"),
        ("GATEWAY_CLIENT_AUTH", "", "serving.E002"),
        ("GATEWAY_CLIENT_AUTH", "open", "serving.E003"),
        ("SECRET_KEY", "unset", "serving.E004"),
        ("SECRET_KEY", STRONG[:31], "serving.E004"),
        ("SECRET_KEY", "a" * 60, "serving.E004"),
        ("SECRET_KEY", "django-insecure-" + STRONG, "serving.E004"),
        ("GATEWAY_ENCRYPTION_KEYS", [], "serving.E005"),
    ],
)
def test_one_wrong_setting_is_one_error(settings: Settings, setting: str, value: object, error: str) -> None:
    """Each mistake has an id of its own and a hint."""
    setattr(settings, setting, value)
    assert _found() == [error]


def test_commands_do_not_run_with_an_error(settings: Settings) -> None:
    """An error is said by `check` as by every command, and ends it: so `serve` does not start."""
    settings.GATEWAY_CLIENT_AUTH = "open"
    with pytest.raises(SystemCheckError, match=r"serving\.E003"):
        call_command("check")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_production_may_be_open_to_its_own_machine(settings: Settings, host: str) -> None:
    """A loopback address is reached from this machine only, so an open gateway may listen there."""
    settings.GATEWAY_CLIENT_AUTH, settings.GATEWAY_HOST = "open", host
    assert _found() == []


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "gateway.example", "localhost.example", "127.1"])  # noqa: S104
def test_any_other_address_counts_as_the_network(host: str) -> None:
    """Whatever is not surely this machine is not loopback."""
    assert not is_loopback(host)


def test_development_needs_no_secrets(settings: Settings) -> None:
    """Development may be open, on any address, with whatever secrets it made."""
    settings.GATEWAY_ENV, settings.PRODUCTION = "development", False
    settings.GATEWAY_CLIENT_AUTH, settings.SECRET_KEY, settings.GATEWAY_ENCRYPTION_KEYS = "open", "short", []
    assert _found() == []
