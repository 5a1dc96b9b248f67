"""A scripted upstream on a raw socket: it answers its script's bytes, and notes what it got and when it was left.

A script is a list of steps: bytes to send, a number of seconds to wait, an event of the test's to wait for, or one of
the words of `Then`.
"""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from enum import Enum

WAIT_SECONDS = 10.0


class Then(Enum):
    """How a script may end: reset the connection, close it, or keep it open until the other side leaves."""

    RESET = "reset"
    CLOSE = "close"
    STALL = "stall"


Step = bytes | float | threading.Event | Then


@dataclass
class Received:
    """One request as it came: the request line's method and path, the headers in lower case, the body's bytes."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    left_at: float | None = None
    left: threading.Event = field(default_factory=threading.Event)


def head(content_type: str, status: int = 200, *, length: int | None = None, extra: str = "") -> bytes:
    """Return an answer's head; without a length the body ends with the connection."""
    size = f"content-length: {length}\r\n" if length is not None else "connection: close\r\n"
    return f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\n{size}{extra}\r\n".encode()


def whole(body: bytes, content_type: str = "application/json", status: int = 200, extra: str = "") -> list[Step]:
    """Return the script of an answer that does not stream."""
    return [head(content_type, status, length=len(body), extra=extra) + body]


def streaming(stream: bytes, *, cut: int = 0) -> list[Step]:
    """Return the script of a chunked stream, in reads of `cut` bytes (0: all at once)."""
    start = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    size = cut or len(stream) or 1
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    return [start, *(chunked(piece) for piece in pieces), b"0\r\n\r\n"]


def chunked(piece: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


OPEN_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class FakeUpstream:
    """Serves scripts on a port of its own, one thread a connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests: list[Received] = []
        self.connections = 0
        self.open_connections = 0
        self._script: list[Step] = []
        self._queue: list[list[Step]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FakeUpstream:
        """Serve already: it does so from the start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.close()

    def answer(self, script: list[Step], *following: list[Step]) -> None:
        """Set the script of the next request, then those that follow it; the last one goes on for all later ones."""
        with self._lock:
            self.requests.clear()
            self._queue = [script, *following]

    @property
    def last(self) -> Received:
        """Return the last request."""
        return self.requests[-1]

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with self._lock:
            self.open_connections += 1
        try:
            self._serve(connection)
        finally:
            with self._lock:
                self.open_connections -= 1

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffered = b""
        with connection:
            try:
                while True:
                    received, buffered = self._read_request(connection, buffered)
                    if received is None:
                        return
                    with self._lock:
                        self.requests.append(received)
                        script = self._queue[0] if len(self._queue) == 1 else self._queue.pop(0)
                    if not self._play(connection, script, received):
                        return
            except OSError:
                return

    def _read_request(self, connection: socket.socket, buffered: bytes) -> tuple[Received | None, bytes]:
        while b"\r\n\r\n" not in buffered:
            data = connection.recv(65536)
            if not data:
                return None, b""
            buffered += data
        raw_head, _, rest = buffered.partition(b"\r\n\r\n")
        lines = raw_head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            rest += connection.recv(65536)
        return Received(method, path, headers, rest[:length]), rest[length:]

    def _play(self, connection: socket.socket, script: list[Step], received: Received) -> bool:
        """Play the script; return whether the connection may serve another request."""
        keep = True
        for step in script:
            if isinstance(step, bytes):
                keep = keep and b"connection: close" not in step
                try:
                    connection.sendall(step)
                except OSError:
                    self._note_left(received)
                    return False
            elif isinstance(step, float):
                if self._is_left(connection, step):
                    self._note_left(received)
                    return False
            elif isinstance(step, threading.Event):
                step.wait(WAIT_SECONDS)
            elif step is Then.STALL:
                self._is_left(connection, WAIT_SECONDS * 3)
                self._note_left(received)
                return False
            else:
                if step is Then.RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return False
        return keep

    @staticmethod
    def _is_left(connection: socket.socket, seconds: float) -> bool:
        """Wait, and tell whether the other side closed meanwhile."""
        connection.settimeout(seconds)
        try:
            return connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            connection.settimeout(None)

    @staticmethod
    def _note_left(received: Received) -> None:
        received.left_at = time.monotonic()
        received.left.set()
