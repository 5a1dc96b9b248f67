"""The text of an API key: `sy-` and 43 base64url characters, which are 256 random bits.

Whoever has the text may come in. It is shown once and kept nowhere: the database has its digest. A fast digest is right
here, because nobody can guess 256 random bits.
"""

from __future__ import annotations

import hashlib
import secrets

MARK = "sy-"
RANDOM_BYTES = 32
PREFIX_CHARACTERS = 9


def new_text() -> str:
    """Return a text that no key has had."""
    return MARK + secrets.token_urlsafe(RANDOM_BYTES)


def prefix_of(text: str) -> str:
    """Return the beginning, by which an operator tells one key from another; six of the 43 characters are in it."""
    return text[:PREFIX_CHARACTERS]


def digest_of(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal digits; of any text, also of one that no key can have."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
