"""Watching over one answer: the client that leaves, the client that does not read, the upstream that is silent.

Per streamed event, nothing but a note of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from serving.protocol import CONNECTION, BoundedHttpProtocol
from serving.render import ApiResponse, RelayedStream

KEEP_ALIVE_SECONDS = 15.0
WRITE_IDLE_SECONDS = 300.0

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
        self._sent_at = 0.0
        self._sending = False
        self._stream: RelayedStream | None = None
        self._keeping_alive: asyncio.Future[None] | None = None

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
        loop = asyncio.get_running_loop()
        self._stream = response
        self._sent_at = loop.time()
        self._timer = loop.call_later(KEEP_ALIVE_SECONDS, self._tick)
        send, clock = self._send, loop.time
        async for chunk in response.chunks:
            self._sent_at = clock()
            self._sending = True
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._sending = False
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
        """Look after a silent stream: a comment if the upstream is slow, the end if the client does not read."""
        loop = asyncio.get_running_loop()
        idle = loop.time() - self._sent_at
        if self._sending and idle >= WRITE_IDLE_SECONDS:
            self._leave()
            return
        if self._stream is not None and not self._sending and idle >= KEEP_ALIVE_SECONDS:
            self._sent_at = loop.time()
            if comment := self._stream.keep_alive():
                message = {"type": "http.response.body", "body": comment, "more_body": True}
                self._keeping_alive = asyncio.ensure_future(self._send(message))
        wait = KEEP_ALIVE_SECONDS - (loop.time() - self._sent_at)
        self._timer = loop.call_later(max(wait, 1.0), self._tick)
