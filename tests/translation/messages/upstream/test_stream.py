"""Streams of an upstream that speaks Messages, as hub events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.messages.upstream.asking import DEPLOYMENT, begun, block, ended, events_of, relay, stream, text
from tests.translation.relaying import cuts, streamed
from translation.envelope import Envelope, seal
from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartOpaque,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.failures import Failure, UpstreamProtocolError
from translation.hub import Citation
from translation.shapes.messages.upstream.stream import MessagesStreamDecoder
from translation.sse import SseDecoder

START = Start("msg_12345678", "claude-x")
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
PING = {"type": "ping"}


def piece(index: int, **delta: Any) -> dict[str, Any]:
    """Return a delta."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


def parts(*events: dict[str, Any]) -> list[Event]:
    """Return the hub events about parts that a complete stream with these events in it tells."""
    told = events_of(stream(begun(), *events, *ended()))
    assert told[0] == START
    assert [type(event) for event in told[-3:]] == [Finish, Usage, End]
    return told[1:-3]


def said(key: int, *pieces: str, kind: PartKind = PartKind.TEXT) -> list[Event]:
    """Return the hub events of one whole part."""
    return [PartStart(key, kind), *[PartDelta(key, words) for words in pieces], PartEnd(key)]


def failure(*events: dict[str, Any]) -> Failure:
    """Return the failure that a stream with these events ends with."""
    told = events_of(stream(*events))[-1]
    assert isinstance(told, Failure)
    return told


def test_each_block_of_text_is_a_part() -> None:
    """Blocks keep their bounds and their characters; one without a character is no part."""
    assert parts(*text(0, "a", " b"), *text(1), PING, *text(2, "")) == said(0, "a", " b")
    assert parts(*text(0, "a"), *text(1, "b\n")) == [*said(0, "a"), *said(1, "b\n")]


def test_block_that_begins_with_text_keeps_it() -> None:
    """Some servers put the first words into the event that opens the block."""
    assert parts(*block(0, {"type": "text", "text": "a"}, {"type": "text_delta", "text": "b"})) == said(0, "a", "b")


def test_call_brings_its_arguments_in_pieces() -> None:
    """A call is a part with its id and name; an empty piece of its arguments is none."""
    deltas = [{"type": "input_json_delta", "partial_json": json} for json in ("", '{"a"', ":1}")]
    expected = [
        PartStart(0, PartKind.TOOL_CALL, "toolu_1", "add"),
        PartDelta(0, '{"a"'),
        PartDelta(0, ":1}"),
        PartEnd(0),
    ]
    assert parts(*block(0, CALL, *deltas)) == expected


@pytest.mark.parametrize(("given", "arguments"), [({}, []), (None, []), ({"a": 1.0}, ['{"a":1.0}'])])
def test_call_that_opens_with_its_arguments_keeps_them(given: Any, arguments: list[str]) -> None:
    """Arguments that stand in the opening event count if no pieces follow, byte for byte."""
    opening = {**CALL, "input": given}
    start = PartStart(0, PartKind.TOOL_CALL, "toolu_1", "add")
    assert parts(*block(0, opening)) == [start, *[PartDelta(0, json) for json in arguments], PartEnd(0)]
    pieces = [{"type": "input_json_delta", "partial_json": '{"b":2}'}]
    assert parts(*block(0, opening, *pieces)) == [start, PartDelta(0, '{"b":2}'), PartEnd(0)]


def test_call_without_an_id_gets_one() -> None:
    """Every call can be answered."""
    told = parts(*block(0, {"type": "tool_use", "name": "add", "input": {}}))
    assert told[0] == PartStart(0, PartKind.TOOL_CALL, "call_0123456789abcdefghijABCD00", "add")


def test_thoughts_in_a_row_are_one_part() -> None:
    """Thinking blocks in a row are one part, whose opaque state holds each of them as it came."""
    first = block(
        0, THINKING, {"type": "thinking_delta", "thinking": "a"}, {"type": "signature_delta", "signature": "s1"}
    )
    hidden = block(1, {"type": "redacted_thinking", "data": "xyz"})
    second = block(
        2, THINKING, {"type": "thinking_delta", "thinking": "b"}, {"type": "signature_delta", "signature": "s2"}
    )
    native = (
        {"type": "thinking", "thinking": "a", "signature": "s1"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "b", "signature": "s2"},
    )
    assert parts(*first, *hidden, *second, *text(3, "c")) == [
        PartStart(0, PartKind.REASONING, summary=True),
        PartDelta(0, "a"),
        PartDelta(0, "\nb"),
        PartOpaque(0, seal(Envelope("messages", DEPLOYMENT, native))),
        PartEnd(0),
        *said(1, "c"),
    ]


