"""`export_routes [FILE]`: writes the whole configuration as a seed file, without secrets."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from routing.export import write_seed
from routing.store import read_configuration


class Command(BaseCommand):
    """Exports upstreams, routes and aliases to a file or to the terminal."""

    help = "Write the whole configuration in the form that seed_routes reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="where to write, if not to the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, or print it."""
        with transaction.atomic():
            text = write_seed(read_configuration())
        path: Path | None = options["file"]
        if path is None:
            self.stdout.write(text, ending="")
            return
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise CommandError(f"{path}: {exc.strerror}") from exc
