"""Envelopes: opaque state survives the way through a client, and whatever is not ours is none."""

from __future__ import annotations

import base64

import pytest

from translation.envelope import Envelope, deployment_tag, is_sealed, seal, unseal

ENVELOPE = Envelope("chat", "0123456789ab", ({"reasoning_content": "Grüße 東京", "n": 2**63 + 1}, {}))


def sealed(body: bytes) -> str:
    """Return a string that begins like an envelope and holds these bytes."""
    return "gw1." + base64.urlsafe_b64encode(body).decode()


def test_what_was_sealed_is_unsealed_unchanged() -> None:
    """Origin, deployment and the native objects come back as they were, numbers and letters included."""
    assert unseal(seal(ENVELOPE)) == ENVELOPE


def test_envelope_is_text_that_every_wire_takes() -> None:
    """An envelope has letters, digits, `-`, `_` and its prefix, and the same content gives the same text."""
    text = seal(ENVELOPE)
    assert text.startswith("gw1.")
    assert text.removeprefix("gw1.").replace("-", "").replace("_", "").isalnum()
    assert seal(ENVELOPE) == text


@pytest.mark.parametrize(
    "opaque",
    [
        "",
        "EooCCkYICxgCKkDYW6Ka",
        "gw2." + seal(ENVELOPE).removeprefix("gw1."),
        "gw1.",
        "gw1.####",
        "gw1.é",
        seal(ENVELOPE)[:-9],
        seal(ENVELOPE)[:30] + "A" + seal(ENVELOPE)[31:],
        sealed(b"{}"),
        sealed(b"[]"),
        sealed(b"\xff"),
        sealed(b'{"v":2,"o":"chat","d":"","b":[]}'),
        sealed(b'{"v":1,"o":"chat","d":"","b":["text"],"s":""}'),
        sealed(b'{"v":1,"o":"chat","d":"","b":[],"s":"0123456789ab"}'),
        sealed(b"[" * 5000),
    ],
)
def test_what_is_foreign_cut_or_edited_is_no_envelope(opaque: str) -> None:
    """A provider's own string, a cut one and an edited one are None, never an exception and never half a state."""
    assert unseal(opaque) is None


def test_every_edit_of_one_character_is_noticed() -> None:
    """Whichever character is another one, the envelope is none any more."""
    text = seal(ENVELOPE)
    edits = {text[:at] + other + text[at + 1 :] for at in range(4, len(text)) for other in "Az09-_"} - {text}
    assert [edit for edit in edits if unseal(edit) is not None] == []


@pytest.mark.parametrize(("opaque", "ours"), [("gw1.broken", True), ("gAAAA", False), ("", False)])
def test_envelope_of_ours_is_known_by_its_prefix(opaque: str, ours: bool) -> None:
    """What begins like an envelope was one, readable or not, so that it is never taken for a provider's string."""
    assert is_sealed(opaque) is ours


def test_deployment_tag_tells_accounts_apart_without_naming_them() -> None:
    """Two accounts have two tags, and no part of a tag is the account's name."""
    tags = {deployment_tag("openai", "acme"), deployment_tag("openai", "other"), deployment_tag("opena", "iacme")}
    assert len(tags) == 3
    assert not any("acme" in tag for tag in tags)
