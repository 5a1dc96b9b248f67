"""`rotate_credentials`: encrypts every stored secret anew with the first key of GATEWAY_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from routing.credentials import rotate
from routing.models import Upstream
from routing.rules import InvalidValue


class Command(BaseCommand):
    """Moves stored secrets to the newest encryption key, so that an old key can be removed."""

    help = "Encrypt the stored secrets of all upstreams anew with the first key of GATEWAY_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate all of them, or none."""
        with transaction.atomic():
            rows = list(Upstream.objects.exclude(secret="").select_for_update())
            for row in rows:
                try:
                    row.secret = rotate(row.secret)
                except InvalidValue as exc:
                    raise CommandError(f"upstream {row}: {exc}") from exc
                row.save(update_fields=["secret"])
        self.stdout.write(f"{len(rows)} secrets encrypted with the newest key")
