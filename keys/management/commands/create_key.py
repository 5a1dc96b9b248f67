"""`create_key NAME`: makes an API key and prints it, once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from keys.models import ApiKey, Project

MAX_DAYS = 36_500


class Command(BaseCommand):
    """Creates a key, and its project if that is missing."""

    help = "Create an API key and print it. It is shown this once: only its digest is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name, the project and the days."""
        parser.add_argument("name", metavar="NAME", help="what the key is for, such as the client that will use it")
        parser.add_argument(
            "--project", metavar="P", default="default", help="who owns the key; created if missing (%(default)s)"
        )
        parser.add_argument("--expires-days", metavar="N", type=int, help="after how many days the key expires (never)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the key and print it; its text is the last line, alone, so that a script can take it from there."""
        name, project, days = options["name"].strip(), options["project"].strip(), options["expires_days"]
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--expires-days is {days}: it must be from 1 to {MAX_DAYS}")
        expires = None if days is None else timezone.now() + timedelta(days=days)
        key = ApiKey(name=name, expires=expires)
        text = key.issue()
        with transaction.atomic():
            key.project = _project(project)
            _check(key, "the key")
            key.save()
        until = "" if expires is None else f", valid until {expires:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"Key {name!r} of project {project!r}{until}. Keep it now: it is not shown again.")
        self.stdout.write(text)


def _project(name: str) -> Project:
    project = Project.objects.filter(name=name).first()
    if project is None:
        project = Project(name=name)
        _check(project, "the project")
        project.save()
    return project


def _check(row: ApiKey | Project, what: str) -> None:
    try:
        row.full_clean()
    except ValidationError as exc:
        wrong = "; ".join(f"{field}: {' '.join(messages)}" for field, messages in exc.message_dict.items())
        raise CommandError(f"{what} cannot be created: {wrong}") from exc
