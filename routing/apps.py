"""The routing room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from routing import checks


class RoutingConfig(AppConfig):
    """Registers the checks of the configuration."""

    name = "routing"
    verbose_name = "Routing"

    def ready(self) -> None:
        """Register what `manage.py check` says about this room."""
        register(checks.encryption_keys, Tags.security)
        register(checks.upstreams, Tags.database)
        register(checks.targets, Tags.database)
        register(checks.routes, Tags.database)
