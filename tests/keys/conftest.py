"""A worker with known keys, and the API as a client of that worker sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from pytest_django import Settings

from keys.table import Key, KeyTable, Listing
from keys.text import digest_of
from serving.asgi import ApiHandler
from serving.worker import Worker

VALID = "sy-" + "v" * 43
EXPIRED = "sy-" + "e" * 43


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    wire: Any


Ask = Callable[..., Answer]


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
        return asyncio.run(_answer(worker, method, path, headers))

    return ask


async def _answer(worker: Worker, method: str, path: str, headers: tuple[tuple[str, str], ...]) -> Answer:
    sent: list[Mapping[str, Any]] = []
    coming = [{"type": "http.request", "body": b"{}"}]

    async def receive() -> dict[str, Any]:
        if coming:
            return coming.pop()
        return await asyncio.get_running_loop().create_future()  # the client waits for its answer

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await ApiHandler()(scope_of(worker, method, path, headers), receive, send)
    head, body = sent[0], b"".join(message["body"] for message in sent[1:])
    received = {name.decode(): value.decode() for name, value in head["headers"]}
    return Answer(head["status"], received, json.loads(body))


def scope_of(worker: Worker, method: str, path: str, headers: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return a request's ASGI scope."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "state": {"worker": worker},
    }
