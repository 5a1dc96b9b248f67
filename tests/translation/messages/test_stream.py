"""Messages streams: every scenario keeps the grammar, and the official client makes of it what the whole reply says."""

from __future__ import annotations

import re
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.grammar.messages import check
from tests.translation.messages.conftest import Accumulate
from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartSearch,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.exchange import Exchange
from translation.failures import Failure, FailureKind
from translation.hub import Citation, Request, ToolKind, WebSearch
from translation.ledger import Ledger
from translation.reply import collect
from translation.shapes.messages.response import encode_reply
from translation.shapes.messages.stream import PING, MessagesEncoder
from translation.stream_state import OutOfOrder

EXCHANGE = Exchange(
    request=Request(origin="messages", model="m", echo={}),
    model_shown="m",
    seed="s" * 24,
    now=1_790_000_000,
    request_id="req_1",
    sent_names={"add_1a2b3c4d": (None, "add")},
)
START = Start("chatcmpl-abcdefghij")
USAGE = Usage(input_tokens=12, cache_read_tokens=8, cache_write_tokens=1, output_tokens=5, reasoning_tokens=2)
ENDING = (Finish(StopReason.END), USAGE, End())
FAILURE = Failure(status=502, kind=FailureKind.SERVER, message="The upstream's stream was cut.")


def text(key: int, *pieces: str, kind: PartKind = PartKind.TEXT) -> list[Event]:
    """Tell a part of words."""
    return [PartStart(key, kind), *(PartDelta(key, piece) for piece in pieces), PartEnd(key)]


def call(key: int, *pieces: str, name: str = "add", tool: ToolKind = ToolKind.FUNCTION) -> list[Event]:
    """Tell a tool call."""
    deltas = [PartDelta(key, piece) for piece in pieces]
    return [PartStart(key, PartKind.TOOL_CALL, f"call_{key}", name, tool), *deltas, PartEnd(key)]


def search(key: int, call_id: str) -> list[Event]:
    """Tell a search that the provider made."""
    found = WebSearch(("weather oslo", "oslo sun"), (Citation("https://a.example", "A"), Citation("https://b.example")))
    return [PartStart(key, PartKind.WEB_SEARCH, call_id), PartSearch(key, found), PartEnd(key)]


def streamed(*events: Event, exchange: Exchange = EXCHANGE) -> bytes:
    """Encode these events after a Start."""
    encoder = MessagesEncoder(exchange)
    return b"".join(encoder.encode(event) for event in (START, *events))


def told(*events: Event) -> list[tuple[Any, ...]]:
    """Return the blocks that these events become, each with its type and the text of its deltas."""
    blocks: list[tuple[Any, ...]] = []
    pieces: list[str] = []
    for event in check(streamed(*events, *ENDING)):
        match event["type"]:
            case "content_block_start":
                block = event["content_block"]
                pieces = [block["id"]] if block["type"] == "tool_use" else [block["type"]]
                pieces.append("")
            case "content_block_delta":
                delta = event["delta"]
                words = delta.get("text", delta.get("thinking", delta.get("partial_json")))
                if words is None:
                    pieces.append(delta.get("signature") or delta["citation"]["url"])
                else:
                    pieces[1] += words
            case "content_block_stop":
                blocks.append(tuple(pieces))
    return blocks


