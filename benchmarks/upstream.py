"""The fake upstream: a process that answers with prebuilt bytes and does nothing else, so that it is no bottleneck.

It speaks just enough HTTP/1.1: keep-alive, a body of known length, one request at a time on a connection.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import uvloop

from benchmarks.wire import ENDING, ENDING_STREAM, IDLE, PACED, STREAM_EVENTS, STREAM_STARTS, WHOLE_REPLY

EVENTS_PER_SECOND = 40
_SLOTS = 10
_CONTENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Pacer:
    """Sends every paced stream EVENTS_PER_SECOND events; streams take turns, so that events do not come in bursts."""

    def __init__(self) -> None:
        self._slots: list[dict[asyncio.Transport, bytes]] = [{} for _ in range(_SLOTS)]

    def add(self, transport: asyncio.Transport, event: bytes) -> None:
        """Start to send this event, in the emptiest slot."""
        min(self._slots, key=len)[transport] = event

    def remove(self, transport: asyncio.Transport) -> None:
        """Stop to send events."""
        for slot in self._slots:
            slot.pop(transport, None)

    async def run(self) -> None:
        """Serve one slot after the other, for ever; a late tick does not delay the next one."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for slot in self._slots:
                for transport, event in slot.items():
                    transport.write(event)
                due += 1 / EVENTS_PER_SECOND / _SLOTS
                await asyncio.sleep(due - loop.time())


class Answering(asyncio.Protocol):
    """One connection from the server under test."""

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        # uvloop's transports behave like asyncio's, but are none by class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer once the request is complete."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = _CONTENT_LENGTH.search(head)
        if not found or length is None or len(body) < int(length[1]):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        if PACED.encode() in body:
            self._transport.write(STREAM_STARTS[path])
            self._pacer.add(self._transport, STREAM_EVENTS[path])
        elif IDLE.encode() in body:
            self._transport.write(STREAM_STARTS[path])
        elif ENDING.encode() in body:
            self._transport.write(ENDING_STREAM)
        else:
            self._transport.write(WHOLE_REPLY)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._pacer.remove(self._transport)


async def serve(port: int) -> None:
    """Listen until the process is ended."""
    pacer = Pacer()
    await asyncio.get_running_loop().create_server(lambda: Answering(pacer), "127.0.0.1", port, backlog=2048)
    await pacer.run()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
