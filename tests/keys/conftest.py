"""A worker with known keys, and a client of it."""

from __future__ import annotations

import asyncio

import pytest
from pytest_django import Settings

from keys.table import Key, KeyTable, Listing
from keys.text import digest_of
from serving.worker import Worker
from tests.keys.asking import EXPIRED, VALID, Answer, Ask, answer_of


@pytest.fixture(autouse=True)
def _keys_required(settings: Settings) -> None:
    """Require keys, as production does."""
    settings.GATEWAY_CLIENT_AUTH = "required"


@pytest.fixture
def worker() -> Worker:
    """Give a worker that knows two keys and reaches its database."""
    worker = Worker()
    listings = {digest_of(VALID): Listing(Key("web", "site")), digest_of(EXPIRED): Listing(Key("web", "old"), 1.0)}
    worker.keys = KeyTable("1", listings)
    worker.database_ok = True
    return worker


@pytest.fixture
def ask(worker: Worker) -> Ask:
    """Give the function that sends one request to the API and returns the answer."""

    def ask(method: str, path: str, *headers: tuple[str, str]) -> Answer:
        return asyncio.run(answer_of(worker, method, path, headers))

    return ask
