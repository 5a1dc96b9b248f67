"""Streams of a running gateway: what a client gets, and when."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx2
import pytest
import uvloop
from django.conf import settings

from benchmarks.processes import free_port, running, wait_until_listening
from benchmarks.streams import open_streams
from benchmarks.watch import Connection, Watch, connect
from benchmarks.wire import IDLE, MODEL, PACED, chat_request, messages_request, responses_request
from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, Then, chunked, whole
from tests.serving.running import RunningGateway
from tests.serving.test_leaving import memory_of, send, wait_for
from tests.serving.wires import ENDPOINTS, REPLIES, REQUESTS, STREAMS, for_model, streamed
from tests.translation import official_clients
from tests.translation.conversations import GRAMMARS

KEEP_ALIVE = 0.3
SETTINGS = {"GATEWAY_KEEP_ALIVE_SECONDS": str(KEEP_ALIVE)}
JSON = {"content-type": "application/json"}
ROUTES = """
model_providers:
  - {{model: a/native, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat, messages, responses]}}
  - {{model: b/of-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", name: b, shapes: [chat], prefer: chat}}
  - {{model: c/of-messages, access_key: $OPENAI_API_KEY, base_url: "{url}", name: c, shapes: [messages],
      prefer: messages}}
  - {{model: d/of-responses, access_key: $OPENAI_API_KEY, base_url: "{url}", name: d, shapes: [responses],
      prefer: responses}}
"""
each_way = pytest.mark.parametrize(
    ("client", "upstream_shape"), [(client, upstream) for client in ENDPOINTS for upstream in ENDPOINTS]
)


def asked(client: str, upstream_shape: str) -> bytes:
    """Return the client's request for a stream from a model whose upstream speaks that shape."""
    return streamed(for_model(REQUESTS[client], f"of-{upstream_shape}"))


@each_way
def test_whole_reply_for_a_stream(
    gateway: RunningGateway, upstream: FakeUpstream, client: str, upstream_shape: str
) -> None:
    """34. A reply that comes as one JSON object with status 200, although a stream was asked for, is told to the client
    as a correct stream of its shape, translated or not.
    """
    upstream.answer(whole(REPLIES[upstream_shape]))
    answer = httpx2.post(gateway.url + ENDPOINTS[client], content=asked(client, upstream_shape), headers=JSON)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert GRAMMARS[client](answer.content)
    assert b"Hello" in answer.content
    reply = official_clients.of_stream(client, answer.content)
    assert "Hello" in str(reply)
    assert (reply["id"].rpartition("_")[2]).endswith("12345678")


SILENCES = {"chat": b": keep-alive\n\n", "responses": b": keep-alive\n\n", "messages": b'data: {"type":"ping"}\n\n'}


@each_way
def test_company_for_idle_clients(
    gateway: RunningGateway, upstream: FakeUpstream, client: str, upstream_shape: str
) -> None:
    """36. A client whose stream is idle, for 15 seconds unless set otherwise, gets a comment in OpenAI's shapes and a
    ping in Anthropic's, which never comes before `message_start`.
    """
    assert settings.GATEWAY_KEEP_ALIVE_SECONDS == 15
    stream, comment = STREAMS[upstream_shape], SILENCES[client]
    words = stream.index(b"\n\n", stream.index(b"Hel")) + 2
    begin, go_on = threading.Event(), threading.Event()
    silence: list[Step] = [KEEP_ALIVE * 3 if client == "messages" else begin]
    upstream.answer([OPEN_STREAM, *silence, chunked(stream[:words]), go_on, chunked(stream[words:]), b"0\r\n\r\n"])
    got = b""
    with httpx2.stream(
        "POST", gateway.url + ENDPOINTS[client], content=asked(client, upstream_shape), headers=JSON, timeout=15
    ) as answer:
        for piece in answer.iter_raw():
            got += piece
            begun = got.find(b"Hel")
            if begun < 0 and comment in got:
                begin.set()
            elif begun >= 0 and got.count(comment, begun) >= 2:
                go_on.set()
    assert go_on.is_set()
    if client == "messages":
        assert got.startswith(b"event: message_start\n")
        assert b": keep-alive" not in got
    else:
        assert got.startswith(comment)
        assert b"ping" not in got
    if upstream_shape == client:
        assert got.replace(b"event: ping\n" * (client == "messages") + comment, b"") == stream
    else:
        assert GRAMMARS[client](got)


@each_way
@pytest.mark.parametrize("begun", [False, True], ids=["before the first event", "in the stream"])
def test_client_that_leaves(
    gateway: RunningGateway, upstream: FakeUpstream, client: str, upstream_shape: str, begun: bool
) -> None:
    """37. When the client closes its connection, the upstream's is closed within a second."""
    stream = STREAMS[upstream_shape]
    first = [chunked(stream[: stream.index(b"\n\n", 20) + 2])] if begun else []
    upstream.answer([OPEN_STREAM, *first, Then.STALL])
    connection = send(gateway, ENDPOINTS[client], asked(client, upstream_shape))
    wait_for(lambda: upstream.requests)
    if begun:
        assert connection.recv(1)
    left_at = time.monotonic()
    connection.close()
    assert upstream.last.left.wait(5)
    assert upstream.last.left_at is not None
    assert upstream.last.left_at - left_at < 1.0


class _Reached(threading.Event):
    """A step of a script that does not wait, but tells that the upstream could send everything before it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        """Tell."""
        self.reached.set()
        return True


MEGABYTES, MOST_GROWTH = 60, 8 * 1024 * 1024
PIECE = STREAMS["chat"].split(b"\n\n")[2] + b"\n\n"


@pytest.mark.parametrize("client", ["chat", "messages"])
@pytest.mark.parametrize("reads", [False, True], ids=["slow", "fast"])
def test_client_that_does_not_read(gateway: RunningGateway, upstream: FakeUpstream, client: str, reads: bool) -> None:
    """38. While a client does not read its stream, the gateway reads no more of the upstream's and its memory does not
    grow.
    """
    sent_all = _Reached()
    many = chunked(PIECE * (1024 * 1024 // len(PIECE)))
    opening = chunked(STREAMS["chat"].split(b"\n\n")[1] + b"\n\n")
    upstream.answer([OPEN_STREAM, opening, *[many] * MEGABYTES, sent_all, Then.STALL])
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.connect(("127.0.0.1", gateway.port))
        body = asked(client, "chat")
        head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        connection.sendall(head % (ENDPOINTS[client].encode(), len(body)) + body)
        wait_for(lambda: upstream.requests)
        before = memory_of(gateway)
        until = time.monotonic() + (60 if reads else 1.5)
        while time.monotonic() < until and not sent_all.reached.is_set():
            if reads:
                connection.recv(1 << 20)
            else:
                sent_all.reached.wait(0.05)
        assert sent_all.reached.is_set() is reads
        assert reads or memory_of(gateway) - before < MOST_GROWTH
    assert upstream.last.left.wait(5)


STREAMS_OPEN, CALLS, ROUNDS = 30, 300, 3
MOST_ADDED_SECONDS = 0.005


class _FirstByte(Connection):
    """One call whose first event is awaited."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(watch)
        self.came: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Note the first event; the rest of the stream never comes."""
        self._received += data
        if not self._received.startswith(b"HTTP/1.1 200"):
            self.watch.fail(self._received.decode(errors="replace"))
        elif b"data: " in self._received and not self.came.done():
            self.came.set_result(None)


def _seconds_without_cpu(pids: Iterable[int]) -> float:
    """Return how long these processes have waited, in all their time, for a CPU that something else had."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) for pid in pids) / 1e9


async def _seconds_to_first_byte(port: int, request: bytes, pids: Iterable[int]) -> float:
    """Return the time until the first event, less what the machine was busy with something else meanwhile."""
    watch = Watch()
    call = _FirstByte(watch)
    await connect(call, port)
    try:
        without_cpu, began = _seconds_without_cpu(pids), time.perf_counter()
        call.write(request)
        await watch.wait_for(call.came, 10, "the first event")
        taken = time.perf_counter() - began
        return max(0.0, taken - (_seconds_without_cpu(pids) - without_cpu))
    finally:
        watch.close()
        call.close()


async def _added_at_p99(upstream_port: int, gateway_port: int, request: bytes, pids: Iterable[int]) -> float:
    """Return the difference of the 99th percentiles: through the gateway under load, and to the upstream directly."""
    seconds: dict[int, list[float]] = {upstream_port: [], gateway_port: []}
    async with open_streams(gateway_port, chat_request(PACED), STREAMS_OPEN):
        for _ in range(CALLS):
            for port, taken in seconds.items():
                # The fake upstream answers every path, each in its own shape.
                taken.append(await _seconds_to_first_byte(port, request, pids))
    direct, through = (sorted(taken)[CALLS * 99 // 100] for taken in seconds.values())
    return through - direct


@pytest.mark.parametrize("ask", [chat_request, messages_request, responses_request])
def test_time_to_the_first_byte(ask: Callable[[str], bytes], tmp_path: Path) -> None:
    """39. Under load, with streams open that get 1,200 events a second, the gateway adds less than 5 ms at the 99th
    percentile to the time to a stream's first byte, passed through or translated.
    """
    port = free_port()
    routes = f"""
model_providers:
  - {{model: mock/{MODEL}, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{port}", shapes: [chat]}}
"""
    core = min(os.sched_getaffinity(0))
    with running([sys.executable, "-m", "benchmarks.upstream", str(port)], port, core, {}) as upstream:
        wait_until_listening(port)
        with RunningGateway(tmp_path, routes) as gateway:
            assert gateway.process is not None
            pids = (os.getpid(), upstream.pid, gateway.process.pid)
            added = (uvloop.run(_added_at_p99(port, gateway.port, ask(IDLE), pids)) for _ in range(ROUNDS))
            assert any(seconds < MOST_ADDED_SECONDS for seconds in added)
