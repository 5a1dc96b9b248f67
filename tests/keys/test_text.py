"""The text of a key."""

from __future__ import annotations

import re

import pytest

from keys.text import digest_of, new_text, prefix_of


def test_a_text_is_the_mark_and_256_random_bits() -> None:
    """A text is `sy-` and 43 base64url characters, and no two are the same."""
    texts = {new_text() for _ in range(100)}
    assert len(texts) == 100
    assert all(re.fullmatch(r"sy-[A-Za-z0-9_-]{43}", text) for text in texts)


def test_a_digest_is_the_sha_256_of_the_whole_text() -> None:
    """The digest is SHA-256 in hexadecimal, so that texts with one beginning have digests of their own."""
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of("sy-" + "a" * 43) != digest_of("sy-" + "a" * 42 + "b")


@pytest.mark.parametrize("text", ["", "\ud800", "\x00", "é", "x" * 100_000])
def test_any_text_has_a_digest(text: str) -> None:
    """A text that no key can have is only another text: it raises nothing."""
    assert len(digest_of(text)) == 64


def test_a_prefix_gives_little_away() -> None:
    """What is shown of a text are the mark and six characters: 37 are left to guess."""
    assert prefix_of("sy-abcdefghij") == "sy-abcdef"
