"""Watching over one answer: the client that leaves, the client that does not read, the upstream that is silent.

One timer and one task a request; per streamed event, nothing but a note of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from serving.render import ApiResponse, RelayedStream

KEEP_ALIVE_SECONDS = 15.0
WRITE_IDLE_SECONDS = 300.0

_LAST = {"type": "http.response.body", "body": b"", "more_body": False}


class StreamWatch:
    """Sends one response and cancels the answering task when nobody is there to read it any more."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
        answering: asyncio.Task[Any],
    ) -> None:
        self.client_left = False
        self._send = send
        self._answering = answering
        self._loop = asyncio.get_running_loop()
        self._leaving = self._loop.create_task(self._wait_for_leave(receive))
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at = 0.0
        self._sending = False
        self._stream: RelayedStream | None = None
        self._keeping_alive: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """End the watch."""
        self._leaving.cancel()
        if self._timer is not None:
            self._timer.cancel()

    async def send_response(self, response: ApiResponse | RelayedStream) -> None:
        """Send the response and close it, whatever becomes of the client."""
        content_type = (b"content-type", response["content-type"].encode("ascii"))
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [content_type, *response.head],
        }
        if isinstance(response, ApiResponse):
            self._leaving.cancel()
            await self._send(start)
            await self._send({"type": "http.response.body", "body": response.content, "more_body": False})
            return
        try:
            await self._send(start)
            await self._send_stream(response)
        finally:
            await response.aclose()

    async def _send_stream(self, response: RelayedStream) -> None:
        self._stream = response
        self._sent_at = self._loop.time()
        self._timer = self._loop.call_later(KEEP_ALIVE_SECONDS, self._tick)
        send, clock = self._send, self._loop.time
        async for chunk in response.chunks:
            self._sent_at = clock()
            self._sending = True
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._sending = False
        # From here on uvicorn says "disconnected" for a client that is still there: the response is complete.
        self._leaving.cancel()
        await send(_LAST)

    async def _wait_for_leave(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._cancel()

    def _cancel(self) -> None:
        self.client_left = True
        self._answering.cancel()

    def _tick(self) -> None:
        """Look after a silent stream: a comment if the upstream is slow, the end if the client does not read."""
        idle = self._loop.time() - self._sent_at
        if self._sending and idle >= WRITE_IDLE_SECONDS:
            self._cancel()
            return
        if self._stream is not None and not self._sending and idle >= KEEP_ALIVE_SECONDS:
            self._sent_at += idle
            if comment := self._stream.keep_alive():
                message = {"type": "http.response.body", "body": comment, "more_body": True}
                self._keeping_alive = self._loop.create_task(self._send(message))  # type: ignore[arg-type]  # an ASGI send is a coroutine
        wait = KEEP_ALIVE_SECONDS - (self._loop.time() - self._sent_at)
        self._timer = self._loop.call_later(max(wait, 1.0), self._tick)
