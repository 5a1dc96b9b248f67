"""The API as one client sees it: a request goes in, what comes back is read whole. No socket, no database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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


async def answer_of(worker: Worker, method: str, path: str, headers: tuple[tuple[str, str], ...]) -> Answer:
    """Return the API's answer to a request with an empty object as its body."""
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
