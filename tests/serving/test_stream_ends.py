"""How streams end: an end is the upstream's own word; anything else is the shape's error, never a clean finish."""

from __future__ import annotations

import json

import anthropic
import httpx2
import openai
import pytest

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, Then, chunked, head
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, REQUESTS, STREAMS, for_model, streamed

SHAPES = list(ENDPOINTS)
JSON = {"content-type": "application/json"}
CLEAN_ENDS = (b"[DONE]", b"message_stop", b"response.completed", b'"finish_reason":"stop"')

# How an upstream goes away in the middle: the end of its bytes by the connection's end, by a clean last chunk, by a
# connection that is cut inside a chunked body, by a reset, and by silence for longer than `idle`.
WAYS: dict[str, list[Step]] = {
    "end of the connection": [],
    "clean last chunk": [b"0\r\n\r\n"],
    "cut in a chunked body": [Then.CLOSE],
    "reset": [0.05, Then.RESET],
    "silence": [Then.STALL],
}


def begun(stream: bytes, way: str) -> list[Step]:
    """Return the script of a stream that goes away after two thirds of its events."""
    blocks = stream.split(b"\n\n")
    part = b"\n\n".join(blocks[: len(blocks) * 2 // 3 - 1]) + b"\n\n"
    if way == "end of the connection":
        return [head("text/event-stream") + part, Then.CLOSE]
    return [OPEN_STREAM + chunked(part), *WAYS[way]]


def assert_is_error(stream: bytes, shape: str) -> None:
    """Check that the stream ends with the shape's error event and says nowhere that it is complete."""
    assert not any(end in stream for end in CLEAN_ENDS)
    events = [block for block in stream.split(b"\n\n") if block]
    names = [block.split(b"\n")[0] for block in events]
    if shape == "chat":
        assert set(json.loads(events[-1].removeprefix(b"data: "))["error"]) >= {"message", "type", "code"}
    elif shape == "messages":
        assert names[-1] == b"event: error"
    else:
        assert names[-2:] == [b"event: error", b"event: response.failed"]
        numbers = [json.loads(block.split(b"data: ")[1])["sequence_number"] for block in events]
        assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES)
def test_cut_passthrough_ends_with_an_error(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, way: str
) -> None:
    """A same-shape stream whose upstream goes away before its terminal event ends with an error event."""
    upstream.answer(begun(STREAMS[shape], way))
    request = for_model(REQUESTS[shape], f"slow-{shape}")
    answer = client.post(ENDPOINTS[shape], content=streamed(request), headers=JSON)
    assert answer.status_code == 200
    assert_is_error(answer.content, shape)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", ["messages", "responses"])
def test_cut_translated_stream_ends_with_an_error(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, way: str
) -> None:
    """A translated stream whose upstream goes away before a finish reason ends with an error event."""
    upstream.answer(begun(STREAMS["chat"], way))
    request = streamed(for_model(REQUESTS[shape], "slow"))
    answer = client.post(ENDPOINTS[shape], content=request, headers=JSON)
    assert answer.status_code == 200
    assert_is_error(answer.content, shape)


IN_BAND = b'data: {"error": {"message": "The engine is overloaded", "type": "server_error", "code": "overloaded"}}\n\n'


def test_error_in_mid_stream_raises_in_both_sdks(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """An error event of the upstream after some text raises in either SDK while the stream is read."""
    begin = STREAMS["chat"].partition(b'"finish_reason":"stop"')[0].rpartition(b"data: ")[0]
    upstream.answer([head("text/event-stream") + begin + IN_BAND])
    messages = anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=0).messages
    with (
        pytest.raises(anthropic.APIStatusError, match="overloaded"),
        messages.stream(model="only-chat", max_tokens=10, messages=[{"role": "user", "content": "Hi"}]) as stream,
    ):
        list(stream.text_stream)
    with pytest.raises(openai.APIError, match="overloaded"):
        list(
            openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0).responses.create(
                model="only-chat", input="Hi", stream=True
            )
        )


def test_finish_without_done_is_an_end(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A chat stream that gave its finish reason and then simply ends is complete."""
    upstream.answer([head("text/event-stream") + STREAMS["chat"].replace(b"data: [DONE]\n\n", b"")])
    request = streamed(for_model(REQUESTS["messages"], "only-chat"))
    answer = client.post("/v1/messages", content=request, headers=JSON)
    assert b"event: message_stop" in answer.content
    assert b"event: error" not in answer.content


def test_json_instead_of_a_stream_becomes_a_stream(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """An upstream that ignores `stream` and answers JSON is told as a correct stream of the client's shape."""
    body = (
        b'{"id":"chatcmpl-12345678","model":"m","created":1,"choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}'
    )
    upstream.answer([head("application/json", length=len(body)) + body])
    request = streamed(for_model(REQUESTS["messages"], "only-chat"))
    answer = client.post("/v1/messages", content=request, headers=JSON)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert b'"text":"Hello"' in answer.content
    assert answer.content.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


def test_upstream_that_keeps_the_connection_after_done_holds_nobody_up(
    client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """After `[DONE]` a translated reply is complete, even if the upstream never ends its body."""
    upstream.answer([OPEN_STREAM + chunked(STREAMS["chat"]), Then.STALL])
    request = streamed(for_model(REQUESTS["messages"], "only-chat"))
    answer = client.post("/v1/messages", content=request, headers=JSON, timeout=3)
    assert b"event: message_stop" in answer.content
    assert upstream.last.left.wait(2)


def test_huge_event_is_refused_without_growing(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """An event beyond 16 MiB ends a translated stream with an error."""
    upstream.answer([head("text/event-stream"), *[b"data: " + b"x" * 1_000_000] * 18, Then.CLOSE])
    request = streamed(for_model(REQUESTS["messages"], "only-chat"))
    answer = client.post("/v1/messages", content=request, headers=JSON)
    assert answer.status_code == 502