SCENARIOS: dict[str, list[Event]] = {
    "words": text(0, "hel", "lo ", "wörld 🚀\n"),
    "nothing": [],
    "thoughts and words": [
        PartStart(0, PartKind.REASONING),
        PartDelta(0, "h"),
        PartDelta(0, "m"),
        PartOpaque(0, "gw1.old"),
        PartOpaque(0, "gw1.new"),
        PartEnd(0),
        *text(1, "so"),
    ],
    "thoughts without words": [PartStart(0, PartKind.REASONING), PartOpaque(0, "gw1.x"), PartEnd(0)],
    "thoughts without state": text(0, "hm", kind=PartKind.REASONING),
    "a call first": call(0, '{"a"', ":1}"),
    "a call in one piece": call(0, '{"a": [1, {"b": "}"}]}'),
    "a call without arguments": call(0),
    "a call with blank arguments": call(0, "", " ", "\n"),
    "a call under a rewritten name": call(0, "{}", name="add_1a2b3c4d"),
    "a call in free text": call(0, 'print("', '")', name="run", tool=ToolKind.CUSTOM),
    "words and two calls": [*text(0, "one ", "moment"), *call(1, '{"a":', "1}"), *call(2, '{"b":2}')],
    "words after a call": [*call(0, "{}"), *text(1, "done")],
    "two texts": [*text(0, "one"), *text(1, "two")],
    "empty parts": [*text(0), *text(1, ""), *text(2, kind=PartKind.REASONING), *text(3, "x", "", "y")],
    "a refusal": text(0, "I can", "not.", kind=PartKind.REFUSAL),
    "a source": [
        PartStart(0, PartKind.TEXT),
        PartDelta(0, "hello "),
        PartCitation(0, Citation("https://a.example", "A", "", 6, 11)),
        PartDelta(0, "world"),
        PartEnd(0),
    ],
    "a search amid the words": [
        *text(0, "Let me see."),
        *search(1, "ws_1"),
        *text(2, "Sunny."),
    ],
    "a search without an id, and one that says nothing": [
        *search(0, ""),
        PartStart(1, PartKind.WEB_SEARCH, "ws_2"),
        PartEnd(1),
    ],
    "log probabilities": [
        PartStart(0, PartKind.TEXT),
        PartDelta(0, "x"),
        PartLogprobs(0, ({"token": "x"},)),
        PartEnd(0),
    ],
}


@pytest.mark.parametrize("events", SCENARIOS.values(), ids=SCENARIOS)
def test_client_reads_the_whole_reply(events: list[Event], accumulate: Accumulate) -> None:
    """The official client, fed with the stream, holds the message that a reply without a stream would have been."""
    stream = streamed(*events, *ENDING)
    check(stream)
    whole = encode_reply(collect([START, *events, *ENDING]), EXCHANGE)
    # A stream has no member for how long the cache keeps its entries.
    del whole["usage"]["cache_creation"]
    read = accumulate(stream)
    assert read.pop("stop_details", None) == whole.pop("stop_details", None)
    assert read == whole


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish(StopReason.END), "tool_use"),
        (Finish(StopReason.TOOL_CALLS), "tool_use"),
        (Finish(StopReason.MAX_TOKENS), "max_tokens"),
    ],
)
def test_stop_reason_after_a_call(finish: Finish, reason: str) -> None:
    """A call that was told is to be answered, unless it was cut."""
    events = check(streamed(*call(0, '{"a":'), finish, USAGE, End()))
    assert events[-2]["delta"] == {"stop_reason": reason, "stop_sequence": None}


def test_message_start_comes_at_once() -> None:
    """The message opens with the reply, whatever its first part will be."""
    events = MessagesEncoder(EXCHANGE).encode(START)
    assert events == (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_abcdefghij","type":"message",'
        b'"role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
        b'"usage":{"input_tokens":0,"output_tokens":0}}}\n\n'
    )


def test_deltas_go_out_as_they_come() -> None:
    """Each delta of the open block is one event at once, of the very bytes that the shape has."""
    encoder = MessagesEncoder(EXCHANGE)
    for event in (START, PartStart(0, PartKind.TEXT), PartDelta(0, "a")):
        encoder.encode(event)
    assert encoder.encode(PartDelta(0, 'b"ü')) == (
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"b\\"ü"}}\n\n'.encode()
    )


def test_empty_delta_is_not_told() -> None:
    """A delta without characters is no event, also in the middle of a block."""
    encoder = MessagesEncoder(EXCHANGE)
    for event in (START, PartStart(0, PartKind.TEXT), PartDelta(0, "a")):
        encoder.encode(event)
    assert encoder.encode(PartDelta(0, "")) == b""


