"""Bounds that uvicorn does not have: on headers, their time, Host, and bodies that never come."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.running import RunningGateway
from tests.serving.wires import REPLIES, REQUESTS


def exchange(gateway: RunningGateway, *pieces: bytes, pause: float = 0.0, wait: float = 5.0) -> bytes:
    """Send the pieces on a raw connection and return all that comes back until the gateway closes or is silent."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=wait) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            while data := connection.recv(65536):
                received += data
        except OSError:
            pass
        return received


GOOD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"

UNPARSEABLE = {
    "two lengths": GOOD % 2 + b"content-length: 3\r\n\r\n{}",
    "length and chunks": GOOD % 2 + b"transfer-encoding: chunked\r\n\r\n{}",
    "no host": b"GET /healthz HTTP/1.1\r\nx: y\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", UNPARSEABLE.values(), ids=UNPARSEABLE.keys())
def test_ambiguous_http_is_a_400_and_closes(gateway: RunningGateway, request_bytes: bytes) -> None:
    """A request that two servers could read in two ways is refused, and the connection with it."""
    answer = exchange(gateway, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"


def test_headers_beyond_the_bound_are_a_431(gateway: RunningGateway) -> None:
    """Headers of more than 64 KiB are refused before they are all there."""
    flood = b"".join(b"x-%d: %b\r\n" % (n, b"a" * 1000) for n in range(100))
    assert exchange(gateway, b"GET /healthz HTTP/1.1\r\nhost: a\r\n", flood).startswith(b"HTTP/1.1 431 ")


def test_url_beyond_the_bound_is_a_414(gateway: RunningGateway) -> None:
    """A URL of more than 16 KiB is refused."""
    answer = exchange(gateway, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 414 ")


def test_declared_size_is_refused_before_the_body_is_sent(gateway: RunningGateway) -> None:
    """The 413 comes on the declared length alone, also for a client that asks with `Expect: 100-continue`."""
    answer = exchange(gateway, GOOD % 99_999_999 + b"expect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer


def test_expecting_client_is_told_to_go_on(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """A client that asks first gets `100 Continue` and then its answer."""
    upstream.answer(whole(REPLIES["chat"]))
    body = REQUESTS["chat"]
    answer = exchange(gateway, GOOD % len(body) + b"expect: 100-continue\r\nconnection: close\r\n\r\n", body, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_pipelined_requests_get_their_answers_in_order(gateway: RunningGateway) -> None:
    """Two requests sent at once on one connection are answered one after the other."""
    one = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
    two = b"GET /nothing-here HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    answer = exchange(gateway, one + two)
    assert answer.index(b"200 OK") < answer.index(b"404 Not Found")


def test_slow_heads_are_closed_and_others_are_served(gateway: RunningGateway) -> None:
    """Connections that send nothing, or a header now and then, are closed after ten seconds; others notice nothing."""
    slow: dict[str, bytes] = {}

    def drip(name: str, *pieces: bytes) -> None:
        slow[name] = exchange(gateway, *pieces, pause=2.0, wait=15.0)

    begin = b"GET /healthz HTTP/1.1\r\nhost: a\r\n"
    threads = [
        threading.Thread(target=drip, args=("silent",)),
        threading.Thread(target=drip, args=("dripping", begin, *[b"x: y\r\n"] * 7)),
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    assert exchange(gateway, begin + b"connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    for thread in threads:
        thread.join()
    assert 9 < time.monotonic() - started < 16
    assert slow["silent"] == b""
    assert slow["dripping"].startswith(b"HTTP/1.1 408 ") or slow["dripping"] == b""
