"""What `manage.py check` says about the configuration, with what to do about it.

Checks that read rows run only with `--database`: the others must work before there is a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ValidationError
from django.db import DatabaseError

from routing import rules


def encryption_keys(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that stored secrets can be encrypted and read."""
    hint = "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
    if not settings.GATEWAY_ENCRYPTION_KEYS:
        message = "GATEWAY_ENCRYPTION_KEYS is empty: secrets of upstreams can be neither stored nor read."
        return [checks.Warning(message, hint=hint, id="routing.W001")]
    for key in settings.GATEWAY_ENCRYPTION_KEYS:
        try:
            Fernet(key)
        except ValueError:
            message = "GATEWAY_ENCRYPTION_KEYS holds a key that is not 32 bytes in URL-safe base64."
            return [Error(message, hint=hint, id="routing.E001")]
    return []


def upstreams(app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check every upstream's row: its values, and whether its credential is there."""
    if "default" not in (databases or ()):
        return []
    found: list[CheckMessage] = []
    for row in _rows("Upstream"):
        try:
            row.clean()
        except ValidationError as exc:
            message, hint = f"The upstream {row} is not valid: {' '.join(exc.messages)}", "Correct it in admin."
            found.append(Error(message, hint=hint, id="routing.E002"))
        credential = row.credential()
        if credential is not None and credential.missing and row.enabled and not row.passthrough_auth:
            message = f"The upstream {row} has no credential: {credential.missing} is not set or cannot be read."
            hint = "Set it where the gateway runs, or give the upstream another access key in admin."
            found.append(checks.Warning(message, hint=hint, id="routing.W002"))
    return found


def targets(app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that what operators say of models can still be said."""
    if "default" not in (databases or ()):
        return []
    found: list[CheckMessage] = []
    for row in _rows("Target"):
        try:
            rules.check_capabilities(row.capabilities)
        except rules.InvalidValue as exc:
            message = f"The target {row} of the route {row.route} has capabilities that are left aside: {exc}."
            found.append(checks.Warning(message, hint="Correct them on the route's page in admin.", id="routing.W005"))
    return found


def routes(app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that every route can serve, and that requests without a model can be."""
    if "default" not in (databases or ()):
        return []
    rows = [row for row in _rows("Route") if row.enabled]
    found: list[CheckMessage] = [
        checks.Warning(
            f"The route {row} has no target that is enabled: clients are told that the model does not exist.",
            hint="Add a target or enable one in admin, or disable the route.",
            id="routing.W003",
        )
        for row in rows
        if not row.targets.filter(enabled=True, upstream__enabled=True).exists()
    ]
    if rows and not any(row.is_default for row in rows):
        hint = "Choose one in the list of routes with the action 'Make this the default'."
        found.append(checks.Warning("No route is the default.", hint=hint, id="routing.W004"))
    return found


def _rows(model: str) -> list[Any]:
    try:
        return list(apps.get_model("routing", model).objects.all())
    except DatabaseError:
        return []  # not migrated yet: Django says so itself
