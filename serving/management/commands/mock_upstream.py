"""`mock_upstream`: serves a mock that speaks all three shapes, for demos and for fixtures/routes.mock.yaml."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand

from serving.mock.app import MockUpstream


class Command(BaseCommand):
    """Run the mock upstream until it is interrupted."""

    help = "Serve a mock upstream that speaks Chat Completions, Messages and Responses; it needs no account."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and how slowly to stream."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=51001, help="port to listen on (default: %(default)s)")
        parser.add_argument(
            "--delay-ms", type=int, default=20, help="pause before each streamed event (default: %(default)s)"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        """Serve."""
        self.stdout.write(f"Mock upstream on http://{options['host']}:{options['port']}, any key is accepted.")
        app = MockUpstream(delay_seconds=options["delay_ms"] / 1000)
        uvicorn.run(app, host=options["host"], port=options["port"], lifespan="off", log_level="warning")