def test_thoughts_that_are_not_shown_keep_their_signature() -> None:
    """A block with a signature and no words is a part without text; later thoughts are another part."""
    silent = block(0, THINKING, {"type": "signature_delta", "signature": "s1"})
    later = block(2, THINKING, {"type": "signature_delta", "signature": "s2"})
    envelopes = [
        seal(Envelope("messages", DEPLOYMENT, ({"type": "thinking", "thinking": "", "signature": name},)))
        for name in ("s1", "s2")
    ]
    assert parts(*silent, *text(1, "a"), *later) == [
        PartStart(0, PartKind.REASONING, summary=True),
        PartOpaque(0, envelopes[0]),
        PartEnd(0),
        *said(1, "a"),
        PartStart(2, PartKind.REASONING, summary=True),
        PartOpaque(2, envelopes[1]),
        PartEnd(2),
    ]


def test_sources_are_of_the_whole_block() -> None:
    """A source of the web supports the text of its block, wherever it comes; offsets count code points."""
    source = {
        "type": "web_search_result_location",
        "url": "u",
        "title": None,
        "cited_text": "c",
        "encrypted_index": "e",
    }
    other = {"type": "char_location", "document_index": 0, "cited_text": "x"}
    deltas = [
        {"type": "citations_delta", "citation": source},
        {"type": "citations_delta", "citation": other},
        {"type": "text_delta", "text": "a😀"},
        {"type": "text_delta", "text": "b"},
    ]
    start, *told, end = parts(*block(0, {"type": "text", "text": "", "citations": []}, *deltas))
    assert told == [PartDelta(0, "a😀"), PartDelta(0, "b"), PartCitation(0, Citation("u", "", "c", 0, 3, "e"))]
    assert (start, end) == (PartStart(0, PartKind.TEXT), PartEnd(0))


def test_what_the_vendor_runs_is_passed_over() -> None:
    """The vendor's own tools, blocks and events that nobody here knows say nothing to a client."""
    fetching = block(0, {**SEARCH, "name": "web_fetch"}, {"type": "input_json_delta", "partial_json": "{}"})
    fetched = block(1, {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {}})
    unknown = block(3, {"type": "brand_new", "text": "x"}, {"type": "brand_new_delta", "text": "y"})
    news = {"type": "brand_new_event", "delta": {"type": "z"}}
    assert parts(*fetching, *fetched, news, *text(2, "a"), *unknown) == said(0, "a")


CITED = {"type": "text", "text": "", "citations": [{"type": "page_location", "cited_text": "x"}]}


@pytest.mark.parametrize(
    ("events", "dropped"),
    [
        ([*text(0, "a"), *block(1, SEARCH), *block(2, FOUND)], ()),
        ([*text(0, "a"), *block(1, FOUND)], ("reply:content[1]",)),
        (
            [*block(0, {**SEARCH, "name": "web_fetch"}), *block(1, {"type": "web_fetch_tool_result"}), *text(2, "a")],
            ("reply:content[0]", "reply:content[1]"),
        ),
        ([*block(0, {"type": "compaction", "content": "so far"})], ("reply:content[0]",)),
        ([*block(0, {"type": "brand_new"}, {"type": "brand_new_delta"}), *text(1, "a")], ("reply:content[0]",)),
        ([*text(0, "a"), *block(1, CITED, {"type": "text_delta", "text": "b"})], ("reply:content[1].citations",)),
        (
            [*block(0, {"type": "text"}, {"type": "brand_new_delta"}, {"type": "text_delta", "text": "a"})],
            ("reply:content[0].delta",),
        ),
    ],
)
def test_what_is_passed_over_is_reported(events: list[dict[str, Any]], dropped: tuple[str, ...]) -> None:
    """Blocks, pieces and sources without a twin in other shapes are in the ledger of the reply, by their place."""
    exchange = relay({}).exchange
    decoder = MessagesStreamDecoder(exchange)
    for part in SseDecoder().feed(stream(begun(), *events, *ended())):
        list(decoder.decode(part))
    assert exchange.lost.dropped == dropped
    assert exchange.lost.coerced == ()


@pytest.mark.parametrize(("reason", "coerced"), [("brand_new", ("reply:stop_reason",)), ("end_turn", ()), (None, ())])
def test_reason_that_nobody_knows_is_reported(reason: str | None, coerced: tuple[str, ...]) -> None:
    """A new reason to stop becomes an ordinary end, and the ledger of the reply says so."""
    exchange = relay({}).exchange
    decoder = MessagesStreamDecoder(exchange)
    for part in SseDecoder().feed(stream(begun(), *ended(reason))):
        list(decoder.decode(part))
    assert exchange.lost.coerced == coerced


