"""Streams on their way: what is told, what ends a stream, and that nothing comes after its end."""

from __future__ import annotations

import pytest

from tests.grammar import messages
from tests.translation.relaying import chat_stream, chunk, cuts, streamed, translation
from translation.events import Usage
from translation.failures import Failure, FailureKind
from translation.sse import MAX_EVENT_BYTES

HELLO = chunk(None, content="Hello")
COMPLETE = chat_stream(HELLO, chunk("stop"))
LOST = Failure(status=504, kind=FailureKind.TIMEOUT, message="the upstream is silent", code="timeout")


def types(told: bytes) -> list[str]:
    """Return the types of the events of a lawful Messages stream."""
    return [event["type"] for event in messages.check(told)]


def test_each_event_is_told_when_it_comes() -> None:
    """The client reads a word as soon as the upstream has said it, and nothing is held until the end."""
    stream = translation("messages").stream()
    assert not stream.started
    assert b"message_start" in stream.feed(chat_stream(chunk(None, role="assistant"), done=False))
    assert stream.started
    assert b'"text":"Hello"' in stream.feed(chat_stream(HELLO, done=False))
    assert not stream.over


def test_complete_stream_ends_without_the_end_of_the_connection() -> None:
    """The upstream's own end ends the client's stream; closing it afterwards adds nothing."""
    stream = translation("messages").stream()
    assert stream.feed(COMPLETE).endswith(b'data: {"type":"message_stop"}\n\n')
    assert stream.over
    assert (stream.failure, stream.close()) == (None, b"")


@pytest.mark.parametrize("rest", [b"data: [DONE]\n\n", COMPLETE, b"garbage\n\n", b"data: {\n\n", b"\xff" * 99])
def test_bytes_after_the_end_are_ignored(rest: bytes) -> None:
    """Whatever an upstream sends after its end is no part of the reply, in the same read or in a later one."""
    expected = streamed(translation("messages"), [COMPLETE])
    assert streamed(translation("messages"), [COMPLETE + rest]) == expected
    assert streamed(translation("messages"), [COMPLETE, rest]) == expected


@pytest.mark.parametrize(
    ("end", "complete"),
    [
        pytest.param(chat_stream(chunk("stop"), done=False), True, id="a finish and no DONE"),
        pytest.param(chat_stream(chunk("stop"), done=False).rstrip(), True, id="a finish and no blank line"),
        pytest.param(b"data: [DONE]", True, id="DONE and no finish"),
        pytest.param(b"", False, id="neither"),
        pytest.param(b'data: {"choices":[{"delta":{},"finish_rea', False, id="half a finish"),
    ],
)
def test_connection_that_ends_is_an_end_only_after_the_upstreams_own_word(end: bytes, complete: bool) -> None:
    """A finish or `[DONE]` is an end; the end of the bytes alone is a failure, whatever was said before."""
    stream = translation("messages").stream()
    told = stream.feed(chat_stream(HELLO, done=False) + end) + stream.close()
    assert types(told)[-1] == ("message_stop" if complete else "error")
    assert (stream.failure is None) is complete


def test_stream_without_a_byte_fails() -> None:
    """A connection that closes before its first event is a truncated stream."""
    stream = translation("messages").stream()
    assert types(stream.close()) == ["error"]
    assert stream.failure is not None
    assert stream.failure.code == "upstream_truncated"


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_words_before_a_broken_event_are_told(size: int) -> None:
    """What was said before an event that is no JSON reaches the client, also if both came in one read."""
    stream = translation("messages").stream()
    wire = chat_stream(HELLO, done=False) + b"data: {broken\n\n" + COMPLETE
    told = b"".join([stream.feed(read) for read in cuts(wire, size)]) + stream.close()
    assert types(told)[-2:] == ["content_block_delta", "error"]
    assert told.count(b"Hello") == 1
    assert stream.failure is not None
    assert (stream.failure.status, stream.failure.code) == (502, "upstream_protocol_error")


def test_event_without_end_fails_the_stream_once() -> None:
    """An event beyond the bound is a failure, and what follows it is ignored."""
    stream = translation("messages").stream()
    told = stream.feed(chat_stream(HELLO, done=False))
    told += stream.feed(b"data: " + b"a" * MAX_EVENT_BYTES)
    assert types(told)[-1] == "error"
    assert stream.feed(b"a" * 99) + stream.feed(COMPLETE) + stream.close() == b""


def test_failure_on_the_way_is_told_once() -> None:
    """A failure that the relay reports becomes the client's error; bytes, failures and ends after it nothing."""
    stream = translation("messages").stream()
    told = stream.feed(chat_stream(HELLO, done=False) + chat_stream(HELLO, done=False).rstrip())
    told += stream.fail(LOST)
    assert types(told)[-1] == "error"
    assert stream.failure is LOST
    assert stream.fail(LOST) + stream.feed(COMPLETE) + stream.close() == b""


def test_failure_after_the_end_is_none() -> None:
    """A connection that breaks after the upstream's own end has lost nothing."""
    stream = translation("messages").stream()
    stream.feed(COMPLETE)
    assert (stream.fail(LOST), stream.failure) == (b"", None)


def test_usage_is_known_when_it_came() -> None:
    """The translator knows what the upstream counted, for the record of the relay."""
    stream = translation("messages").stream()
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}
    stream.feed(chat_stream(HELLO, chunk("stop"), usage))
    assert stream.usage == Usage(input_tokens=9, output_tokens=3)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[]", 502, "upstream_protocol_error"),
        (b"<html>", 502, "upstream_protocol_error"),
        (b"\xff", 502, "upstream_protocol_error"),
        (b"[" * 100_000, 502, "upstream_protocol_error"),
        (b'{"choices":[]}', 502, "upstream_protocol_error"),
        (b'{"choices":[{"message":{},"finish_reason":"error"}]}', 502, "upstream_error"),
        (b'{"error":{"message":"too many","code":"rate_limit_exceeded"}}', 429, "rate_limit_exceeded"),
    ],
)
def test_whole_body_that_is_no_reply_fails_the_stream(body: bytes, status: int, code: str) -> None:
    """A body instead of a stream that holds no reply, or an error, is told as an error of the right kind."""
    stream = translation("messages").stream()
    assert types(stream.feed_whole(body)) == ["error"]
    assert stream.failure is not None
    assert (stream.failure.status, stream.failure.code) == (status, code)


def test_idle_client_is_kept_waiting_in_its_shape() -> None:
    """A Messages client gets a ping once its message has begun, and nothing before; a Responses client a comment."""
    stream = translation("messages").stream()
    assert stream.keep_alive() == b""
    stream.feed(chat_stream(HELLO, done=False))
    assert stream.keep_alive() == b'event: ping\ndata: {"type":"ping"}\n\n'
    assert translation("responses").stream().keep_alive().startswith(b":")


def test_stream_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is longer than any reply ends with an error, since encoders keep what was said of it."""
    monkeypatch.setattr("translation.stream.MAX_STREAM_BYTES", 1000)
    stream = translation("messages").stream()
    told = b"".join(stream.feed(chat_stream(HELLO, done=False)) for _ in range(20))
    assert types(told)[-1] == "error"
    assert stream.over
    assert stream.feed(COMPLETE) == b""
