"""Peers that stretch a wait or a body beyond reason: each has a bound, and the other side gets a clear word."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import httpx2
import pytest

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, Then, chunked, head, whole
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, REPLIES, REQUESTS, STREAMS, for_model, streamed

JSON = {"content-type": "application/json"}
BROKEN_FRAME = (
    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\nzz\r\n'
)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "script",
    [[head("application/json", 500, length=100) + b"{", Then.STALL], [BROKEN_FRAME, Then.STALL]],
    ids=["error body that stops", "broken chunk frame"],
)
def test_body_that_never_ends_is_given_up(
    client: httpx2.Client, upstream: FakeUpstream, script: list[Step], stream: bool
) -> None:
    """Also an error's body, and one that the HTTP client cannot read on, has the upstream's `idle` and no more."""
    upstream.answer(script)
    request = for_model(REQUESTS["chat"], "slow-chat")
    answer = client.post(ENDPOINTS["chat"], content=streamed(request) if stream else request, headers=JSON, timeout=5)
    assert answer.status_code in (502, 504)


@pytest.mark.parametrize("status", [600, 999])
def test_status_that_is_none_is_a_bad_gateway(client: httpx2.Client, upstream: FakeUpstream, status: int) -> None:
    """A status outside of HTTP's range is a 502."""
    upstream.answer(whole(b"{}", status=status))
    assert client.post(ENDPOINTS["chat"], content=REQUESTS["chat"], headers=JSON).status_code == 502


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"OK"], ids=["nothing", "a page", "a word"])
@pytest.mark.parametrize("shape", ENDPOINTS)
def test_success_that_is_no_json_is_a_bad_gateway(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, body: bytes
) -> None:
    """What no client could parse is not passed through as a success, whatever type it claims to have."""
    upstream.answer(whole(body, content_type="text/plain"))
    answer = client.post(ENDPOINTS[shape], content=REQUESTS[shape], headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/json")


def test_error_behind_a_ping_keeps_its_meaning(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """An overload that comes in one read with an event before it is still an overload."""
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    upstream.answer([head("text/event-stream") + b'event: ping\ndata: {"type": "ping"}\n\n' + error])
    answer = client.post(ENDPOINTS["messages"], content=streamed(REQUESTS["messages"]), headers=JSON)
    assert answer.status_code == 529
    assert answer.json()["error"]["type"] == "overloaded_error"


def test_comments_of_the_upstream_are_no_silence(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A translated stream goes on while its upstream says that it works, however long that takes."""
    blocks = STREAMS["chat"].split(b"\n\n")
    waiting: list[Step] = [step for _ in range(8) for step in (chunked(b": PROCESSING\n\n"), 0.25)]
    rest = b"\n\n".join(blocks[2:])
    upstream.answer([OPEN_STREAM, chunked(blocks[1] + b"\n\n"), *waiting, chunked(rest), b"0\r\n\r\n"])
    request = streamed(for_model(REQUESTS["messages"], "slow"))
    answer = client.post(ENDPOINTS["messages"], content=request, headers=JSON)
    assert b"event: message_stop" in answer.content


HUGE = {
    "members": b'{"model":"chat-model",' + b",".join(b'"m%d":1' % n for n in range(2000)) + b"}",
    "a member's name": b'{"model":"chat-model","' + b"\\u0041" * 1000 + b'":1}',
}


@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE.keys())
def test_body_without_measure_is_a_400(client: httpx2.Client, upstream: FakeUpstream, body: bytes) -> None:
    """More members than any client sends, or names longer than any field's, are refused at once."""
    upstream.answer(whole(REPLIES["chat"]))
    assert client.post(ENDPOINTS["chat"], content=body, headers=JSON).status_code == 400
    assert upstream.requests == []


def test_limit_with_thousands_of_digits_is_a_400(client: httpx2.Client) -> None:
    """A page size that no integer type takes is refused like any other wrong one."""
    answer = client.get("/v1/models", params={"limit": "1" * 5000}, headers={"anthropic-version": "2023-06-01"})
    assert answer.status_code == 400


@pytest.fixture
def two_workers(upstream: FakeUpstream, tmp_path: Path) -> RunningGateway:
    """A gateway of two workers that asks for keys."""
    routes = "model_providers:\n  - {model: openai/m, access_key: $OPENAI_API_KEY, base_url: 'http://127.0.0.1:1'}\n"
    return RunningGateway(tmp_path, routes, GATEWAY_WORKERS="2", GATEWAY_CLIENT_AUTH="required").start()


def test_strangers_body_is_not_read_and_orphans_stop(two_workers: RunningGateway) -> None:
    """Who has no key is refused on the head alone; and workers whose supervisor was killed do not live on."""
    with socket.create_connection(("127.0.0.1", two_workers.port), timeout=5) as connection:
        request = b"POST /v1/messages HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        connection.sendall(request + b"content-length: 30000000\r\n\r\n")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer
    assert two_workers.process is not None
    os.kill(two_workers.process.pid, signal.SIGKILL)
    two_workers.process.wait()
    deadline = time.monotonic() + 8
    while two_workers.ready():
        assert time.monotonic() < deadline, "the workers go on without their supervisor"
        time.sleep(0.1)
