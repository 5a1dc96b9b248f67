"""`seed_routes FILE`: creates what the database lacks of a seed file, or with --replace makes it equal to the file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from routing.changes import changes_between, replaced, seeded
from routing.configuration import Configuration, Seed
from routing.credentials import is_reference, resolve_reference
from routing.located import MAX_SEED_BYTES, SeedError
from routing.revisions import Unpublishable, publish
from routing.rules import InvalidValue
from routing.seed import read_seed
from routing.store import read_configuration, write_configuration


class Command(BaseCommand):
    """Seeds upstreams, routes and aliases from a file."""

    help = "Create the upstreams, routes and aliases of FILE that are missing. Never overwrites what operators edited."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file and the two switches."""
        parser.add_argument("file", metavar="FILE", type=Path, help="a seed file (YAML)")
        parser.add_argument("--replace", action="store_true", help="make the database equal to FILE; deletes the rest")
        parser.add_argument("--dry-run", action="store_true", help="print what would change, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read the file, then write it in one transaction that ends with a revision."""
        path: Path = options["file"]
        seed = self._read(path)
        for warning in (*seed.warnings, *_missing_credentials(seed.configuration)):
            self.stderr.write(self.style.WARNING(f"{path}: {warning}"))
        arguments = (seed.configuration, path, options["replace"], options["dry_run"])
        try:
            try:
                self._seed(*arguments)
            except IntegrityError:
                self._seed(*arguments)  # another machine seeded the same at the same time: look again
        except (InvalidValue, Unpublishable) as exc:
            raise CommandError(f"{path}: {exc}") from exc

    def _read(self, path: Path) -> Seed:
        try:
            with path.open("rb") as file:
                return read_seed(file.read(MAX_SEED_BYTES + 1).decode("utf-8-sig"))
        except OSError as exc:
            raise CommandError(f"{path}: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise CommandError(f"{path}: not UTF-8 text, at byte {exc.start}") from exc
        except SeedError as exc:
            raise CommandError(f"{path}:{exc.line}:{exc.column}: {exc.message}") from exc

    @transaction.atomic
    def _seed(self, wanted: Configuration, path: Path, replace: bool, dry_run: bool) -> None:
        current = read_configuration()
        result = replaced(current, wanted) if replace else seeded(current, wanted)
        changes = changes_between(current, result)
        for change in changes:
            self.stdout.write(f"{'would ' if dry_run else ''}{change}")
        if not changes:
            self.stdout.write("nothing to change")
        if changes and not dry_run:
            write_configuration(result)
            revision = publish("seed_routes", f"{'Replaced by' if replace else 'Seeded from'} {path.name}")
            if revision is not None:
                self.stdout.write(f"published revision {revision.number}")


def _missing_credentials(configuration: Configuration) -> list[str]:
    """Return a warning for each reference that leads to nothing here; the gateway may run elsewhere."""
    references = {u.access_key for u in configuration.upstreams.values() if is_reference(u.access_key)}
    return [f"{reference} is not set" for reference in sorted(references) if resolve_reference(reference).missing]