@pytest.mark.parametrize(
    "events",
    [
        [PartStart(0, PartKind.TEXT)],
        [START, START],
        [START, *text(0, "x"), Finish(StopReason.END), PartDelta(0, "y")],
        [START, PartStart(0, PartKind.TEXT), PartDelta(0, "x"), Finish(StopReason.END), PartDelta(0, "y")],
        [START, End()],
    ],
)
def test_event_out_of_its_order_is_a_defect(events: list[Event]) -> None:
    """Decoders keep the order of events; one that does not is found at once and told as nothing."""
    encoder = MessagesEncoder(EXCHANGE)
    for event in events[:-1]:
        encoder.encode(event)
    with pytest.raises(OutOfOrder):
        encoder.encode(events[-1])


@pytest.mark.parametrize(
    ("events", "blocks"),
    [
        pytest.param(
            [
                PartStart(0, PartKind.TOOL_CALL, "call_0", "add"),
                PartStart(1, PartKind.TOOL_CALL, "call_1", "add"),
                PartDelta(0, '{"a"'),
                PartDelta(1, '{"b"'),
                PartDelta(0, ":0}"),
                PartDelta(1, ":1}"),
                PartEnd(0),
                PartEnd(1),
            ],
            [("call_0", '{"a":0}'), ("call_1", '{"b":1}')],
            id="two calls by turns",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TOOL_CALL, "call_0", "add"),
                PartDelta(0, '{"a":"'),
                PartStart(1, PartKind.TEXT),
                PartDelta(1, "meanwhile"),
                PartDelta(0, '}"}'),
                PartDelta(1, ", more"),
                PartEnd(0),
                PartEnd(1),
            ],
            [("call_0", '{"a":"}"}'), ("text", "meanwhile, more")],
            id="words inside arguments",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TEXT),
                PartDelta(0, "one "),
                PartStart(1, PartKind.TOOL_CALL, "call_1", "add"),
                PartDelta(1, "{}"),
                PartDelta(0, "two"),
                PartEnd(1),
                PartEnd(0),
            ],
            [("text", "one "), ("call_1", "{}"), ("text", "two")],
            id="words around a complete call",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.REASONING),
                PartDelta(0, "hm"),
                PartStart(1, PartKind.TEXT),
                PartDelta(1, "so"),
                PartOpaque(0, "gw1.x"),
                PartEnd(0),
                PartEnd(1),
            ],
            [("thinking", "hm"), ("text", "so"), ("thinking", "", "gw1.x")],
            id="state after its thoughts were closed",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.REASONING),
                PartDelta(0, "hm"),
                PartOpaque(0, "gw1.x"),
                PartStart(1, PartKind.TEXT),
                PartDelta(1, "so"),
                PartEnd(0),
                PartEnd(1),
            ],
            [("thinking", "hm", "gw1.x"), ("text", "so")],
            id="state that was told is not told again",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TEXT),
                PartDelta(0, "a"),
                PartCitation(0, Citation("https://a.example")),
                *call(1, "{}"),
                PartDelta(0, "b"),
                PartEnd(0),
            ],
            [("text", "a", "https://a.example"), ("call_1", "{}"), ("text", "b")],
            id="a source that was told is not told again",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TOOL_CALL, "call_0", "add"),
                PartDelta(0, '{"cut'),
                PartStart(1, PartKind.TOOL_CALL, "call_1", "add"),
                PartDelta(1, '{"b":'),
                PartStart(2, PartKind.TEXT),
                PartDelta(2, "end"),
                PartDelta(1, "1}"),
            ],
            [("call_0", '{"cut'), ("call_1", '{"b":1}'), ("text", "end")],
            id="parts that wait when the model stops",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TOOL_CALL, "call_0", "run", ToolKind.CUSTOM),
                PartDelta(0, "{}"),
                PartStart(1, PartKind.TEXT),
                PartDelta(1, "x"),
                PartDelta(0, " // more"),
                PartEnd(0),
                PartEnd(1),
            ],
            [("call_0", '{"input":"{} // more"}'), ("text", "x")],
            id="free text is complete only at its end",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TOOL_CALL, "call_0", "add"),
                PartDelta(0, "{}"),
                PartStart(1, PartKind.TEXT),
                PartDelta(1, "x"),
                PartDelta(0, "{}"),
                PartEnd(0),
                PartEnd(1),
            ],
            [("call_0", "{}"), ("text", "x")],
            id="arguments after complete ones",
        ),
        pytest.param(
            [
                PartStart(0, PartKind.TEXT),
                PartDelta(0, "a"),
                PartCitation(0, Citation("https://a.example")),
                PartEnd(0),
            ],
            [("text", "a", "https://a.example")],
            id="a source after its words",
        ),
    ],
)
def test_one_block_is_open_at_a_time(events: list[Event], blocks: list[tuple[str, ...]]) -> None:
    """Parts that come by turns are told one block after the other, complete and apart."""
    assert told(*events) == blocks


