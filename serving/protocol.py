"""uvicorn's HTTP protocol with what it lacks: bounds on a request's head, deadlines, and word of a client that left.

uvicorn starts its timer only after a first response, and httptools puts no bound on headers. Refusals here are for
requests that cannot be served at all; they go out as JSON and close the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024
MAX_URL_BYTES = 16 * 1024
HEAD_SECONDS = 10.0
BODY_IDLE_SECONDS = 30.0
BODY_SECONDS = 600.0

CONNECTION = "switchyard.connection"
"""The member of the ASGI scope under which a request finds its connection."""

_REASONS = {400: b"Bad Request", 408: b"Request Timeout", 414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. Its deadline is for the head of a request, then for the next bytes of the body.

    `on_left` is called once when the client leaves; whoever answers a request sets it, and takes it back when done.
    """

    on_left: Callable[[], None] | None = None
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _hosts = 0
    _complete = False
    _body_due = 0.0
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the clock: a connection that sends nothing is closed as well."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock and tell whoever answers."""
        self._stop_clock()
        super().connection_lost(exc)
        if self.on_left is not None:
            self.on_left()

    def data_received(self, data: bytes) -> None:
        """Parse, unless the connection was refused and is on its way down."""
        if self._refused:
            return
        super().data_received(data)
        if not self._complete and not self._refused and self.cycle is not None:
            self._wait_for_body()

    def on_message_begin(self) -> None:
        """Start the clock of the next request's head."""
        super().on_message_begin()
        self._head_bytes = self._hosts = 0
        self._body_due = 0.0
        self._complete = False
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

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
        self.scope[CONNECTION] = self  # type: ignore[literal-required]  # a member of our own
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._complete = True
        self._stop_clock()
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin a request that came behind this one, and wait for its body from now on."""
        super().on_response_complete()
        if self.parser is not None and not self._complete and self.cycle is not None:
            self._wait_for_body()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed as HTTP."""
        self._refuse(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a client that asks for a websocket gets 426 from the endpoint."""

    def _wait_for_body(self) -> None:
        """Start the clock anew while a head is complete and its body is not; drips have a limit in all, too."""
        if self.scope is not None and CONNECTION in self.scope and not self.flow.read_paused:
            self._stop_clock()
            now = self.loop.time()
            self._body_due = self._body_due or now + BODY_SECONDS
            self._deadline = self.loop.call_at(min(now + BODY_IDLE_SECONDS, self._body_due), self._too_slow)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            return  # the request was answered before its body came; its end closes the connection
        if self._head_bytes:
            self._refuse(408, "The request did not come in time.")
        else:
            self.transport.close()

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