@pytest.mark.parametrize(
    ("usage", "searches"),
    [
        ({"output_tokens": 5}, 1),
        ({"output_tokens": 5, "server_tool_use": {"web_search_requests": 3}}, 3),
        ({"output_tokens": 5, "server_tool_use": {"web_search_requests": 0}}, 0),
    ],
)
def test_searches_are_counted(usage: dict[str, Any], searches: int) -> None:
    """The upstream's count of searches is believed; where there is none, the searches are counted."""
    told = events_of(stream(begun(), *block(0, SEARCH), *ended(usage=usage)))
    assert next(event for event in told if isinstance(event, Usage)).web_searches == searches


def test_missing_stops_are_made_good() -> None:
    """A block that was not stopped is closed by the next one, or by the end."""
    open_text, open_call = text(0, "a")[:-1], block(1, CALL)[:-1]
    call = [PartStart(1, PartKind.TOOL_CALL, "toolu_1", "add"), PartEnd(1)]
    assert parts(*open_text, *open_call) == [*said(0, "a"), *call]


def test_counts_are_cumulative() -> None:
    """Later counts replace earlier ones, and a count that is not repeated stays."""
    usage = {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}}
    first = begun(cache_read_input_tokens=100, cache_creation_input_tokens=5)
    more = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 2}}
    told = events_of(stream(first, *text(0, "a"), more, *ended(usage=usage)))
    assert told[-2] == Usage(10, 100, 5, 7, 3)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", StopReason.END),
        ("stop_sequence", StopReason.STOP_SEQUENCE),
        ("tool_use", StopReason.TOOL_CALLS),
        ("max_tokens", StopReason.MAX_TOKENS),
        ("model_context_window_exceeded", StopReason.CONTEXT_WINDOW),
        ("refusal", StopReason.REFUSAL),
        ("pause_turn", StopReason.PAUSE),
        ("compaction", StopReason.END),
        ("brand_new", StopReason.UNKNOWN),
    ],
)
def test_stop_reason_is_told(reason: str, expected: StopReason) -> None:
    """Each reason has its twin; a new one is an end that nobody knows."""
    finish = events_of(stream(begun(), *ended(reason)))[1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.stop_sequence) == (expected, None)


def test_refusal_without_an_explanation_is_told_from_a_filter() -> None:
    """Only a model's own refusal has an explanation, be it empty."""
    assert events_of(stream(begun(), *ended("refusal")))[1] == Finish(StopReason.REFUSAL, None, "")
    assert events_of(stream(begun(), *ended("end_turn")))[1] == Finish(StopReason.END)


def test_ending_keeps_its_details() -> None:
    """The sequence that matched and the words of a refusal reach the client."""
    stopped = events_of(stream(begun(), *ended("stop_sequence", stop_sequence="END")))
    assert stopped[1] == Finish(StopReason.STOP_SEQUENCE, "END")
    declined = ended("refusal", stop_details={"type": "refusal", "category": None, "explanation": "No."})
    assert events_of(stream(begun(), *declined))[1] == Finish(StopReason.REFUSAL, None, "No.")


@pytest.mark.parametrize(("limit", "expected"), [(5, StopReason.MAX_TOKENS), (6, StopReason.UNKNOWN)])
def test_end_without_a_reason_is_an_end(limit: int, expected: StopReason) -> None:
    """The last event is the upstream's word that the reply is complete; at the limit of tokens that was the reason."""
    told = events_of(stream(begun(), *text(0, "a"), *ended(None)), {"max_output_tokens": limit})
    assert told[-3] == Finish(expected)


def test_reason_without_the_last_event_is_an_end() -> None:
    """Once the reason has come, the stream may end without another word."""
    assert events_of(stream(begun(), *text(0, "a"), ended()[0])) == events_of(stream(begun(), *text(0, "a"), *ended()))


def test_word_of_openais_ends_nothing() -> None:
    """The `[DONE]` that some servers add says nothing: the reason to stop does, and without it the stream was cut."""
    done = b"data: [DONE]\n\n"
    assert isinstance(events_of(stream(begun(), *text(0, "a"), ended()[0]) + done)[-1], End)
    assert isinstance(events_of(stream(begun(), *text(0, "a")) + done)[-1], Failure)


