"""Watching over one answer: the client that leaves, the client that does not read, the upstream that is silent.

One timer looks now and then when the stream last moved. A client that has not read for GATEWAY_WRITE_IDLE_SECONDS is
left. While an upstream is silent the client gets a comment every GATEWAY_KEEP_ALIVE_SECONDS, and after the upstream's
own limit the stream's error. Per streamed event there is nothing but a note of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings

from serving.protocol import CONNECTION, BoundedHttpProtocol
from serving.render import ApiResponse, RelayedStream

LOOK_SECONDS = 0.1

_LAST = {"type": "http.response.body", "body": b"", "more_body": False}


class Watch:
    """Sends one response, and cancels the answering task when nobody is there to read it any more."""

    def __init__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        self.client_left = False
        self._send = send
        self._answering = asyncio.current_task()
        self._connection: BoundedHttpProtocol | None = scope.get(CONNECTION)
        self._listening: asyncio.Task[None] | None = None
        if self._connection is None:
            # Another server than ours: it tells in ASGI's way only, which takes a task.
            self._listening = asyncio.create_task(self._listen(receive))
        elif self._connection.transport.is_closing():
            self._leave()
        else:
            self._connection.on_left = self._leave
        self._timer: asyncio.TimerHandle | None = None
        self._moved_at = self._commented_at = 0.0
        self._sending = self._stalled = False
        self._stream: RelayedStream | None = None
        self._commenting: asyncio.Future[None] | None = None

    def stop(self) -> None:
        """End the watch."""
        self._stop_listening()
        if self._timer is not None:
            self._timer.cancel()

    async def send(self, response: ApiResponse | RelayedStream) -> None:
        """Send the response and close it, whatever becomes of the client."""
        content_type = (b"content-type", response["content-type"].encode("ascii"))
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [content_type, *response.head],
        }
        if isinstance(response, ApiResponse):
            self._stop_listening()
            await self._send(start)
            await self._send({"type": "http.response.body", "body": response.content, "more_body": False})
            return
        try:
            await self._send(start)
            await self._send_stream(response)
        finally:
            await response.aclose()

    async def _send_stream(self, response: RelayedStream) -> None:
        clock = asyncio.get_running_loop().time
        self._stream = response
        self._moved_at = self._commented_at = clock()
        self._tick()
        send = self._send
        try:
            async for chunk in response.chunks:
                self._moved_at = clock()
                self._sending = True
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self._sending = False
        except asyncio.CancelledError:
            if not self._stalled or self._answering is None:
                raise
            self._answering.uncancel()
            await send({"type": "http.response.body", "body": response.stall(), "more_body": True})
        # From here on uvicorn says "disconnected" of a client that is still there, and closes a connection of its own.
        self._stop_listening()
        await send(_LAST)

    async def _listen(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _stop_listening(self) -> None:
        if self._connection is not None:
            self._connection.on_left = None
        elif self._listening is not None:
            self._listening.cancel()

    def _leave(self) -> None:
        self.client_left = True
        if self._answering is not None:
            self._answering.cancel()

    def _tick(self) -> None:
        """Look after a stream in which nothing moves, and set the timer for the next look."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        keep_alive = settings.GATEWAY_KEEP_ALIVE_SECONDS
        assert self._stream is not None
        if self._sending:
            due = self._moved_at + settings.GATEWAY_WRITE_IDLE_SECONDS
            if now >= due:
                self._leave()
                return
        else:
            limit = self._stream.idle_seconds
            stalls_at = self._moved_at + limit if limit else now + keep_alive
            if limit and now >= stalls_at and self._answering is not None:
                self._stalled = True
                self._answering.cancel()
                return
            quiet_since = max(self._moved_at, self._commented_at)
            if now >= quiet_since + keep_alive:
                self._comment(self._stream.keep_alive())
                quiet_since = self._commented_at = now
            due = min(stalls_at, quiet_since + keep_alive)
        self._timer = loop.call_at(max(due, now + LOOK_SECONDS), self._tick)

    def _comment(self, comment: bytes) -> None:
        if comment:
            message = {"type": "http.response.body", "body": comment, "more_body": True}
            self._commenting = asyncio.ensure_future(self._send(message))
