"""A client that leaves takes its upstream connection with it, in every phase; the record of the relay says so."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import openai
import pytest

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, Then, chunked, head
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, REQUESTS, STREAMS, for_model, streamed

LEFT_WITHIN_SECONDS = 1.0
FIRST_EVENT = chunked(STREAMS["chat"].split(b"\n\n")[1] + b"\n\n")

PHASES: dict[str, list[Step]] = {
    "before the upstream's head": [Then.STALL],
    "after the head": [OPEN_STREAM, Then.STALL],
    "in the stream": [OPEN_STREAM, FIRST_EVENT, Then.STALL],
    "in a whole body": [head("application/json", length=1000) + b"{", Then.STALL],
}


def send(gateway: RunningGateway, path: str, body: bytes) -> socket.socket:
    """Send a request on a connection of its own and return the connection."""
    connection = socket.create_connection(("127.0.0.1", gateway.port))
    request = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    connection.sendall(request % (path.encode(), len(body), body))
    return connection


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def records(gateway: RunningGateway, model: str) -> list[dict[str, Any]]:
    """Return the records of the relays for that model so far."""
    lines = [json.loads(line) for line in gateway.log().splitlines() if '"serving.relay"' in line]
    return [line for line in lines if line.get("model") == model]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("shape", ["chat", "messages", "responses"])
def test_upstream_is_left_with_the_client(
    gateway: RunningGateway, upstream: FakeUpstream, shape: str, phase: str
) -> None:
    """The upstream connection is closed within a second of the client's leaving, and there is one record of it."""
    upstream.answer(PHASES[phase])
    body = for_model(REQUESTS[shape], "only-chat")
    before = len(records(gateway, "only-chat"))
    connection = send(gateway, ENDPOINTS[shape], body if phase == "in a whole body" else streamed(body))
    wait_for(lambda: upstream.requests)
    if phase == "in the stream":
        connection.recv(1)
    left_at = time.monotonic()
    connection.close()
    assert upstream.last.left.wait(5)
    assert upstream.last.left_at is not None
    assert upstream.last.left_at - left_at < LEFT_WITHIN_SECONDS
    wait_for(lambda: len(records(gateway, "only-chat")) == before + 1)
    assert records(gateway, "only-chat")[-1]["message"] == "client_closed"


def test_client_that_closes_at_done_was_served(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """The OpenAI SDK closes the connection at `[DONE]`; that is a success with its usage."""
    upstream.answer([OPEN_STREAM, chunked(STREAMS["chat"]), 0.3, b"0\r\n\r\n"])
    before = len(records(gateway, "chat-model"))
    client = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0)
    list(client.chat.completions.create(model="chat-model", messages=[], stream=True))
    client.close()
    wait_for(lambda: len(records(gateway, "chat-model")) == before + 1)
    record = records(gateway, "chat-model")[-1]
    assert (record["message"], record["input_tokens"], record["output_tokens"]) == ("ended", 5, 2)


def test_many_clients_that_leave_at_once_leave_nothing_behind(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """A hundred streams that are left at once close a hundred upstream connections and write a hundred records."""
    upstream.answer([OPEN_STREAM, FIRST_EVENT, Then.STALL])
    before = len(records(gateway, "only-chat"))
    body = streamed(for_model(REQUESTS["chat"], "only-chat"))
    connections = [send(gateway, "/v1/chat/completions", body) for _ in range(100)]
    for connection in connections:
        connection.recv(1)
    for connection in connections:
        connection.close()
    for request in upstream.requests:
        assert request.left.wait(5)
    wait_for(lambda: len(records(gateway, "only-chat")) == before + 100)
    assert all(record["message"] == "client_closed" for record in records(gateway, "only-chat")[before:])


def test_client_that_does_not_read_stops_the_upstream(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """While a client does not read, the gateway does not go on reading from its upstream: memory stays flat."""
    piece = chunked(STREAMS["chat"].split(b"\n\n")[2] + b"\n\n") * 200
    upstream.answer([OPEN_STREAM, FIRST_EVENT, *[piece] * 1500, Then.STALL])
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.connect(("127.0.0.1", gateway.port))
    body = streamed(for_model(REQUESTS["chat"], "only-chat"))
    request = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    )
    connection.sendall(request % len(body) + body)
    wait_for(lambda: upstream.requests)
    before = memory_of(gateway)
    time.sleep(1.0)  # the time in which an unbounded gateway would have taken all of the 50 MB
    assert memory_of(gateway) - before < 8 * 1024 * 1024
    connection.close()
    assert upstream.last.left.wait(5)


def memory_of(gateway: RunningGateway) -> int:
    """Return the resident memory of the gateway's process, in bytes."""
    assert gateway.process is not None
    with open(f"/proc/{gateway.process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096
