"""End users' identifiers, as the fields of OpenAI's shapes take them."""

from __future__ import annotations

import hashlib

IDENTIFIER_MAX = 64


def sent_identifier(user_id: str) -> str:
    """Return the user's id if the field can hold it and it is no mail address, else its hash."""
    if len(user_id) <= IDENTIFIER_MAX and "@" not in user_id:
        return user_id
    return hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()