def test_search_is_two_whole_blocks() -> None:
    """A search is its query and its pages, each a block that closes at once; open words give way and go on after it."""
    opened: list[Event] = [PartStart(0, PartKind.TEXT), PartDelta(0, "One"), *search(1, "ws_1"), PartDelta(0, "two")]
    events = check(streamed(*opened, PartEnd(0), *ENDING))[1:-2]
    assert [event.get("content_block") for event in events if event["type"] == "content_block_start"] == [
        {"type": "text", "text": ""},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srvtoolu_1",
            "content": [
                {
                    "type": "web_search_result",
                    "url": "https://a.example",
                    "title": "A",
                    "encrypted_content": "",
                    "page_age": None,
                },
                {
                    "type": "web_search_result",
                    "url": "https://b.example",
                    "title": "https://b.example",
                    "encrypted_content": "",
                    "page_age": None,
                },
            ],
        },
        {"type": "text", "text": ""},
    ]
    (asked,) = [event["delta"]["partial_json"] for event in events if event["index"] == 1 and "delta" in event]
    assert asked == '{"query":"weather oslo; oslo sun"}'


def test_search_waits_for_open_arguments() -> None:
    """While a call's arguments are incomplete, a search waits, and its blocks come after them."""
    opened: list[Event] = [PartStart(0, PartKind.TOOL_CALL, "call_0", "add"), PartDelta(0, '{"a"')]
    events = check(streamed(*opened, *search(1, "ws_1"), PartDelta(0, ":1}"), PartEnd(0), *ENDING))
    kinds = [event["content_block"]["type"] for event in events if event["type"] == "content_block_start"]
    assert kinds == ["tool_use", "server_tool_use", "web_search_tool_result"]


LOSSES: list[tuple[list[Event], str]] = [
    (
        [
            *text(0, "x"),
            PartStart(1, PartKind.TOOL_CALL, "call_1", "add"),
            PartDelta(1, "{}"),
            *text(2, "y"),
            PartDelta(1, "{}"),
            PartEnd(1),
        ],
        "reply:content[1].input",
    ),
    (
        [
            PartStart(0, PartKind.TEXT),
            PartDelta(0, "x"),
            *call(1, "{}"),
            PartCitation(0, Citation("https://a.example")),
            PartEnd(0),
        ],
        "reply:content[0].citations",
    ),
    (
        [PartStart(0, PartKind.TEXT), PartCitation(0, Citation("https://a.example")), PartEnd(0)],
        "reply:citations",
    ),
    (
        [PartStart(0, PartKind.TEXT), PartDelta(0, "x"), PartLogprobs(0, ({"token": "x"},)), PartEnd(0)],
        "reply:logprobs",
    ),
]


@pytest.mark.parametrize(("events", "path"), LOSSES)
def test_what_no_block_can_take_any_more_is_reported(events: list[Event], path: str) -> None:
    """Arguments and sources that come after their block was closed are not told, and the reply's ledger names them."""
    exchange = replace(EXCHANGE, lost=Ledger())
    check(streamed(*events, *ENDING, exchange=exchange))
    assert exchange.lost.dropped == (path,)


