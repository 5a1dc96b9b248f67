"""Requests that are refused, and targets that fail before and after the first byte."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.conformance.failing import asked, in_a_stream, openai_body, routes
from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, Then, chunked, streaming, whole
from tests.serving.running import RunningGateway
from tests.serving.test_errors import error_of
from tests.serving.test_stream_ends import assert_is_error
from tests.serving.wires import ENDPOINTS, STREAMS

SHAPES = tuple(ENDPOINTS)
JSON = {"content-type": "application/json"}
VERSION = {"anthropic-version": "2023-06-01"}


@pytest.fixture(scope="module")
def other() -> Iterator[FakeUpstream]:
    """The second target of those that have two."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def http(
    upstream: FakeUpstream, other: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    """A plain client of a gateway that takes bodies of at most 100,000 bytes."""
    folder = tmp_path_factory.mktemp("refusals")
    with (
        RunningGateway(folder, routes(upstream, other), GATEWAY_MAX_BODY_BYTES="100000") as gateway,
        httpx2.Client(base_url=gateway.url, timeout=15, headers=JSON) as client,
    ):
        yield client


POSTED = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/responses/input_tokens": "responses",
    "/v1/messages": "messages",
    "/v1/messages/count_tokens": "messages",
}
BAD = {
    "no JSON": (400, b"{'model': 1}"),
    "no object": (400, b'["model"]'),
    "wrong type": (400, b'{"model": 1}'),
    "too large": (413, b'{"x": "' + b"a" * 200_000 + b'"}'),
}
MISDIRECTED = [
    *((method, path, {}, 405, shape) for path, shape in POSTED.items() for method in ("PUT", "PATCH")),
    ("POST", "/v1/models", {}, 405, "chat"),
    ("POST", "/v1/models", VERSION, 405, "messages"),
    ("GET", "/v1/chat/no-such", {}, 404, "chat"),
    ("GET", "/v1/chat/no-such", VERSION, 404, "chat"),
    ("GET", "/v1/messages/no-such", {}, 404, "messages"),
    ("GET", "/v1/responses/no/such/path", {}, 404, "responses"),
    ("GET", "/v1/models/no/such", {}, 404, "chat"),
    ("GET", "/v1/models/no/such", VERSION, 404, "messages"),
    ("GET", "/v1/elsewhere", VERSION, 404, "chat"),
    ("GET", "/elsewhere", {}, 404, "chat"),
]
TYPES = {
    400: ("invalid_request_error", "invalid_request_error"),
    404: ("not_found_error", "not_found_error"),
    405: ("invalid_request_error", "invalid_request_error"),
    413: ("request_too_large", "invalid_request_error"),
}
"""The type of an error by its status, in Anthropic's shape and in OpenAI's."""

WRONG = [
    *(("POST", path, {}, body, status, shape) for path, shape in POSTED.items() for status, body in BAD.values()),
    *((method, path, fields, b"", status, shape) for method, path, fields, status, shape in MISDIRECTED),
]


@pytest.mark.parametrize(
    ("method", "path", "fields", "body", "status", "shape"),
    WRONG,
    ids=[f"{method} {path} {body[:12]!r} {status}" for method, path, _, body, status, _ in WRONG],
)
def test_wrong_request(
    http: httpx2.Client, method: str, path: str, fields: dict[str, str], body: bytes, status: int, shape: str
) -> None:
    """207. A request that is no JSON object, has a member of the wrong type, is too large, or asks for an unknown path
    or with the wrong method, is refused in the shape that the path stands for; for the models the header
    `anthropic-version` decides.
    """
    answer = http.request(method, path, content=body, headers=fields)
    error = error_of(answer, shape)
    assert answer.status_code == status
    of_a_model = shape == "chat" and path.startswith("/v1/models/")
    expected = "invalid_request_error" if of_a_model else TYPES[status][shape != "messages"]
    assert error["type"] == expected
    assert ("allow" in answer.headers) is (status == 405)


BEFORE: dict[str, tuple[int, list[Step]]] = {
    "busy": (503, whole(openai_body("server_error", "overloaded", "Busy."), status=503)),
    "closed at once": (502, [Then.CLOSE]),
    "ends before it begins": (502, [OPEN_STREAM, b"0\r\n\r\n"]),
    "error as first event": (429, in_a_stream(openai_body("requests", "rate_limit_exceeded", "Slow down."))),
    "web page": (502, whole(b"<html></html>", content_type="text/html")),
}


@pytest.mark.parametrize("client", SHAPES)
@pytest.mark.parametrize(("status", "script"), BEFORE.values(), ids=BEFORE.keys())
def test_failure_before_and_after_the_first_byte(
    http: httpx2.Client, upstream: FakeUpstream, other: FakeUpstream, client: str, status: int, script: list[Step]
) -> None:
    """208. A stream that fails before its first byte is tried at the route's next target, and is a real status if there
    is none; one that fails later ends with the error event of the client's shape, and nothing else is tried.
    """
    stream = STREAMS["chat"]
    other.answer(streaming(stream))
    upstream.answer(script)
    answer = asked(http, client, "twice", stream=True)
    assert (answer.status_code, answer.headers["x-gateway-attempts"]) == (200, "2")
    assert b"lo \xe2\x82\xac" in answer.content
    upstream.answer(script)
    answer = asked(http, client, "of-chat", stream=True)
    error_of(answer, client)
    assert answer.status_code == status
    other.answer(streaming(stream))
    upstream.answer([OPEN_STREAM, chunked(stream[: stream.index(b"\n\n", stream.index(b"Hel")) + 2]), Then.CLOSE])
    answer = asked(http, client, "twice", stream=True)
    assert (answer.status_code, answer.headers["x-gateway-attempts"]) == (200, "1")
    assert_is_error(answer.content, client)
    assert other.requests == []


@pytest.mark.parametrize("client", SHAPES)
def test_target_that_cannot_be_reached(http: httpx2.Client, other: FakeUpstream, client: str) -> None:
    """A target that nobody listens at is passed over, and is a 502 where there is no other."""
    other.answer(streaming(STREAMS["chat"]))
    answer = asked(http, client, "unreachable-once", stream=True)
    assert (answer.status_code, answer.headers["x-gateway-attempts"]) == (200, "2")
    assert asked(http, client, "unreachable", stream=True).status_code == 502


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_websocket(http: httpx2.Client, method: str) -> None:
    """209. A request for a websocket on the responses endpoint is answered with 426 and an error in JSON, after which
    clients go on over HTTP.
    """
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = http.request(method, "/v1/responses", headers=headers)
    assert answer.status_code == 426
    assert error_of(answer, "responses")["code"] == "upgrade_required"
    assert asked(http, "responses", "unreachable").status_code == 502
