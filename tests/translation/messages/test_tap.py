"""Reading along with a Messages stream that is passed on as it came."""

from __future__ import annotations

import anthropic
import pytest

from tests.grammar.messages import parse
from tests.translation.messages.conftest import Accumulate
from translation.events import Usage
from translation.failures import Failure, FailureKind
from translation.shapes.messages import SHAPE
from translation.shapes.messages.tap import MessagesTap
from translation.shapes.messages.usage import usage_of

START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    b'"model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,'
    b'"cache_creation_input_tokens":3,"cache_read_input_tokens":8,"output_tokens":1}}}\n\n'
)
BLOCK = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":'
    b'{"type":"text","text":""}}\n\n'
    b'event: ping\ndata: {"type":"ping"}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"an error in message_delta \xf0\x9f\x9a\x80"}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
)
DELTA = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":25,"output_tokens_details":{"thinking_tokens":4},'
    b'"server_tool_use":{"web_search_requests":2}}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
ERROR = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
COUNTED = Usage(
    input_tokens=12,
    cache_read_tokens=8,
    cache_write_tokens=3,
    output_tokens=25,
    reasoning_tokens=4,
    web_searches=2,
)
FAILURE = Failure(status=502, kind=FailureKind.SERVER, message="The upstream's stream was cut.")


def fed(stream: bytes, size: int = 1_000_000) -> MessagesTap:
    """Return a tap that has read the stream in pieces of `size`."""
    tap = MessagesTap()
    for start in range(0, len(stream), size):
        tap.feed(stream[start : start + size])
    return tap


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_whole_stream_is_counted(size: int, line_end: bytes) -> None:
    """However the stream is cut and its lines end, the later counts replace the earlier ones, and the end is seen."""
    tap = fed((START + BLOCK + DELTA + STOP).replace(b"\n", line_end), size)
    assert tap.usage == COUNTED
    assert (tap.ended, tap.failed, tap.at_boundary) == (True, False, True)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_stop_reason_is_an_end(size: int) -> None:
    """Some servers leave out the last event; the reply is complete once its stop reason was told."""
    assert fed(START + BLOCK + DELTA, size).ended


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_cut_stream_has_not_ended(size: int) -> None:
    """Words that speak of the end are not the end."""
    tap = fed(START + BLOCK, size)
    assert (tap.ended, tap.failed) == (False, False)
    assert tap.usage == Usage(input_tokens=12, cache_read_tokens=8, cache_write_tokens=3, output_tokens=1)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_error_event_is_a_failure(size: int) -> None:
    """A stream that the upstream broke off with an error has failed and not ended."""
    tap = fed(START + BLOCK, size)
    for start in range(0, len(ERROR), size):
        tap.feed(ERROR[start : start + size])
    assert (tap.ended, tap.failed) == (False, True)


@pytest.mark.parametrize(
    "odd",
    [
        b": keep-alive\n\n",
        b"event: message_delta\ndata: {broken\n\n",
        b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":"many"}}\n\n',
        b"event: message_delta\ndata: \xff\n\n",
        b'event: message_news\ndata: {"type":"message_news"}\n\n',
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":null},"usage":null}\n\n',
    ],
)
def test_odd_event_changes_nothing(odd: bytes) -> None:
    """What the tap cannot read is the client's affair; counts and state stay as they were."""
    tap = fed(START + odd + BLOCK)
    assert (tap.ended, tap.failed, tap.at_boundary) == (False, False, True)
    assert tap.usage == fed(START).usage


def test_unreadable_error_is_a_failure() -> None:
    """An event that is called error is one, whatever its data."""
    assert fed(START + b"event: error\ndata: error: no more\n\n").failed


def test_oversized_event_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event beyond the limit is passed on unread; what comes after it is read again."""
    monkeypatch.setattr("translation.sse.MAX_EVENT_BYTES", 2000)
    tap = fed(START)
    tap.feed(b"data: " + b"x" * 3000)
    tap.feed(b"\n\n")
    tap.feed(DELTA)
    assert tap.usage == COUNTED


def test_float_counts_are_taken() -> None:
    """Some servers write counts as floats."""
    tap = fed(b'data: {"type":"message_delta","usage":{"input_tokens":3.0,"output_tokens":2.0}}\n\n')
    assert tap.usage == Usage(input_tokens=3, output_tokens=2)


def test_ping_only_between_events_of_a_message() -> None:
    """A ping comes after message_start, between events, and before the end; anywhere else there is none."""
    tap = MessagesTap()
    assert tap.keep_alive() == b""
    tap.feed(START[:40])
    assert (tap.keep_alive(), tap.at_boundary) == (b"", False)
    tap.feed(START[40:])
    assert tap.keep_alive() == b'event: ping\ndata: {"type":"ping"}\n\n'
    tap.feed(BLOCK[:-1])
    assert tap.keep_alive() == b""
    tap.feed(BLOCK[-1:])
    assert tap.keep_alive() != b""
    tap.feed(DELTA)
    assert tap.keep_alive() == b""


def test_no_ping_after_an_error() -> None:
    """Nothing follows an error."""
    assert fed(START + ERROR).keep_alive() == b""


def test_failure_between_events() -> None:
    """A stream that breaks between events gets the error event and nothing else."""
    stream = START + fed(START).failure_event(FAILURE, "req_1")
    assert parse(stream)[-1] == {
        "type": "error",
        "error": {"type": "api_error", "message": "The upstream's stream was cut."},
        "request_id": "req_1",
    }


@pytest.mark.parametrize("cut", [1, 20, 60, 120, len(BLOCK) - 1])
def test_failure_inside_an_event_is_raised_by_the_client(cut: int, accumulate: Accumulate) -> None:
    """A stream that breaks inside an event still makes the official client raise its own error."""
    stream = START + BLOCK[:cut]
    with pytest.raises(anthropic.APIStatusError):
        accumulate(stream + fed(stream).failure_event(FAILURE, "req_1"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"content":[],"usage":{"input_tokens":3,"output_tokens":2}}', Usage(input_tokens=3, output_tokens=2)),
        (
            b'{"usage":{"input_tokens":3,"cache_read_input_tokens":null,"cache_creation_input_tokens":1,"output_tokens":2}}',
            Usage(input_tokens=3, cache_write_tokens=1, output_tokens=2),
        ),
        (b'{"usage":null}', None),
        (b"{}", None),
        (b"", None),
        (b"[]", None),
        (b"\xff", None),
        (b'{"usage":{"input_tokens":"many"}}', None),
    ],
)
def test_usage_of_a_whole_reply(raw: bytes, expected: Usage | None) -> None:
    """A reply that did not stream has its counts in one member; without them, or unreadable, it has none."""
    assert usage_of(raw) == expected


def test_shape_is_complete_for_clients() -> None:
    """The shape's record names all that serving its clients takes."""
    assert (SHAPE.name, SHAPE.path) == ("messages", "/messages")
    assert SHAPE.client is not None
    assert isinstance(SHAPE.tap(), MessagesTap)
