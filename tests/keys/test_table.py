"""The key table: who is found."""

from __future__ import annotations

import pytest

from keys.table import Key, KeyTable, Listing
from keys.text import digest_of

TEXT = "sy-" + "k" * 43
KEY = Key("web", "site")


def _table(expires: float | None = None) -> KeyTable:
    return KeyTable("1", {digest_of(TEXT): Listing(KEY, expires)})


def test_a_key_is_found_by_its_text() -> None:
    """The text of a key leads to its project and name."""
    assert _table().find(TEXT, now=0.0) == Key(project="web", name="site")


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "test-key",
        TEXT[:-1],
        TEXT[:9],
        TEXT + "k",
        TEXT.upper(),
        f" {TEXT}",
        f"{TEXT}\n",
        digest_of(TEXT),
        "' OR '1'='1",
        f"{TEXT}' --",
        "'; DROP TABLE keys_apikey; --",
        "%",
        "\x00",
        "\ud800",
        "é" * 50_000,
    ],
)
def test_nothing_but_the_whole_text_is_found(credential: str) -> None:
    """Parts of a text, its digest, SQL and rubbish are unknown keys, and nothing is raised."""
    assert _table().find(credential, now=0.0) is None


@pytest.mark.parametrize(("now", "found"), [(99.9, KEY), (100.0, None), (100.1, None)])
def test_a_key_is_found_until_it_expires(now: float, found: Key | None) -> None:
    """From the second of its expiry on a key is unknown."""
    assert _table(expires=100.0).find(TEXT, now) == found
