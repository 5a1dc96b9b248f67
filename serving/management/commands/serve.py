"""`manage.py serve`: migrate, seed what is missing, and serve. What `make run` does."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from serving.protocol import BoundedHttpProtocol
from serving.worker import SUPERVISOR


class Command(BaseCommand):
    """Serves the API and the admin."""

    help = "Migrates the database, seeds the routes that are missing from $GATEWAY_ROUTES, and serves."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--no-setup", action="store_true", help="Serve only: do not migrate and do not seed (another process did)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until the process is told to stop."""
        if not options["no_setup"]:
            call_command("migrate", verbosity=0, interactive=False)
            call_command("seed_routes", settings.GATEWAY_ROUTES)
        # uvicorn stops in good order and then raises the signal again, for a supervisor; ours wants to see a success.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        os.environ[SUPERVISOR] = str(os.getpid())
        uvicorn.run(
            "gateway_project.asgi:application",
            host=settings.GATEWAY_HOST,
            port=settings.GATEWAY_PORT,
            workers=settings.GATEWAY_WORKERS,
            http=BoundedHttpProtocol,
            loop="uvloop",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=settings.GATEWAY_SHUTDOWN_SECONDS,
        )