@pytest.mark.parametrize("events", [[], [begun()], [begun(), *text(0, "a")], [begun(), *block(0, CALL)[:-1]]])
def test_stream_that_breaks_off_is_a_failure(events: list[dict[str, Any]]) -> None:
    """Nothing succeeds by accident: without a reason to stop, the reply is not complete."""
    assert failure(*events).code == "upstream_truncated"


@pytest.mark.parametrize("after", [[], text(0, "a"), [*text(0, "a"), ended()[0]]])
def test_error_in_the_stream_is_a_failure(after: list[dict[str, Any]]) -> None:
    """An error has the upstream's words and the status that is usual for its type, and is the last."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    told = failure(begun(), *after, error, *text(1, "b"))
    assert (told.status, told.message) == (529, "Overloaded")


def test_error_without_an_event_of_its_own_is_a_failure() -> None:
    """Some servers write an error without its type."""
    told = events_of(b'data: {"error": {"message": "Broken"}}\n\n')
    assert isinstance(told[0], Failure)
    assert told[0].message == "Broken"


def test_beginning_that_is_repeated_is_passed_over() -> None:
    """The same first event twice is one message."""
    assert parts(begun(), *text(0, "a")) == said(0, "a")


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([begun(), {"type": "message_start", "message": {"id": "msg_other"}}], "second message"),
        ([*text(0, "a")], "message_start"),
        ([ended()[0]], "message_start"),
        ([ended()[1]], "message_start"),
        ([begun(), *text(0, "a"), piece(0, type="text_delta", text="b")], "not open"),
        ([begun(), text(0, "a")[0], piece(1, type="text_delta", text="b")], "not open"),
    ],
)
def test_stream_out_of_order_is_the_upstreams_fault(events: list[dict[str, Any]], message: str) -> None:
    """What would be told wrongly is an error."""
    with pytest.raises(UpstreamProtocolError, match=message) as caught:
        events_of(stream(*events))
    assert caught.value.failure.status == 502


@pytest.mark.parametrize("data", [b"[DONE", b"<html>", b"[1]", b'"a"', b"[" * 100000])
def test_event_that_is_none_is_the_upstreams_fault(data: bytes) -> None:
    """Bytes that are no JSON object are an error and never anything else."""
    with pytest.raises(UpstreamProtocolError):
        events_of(stream(begun()) + b"data: " + data + b"\n\n")


@pytest.mark.parametrize(
    "deviating",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b", "citation": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "b"}, "usage": "x"},
        {"type": "content_block_delta", "index": None, "delta": {"type": "text_delta", "text": "b"}},
        {"type": "content_block_delta", "index": "0", "delta": {"type": "text_delta", "text": "b"}},
    ],
)
def test_members_of_another_type_are_left_out(deviating: dict[str, Any]) -> None:
    """What a server writes in another type than the standard's is passed over, and the rest is read."""
    opening, *rest = text(0, "a")
    assert parts(opening, rest[0], deviating, rest[-1]) == said(0, "a", "b")


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    """A broken character costs itself, and not the reply."""
    wire = stream(begun(), *text(0, "a?b"), *ended()).replace(b"a?b", b"a\xffb")
    assert events_of(wire)[2] == PartDelta(0, "a\ufffdb")


def test_events_may_come_without_their_names() -> None:
    """The type in the data is enough, and so is the name of the event."""
    wire = stream(begun(), *text(0, "a"), *ended())
    named_only = wire.replace(b'"type":"message_stop"', b'"x":1')
    unnamed = b"\n".join(line for line in wire.split(b"\n") if not line.startswith(b"event:"))
    assert events_of(unnamed) == events_of(named_only) == events_of(wire)


@pytest.mark.parametrize(("tier", "told"), [("standard", "default"), ("priority", "priority"), ("batch", None)])
def test_service_tier_is_in_openais_words(tier: str, told: str | None) -> None:
    """The tier that served the request is told when the reply begins."""
    assert events_of(stream(begun(service_tier=tier), *ended()))[0] == Start("msg_12345678", "claude-x", 0, told)


@pytest.mark.parametrize("size", [1, 7, 100000])
def test_stream_is_the_same_however_it_was_cut(size: int) -> None:
    """The network's cuts change nothing, not even within a character."""
    thought = block(
        0, THINKING, {"type": "thinking_delta", "thinking": "ä"}, {"type": "signature_delta", "signature": "s"}
    )
    call = block(2, CALL, {"type": "input_json_delta", "partial_json": '{"a":"😀"}'})
    wire = stream(begun(), PING, *thought, *text(1, "é", "😀"), *call, *ended("tool_use"))
    told = streamed(relay({}), cuts(wire, size))
    assert told == streamed(relay({}), [wire])
    assert b"response.completed" in told
