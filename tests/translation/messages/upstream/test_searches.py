"""Searches of the web that an upstream's provider makes by itself, as parts of the reply."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.grammar.messages_request import check_request
from tests.translation.messages.upstream.asking import (
    SONNET_4_5,
    USER,
    begun,
    block,
    ended,
    events_of,
    relay,
    stream,
    text,
)
from tests.translation.relaying import DEPLOYMENT
from translation.envelope import Envelope, seal
from translation.events import Event, PartDelta, PartEnd, PartKind, PartSearch, PartStart
from translation.hub import AssistantText, Citation, Text, WebSearch
from translation.ledger import Ledger
from translation.profiles import profile_for
from translation.replay import Scope, kept_turn, put_back, trace
from translation.shapes.chat.client.request import decode_request
from translation.shapes.messages.upstream.request import encode_request
from translation.shapes.messages.upstream.response import decode_reply

SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
PAGE = {"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "E", "page_age": None}


def parts(*events: dict[str, Any]) -> list[Event]:
    """Return the hub events about parts that a complete stream with these events in it tells."""
    return events_of(stream(begun(), *events, *ended()))[1:-3]


def sealed(asked: dict[str, Any], found: dict[str, Any]) -> str:
    """Return the blocks of a search as they go along."""
    return seal(Envelope("messages", DEPLOYMENT, (asked, found)))


@pytest.mark.parametrize(
    ("query", "asked", "result", "search"),
    [
        (
            ['{"que', 'ry":"q"}'],
            {"query": "q"},
            [PAGE, {"type": "brand_new"}],
            WebSearch(("q",), (Citation("u", "t"),)),
        ),
        (
            ['{"query":"q"}'],
            {"query": "q"},
            {"type": "web_search_tool_result_error", "error_code": "x"},
            WebSearch(("q",)),
        ),
        ([], {}, [{**PAGE, "title": None}], WebSearch((), (Citation("u"),))),
        (['{"query":5}'], {"query": 5}, None, WebSearch()),
        (["[1"], {}, [], WebSearch()),
    ],
)
def test_search_of_the_web_is_a_part(query: list[str], asked: dict[str, Any], result: Any, search: WebSearch) -> None:
    """A search and its result are one part: what was asked for, the pages that were found, and the blocks sealed."""
    asking = block(0, SEARCH, *[{"type": "input_json_delta", "partial_json": json} for json in query])
    found = {**FOUND, "content": result, "caller": {"type": "direct"}}
    expected = replace(search, opaque=sealed({**SEARCH, "input": asked}, found))
    assert parts(*asking, *block(1, found), *text(2, "a")) == [
        *[PartStart(0, PartKind.WEB_SEARCH, "srvtoolu_1"), PartSearch(0, expected), PartEnd(0)],
        *[PartStart(1, PartKind.TEXT), PartDelta(1, "a"), PartEnd(1)],
    ]


def test_searches_at_once_find_their_own_results() -> None:
    """A result belongs to the search with its id; a search without a result ends with the reply, and goes nowhere."""
    asked = [{**SEARCH, "id": f"s{at}", "input": {"query": f"q{at}"}} for at in range(3)]
    found = [{**FOUND, "tool_use_id": "s1", "content": [PAGE]}, {**FOUND, "tool_use_id": "s0"}]
    told = parts(*[event for at, opening in enumerate([*asked, *found]) for event in block(at, opening)])
    page = (Citation("u", "t"),)
    assert told == [
        *[PartStart(at, PartKind.WEB_SEARCH, f"s{at}") for at in range(3)],
        *[PartSearch(1, WebSearch(("q1",), page, sealed(asked[1], found[0]))), PartEnd(1)],
        *[PartSearch(0, WebSearch(("q0",), (), sealed(asked[0], found[1]))), PartEnd(0)],
        *[PartSearch(2, WebSearch(("q2",))), PartEnd(2)],
    ]


THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "S"}
SOURCE = {
    "type": "web_search_result_location",
    "url": "u",
    "title": "t",
    "cited_text": "c",
    "encrypted_index": "E+1=",
}
TURN = [
    {"type": "text", "text": "I look."},
    {**SEARCH, "input": {"query": "q"}},
    {**FOUND, "content": [PAGE]},
    THOUGHT,
    {"type": "text", "text": "So: "},
    {"type": "text", "text": "owls", "citations": [SOURCE, {**SOURCE, "title": None}]},
]


def again(model: str, deployment: str) -> tuple[list[dict[str, Any]], Ledger]:
    """Return the model's turn as it goes back, from the store, to an account; the client has kept the words alone."""
    reply = decode_reply({"content": TURN, "stop_reason": "end_turn"}, relay({}).exchange)
    asking = decode_request({"model": "m", "messages": [USER]}, Ledger())
    scope = Scope("acme", DEPLOYMENT, model)
    echo = [AssistantText(parts=(Text(text="I look.So: owls"),))]
    key, record = kept_turn(trace(asking, scope), b"", reply, echo, relay({}).exchange)
    words = {"role": "assistant", "content": "I look.So: owls"}
    asking = decode_request({"model": "m", "messages": [USER, words, USER]}, Ledger())
    replayed = put_back(asking, trace(asking, scope), {key: record}).request
    ledger = Ledger()
    body = msgspec.json.decode(
        msgspec.json.encode(encode_request(replayed, model, profile_for(model), deployment, ledger))
    )
    check_request(body)
    blocks: list[dict[str, Any]] = body["messages"][1]["content"]
    return blocks, ledger


@pytest.mark.parametrize("model", [SONNET_4_5, "claude-opus-5-5"])
def test_turn_with_a_search_goes_back_as_it_came(model: str) -> None:
    """A turn that is put back has its searches, thoughts and sources where the vendor had written them."""
    blocks, ledger = again(model, DEPLOYMENT)
    assert blocks == TURN
    assert (ledger.dropped, ledger.coerced) == ((), ())


def test_search_of_another_account_stays_away() -> None:
    """What only its maker reads is not sent to anybody else."""
    blocks, ledger = again(SONNET_4_5, "another")
    assert [block["type"] for block in blocks] == ["text", "text", "text"]
    assert ledger.dropped == ("messages[1]",)
