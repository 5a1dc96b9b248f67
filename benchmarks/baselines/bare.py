"""Baseline (b): the least that a Python proxy can do, a bare ASGI application over aiohttp's client.

It knows one upstream, one credential and no route; it reads nothing of what it forwards.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SENT = {"content-type": "application/json", "authorization": "Bearer bench"}


class BareProxy:
    """Forwards each request as it is, and the answer as it comes."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or open and close the session with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._forward(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(self._upstream, connector=connector, timeout=timeout) as self._session:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _forward(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        assert self._session is not None
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message["body"]
        async with self._session.post(scope["path"], data=body, headers=_SENT) as answer:
            content_type = answer.headers["content-type"].encode()
            headers = [(b"content-type", content_type)]
            if content_type == b"text/event-stream":
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                await _stream(answer, receive, send)
            else:
                whole = await answer.read()
                headers.append((b"content-length", str(len(whole)).encode()))
                await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                await send({"type": "http.response.body", "body": whole})


async def _stream(answer: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    """Forward a stream until it ends or the client leaves, which closes the upstream's connection too."""
    left = asyncio.ensure_future(receive())
    left.add_done_callback(lambda _: answer.close())
    try:
        async for chunk in answer.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except aiohttp.ClientConnectionError:
        if not left.done():
            raise
    finally:
        left.cancel()


app = BareProxy(os.environ["BENCH_UPSTREAM"])
