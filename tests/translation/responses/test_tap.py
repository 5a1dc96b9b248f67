"""The tap of same-shape streams: usage and end, at any cut of the bytes, and the end of a stream that breaks."""

from __future__ import annotations

import pytest

from tests.grammar.responses import check
from translation.events import Usage
from translation.failures import Failure, FailureKind
from translation.shapes.responses.tap import ResponsesTap, usage_of

CREATED = (
    b"event: response.created\n"
    b'data: {"type":"response.created","response":{"id":"resp_1","object":"response","status":"in_progress",'
    b'"model":"m","output":[],"usage":null,"error":null},"sequence_number":0}\n\n'
)
IN_PROGRESS = (
    b"event: response.in_progress\n"
    b'data: {"type":"response.in_progress","response":{"id":"resp_1","object":"response","status":"in_progress",'
    b'"model":"m","output":[],"usage":null,"error":null},"sequence_number":1}\n\n'
)
DELTA = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","delta":"say \\"response.completed\\" \xf0\x9f\xa6\x89",'
    b'"sequence_number":2}\n\n'
)
USAGE = (
    b'{"input_tokens":20,"input_tokens_details":{"cached_tokens":8,"cache_write_tokens":2},"output_tokens":5,'
    b'"output_tokens_details":{"reasoning_tokens":3},"total_tokens":25}'
)
COUNTED = Usage(input_tokens=10, cache_read_tokens=8, cache_write_tokens=2, output_tokens=5, reasoning_tokens=3)


def terminal(name: str, usage: bytes = USAGE) -> bytes:
    """Return a terminal event of that name."""
    return (
        b"event: response.%b\n"
        b'data: {"type":"response.%b","response":{"id":"resp_1","output":[],"usage":%b},"sequence_number":3}\n\n'
        % (name.encode(), name.encode(), usage)
    )


def tapped(stream: bytes, cut: int = 0) -> ResponsesTap:
    """Return the tap that has read the stream in pieces of `cut` bytes, event by event if 0."""
    tap = ResponsesTap()
    pieces = [stream[i : i + cut] for i in range(0, len(stream), cut)] if cut else stream.split(b"\n\n")[:-1]
    for piece in pieces:
        tap.feed(piece if cut else piece + b"\n\n")
    return tap


@pytest.mark.parametrize("cut", [0, 1, 7, 100_000])
@pytest.mark.parametrize(
    ("name", "ended", "failed"),
    [("completed", True, False), ("incomplete", True, False), ("failed", False, True)],
)
def test_terminal_event_tells_usage_and_end(name: str, ended: bool, failed: bool, cut: int) -> None:
    """However the bytes are cut, the terminal event says how the reply ended and what it cost."""
    tap = tapped(CREATED + IN_PROGRESS + DELTA + terminal(name), cut)
    assert (tap.ended, tap.failed, tap.usage) == (ended, failed, COUNTED)
    assert tap.at_boundary


@pytest.mark.parametrize("cut", [0, 1, 7, 100_000])
def test_stream_without_a_terminal_event_has_not_ended(cut: int) -> None:
    """Words of the model that name an event end nothing."""
    tap = tapped(CREATED + IN_PROGRESS + DELTA, cut)
    assert (tap.ended, tap.failed, tap.usage) == (False, False, None)


@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"type":"error","code":"x","message":"m","param":null,"sequence_number":3}\n\n',
        b'event: error\ndata: {"type":"error","error":{"message":"m"},"sequence_number":3}\n\n',
        b'event: error\ndata: {"message":"m"}\n\n',
        b"event: error\ndata: not json\n\n",
        b'data: {"error":{"message":"m","code":502}}\n\n',
    ],
)
def test_error_event_means_failed(event: bytes) -> None:
    """An error in any of the forms that upstreams send is a failure, not an end."""
    tap = tapped(CREATED + event)
    assert (tap.ended, tap.failed) == (False, True)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"\n"])
