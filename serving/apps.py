"""The serving app: no models; commands, checks, views."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register

from serving import checks


class ServingConfig(AppConfig):
    """The room that answers the API."""

    name = "serving"
    verbose_name = "Serving"

    def ready(self) -> None:
        """Register what `manage.py check` says about the environment."""
        register(checks.environment, Tags.security)
        register(checks.client_auth, Tags.security)
        register(checks.production_secrets, Tags.security)
        register(checks.shared_state, deploy=True)
        register(checks.shared_responses)
