"""uvicorn's HTTP protocol with the limits that it lacks: on headers, their size and their time, and on Host.

uvicorn starts its timer only after a first response, and httptools puts no bound on headers. Refusals here are for
requests that cannot be served at all; they go out as JSON and close the connection.
"""

from __future__ import annotations

import asyncio

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024
MAX_URL_BYTES = 16 * 1024
HEADER_SECONDS = 10.0

_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. `_head_deadline` runs from the first byte of a request, or the connection, to its last header."""

    _head_deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _hosts = 0
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the clock: a connection that sends nothing is closed as well."""
        super().connection_made(transport)
        self._head_deadline = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless the connection was refused and is on its way down."""
        if not self._refused:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """Start the clock of the next request's head."""
        super().on_message_begin()
        self._head_bytes = self._hosts = 0
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def on_url(self, url: bytes) -> None:
        """Take a piece of the URL, up to the bound."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._refuse(414, "The URL is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, up to the bound of all."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEADER_BYTES:
            self._refuse(431, f"The headers are larger than {MAX_HEADER_BYTES} bytes.")
            return
        if name.lower() == b"host":
            self._hosts += 1
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, if it names its host once as HTTP/1.1 demands."""
        self._stop_clock()
        if self._refused:
            return
        if self._hosts != 1 and self.parser.get_http_version() == "1.1":
            self._refuse(400, "The request must have exactly one Host header.")
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed as HTTP."""
        self._refuse(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a client that asks for a websocket gets 426 from the endpoint."""

    def _stop_clock(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _too_slow(self) -> None:
        self._head_deadline = None
        idle = self.cycle is None and self._head_bytes == 0
        if idle:
            self.transport.close()
        else:
            self._refuse(408, f"The headers did not come within {HEADER_SECONDS:.0f} seconds.")

    def _refuse(self, status: int, message: str) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._stop_clock()
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        body = msgspec.json.encode({"error": error})
        head = b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, _REASONS[status], len(body)) + body)
        self.transport.close()