def test_ending_waits_for_the_counts() -> None:
    """The ending is told when the reply is over, with the counts that came after the finish."""
    encoder = MessagesEncoder(EXCHANGE)
    encoder.encode(START)
    assert encoder.encode(Finish(StopReason.END)) == b""
    assert encoder.encode(USAGE) == b""
    assert encoder.encode(End()) == (
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"input_tokens":12,"cache_creation_input_tokens":1,"cache_read_input_tokens":8,"output_tokens":5,'
        b'"output_tokens_details":{"thinking_tokens":2}}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )


def test_ending_without_counts() -> None:
    """A reply whose upstream counted nothing ends with zeros."""
    events = check(streamed(*text(0, "x"), Finish(StopReason.END), End()))
    assert events[-2]["usage"]["output_tokens"] == 0


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([], id="after the start"),
        pytest.param([PartStart(0, PartKind.TEXT), PartDelta(0, "x")], id="inside words"),
        pytest.param(call(0, '{"a":')[:-1], id="inside arguments"),
        pytest.param([*text(0, "x"), Finish(StopReason.END)], id="after the finish"),
    ],
)
def test_failure_ends_the_stream(events: list[Event], accumulate: Accumulate) -> None:
    """A failure is told as an error event, no block and no message is stopped after it, and the client raises."""
    stream = streamed(*events, FAILURE, PartDelta(0, "late"), End())
    assert check(stream)[-1] == {
        "type": "error",
        "error": {"type": "api_error", "message": "The upstream's stream was cut."},
        "request_id": "req_1",
    }
    with pytest.raises(anthropic.APIStatusError, match="The upstream's stream was cut"):
        accumulate(stream)


def test_failure_before_the_start() -> None:
    """A reply that fails before it began is the error alone."""
    assert [event["type"] for event in check(MessagesEncoder(EXCHANGE).encode(FAILURE))] == ["error"]


def test_keep_alive_is_a_ping_inside_the_message() -> None:
    """A ping has its place between message_start and the end, also while the counts are awaited; else there is none."""
    encoder = MessagesEncoder(EXCHANGE)
    assert encoder.keep_alive() == b""
    stream = encoder.encode(START) + encoder.keep_alive()
    for event in text(0, "x"):
        stream += encoder.encode(event) + encoder.keep_alive()
    stream += encoder.encode(Finish(StopReason.END)) + encoder.keep_alive() + encoder.encode(End())
    assert encoder.keep_alive() == b""
    assert check(stream).count({"type": "ping"}) == 5
    assert PING == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_keep_alive_ends_with_a_failure() -> None:
    """Nothing follows an error, not even a ping."""
    encoder = MessagesEncoder(EXCHANGE)
    encoder.encode(START)
    encoder.encode(FAILURE)
    assert encoder.keep_alive() == b""


ARGUMENTS = ("{}", '{"a":"}{"}', '{"a":[{"b":"\\\\"}],"c":"\\""}', '{"text":"[\\"x\\"]"}')


@given(st.data())
def test_any_interleaving_keeps_the_grammar(data: st.DataObject) -> None:
    """However parts come by turns, the grammar holds, all words are told, and every call's arguments are whole."""
    parts: list[list[Event]] = []
    wanted: dict[str, str] = {}
    for key in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            arguments = data.draw(st.sampled_from(ARGUMENTS))
            cut = data.draw(st.integers(0, len(arguments)))
            parts.append(call(key, arguments[:cut], arguments[cut:]))
            wanted[f"call_{key}"] = arguments
        else:
            parts.append(text(key, f"<{key}", f"{key}>"))
            wanted[f"text_{key}"] = f"<{key}{key}>"
    events: list[Event] = []
    while any(parts):
        events.append(data.draw(st.sampled_from([part for part in parts if part])).pop(0))
    blocks = told(*events)
    found: dict[str, str] = {block[0]: block[1] for block in blocks if block[0] != "text"}
    for piece in re.findall(r"<\d|\d>", "".join(block[1] for block in blocks if block[0] == "text")):
        name = f"text_{piece.strip('<>')}"
        found[name] = found.get(name, "") + piece
    assert found == wanted
