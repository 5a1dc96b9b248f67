"""The tap of a chat relay: it reads usage and the end of the stream, whatever the network makes of the bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translation.chat_streams import WORDS, ChatStream, chat_streams, reads
from tests.translation.relaying import chat_stream, chunk, cuts
from translation.events import Usage
from translation.failures import Failure, FailureKind
from translation.shapes.chat.tap import ChatTap, usage_of
from translation.sse import MAX_EVENT_BYTES

COUNTS = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
USAGE = Usage(input_tokens=9, output_tokens=3)
HELLO = chunk(None, content="Hello")
Read = tuple[Usage | None, bool, bool]


def tapped(parts: Any) -> Read:
    """Return what a tap reads from these reads: usage, whether the stream ended, whether it failed."""
    tap = ChatTap()
    for part in parts:
        tap.feed(part)
    return tap.usage, tap.ended, tap.failed


def spaced(chunk_: dict[str, Any]) -> bytes:
    """Return a chunk with spaces between its tokens, as some servers write it."""
    return b"data: %b\n\n" % json.dumps(chunk_).encode()


OPENING = chat_stream(chunk(None, role="assistant"), HELLO, done=False)

STREAMS = [
    pytest.param(b"", (None, False, False), id="nothing"),
    pytest.param(chat_stream(HELLO, done=False), (None, False, False), id="words only"),
    pytest.param(chat_stream(HELLO), (None, True, False), id="DONE"),
    pytest.param(chat_stream(HELLO, chunk("stop"), done=False), (None, True, False), id="a finish"),
    pytest.param(spaced(chunk("stop")), (None, True, False), id="a finish with spaces"),
    pytest.param(chat_stream(chunk("", content="a"), done=False), (None, False, False), id="an empty finish reason"),
    pytest.param(chat_stream(chunk("error"), done=False), (None, False, True), id="a finish that is an error"),
    pytest.param(chat_stream({"choices": [], "usage": COUNTS}), (USAGE, True, False), id="usage"),
    pytest.param(spaced({"choices": [], "usage": COUNTS}), (USAGE, False, False), id="usage with spaces"),
    pytest.param(
        chat_stream({**chunk("stop"), "usage": COUNTS}, {"choices": [], "usage": None}),
        (USAGE, True, False),
        id="null after usage",
    ),
    pytest.param(
        chat_stream({**chunk("stop"), "x_groq": {"usage": COUNTS}}, done=False), (USAGE, True, False), id="Groq's usage"
    ),
    pytest.param(b'data: {"error":{"message":"no"}}\n\n', (None, False, True), id="an error"),
    pytest.param(b'data: {"error":null,"choices":[]}\n\n', (None, False, False), id="no error"),
    pytest.param(b'event: error\ndata: {"message":"no"}\n\n', (None, False, True), id="an event named error"),
    pytest.param(b"data: {broken\n\ndata: [DONE]\n\n", (None, True, False), id="an event that is no JSON"),
    pytest.param(chat_stream(HELLO, chunk("stop")).replace(b"\n", b"\r\n"), (None, True, False), id="CRLF"),
    pytest.param(chat_stream(HELLO, chunk("stop")).replace(b"\n", b"\r"), (None, True, False), id="CR"),
    pytest.param(
        chat_stream(chunk(None, content='"finish_reason":"stop" "usage":{} [DONE] "error":{}'), done=False),
        (None, False, False),
        id="words that look like an end",
    ),
]


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize(("wire", "expected"), STREAMS)
def test_tap_reads_usage_and_the_end(wire: bytes, expected: Read, size: int) -> None:
    """Usage, end and failure are known whether the bytes come one by one, in sevens or at once, after other events."""
    assert tapped([*cuts(wire, size)]) == expected
    assert tapped([OPENING, *cuts(wire, size)]) == expected


@settings(max_examples=60, deadline=None)
@given(data=st.data(), stream=chat_streams(), words=WORDS, failed=st.booleans())
def test_short_way_misses_nothing(data: st.DataObject, stream: ChatStream, words: str, failed: bool) -> None:
    """The tap reads the same from any cuts, also from those at events, at which it takes its short way."""
    error = chat_stream({"error": {"message": words}}, done=False) if failed else b""
    wire = error + stream.wire
    whole = tapped([wire])
    assert whole == (USAGE, True, failed)
    assert tapped(data.draw(reads(wire))) == whole
    assert tapped([event + b"\n\n" for event in wire.split(b"\n\n")[:-1]]) == whole


@pytest.mark.parametrize(("wire", "boundary"), [(b"", True), (OPENING, True), (OPENING + b"data: {", False)])
def test_nothing_is_put_into_the_middle_of_an_event(wire: bytes, boundary: bool) -> None:
    """A comment that keeps the client waiting goes between events only."""
    tap = ChatTap()
    tap.feed(wire)
    assert tap.at_boundary is boundary
    assert tap.keep_alive() == (b": keep-alive\n\n" if boundary else b"")


@pytest.mark.parametrize(("wire", "lead"), [(OPENING, b""), (OPENING + b'data: {"cho', b"\n\n")])
def test_error_is_an_event_of_its_own_and_the_last(wire: bytes, lead: bytes) -> None:
    """The error of a stream that breaks is one chunk, after the event that was cut, and no `[DONE]` follows it."""
    tap = ChatTap()
    tap.feed(wire)
    failure = Failure(status=504, kind=FailureKind.TIMEOUT, message="silent")
    told = tap.failure_event(failure, "req_1")
    body = b'{"error":{"message":"silent","type":"server_error","param":null,"code":"timeout"}}'
    assert told == lead + b"data: %b\n\n" % body


def test_event_without_end_does_not_fill_the_memory() -> None:
    """A tap that meets an event beyond the bound calls the stream failed and reads no further."""
    tap = ChatTap()
    tap.feed(b"data: " + b"a" * MAX_EVENT_BYTES)
    assert (tap.failed, tap.at_boundary) == (True, False)
    tap.feed(b"a" * 99)
    tap.feed(b"\n\n" + chat_stream(HELLO, chunk("stop")))
    assert (tap.ended, tap.at_boundary) == (False, False)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (json.dumps({"usage": COUNTS}).encode(), USAGE),
        (b'{"usage":null}', None),
        (b"{}", None),
        (b"[]", None),
        (b"<html>", None),
        (b"\xff", None),
        (b'{"usage":[]}', None),
        (b"[" * 100_000, None),
    ],
)
def test_usage_of_a_whole_completion_is_read(body: bytes, usage: Usage | None) -> None:
    """The counts of a body are read where it has them; a body of any other kind has none."""
    assert usage_of(body) == usage
