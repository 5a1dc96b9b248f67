"""The conversations room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """The room of stored responses."""

    name = "conversations"
    verbose_name = "Conversations"
