"""Server-sent events as they are read from upstreams and written to clients, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from tests.translation import official_clients
from tests.translation.answers import ANSWERS, error_of, events_of, read_of, stream_of, whole_of
from tests.translation.conversations import GRAMMARS, MODELS, request, user
from tests.translation.relaying import PAIRS, chat_stream, chunk, cuts, streamed, translation
from translation.shapes import SHAPES
from translation.sse import ServerSentEvent, SseDecoder
from translation.translator import Translation, translate_reply

each_pair = pytest.mark.parametrize(("client", "upstream"), PAIRS)
each_shape = pytest.mark.parametrize("shape", SHAPES)
EVERYTHING = ANSWERS["everything"]
BOM = b"\xef\xbb\xbf"


def relay(client: str, upstream: str) -> Translation:
    """Return the relay of a small request."""
    return translation(client, request(client, [user("hi")]), MODELS[upstream], upstream=upstream)


def told(client: str, upstream: str, *reads: bytes) -> bytes:
    """Return what the client reads while the upstream sends these reads and then closes."""
    return streamed(relay(client, upstream), reads)


def untouched(client: str, upstream: str) -> bytes:
    """Return what the client reads of the stream as it is usually written, after checking that it is all there."""
    stream = told(client, upstream, stream_of(upstream, EVERYTHING))
    assert read_of(client, official_clients.of_stream(client, stream))[0] == EVERYTHING
    return stream


def tapped(shape: str, reads: Iterable[bytes]) -> tuple[object, bool]:
    """Return what a same-shape relay reads along: the tokens, and whether the reply is complete."""
    tap = SHAPES[shape].tap()
    for read in reads:
        tap.feed(read)
    return tap.usage, tap.ended


def decoded(*reads: bytes) -> list[ServerSentEvent]:
    """Return the events of these reads."""
    decoder = SseDecoder()
    return [*(event for read in reads for event in decoder.feed(read)), *decoder.close()]


@each_pair
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_line_ends(client: str, upstream: str, line_end: bytes, size: int) -> None:
    """24. A stream whose lines end with LF, with CRLF or with CR is read alike, translated or passed through."""
    usual = stream_of(upstream, EVERYTHING)
    stream = usual.replace(b"\n", line_end)
    assert told(client, upstream, *cuts(stream, size)) == untouched(client, upstream)
    assert tapped(upstream, cuts(stream, size)) == tapped(upstream, [usual])
    assert tapped(upstream, [usual])[0] is not None


@each_pair
def test_cut_line_end(client: str, upstream: str) -> None:
    """25. A CRLF whose CR ends one read and whose LF begins the next is one line end, not two."""
    stream = stream_of(upstream, EVERYTHING).replace(b"\n", b"\r\n")
    expected = untouched(client, upstream)
    places = [at + 1 for at in range(len(stream)) if stream[at : at + 2] == b"\r\n"]
    assert len(places) > 10
    for place in places:
        assert told(client, upstream, stream[:place], stream[place:]) == expected
    assert decoded(b"event: x\r", b"\ndata: y\r", b"\n\r", b"\n") == [ServerSentEvent("x", b"y")]


@each_pair
@pytest.mark.parametrize("inside", [1, 2, 3])
def test_cut_character(client: str, upstream: str, inside: int) -> None:
    """26. A character of four bytes that is cut by the network, at any of its three inner places, arrives whole."""
    stream = stream_of(upstream, ANSWERS["text"])
    place = stream.index("👩".encode()) + inside
    got = told(client, upstream, stream[:place], stream[place:])
    assert got == told(client, upstream, stream)
    assert read_of(client, official_clients.of_stream(client, got))[0].text == ANSWERS["text"].text


@each_pair
def test_space_after_the_colon(client: str, upstream: str) -> None:
    """27. One space after the colon of `data:` is no data, whether it is there or not; a second one is."""
    stream = stream_of(upstream, EVERYTHING)
    assert told(client, upstream, stream.replace(b"data: ", b"data:")) == untouched(client, upstream)
    assert decoded(b"data:x\n\n") == decoded(b"data: x\n\n") == [ServerSentEvent("", b"x")]
    assert decoded(b"data:  x\n\n") == [ServerSentEvent("", b" x")]
    assert decoded(b"event: e\ndata:  x\n\n") == [ServerSentEvent("e", b" x")]


@each_pair
def test_lines_of_data(client: str, upstream: str) -> None:
    """28. The `data:` lines of one event are joined with a line feed."""
    stream = stream_of(upstream, EVERYTHING)
    assert told(client, upstream, stream.replace(b"data: {", b"data: {\ndata: ")) == untouched(client, upstream)
    assert decoded(b"data: a\ndata:\ndata: b\n\n") == [ServerSentEvent("", b"a\n\nb")]


@each_pair
@pytest.mark.parametrize("size", [1, 2, 1_000_000])
def test_byte_order_mark(client: str, upstream: str, size: int) -> None:
    """29. A byte order mark at the beginning of a stream is ignored, and is data anywhere else."""
    stream = stream_of(upstream, EVERYTHING)
    assert told(client, upstream, *cuts(BOM + stream, size)) == untouched(client, upstream)
    assert decoded(*cuts(BOM + b"data: a\n\ndata: " + BOM + b"\n\n", size)) == [
        ServerSentEvent("", b"a"),
        ServerSentEvent("", BOM),
    ]
    marked = stream.replace(b'"So: ', b'"' + BOM + b"So: ").replace(b'"I loo', b'"' + BOM + b"I loo")
    assert BOM in told(client, upstream, *cuts(marked, size))


@each_pair
@pytest.mark.parametrize("block", [b": PROCESSING\n\n", b"id: 7\n\n", b"retry: 10\n\n", b": a\nid: 7\nretry: 10\n\n"])
def test_blocks_without_data(client: str, upstream: str, block: bytes) -> None:
    """30. Blocks that hold only comments, `id:` or `retry:` lines leave no trace in a translated stream."""
    events = stream_of(upstream, EVERYTHING).split(b"\n\n")
    stream = b"".join(block + event + b"\n\n" for event in events if event) + block
    assert told(client, upstream, stream) == untouched(client, upstream)


def _until_it_is_complete(upstream: str) -> bytes:
    """Return a stream whose last event is the one that says that the reply is complete."""
    stream = stream_of(upstream, EVERYTHING)
    if upstream == "chat":
        return stream[: stream.index(b"\n\n", stream.index(b'"finish_reason":"tool_calls"')) + 2]
    return stream.removesuffix(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


@each_pair
@pytest.mark.parametrize("left_out", [1, 2])
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_last_event_without_its_blank_line(client: str, upstream: str, left_out: int, size: int) -> None:
    """31. The last event of a stream counts also where the blank line after it is missing, unless it is cut itself."""
    stream = _until_it_is_complete(upstream)
    whole = told(client, upstream, stream)
    assert GRAMMARS[client](whole)
    assert read_of_text(client, whole) == EVERYTHING.text
    assert told(client, upstream, *cuts(stream[:-left_out], size)) == whole
    assert b"before the reply was complete" in told(client, upstream, *cuts(stream[:-3], size))


def read_of_text(client: str, stream: bytes) -> str:
    """Return the text that the official client reads, of a stream that may have no counts."""
    reply = official_clients.of_stream(client, stream)
    if client == "chat":
        text: str = reply["choices"][0]["message"]["content"]
        return text
    blocks = reply["content"] if client == "messages" else [p for i in reply["output"] for p in i.get("content") or ()]
    return "".join(block["text"] for block in blocks if block["type"] in ("text", "output_text"))


@each_pair
@pytest.mark.parametrize("name", ANSWERS)
def test_reads_of_any_size(client: str, upstream: str, name: str) -> None:
    """32. A stream that comes byte by byte and one that comes in a single read are the same to the client."""
    stream = stream_of(upstream, ANSWERS[name])
    assert told(client, upstream, *cuts(stream, 1)) == told(client, upstream, stream)
    assert tapped(upstream, cuts(stream, 1)) == tapped(upstream, [stream])


GARBAGE = [
    b"data: {oops\n\n",
    b'data: {"error": {"message": "too late"}}\n\n',
    b"event: error\ndata: too late\n\n",
    b"<html>\n\n",
    b"\0\xff\n\n",
    chat_stream(chunk(None, content="too late"), chunk("length")),
    b"data: [DONE]\n\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("client", ["messages", "responses"])
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_after_done(client: str, garbage: bytes, size: int) -> None:
    """33. What an upstream sends after `[DONE]` is ignored, whatever it is, streamed or collected."""
    stream = stream_of("chat", EVERYTHING)
    assert stream.endswith(b"data: [DONE]\n\n")
    assert told(client, "chat", *cuts(stream + garbage, size)) == untouched(client, "chat")
    collected = translate_reply(stream + garbage, relay(client, "chat"), streamed=True).body
    assert read_of(client, official_clients.of_whole(client, collected))[0] == EVERYTHING


@pytest.mark.parametrize(("client", "upstream"), [pair for pair in PAIRS if pair[0] != "messages"])
@pytest.mark.parametrize("name", ANSWERS)
def test_lines_that_are_written(client: str, upstream: str, name: str) -> None:
    """35. The streams that OpenAI's clients get have no `id:` and no `retry:` line, and no event without data: complete
    ones, broken ones, and those that were made of a whole reply.
    """
    said, _ = events_of(upstream, ANSWERS[name])
    made_of_a_whole = relay(client, upstream).stream()
    for stream in (
        told(client, upstream, stream_of(upstream, ANSWERS[name])),
        told(client, upstream, said + error_of(upstream)),
        told(client, upstream, said),
        made_of_a_whole.feed_whole(whole_of(upstream, ANSWERS[name])) + made_of_a_whole.keep_alive(),
    ):
        assert stream.endswith(b"\n\n")
        for block in stream.removesuffix(b"\n\n").split(b"\n\n"):
            lines = block.split(b"\n")
            fields = [line.partition(b":")[0] for line in lines]
            assert fields in ([b"data"], [b"event", b"data"], [b""])
            assert fields == [b""] or lines[-1] == b"data: [DONE]" or json.loads(lines[-1].partition(b": ")[2])
