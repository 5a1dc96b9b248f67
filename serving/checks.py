"""What `manage.py check` says about the environment, with what to do about it.

Commands run these first, `serve` among them: with an error here the gateway does not start.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from routing.storage import MEMORY
from serving.storage_choice import configured_storage

SECRET_KEY_MIN_CHARACTERS = 50
SECRET_KEY_MIN_DIFFERENT = 5
MAKE_SECRET_KEY = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(50))'"  # noqa: S105 - a hint
MAKE_ENCRYPTION_KEY = (
    "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)


def environment(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that GATEWAY_ENV is a word that the settings know: a typing error in `production` would turn it off."""
    if settings.GATEWAY_ENV in {"development", "production"}:
        return []
    message = f"GATEWAY_ENV is {settings.GATEWAY_ENV!r}: it must be development or production."
    return [Error(message, hint="Set GATEWAY_ENV=production for anything that others reach.", id="serving.E001")]


def client_auth(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that GATEWAY_CLIENT_AUTH is a word that admission knows, and that production is not open to the network."""
    auth, host = settings.GATEWAY_CLIENT_AUTH, settings.GATEWAY_HOST
    if auth not in {"open", "required"}:
        message = f"GATEWAY_CLIENT_AUTH is {auth!r}: it must be open or required."
        return [Error(message, hint="Set GATEWAY_CLIENT_AUTH=required, or leave it out.", id="serving.E002")]
    if auth == "open" and settings.PRODUCTION and not is_loopback(host):
        message = f"GATEWAY_CLIENT_AUTH is open while GATEWAY_HOST is {host!r}: anybody could use every upstream."
        hint = "Set GATEWAY_CLIENT_AUTH=required and make keys with create_key, or set GATEWAY_HOST=127.0.0.1."
        return [Error(message, hint=hint, id="serving.E003")]
    return []


def production_secrets(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that production has secrets of its own; development makes them by itself."""
    if not settings.PRODUCTION:
        return []
    found: list[CheckMessage] = []
    if not _is_strong(settings.SECRET_KEY):
        message = f"SECRET_KEY is not set, a default, or shorter than {SECRET_KEY_MIN_CHARACTERS} characters."
        found.append(Error(message, hint=MAKE_SECRET_KEY, id="serving.E004"))
    if not settings.GATEWAY_ENCRYPTION_KEYS:
        message = "GATEWAY_ENCRYPTION_KEYS is not set: secrets of upstreams can be neither stored nor read."
        found.append(Error(message, hint=MAKE_ENCRYPTION_KEY, id="serving.E005"))
    return found


def shared_state(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that several workers share what they remember of conversations."""
    if settings.GATEWAY_WORKERS <= 1 or settings.VALKEY_URL:
        return []
    message = (
        "Several workers run, and each has a memory of its own: thoughts are put back by the worker that saw them."
    )
    return [CheckWarning(message, hint="Set VALKEY_URL to a Valkey or Redis server.", id="serving.W001")]


def shared_responses(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that several workers share the stored responses."""
    if settings.GATEWAY_WORKERS <= 1 or configured_storage() != MEMORY:
        return []
    message = "Several workers run, and the seed file has state_storage in memory: each knows its own responses only."
    hint = "Write 'state_storage: {type: database}' in the seed file, or set GATEWAY_WORKERS=1."
    return [CheckWarning(message, hint=hint, id="serving.W002")]


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the listen address. A name other than localhost may lead anywhere."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_strong(secret_key: str) -> bool:
    return (
        len(secret_key) >= SECRET_KEY_MIN_CHARACTERS
        and len(set(secret_key)) >= SECRET_KEY_MIN_DIFFERENT
        and not secret_key.startswith("django-insecure-")
    )
