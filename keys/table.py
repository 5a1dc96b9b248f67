"""The key table: frozen values that a worker tells its clients by, built in one go from one state of the database.

Nothing here knows Django. A key is found by the digest of its whole text: how long that takes says nothing about how
much of a guess was right.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from keys.text import digest_of


class Key(Struct, frozen=True):
    """Who a client is: its key's project and name."""

    project: str
    name: str


class Listing(Struct, frozen=True):
    """One key of the table. `expires` is in seconds since 1970, None for never."""

    key: Key
    expires: float | None = None


class KeyTable(Struct, frozen=True):
    """The keys that are not revoked, by digest. `version` names the state of the database that they were read from."""

    version: str
    by_digest: Mapping[str, Listing]

    def find(self, credential: str, now: float) -> Key | None:
        """Return the key with this text; None if there is none, or if it has expired by now (seconds since 1970)."""
        listing = self.by_digest.get(digest_of(credential))
        if listing is None or (listing.expires is not None and listing.expires <= now):
            return None
        return listing.key
