"""`mock_upstream`: serves a mock that speaks all three shapes, for demos and for fixtures/routes.mock.yaml."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand, CommandError

from serving.mock.app import MockUpstream


class Command(BaseCommand):
    """Run the mock upstream until it is interrupted."""

    help = "Serve a mock upstream that speaks Chat Completions, Messages and Responses; it needs no account."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare where to listen and how slowly to stream."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=51001, help="port, 0 for any free one (default: %(default)s)")
        parser.add_argument(
            "--delay-ms", type=int, default=20, help="pause before each streamed event (default: %(default)s)"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        """Serve; the address is printed as soon as it can be connected to."""
        if options["delay_ms"] < 0:
            raise CommandError(f"--delay-ms is {options['delay_ms']}; it must be 0 or more.")
        with _listener(options["host"], options["port"]) as listener:
            port = listener.getsockname()[1]
            self.stdout.write(f"Mock upstream on http://{options['host']}:{port}, any key is accepted.")
            self.stdout.flush()
            app = MockUpstream(delay_seconds=options["delay_ms"] / 1000)
            uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning")).run([listener])


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host}, port {port}: {error}") from error
