"""`prune_responses`: deletes stored responses that have expired, or that are more than a project's share."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from conversations import database
from conversations.models import Response

MEBIBYTE = 1024 * 1024


class Command(BaseCommand):
    """Deletes in batches, so that the gateway goes on writing meanwhile."""

    help = "Delete stored responses that have expired, and the oldest conversations of projects over their share."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the project whose responses all go."""
        parser.add_argument("--project", metavar="P", help="delete everything that is stored for this project")

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete, and say how many."""
        project = options["project"]
        deleted = _all_batches() if project is None else database.delete_project(project)
        self.stdout.write(f"{deleted} deleted, {Response.objects.count()} stored.")


def _all_batches() -> int:
    """Delete until a batch finds nothing."""
    deleted = 0
    while batch := database.prune(time.time(), settings.GATEWAY_RESPONSES_MAX_MB * MEBIBYTE, batches=1):
        deleted += batch
    return deleted
