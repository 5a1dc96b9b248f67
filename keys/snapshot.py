"""The key table from the database: what serving polls and swaps, called from a thread whose connection is its own."""

from __future__ import annotations

from keys.models import ApiKey
from keys.table import Key, KeyTable, Listing
from keys.versions import current_token


def current_version() -> str:
    """Return the version of projects and keys as they are now. One query for one row."""
    return current_token()


def load_keys() -> KeyTable:
    """Return the table of the keys that are not revoked."""
    # Read before the keys: a change in between makes another version, which the next poll loads.
    version = current_token()
    rows = ApiKey.objects.filter(revoked_at=None).values_list("digest", "project__name", "name", "expires")
    return KeyTable(
        version,
        {
            digest: Listing(Key(project, name), None if expires is None else expires.timestamp())
            for digest, project, name, expires in rows.order_by()
        },
    )
