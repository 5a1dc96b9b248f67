"""Credentials: references, encryption at rest, fingerprints."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as gateway_settings
from pytest_django import Settings

from routing import credentials
from routing.rules import InvalidValue


@pytest.mark.parametrize("text", ["$OPENAI_API_KEY", "${OPENAI_API_KEY}"])
def test_a_variable_is_read_when_it_is_needed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both spellings of a reference give the variable's value at that moment."""
    monkeypatch.setenv("OPENAI_API_KEY", "first")
    assert credentials.resolve_reference(text).value == "first"
    monkeypatch.setenv("OPENAI_API_KEY", "second\n")
    assert credentials.resolve_reference(text).value == "second"


@pytest.mark.parametrize("value", [None, "", "  ", "two\nlines", "ключ"])
def test_a_variable_that_holds_no_header_value_is_missing(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset, empty or unusable variable is named as missing, and has no value."""
    if value is not None:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    credential = credentials.resolve_reference("$OPENAI_API_KEY")
    assert (credential.value, credential.missing) == (None, "OPENAI_API_KEY")


def test_a_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    """A secret file gives its content, as Docker and Kubernetes write it."""
    (tmp_path / "key").write_text("from-file\n")
    assert credentials.resolve_reference(f"file:{tmp_path}/key").value == "from-file"


def test_a_file_that_cannot_be_read_is_missing(tmp_path: Path) -> None:
    """A file that is not there, is a folder, or is not text, is named as missing."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("absent", "", "binary"):
        credential = credentials.resolve_reference(f"file:{tmp_path}/{name}")
        assert (credential.value, credential.missing) == (None, f"{tmp_path}/{name}")


def test_a_link_does_not_lead_into_the_system(tmp_path: Path) -> None:
    """The environment of the process is no secret file, not even through a link."""
    (tmp_path / "key").symlink_to("/proc/self/environ")
    assert credentials.resolve_reference(f"file:{tmp_path}/key").missing == f"{tmp_path}/key"


@pytest.mark.parametrize("text", ["$OPENAI_API_KEY", "${A_1}", "file:/run/secrets/openai", "sk-abc", "a b"])
def test_an_access_key_is_a_reference_or_a_secret(text: str) -> None:
    """Variables, files and secrets are access keys."""
    credentials.check_access_key(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$", "names a variable"),
        ("$1canary", "names a variable"),
        ("${canary", "names a variable"),
        ("$canary-x", "names a variable"),
        ("$SECRET_KEY", "gateway itself"),
        ("${GATEWAY_ENCRYPTION_KEYS}", "gateway itself"),
        ("$DATABASE_URL", "gateway itself"),
        ("file:secrets/canary", "full path"),
        ("file:/proc/self/environ", "file of the system"),
        ("file:/run/../proc/self/environ", "file of the system"),
        ("fingerprint:12345678", "stands for a stored secret"),
        (" canary", "on one line"),
        ("canary\nx", "on one line"),
        ("canary-ü", "on one line"),
    ],
)
def test_a_wrong_access_key_is_refused(text: str, message: str) -> None:
    """The message says how an access key is written, and repeats nothing of a secret."""
    with pytest.raises(InvalidValue, match=message) as caught:
        credentials.check_access_key(text)
    assert "canary" not in str(caught.value) or text.startswith("file:")


def test_a_stored_secret_is_not_readable_without_the_key(settings: Settings) -> None:
    """What is stored holds no trace of the secret, and another key does not open it."""
    stored = credentials.encrypt("canary-secret")
    assert "canary" not in stored
    assert credentials.decrypt(stored) == "canary-secret"
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert credentials.decrypt(stored) is None


def test_an_old_key_still_opens_what_it_closed(settings: Settings, encryption_key: str) -> None:
    """A new key in front encrypts from now on; after rotation the old one can go."""
    stored, new = credentials.encrypt("canary-secret"), Fernet.generate_key().decode()
    settings.GATEWAY_ENCRYPTION_KEYS = [new, encryption_key]
    rotated = credentials.rotate(stored)
    settings.GATEWAY_ENCRYPTION_KEYS = [new]
    assert (credentials.decrypt(stored), credentials.decrypt(rotated)) == (None, "canary-secret")


@pytest.mark.parametrize("keys", [[], ["too-short"]])
def test_without_a_proper_key_nothing_is_stored(settings: Settings, keys: list[str]) -> None:
    """A secret is refused, with the setting's name, rather than stored in the clear."""
    settings.GATEWAY_ENCRYPTION_KEYS = keys
    with pytest.raises(InvalidValue, match="GATEWAY_ENCRYPTION_KEYS"):
        credentials.encrypt("canary-secret")


def test_a_fingerprint_tells_secrets_apart() -> None:
    """A fingerprint is short, the same for the same secret, and holds nothing of it."""
    prints = {credentials.fingerprint(secret) for secret in ("sk-canary-1", "sk-canary-2", "sk-canary-1")}
    assert len(prints) == 2
    assert all(len(text) == 8 and "canary" not in text for text in prints)


@pytest.mark.parametrize("path", ["/etc/hostname", "{var}/gateway_encryption_keys", "{var}/secret_key", "/proc/1/maps"])
def test_no_file_of_the_system_or_of_the_gateway_is_a_key(path: str) -> None:
    """Who may edit routes cannot have the gateway's own secrets, or the system's files, sent anywhere."""
    text = "file:" + path.format(var=gateway_settings.VAR_DIR)
    with pytest.raises(InvalidValue, match="is a file of the system"):
        credentials.check_access_key(text)
    assert credentials.resolve_reference(text).value is None
