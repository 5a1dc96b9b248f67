"""Usage that only the gateway asked for: how it is asked for, and how it leaves the stream again."""

from __future__ import annotations

import pytest

from translation.events import Usage
from translation.failures import TRUNCATED
from translation.hub import Wire
from translation.shapes.chat.usage_asked import UsageTakingTap, ask_for_usage

ROLE = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}],"usage":null}\n\n'
TEXT = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null}\n\n'
QUOTED = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"\\"choices\\":[],\\"usage\\":{\\"a\\":1}"},'
    b'"finish_reason":null}],"usage":null}\n\n'
)
FINISH = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n'
USAGE = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\n'
DONE = b"data: [DONE]\n\n"
FILTERED = b'data: {"choices":[],"id":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'
RUNNING = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"total_tokens":1}}\n\n'


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ({"a": 1}, {"a": 1, "stream_options": {"include_usage": True}}),
        ({"stream_options": None, "a": 1}, {"stream_options": {"include_usage": True}, "a": 1}),
        ({"stream_options": {}}, {"stream_options": {"include_usage": True}}),
        (
            {"stream_options": {"include_obfuscation": False, "include_usage": False}},
            {"stream_options": {"include_obfuscation": False, "include_usage": True}},
        ),
    ],
)
def test_usage_is_asked_for_beside_the_clients_options(sent: Wire, asked: Wire) -> None:
    """A client that did not ask has its other options kept, and its own request left alone."""
    before = {**sent}
    assert ask_for_usage(sent) == asked
    assert sent == before


@pytest.mark.parametrize("options", [{"include_usage": True}, "odd", {"include_usage": "yes"}])
def test_a_client_that_asked_or_means_something_else_is_left_alone(options: object) -> None:
    """What the client says of usage itself goes on as it is, so that the upstream can judge it."""
    wire = {"stream_options": options}
    assert ask_for_usage(wire) is wire


def passed_on(stream: bytes, cut: int) -> bytes:
    """Return what the client gets of a stream that comes in reads of `cut` bytes, 0 for whole."""
    tap, size = UsageTakingTap(), cut or len(stream)
    pieces = [tap.pass_on(stream[at : at + size]) for at in range(0, len(stream), size)]
    return b"".join([*pieces, tap.rest()])


CUTS = [0, 1, 2, 7, 64, 300]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "usage",
    [
        USAGE,
        b'data: { "choices" : [ ] , "usage" : { "total_tokens" : 7, "prompt_tokens":5, "completion_tokens":2} }\n\n',
        b'event: message\nid: 5\ndata: {"usage":{"prompt_tokens":5,"completion_tokens":2},\ndata: "choices":[]}\n\n',
    ],
)
def test_only_the_chunk_with_the_usage_is_taken_out(usage: bytes, line_end: bytes, cut: int) -> None:
    """However the stream is cut and written, every other byte goes on."""
    before, after = (
        part.replace(b"\n", line_end) for part in (b": hello\n\n" + FILTERED + ROLE + TEXT + QUOTED + FINISH, DONE)
    )
    assert passed_on(before + usage.replace(b"\n", line_end) + after, cut) == before + after


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    "stream",
    [
        ROLE + FILTERED + FINISH + DONE,
        ROLE + RUNNING + FINISH + DONE,
        ROLE + b'data: {"choices":[],"usage":null}\n\n' + FINISH + DONE + b": the end of the end\n\n",
        ROLE + FINISH + b'data: {"choices":[],"usage":{"total_tokens":1},"error":{"message":"late"}}\n\n',
        ROLE + FINISH + b'data: not JSON with "usage" inside\n\n' + DONE,
        ROLE + FINISH + b"data: [DONE]",
    ],
)
def test_a_stream_without_that_chunk_goes_on_byte_for_byte(stream: bytes, cut: int) -> None:
    """Usage beside choices, chunks without choices and what nobody can read are the client's own."""
    assert passed_on(stream, cut) == stream


def test_comments_beside_the_usage_stay() -> None:
    """A comment in the lines of the event is none of our asking."""
    stream = FINISH + b": busy\n" + USAGE + DONE
    assert passed_on(stream, 0) == FINISH + b": busy\n" + DONE


def test_a_chunk_with_the_usage_at_the_very_end_is_taken_out_too() -> None:
    """The blank line after the last event may be missing."""
    assert passed_on(FINISH + USAGE.rstrip(), 5) == FINISH


def test_whole_events_go_on_at_once() -> None:
    """Nothing of an event that has come whole waits for the next read."""
    tap = UsageTakingTap()
    for event in (ROLE, TEXT, QUOTED, FINISH):
        assert tap.pass_on(event) == event
    assert [tap.pass_on(event) for event in (USAGE, DONE)] == [b"", DONE]


def test_usage_is_counted_though_the_client_does_not_see_it() -> None:
    """The tap reads what it takes out."""
    tap = UsageTakingTap()
    tap.pass_on(ROLE + FINISH + USAGE + DONE)
    assert tap.usage == Usage(input_tokens=5, output_tokens=2)
    assert tap.ended


def test_half_an_event_of_a_stream_that_broke_off_is_not_told() -> None:
    """What nobody could read is not put in front of the error."""
    tap = UsageTakingTap()
    assert tap.pass_on(ROLE + TEXT[:20]) == ROLE
    assert tap.rest() == b""
    assert b'"error"' in tap.failure_event(TRUNCATED, "r")


def test_an_event_that_comes_in_many_reads_goes_on_whole() -> None:
    """It is held back until its end, since the chunk with the usage could begin like it."""
    tap = UsageTakingTap()
    start, piece, end = b'data: {"choices":[{"delta":{"content":"', b"x" * 4096, b'"}}]}\n\n'
    assert [tap.pass_on(read) for read in (start, *[piece] * 100)] == [b""] * 101
    assert tap.pass_on(end) == start + piece * 100 + end
