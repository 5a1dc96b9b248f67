"""Streams in which nothing moves: who waits for a silent upstream is kept company, who does not read is left."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator

import httpx2
import pytest

from tests.grammar import messages, responses
from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, Then, chunked
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, REQUESTS, STREAMS, for_model, streamed

KEEP_ALIVE, WRITE_IDLE = 0.3, 1.5
ROUTES = """
model_providers:
  - {{model: native/both, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat, messages, responses]}}
  - {{model: acme/limited, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat], timeouts: {{total: 1}}}}
  - {{model: acme/only-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat]}}
"""


@pytest.fixture(scope="module")
def impatient(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that keeps clients company after 0.3 s, and leaves those that do not read after 1.5 s."""
    settings = {"GATEWAY_KEEP_ALIVE_SECONDS": str(KEEP_ALIVE), "GATEWAY_WRITE_IDLE_SECONDS": str(WRITE_IDLE)}
    gateway = RunningGateway(tmp_path_factory.mktemp("impatient"), ROUTES.format(url=upstream.url), **settings)
    yield gateway.start()
    gateway.stop()


def with_pauses(stream: bytes, *, at: tuple[int, ...]) -> list[Step]:
    """Return the script of a stream that is silent for a while after the given numbers of bytes."""
    cuts = [0, *at, len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(cuts)]
    script: list[Step] = [OPEN_STREAM]
    for piece in pieces:
        script += [chunked(piece), KEEP_ALIVE * 2.5]
    return [*script[:-1], b"0\r\n\r\n"]


def fetched(gateway: RunningGateway, shape: str, model: str) -> bytes:
    """Return the stream that a client of the shape gets."""
    request = streamed(for_model(REQUESTS[shape], model))
    answer = httpx2.post(
        gateway.url + ENDPOINTS[shape], content=request, headers={"content-type": "application/json"}, timeout=15
    )
    return answer.content


KEEP_ALIVES = {
    "chat": b": keep-alive\n\n",
    "messages": b'event: ping\ndata: {"type":"ping"}\n\n',
    "responses": b": keep-alive\n\n",
}


@pytest.mark.parametrize("shape", ENDPOINTS)
def test_client_of_a_silent_upstream_gets_keep_alives(
    impatient: RunningGateway, upstream: FakeUpstream, shape: str
) -> None:
    """Between two events a same-shape stream is kept alive, and its other bytes are untouched."""
    stream = STREAMS[shape]
    first_event = stream.index(b"\n\n", 20) + 2
    upstream.answer(with_pauses(stream, at=(first_event,)))
    got = fetched(impatient, shape, "both")
    assert got.count(KEEP_ALIVES[shape]) >= 2
    assert got.replace(KEEP_ALIVES[shape], b"") == stream


@pytest.mark.parametrize("shape", ENDPOINTS)
def test_half_an_event_is_not_torn_by_a_keep_alive(
    impatient: RunningGateway, upstream: FakeUpstream, shape: str
) -> None:
    """While a same-shape stream stands in the middle of an event, nothing is put between."""
    stream = STREAMS[shape]
    first_event = stream.index(b"\n\n", 20) + 2
    upstream.answer(with_pauses(stream, at=(first_event + 30,)))
    assert fetched(impatient, shape, "both") == stream


@pytest.mark.parametrize("shape", ["messages", "responses"])
def test_translated_stream_is_kept_alive_too(impatient: RunningGateway, upstream: FakeUpstream, shape: str) -> None:
    """A translated stream with pauses, also in the middle of the upstream's events, is lawful and has keep-alives."""
    stream = STREAMS["chat"]
    upstream.answer(with_pauses(stream, at=(stream.index(b"Hel") + 3, stream.index(b"stop"))))
    got = fetched(impatient, shape, "only-chat")
    assert KEEP_ALIVES[shape] in got
    check = messages.check if shape == "messages" else responses.check
    assert check(got)


def test_client_that_never_reads_is_left(impatient: RunningGateway, upstream: FakeUpstream) -> None:
    """A client that has not read for the allowed time loses its stream, and the upstream with it."""
    piece = chunked(STREAMS["chat"].split(b"\n\n")[2] + b"\n\n") * 400
    upstream.answer([OPEN_STREAM, *[piece] * 200, Then.STALL])
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.connect(("127.0.0.1", impatient.port))
    body = streamed(for_model(REQUESTS["chat"], "both"))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
    arrived = threading.Event()
    while not upstream.requests:
        arrived.wait(0.02)
    assert upstream.last.left.wait(WRITE_IDLE + 3)
    connection.close()


def test_stream_that_takes_too_long_ends_with_an_error(impatient: RunningGateway, upstream: FakeUpstream) -> None:
    """A stream that goes on beyond the upstream's `total` ends with the error event, although it never was silent."""
    piece = chunked(STREAMS["chat"].split(b"\n\n")[2] + b"\n\n")
    drip: list[Step] = [step for _ in range(30) for step in (piece, 0.1)]
    upstream.answer([OPEN_STREAM, chunked(STREAMS["chat"].split(b"\n\n")[1] + b"\n\n"), *drip])
    got = fetched(impatient, "messages", "limited")
    assert b"event: error" in got
    assert b"took longer than 1 seconds" in got
    assert upstream.last.left.wait(2)


def test_comment_before_an_error_does_not_hide_it(impatient: RunningGateway, upstream: FakeUpstream) -> None:
    """A comment is no event: the client gets its headers only with the first event, which may be an error."""
    error = b'data: {"error": {"message": "Slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}\n\n'
    upstream.answer([OPEN_STREAM, chunked(b": PROCESSING\n\n"), 0.1, chunked(error), b"0\r\n\r\n"])
    request = streamed(for_model(REQUESTS["chat"], "both"))
    answer = httpx2.post(
        impatient.url + ENDPOINTS["chat"], content=request, headers={"content-type": "application/json"}, timeout=15
    )
    assert answer.status_code == 429


@pytest.mark.parametrize(("shape", "model"), [("chat", "both"), ("messages", "only-chat"), ("responses", "only-chat")])
def test_headers_of_a_stream_do_not_wait_for_ever(
    impatient: RunningGateway, upstream: FakeUpstream, shape: str, model: str
) -> None:
    """An upstream that promises a stream and says nothing yet: the client gets its headers, then the whole stream."""
    go_on = threading.Event()
    upstream.answer([OPEN_STREAM, go_on, chunked(STREAMS["chat"]), b"0\r\n\r\n"])
    request = streamed(for_model(REQUESTS[shape], model))
    headers = {"content-type": "application/json"}
    with httpx2.stream(
        "POST", impatient.url + ENDPOINTS[shape], content=request, headers=headers, timeout=10
    ) as answer:
        assert answer.status_code == 200
        go_on.set()
        got = answer.read()
    assert b"Hel" in got
    assert b"event: error" not in got


def test_late_stream_that_is_left_closes_its_upstream(impatient: RunningGateway, upstream: FakeUpstream) -> None:
    """A client that leaves while the first event is still awaited takes the upstream's connection with it."""
    upstream.answer([OPEN_STREAM, Then.STALL])
    request = streamed(for_model(REQUESTS["chat"], "both"))
    headers = {"content-type": "application/json"}
    with httpx2.stream("POST", impatient.url + ENDPOINTS["chat"], content=request, headers=headers, timeout=10):
        pass
    assert upstream.last.left.wait(2)
    assert "Traceback" not in impatient.log()
