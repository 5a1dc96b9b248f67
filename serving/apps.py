"""The serving app: no models; commands, checks, views."""

from __future__ import annotations

from django.apps import AppConfig


class ServingConfig(AppConfig):
    """The room that answers the API."""

    name = "serving"
    verbose_name = "Serving"
