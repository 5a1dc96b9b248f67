"""Whole replies in the Messages shape."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from msgspec.structs import replace

from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.exchange import Exchange
from translation.hub import Citation, Request, ToolKind, WebSearch
from translation.ledger import Ledger
from translation.reply import Reply, ReplyPart
from translation.shapes.messages.response import encode_reply

EXCHANGE = Exchange(
    request=Request(origin="messages", model="alias", echo={}),
    model_shown="alias",
    seed="s" * 24,
    now=1_790_000_000,
    sent_names={"add_1a2b3c4d": (None, "add")},
)
TEXT = ReplyPart(kind=PartKind.TEXT, text="hello")
CALL = ReplyPart(kind=PartKind.TOOL_CALL, text='{"a":1}', call_id="call_1", name="add")
REFUSAL = ReplyPart(kind=PartKind.REFUSAL, text="I cannot help.")


def encoded(*parts: ReplyPart, finish: Finish | None = None, **members: Any) -> dict[str, Any]:
    """Encode a reply of these parts and prove that the official client reads it."""
    start = members.pop("start", Start("chatcmpl-abcdefghij"))
    wire = encode_reply(Reply(start=start, parts=parts, finish=finish or Finish(StopReason.END), **members), EXCHANGE)
    assert anthropic.types.Message.model_validate(json.loads(json.dumps(wire))).type == "message"
    return wire


def test_whole_message() -> None:
    """A message has the envelope, the blocks, the ending and the counts of the shape."""
    assert encoded(TEXT, usage=Usage(input_tokens=3, output_tokens=2)) == {
        "id": "msg_abcdefghij",
        "type": "message",
        "role": "assistant",
        "model": "alias",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "output_tokens": 2,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        },
    }


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (TEXT, {"type": "text", "text": "hello"}),
        (REFUSAL, {"type": "text", "text": "I cannot help."}),
        (CALL, {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}}),
        (
            ReplyPart(kind=PartKind.REASONING, text="hm", opaque="gw1.x"),
            {"type": "thinking", "thinking": "hm", "signature": "gw1.x"},
        ),
        (
            ReplyPart(kind=PartKind.REASONING, opaque="gw1.x"),
            {"type": "thinking", "thinking": "", "signature": "gw1.x"},
        ),
        (
            ReplyPart(kind=PartKind.TOOL_CALL, call_id="c", name="add_1a2b3c4d"),
            {"type": "tool_use", "id": "c", "name": "add", "input": {}},
        ),
        (
            ReplyPart(kind=PartKind.TOOL_CALL, text="print()", call_id="c", name="run", tool=ToolKind.CUSTOM),
            {"type": "tool_use", "id": "c", "name": "run", "input": {"input": "print()"}},
        ),
        (
            ReplyPart(kind=PartKind.TOOL_CALL, text="{}", name="add"),
            {"type": "tool_use", "id": "toolu_" + "s" * 24 + "00", "name": "add", "input": {}},
        ),
    ],
)
def test_part_is_a_block(part: ReplyPart, block: dict[str, Any]) -> None:
    """Each part is one block; a name is the one that the client declared, and a missing id is made."""
    assert encoded(part)["content"] == [block]


@pytest.mark.parametrize("kind", [PartKind.TEXT, PartKind.REASONING])
def test_empty_part_is_no_block(kind: PartKind) -> None:
    """A part that says nothing leaves no block."""
    assert encoded(ReplyPart(kind=kind))["content"] == []


def test_parts_keep_their_order() -> None:
    """Blocks stand in the order of the parts, and texts are not joined."""
    kinds = [block["type"] for block in encoded(TEXT, CALL, TEXT, TEXT)["content"]]
    assert kinds == ["text", "tool_use", "text", "text"]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        (" \n", {}),
        ("{}", {}),
        ('{"b":1,"a":[2.0]}', {"b": 1, "a": [2.0]}),
        ('{"a":', {"INVALID_JSON": '{"a":'}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('"text"', {"INVALID_JSON": '"text"'}),
        ("null", {"INVALID_JSON": "null"}),
        ("[" * 5000, {"INVALID_JSON": "[" * 5000}),
    ],
)
def test_arguments(arguments: str, given: dict[str, Any]) -> None:
    """Arguments are an object, no arguments the empty one; what is no object stands under a name that says so."""
    part = ReplyPart(kind=PartKind.TOOL_CALL, text=arguments, call_id="c", name="add")
    assert encoded(part)["content"][0]["input"] == given


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            Citation("https://a.example", "A", "", 6, 11),
            {"url": "https://a.example", "title": "A", "cited_text": "world"},
        ),
        (Citation("https://a.example", "", "own", 0, 5), {"title": "https://a.example", "cited_text": "own"}),
    ],
)
def test_citation(source: Citation, expected: dict[str, Any]) -> None:
    """A web source names its address, its title and the words that it supports."""
    block = encoded(ReplyPart(kind=PartKind.TEXT, text="hello world", citations=(source,)))["content"][0]
    (found,) = block["citations"]
    assert found["type"] == "web_search_result_location"
    assert found["encrypted_index"] == ""
    assert expected.items() <= found.items()


SEARCH = WebSearch(("weather oslo",), (Citation("https://a.example", "A"),))


@pytest.mark.parametrize(
    ("call_id", "shown"),
    [("ws_1", "srvtoolu_1"), ("srvtoolu_a-b", "srvtoolu_a_b"), ("", "srvtoolu_" + "s" * 24 + "00")],
)
def test_search_is_shown_with_what_it_found(call_id: str, shown: str) -> None:
    """A search that the provider made is its query and its pages, under an id of the shape's own form."""
    part = ReplyPart(kind=PartKind.WEB_SEARCH, call_id=call_id, search=SEARCH)
    page = {"type": "web_search_result", "url": "https://a.example", "title": "A"}
    assert encoded(part)["content"] == [
        {"type": "server_tool_use", "id": shown, "name": "web_search", "input": {"query": "weather oslo"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": shown,
            "content": [{**page, "encrypted_content": "", "page_age": None}],
        },
    ]


@pytest.mark.parametrize("search", [None, WebSearch()])
def test_search_that_says_nothing_is_not_shown(search: WebSearch | None) -> None:
    """A search without a query and without pages leaves no block."""
    assert encoded(ReplyPart(kind=PartKind.WEB_SEARCH, call_id="ws_1", search=search))["content"] == []


def test_search_is_no_call_to_answer() -> None:
    """The client has nothing to do about a search, so that it does not make the reply one with a call."""
    part = ReplyPart(kind=PartKind.WEB_SEARCH, call_id="ws_1", search=SEARCH)
    assert encoded(part, TEXT)["stop_reason"] == "end_turn"


BROKEN = ReplyPart(kind=PartKind.TOOL_CALL, text='{"a":', call_id="c", name="add")
SOURCE = Citation("https://a.example")


@pytest.mark.parametrize(
    ("part", "dropped", "coerced"),
    [
        (BROKEN, (), ("reply:content[1].input",)),
        (ReplyPart(kind=PartKind.TEXT, citations=(SOURCE,)), ("reply:citations",), ()),
        (ReplyPart(kind=PartKind.TEXT, text="x", logprobs=({"token": "x"},)), ("reply:logprobs",), ()),
        (CALL, (), ()),
    ],
)
def test_loss_is_reported(part: ReplyPart, dropped: tuple[str, ...], coerced: tuple[str, ...]) -> None:
    """What of a reply has no place in the message, or another one, stands in the reply's ledger."""
    exchange = replace(EXCHANGE, lost=Ledger())
    encode_reply(Reply(start=Start("x"), parts=(TEXT, part), finish=Finish(StopReason.END)), exchange)
    assert (exchange.lost.dropped, exchange.lost.coerced) == (dropped, coerced)


@pytest.mark.parametrize(
    ("parts", "reason", "expected"),
    [
        ((TEXT,), StopReason.END, "end_turn"),
        ((TEXT, CALL), StopReason.END, "tool_use"),
        ((CALL,), StopReason.TOOL_CALLS, "tool_use"),
        ((TEXT,), StopReason.TOOL_CALLS, "end_turn"),
        ((), StopReason.END, "end_turn"),
        ((TEXT,), StopReason.UNKNOWN, "end_turn"),
        ((CALL,), StopReason.UNKNOWN, "tool_use"),
        ((CALL,), StopReason.MAX_TOKENS, "max_tokens"),
        ((TEXT,), StopReason.CONTEXT_WINDOW, "model_context_window_exceeded"),
        ((TEXT,), StopReason.REFUSAL, "refusal"),
        ((REFUSAL,), StopReason.END, "refusal"),
        ((TEXT,), StopReason.PAUSE, "pause_turn"),
        ((TEXT,), StopReason.STOP_SEQUENCE, "stop_sequence"),
    ],
)
def test_stop_reason(parts: tuple[ReplyPart, ...], reason: StopReason, expected: str) -> None:
    """The reason is the upstream's, but a normal end is `tool_use` exactly if there is a call to answer."""
    assert encoded(*parts, finish=Finish(reason))["stop_reason"] == expected


def test_stop_sequence_is_named() -> None:
    """The string that matched is told, and only with its reason."""
    assert encoded(TEXT, finish=Finish(StopReason.STOP_SEQUENCE, "END"))["stop_sequence"] == "END"
    assert encoded(TEXT, finish=Finish(StopReason.MAX_TOKENS, "END"))["stop_sequence"] is None


@pytest.mark.parametrize(
    ("parts", "finish", "explanation"),
    [
        ((REFUSAL,), Finish(StopReason.END), "I cannot help."),
        ((TEXT,), Finish(StopReason.REFUSAL, detail="policy"), "policy"),
        ((), Finish(StopReason.REFUSAL), None),
    ],
)
def test_refusal_is_explained(parts: tuple[ReplyPart, ...], finish: Finish, explanation: str | None) -> None:
    """A refusal says why, in the upstream's words or the model's own."""
    wire = encoded(*parts, finish=finish)
    assert wire["stop_details"] == {"type": "refusal", "category": None, "explanation": explanation}


def test_counts() -> None:
    """Input excludes both cache counts; what was written to the cache is counted under the short life too."""
    usage = Usage(
        input_tokens=10,
        cache_read_tokens=100,
        cache_write_tokens=5,
        output_tokens=7,
        reasoning_tokens=3,
        web_searches=2,
    )
    assert encoded(TEXT, usage=usage)["usage"] == {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    }


def test_unknown_counts_are_zeros() -> None:
    """Clients need numbers, so an upstream that counted nothing is told as zeros."""
    usage = encoded(TEXT)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (0, 0)


@pytest.mark.parametrize(
    ("tier", "expected"),
    [("default", "standard"), ("flex", "standard"), ("priority", "priority"), (None, None), ("ultrafast", None)],
)
def test_service_tier(tier: str | None, expected: str | None) -> None:
    """The tier that served the request stands in the usage, where this shape has a word for it."""
    assert encoded(TEXT, start=Start("chatcmpl-x", service_tier=tier))["usage"].get("service_tier") == expected
