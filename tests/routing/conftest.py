"""Fixtures of the routing tests."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings


@pytest.fixture(autouse=True)
def encryption_key(settings: Settings) -> str:
    """Give each test an encryption key of its own."""
    key = Fernet.generate_key().decode()
    settings.GATEWAY_ENCRYPTION_KEYS = [key]
    return key


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hash the passwords of test users quickly."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_provider_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the variables of whoever runs the tests."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
