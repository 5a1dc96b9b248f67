"""Watching over one answer: the client that leaves, the client that does not read, the upstream that is silent.

One timer looks now and then when the stream last moved. A client that has not read for GATEWAY_WRITE_IDLE_SECONDS is
left. While an upstream is silent the client gets a comment every GATEWAY_KEEP_ALIVE_SECONDS, and after the upstream's
own limit the stream's error, as at the end of the time that a stopping process has. Per streamed event there is nothing
but a note of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any

from django.conf import settings

from serving.errors import stopping
from serving.protocol import CONNECTION, BoundedHttpProtocol
from serving.render import ApiResponse, RelayedStream

LOOK_SECONDS = 0.1

_LAST = {"type": "http.response.body", "body": b"", "more_body": False}


class Watch:
    """Sends one response, and cancels the answering task when nobody is there to read it any more.

    `started`: the response is on its way. `client_left`: nobody is there.
    """

    def __init__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        self.client_left = False
        self.started = False
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
        self._began_at = self._heard_at = self._sent_at = 0.0
        self._sending = False
        self._timed_out = ""
        self._stream: RelayedStream | None = None
        self._commenting: asyncio.Future[None] | None = None

    def stop(self) -> None:
        """End the watch."""
        self._stop_listening()
        if self._timer is not None:
            self._timer.cancel()
        if self._commenting is not None:
            self._commenting.cancel()

    async def send(self, response: ApiResponse | RelayedStream) -> None:
        """Send the response and close it, whatever becomes of the client."""
        content_type = (b"content-type", response["content-type"].encode("ascii"))
        start = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [content_type, *response.head],
        }
        self.started = True
        try:
            if isinstance(response, RelayedStream):
                await self._send(start)
                await self._send_stream(response)
            else:
                self._stop_listening()
                await self._send(start)
                await self._send({"type": "http.response.body", "body": response.content, "more_body": False})
            await asyncio.sleep(0)  # what was written leaves at the end of the loop's turn: before our books, not after
        finally:
            await response.aclose()

    async def _send_stream(self, response: RelayedStream) -> None:
        clock = asyncio.get_running_loop().time
        self._stream = response
        self._began_at = self._heard_at = self._sent_at = clock()
        self._look()
        send = self._send
        try:
            async for chunk in response.chunks:
                self._heard_at = clock()
                if chunk:
                    self._sent_at = self._heard_at
                    self._sending = True
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    self._sending = False
        except asyncio.CancelledError:
            if self.client_left or self._answering is None:
                raise
            self._answering.uncancel()
            answer = response.answer
            error = answer.time_out(self._timed_out) if self._timed_out else answer.fail(stopping().failure)
            await send({"type": "http.response.body", "body": error, "more_body": True})
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

    def _look(self) -> None:
        """Look after a stream in which nothing moves, and set the timer for the next look."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = self._look_at_client(now) if self._sending else self._look_at_upstream(now)
        if due is not None:
            self._timer = loop.call_at(max(due, now + LOOK_SECONDS), self._look)

    def _look_at_client(self, now: float) -> float | None:
        due = self._sent_at + settings.GATEWAY_WRITE_IDLE_SECONDS
        if now < due:
            return due
        self._leave()
        if self._connection is not None:
            self._connection.transport.abort()  # closing would wait for the client to read what it does not read
        return None

    def _look_at_upstream(self, now: float) -> float | None:
        assert self._stream is not None
        timeouts = self._stream.answer.timeouts
        stalls_at = self._heard_at + timeouts.idle if timeouts.idle else inf
        ends_at = self._began_at + timeouts.total if timeouts.total else inf
        if now >= min(stalls_at, ends_at):
            silent = f"the upstream was silent for {timeouts.idle:g} seconds"
            self._time_out(silent if now >= stalls_at else f"the reply took longer than {timeouts.total:g} seconds")
            return None
        comments_at = self._sent_at + settings.GATEWAY_KEEP_ALIVE_SECONDS
        if now >= comments_at:
            self._comment(self._stream.keep_alive())
            self._sent_at = now
            comments_at = now + settings.GATEWAY_KEEP_ALIVE_SECONDS
        return min(stalls_at, ends_at, comments_at)

    def _time_out(self, why: str) -> None:
        self._timed_out = why
        if self._answering is not None:
            self._answering.cancel()

    def _comment(self, comment: bytes) -> None:
        if comment:
            message = {"type": "http.response.body", "body": comment, "more_body": True}
            self._commenting = asyncio.ensure_future(self._send(message))
            self._commenting.add_done_callback(_forget)


def _forget(commenting: asyncio.Future[None]) -> None:
    """Take note of a comment that came too late for its stream: there is nobody to tell."""
    if not commenting.cancelled():
        commenting.exception()
