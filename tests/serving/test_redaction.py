"""Keys of the gateway: an upstream that repeats one in an error tells it to nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, chunked, whole
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_STREAM

Wire = dict[str, Any]
# As some providers make them: what looks like a key ends before its end, and JSON may write a slash in two ways.
KEY = "sk-canary1/tail-of+canary2=="
PARTS = ("canary1", "tail-of", "canary2")
ROUTES = """
model_providers:
  - {{model: acme/of-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat], prefer: chat}}
  - {{model: anthropic/claude-sonnet-4-5, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [messages]}}
"""
CHAT: Wire = {"model": "of-chat", "messages": [{"role": "user", "content": "Hi"}]}
MESSAGES: Wire = {**CHAT, "max_tokens": 9}
PAUSED: Wire = {
    "id": "msg_12345678",
    "type": "message",
    "role": "assistant",
    "model": "m-1",
    "content": [{"type": "text", "text": "I look."}],
    "stop_reason": "pause_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """An upstream that repeats what it was told."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway before it."""
    folder = tmp_path_factory.mktemp("gateway")
    with RunningGateway(folder, ROUTES.format(url=upstream.url), OPENAI_API_KEY=KEY) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the gateway."""
    with httpx2.Client(base_url=gateway.url, timeout=15) as http:
        yield http


def refusal(written: str) -> list[Step]:
    """Return an error that repeats the key in each of its members."""
    error = {"message": f"no such key: {written}.", "type": "invalid_request_error", "param": written, "code": written}
    return whole(json.dumps({"error": error}).replace("\\\\/", "\\/").encode(), status=400)


@pytest.mark.parametrize("written", [KEY, KEY.replace("/", "\\/"), f"Bearer {KEY}"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "asked"), [("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGES)])
def test_a_refusal_repeats_no_part_of_the_key(
    path: str, asked: Wire, stream: bool, written: str, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """Passed on or translated, the key is taken out as a whole, in whatever member and however it is written."""
    upstream.answer(refusal(written))
    answer = client.post(path, json=asked | {"stream": stream})
    assert (answer.status_code, "[redacted]" in answer.text) == (400, True)
    assert not [part for part in PARTS if part in answer.text]


@pytest.mark.parametrize("stream", [False, True])
def test_a_later_round_that_fails_repeats_none_either(
    stream: bool, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """The error of a paused turn's next round is told in the stream that has begun, without the key."""
    first = whole(json.dumps(PAUSED).encode())
    if stream:
        begun = {"type": "message_start", "message": PAUSED | {"content": [], "stop_reason": None}}
        paused = {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}, "usage": {"output_tokens": 3}}
        events = [begun, paused, {"type": "message_stop"}]
        told = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        first = whole(told.encode(), "text/event-stream")
    upstream.answer(first, refusal(KEY))
    asked = CHAT | {"model": "claude-sonnet-4-5", "web_search_options": {}, "stream": stream}
    answer = client.post("/v1/chat/completions", json=asked)
    assert (len(upstream.requests), "[redacted]" in answer.text) == (2, True)
    assert not [part for part in PARTS if part in answer.text]


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("path", "asked"), [("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGES)])
def test_an_error_inside_a_stream_repeats_none_either(
    path: str, asked: Wire, together: bool, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """An upstream that fails after it has begun is heard, but for the key."""
    begun = CHAT_STREAM[: CHAT_STREAM.rindex(b"\n\n", 0, 400) + 2]
    failed = b'data: {"error": {"message": "no such key: %b", "code": "c"}}\n\n' % KEY.encode()
    pieces = [chunked(begun + failed)] if together else [chunked(begun), 0.2, chunked(failed)]
    upstream.answer([OPEN_STREAM, *pieces, b"0\r\n\r\n"])
    told = client.post(path, json=asked | {"stream": True}).text
    assert "no such key: [redacted]" in told
    assert not [part for part in PARTS if part in told]


def test_the_log_has_no_part_of_the_key(gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The code of an error is logged, and cut to a name's length."""
    upstream.answer(refusal(KEY), refusal("x" * 100_000))
    for _ in range(2):
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 400
    log = gateway.log()
    assert not [part for part in PARTS if part in log]
    assert max(map(len, log.splitlines())) < 5_000
