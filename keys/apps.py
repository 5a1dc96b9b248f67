"""The keys room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """The room of projects and API keys."""

    name = "keys"
    verbose_name = "Keys"
