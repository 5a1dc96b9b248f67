"""Server-sent events: where an event ends, what is data, and what leaves no trace."""

from __future__ import annotations

import pytest

from tests.translation.relaying import cuts
from translation.sse import MAX_EVENT_BYTES, EventTooLarge, ServerSentEvent, SseDecoder, encode_event

A, B = ServerSentEvent("", b"a"), ServerSentEvent("", b"b")


def events(stream: bytes, size: int) -> list[ServerSentEvent]:
    """Return the events of a stream that comes in reads of `size` bytes."""
    decoder = SseDecoder()
    found = [event for read in cuts(stream, size) for event in decoder.feed(read)]
    return [*found, *decoder.close()]


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", [A, B], id="LF ends a line"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [A, B], id="CRLF ends a line"),
        pytest.param(b"data: a\r\rdata: b\r\r", [A, B], id="CR ends a line"),
        pytest.param(b"data: a\r\n\ndata: b\n\r\n", [A, B], id="line ends may be mixed"),
        pytest.param(b"data:a\n\ndata: b\n\n", [A, B], id="one space after the colon is no data"),
        pytest.param(b"data:  a\n\n", [ServerSentEvent("", b" a")], id="a second space is data"),
        pytest.param(b"data: a\ndata: b\n\n", [ServerSentEvent("", b"a\nb")], id="data lines are joined with LF"),
        pytest.param(b"data: a\ndata:\n\n", [ServerSentEvent("", b"a\n")], id="an empty data line is a line"),
        pytest.param(b"data\n\n", [ServerSentEvent("", b"")], id="a field without a colon is empty"),
        pytest.param(b"event: x\ndata: a\n\n", [ServerSentEvent("x", b"a")], id="an event has a name"),
        pytest.param(b"event: x\nevent: y\ndata: a\n\n", [ServerSentEvent("y", b"a")], id="the last name wins"),
        pytest.param(b"data: a\nevent: x\n\n", [ServerSentEvent("x", b"a")], id="the name may come last"),
        pytest.param(b"event: x\n\ndata: b\n\n", [B], id="a name without data is no event"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [A], id="a BOM at the start is ignored"),
        pytest.param(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [], id="only one BOM is ignored"),
        pytest.param(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [A], id="a BOM elsewhere is part of the field's name"),
        pytest.param(
            b"data: \xef\xbb\xbf\n\n", [ServerSentEvent("", b"\xef\xbb\xbf")], id="a BOM within the data is data"
        ),
        pytest.param(b": hello\n\ndata: a\n\n: hello\ndata: b\n\n", [A, B], id="comments leave no trace"),
        pytest.param(b"id: 1\n\nretry: 5\n\nid: 2\ndata: a\n\n", [A], id="id and retry leave no trace"),
        pytest.param(b"other: 1\ndata: a\n\n", [A], id="unknown fields leave no trace"),
        pytest.param(b"\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [A, B], id="further blank lines leave no trace"),
        pytest.param(b"data: a\n\ndata: b", [A, B], id="the last event needs no blank line"),
        pytest.param(b"data: a\n\ndata: b\n", [A, B], id="the last event needs no second line end"),
        pytest.param(b"data: a\r\n\r\ndata: b\r", [A, B], id="the last line may end with a lone CR"),
        pytest.param(
            "data: 👩‍🚀 東\n\n".encode(), [ServerSentEvent("", "👩‍🚀 東".encode())], id="characters survive every cut"
        ),
        pytest.param(b"data: \xff\n\n", [ServerSentEvent("", b"\xff")], id="bytes that are no text are handed on"),
        pytest.param(b"", [], id="no bytes are no event"),
        pytest.param(b"\xef\xbb", [], id="half a BOM is no event"),
    ],
)
def test_stream_has_these_events(stream: bytes, expected: list[ServerSentEvent], size: int) -> None:
    """A stream has the events that the standard says, in reads of 1 byte, of 7, and in one."""
    assert events(stream, size) == expected


@pytest.mark.parametrize(
    "stream",
    [
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        b"data: a\r\rdata: b\r\r",
        b"data: a\n\ndata: b\r\n\r\n",
        b"data: a\n\r\ndata: b\r\r",
    ],
)
def test_line_end_may_be_cut_anywhere(stream: bytes) -> None:
    """A read that ends between CR and LF, at whichever line, does not make two line ends of one."""
    for at in range(len(stream) + 1):
        decoder = SseDecoder()
        assert [*decoder.feed(stream[:at]), *decoder.feed(stream[at:]), *decoder.close()] == [A, B]


def test_event_is_told_with_its_blank_line() -> None:
    """An event is told at once when its blank line has come, not with the event after it."""
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\n") == [A]


@pytest.mark.parametrize(
    ("stream", "pending"),
    [
        (b"", False),
        (b"data: a\n\n", False),
        (b"data: a\n\ndat", True),
        (b"data: a\n", True),
        (b": hello\n\n", False),
        (b"data: a\n\n\n", False),
    ],
)
def test_decoder_knows_whether_it_stands_inside_an_event(stream: bytes, pending: bool) -> None:
    """`pending` tells whether bytes of an event have come that is not complete."""
    decoder = SseDecoder()
    decoder.feed(stream)
    assert decoder.pending is pending


def test_event_has_a_bound() -> None:
    """An event that grows beyond the limit raises instead of filling the memory, and is forgotten."""
    decoder = SseDecoder()
    half = b"data: " + b"a" * (MAX_EVENT_BYTES // 2)
    decoder.feed(half)
    with pytest.raises(EventTooLarge, match=str(MAX_EVENT_BYTES)):
        decoder.feed(half)
    assert not decoder.pending
    assert decoder.feed(b"data: b\n\n") == [B]


def test_bound_is_one_of_events_and_not_of_reads() -> None:
    """Many small events in one big read are no big event."""
    event = b"data: " + b"a" * 1_000_000 + b"\n\n"
    assert len(SseDecoder().feed(event * 17 + b"data: b")) == 17


@pytest.mark.parametrize(
    ("name", "data", "wire"),
    [("", b"{}", b"data: {}\n\n"), ("ping", b"{}", b"event: ping\ndata: {}\n\n")],
)
def test_event_is_written_as_it_is_read(name: str, data: bytes, wire: bytes) -> None:
    """An event is its name, if it has one, one line of data and a blank line; reading gives it back."""
    assert encode_event(name, data) == wire
    assert SseDecoder().feed(wire) == [ServerSentEvent(name, data)]
