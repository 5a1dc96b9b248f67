"""A real browser: Debian's Chromium, driven against a live server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import Settings

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL_ORIGINS = ("http://localhost", "http://127.0.0.1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser once a module; skip where there is none.

    Its driver keeps an event loop in this thread, so Django must be told that the tests' own queries are meant.
    """
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}: set CHROMIUM to one")
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def _settings_for_the_browser(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an encryption key of its own and quick passwords, and no variables of whoever runs it."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def page(browser: Browser, live_server: object, transactional_db: None) -> Iterator[Page]:
    """Open the index of admin as the operator ada, who has logged in by the form."""
    User.objects.create_superuser("ada", password="lovelace-1843")
    context = browser.new_context(viewport={"width": 1280, "height": 860}, base_url=str(live_server))
    opened = context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith(LOCAL_ORIGINS) else failures.append(sent.url))
    opened.goto("/admin/")
    opened.fill("input[name=username]", "ada")
    opened.fill("input[name=password]", "lovelace-1843")
    opened.click("input[type=submit]")
    expect(opened.locator("#site-name")).to_contain_text("Switchyard")
    yield opened
    context.close()
    assert failures == [], "a page must run without script errors and without foreign requests"
