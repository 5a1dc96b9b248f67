"""The version of projects and keys: a token in the database that every change replaces, in its own transaction.

Workers poll the token, and load the keys when it is another one. It is replaced before the rows are changed: two
changes at a time then wait for each other at this one row, and never for each other's rows.
"""

from __future__ import annotations

import secrets
from typing import Any, TypeVar

from django.db import models, transaction

_Row = TypeVar("_Row", bound=models.Model)


class Version(models.Model):
    """The one row that holds the token."""

    token = models.CharField(max_length=32, editable=False)

    def __str__(self) -> str:
        """Return the token."""
        return self.token


def current_token() -> str:
    """Return the token, "" before the first change. One query for one row."""
    return Version.objects.values_list("token", flat=True).first() or ""


def _renew() -> None:
    # Random, not counted: a restored backup is another version too.
    Version.objects.update_or_create(pk=1, defaults={"token": secrets.token_hex(16)})


class VersionedQuerySet(models.QuerySet[_Row]):
    """Rows whose changes in bulk are new versions."""

    def update(self, **values: Any) -> int:
        """Update the rows as a new version."""
        with transaction.atomic():
            _renew()
            return super().update(**values)

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[_Row]:
        """Create the rows as a new version."""
        with transaction.atomic():
            _renew()
            return super().bulk_create(*args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows as a new version."""
        with transaction.atomic():
            _renew()
            return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # Django's mark: a manager must not delete every row


class Versioned(models.Model):
    """A row whose every change is a new version; its manager is made from VersionedQuerySet."""

    class Meta:
        """The fields are the heirs'."""

        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row as a new version."""
        with transaction.atomic():
            _renew()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row as a new version."""
        with transaction.atomic():
            _renew()
            return super().delete(*args, **kwargs)