def test_other_line_ends_are_read(line_end: bytes) -> None:
    """A stream with CRLF or CR ends is read as well."""
    tap = ResponsesTap()
    tap.feed((CREATED + terminal("completed")).replace(b"\n", line_end))
    assert (tap.ended, tap.usage, tap.at_boundary) == (True, COUNTED, True)


def test_events_without_names_are_read() -> None:
    """Some upstreams leave the `event:` lines out and end with `[DONE]`."""
    unnamed = b"\n\n".join(block.split(b"\n")[1] for block in (CREATED + terminal("completed")).split(b"\n\n")[:-1])
    tap = tapped(unnamed + b"\n\ndata: [DONE]\n\n", 7)
    assert (tap.ended, tap.usage) == (True, COUNTED)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (b"null", None),
        (b'{"input_tokens":7,"output_tokens":2}', Usage(input_tokens=7, output_tokens=2)),
        (b'{"input_tokens":null,"input_tokens_details":null}', Usage()),
        (b'{"input_tokens":"many"}', None),
    ],
)
def test_usage_may_lack_details(usage: bytes, expected: Usage | None) -> None:
    """Missing details are no tokens; a usage that is none is unknown, and the reply has ended all the same."""
    tap = tapped(CREATED + terminal("completed", usage))
    assert (tap.ended, tap.usage) == (True, expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id":"resp_1","usage":%b}' % USAGE, COUNTED),
        (
            b'{"usage":{"input_tokens":1,"output_tokens":1},"tool_usage":{"web_search":{"num_requests":2}}}',
            Usage(input_tokens=1, output_tokens=1, web_searches=2),
        ),
        (b'{"usage":null}', None),
        (b"{}", None),
        (b"[]", None),
        (b"\xff", None),
        (b"", None),
        (b"null", None),
    ],
)
def test_usage_of_a_whole_reply(body: bytes, expected: Usage | None) -> None:
    """A whole reply's usage is read; a body that is no reply has none."""
    assert usage_of(body) == expected


BROKEN = Failure(status=502, kind=FailureKind.SERVER, message="cut off", code="upstream_truncated")


@pytest.mark.parametrize("cut", [0, 1, 100_000])
def test_broken_stream_ends_as_the_same_response_that_failed(cut: int) -> None:
    """The failure continues the stream: its numbers, the response's id and model, and then nothing."""
    tap = tapped(CREATED + IN_PROGRESS, cut)
    events = check(CREATED + IN_PROGRESS + tap.failure_event(BROKEN, "req_1"))
    assert events[-1]["response"] == {
        "id": "resp_1",
        "object": "response",
        "status": "failed",
        "model": "m",
        "output": [],
        "usage": None,
        "error": {"code": "upstream_truncated", "message": "cut off"},
    }


def test_deltas_count_for_the_numbers_of_the_failure() -> None:
    """Events that are only counted, never parsed, still move the next number on."""
    plain = b'event: response.output_text.delta\ndata: {"delta":"a","sequence_number":2}\n\n'
    tap = tapped(CREATED + IN_PROGRESS + plain)
    assert b'"type":"error","sequence_number":3,' in tap.failure_event(BROKEN, "req_1")


def test_stream_that_never_began_fails_with_an_id_of_the_request() -> None:
    """Without a first event the failed response is called after the request."""
    events = check(ResponsesTap().failure_event(BROKEN, "req_1"))
    assert events[-1]["response"]["id"] == "resp_req_1"


def test_failure_in_the_middle_of_an_event_starts_on_a_line_of_its_own() -> None:
    """Half an event is closed first, so that the error is read as an event."""
    tap = ResponsesTap()
    tap.feed(CREATED + DELTA[:40])
    assert not tap.at_boundary
    assert tap.failure_event(BROKEN, "r").startswith(b"\n\nevent: error\n")


def test_keep_alive_is_a_comment_between_events_only() -> None:
    """A comment in the middle of an event would break it."""
    tap = ResponsesTap()
    assert tap.keep_alive() == b": keep-alive\n\n"
    tap.feed(CREATED[:20])
    assert tap.keep_alive() == b""
    tap.feed(CREATED[20:])
    assert tap.keep_alive() == b": keep-alive\n\n"
