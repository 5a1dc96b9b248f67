"""A message kept word for word: what of it cannot be read breaks nothing, and never makes a broken request."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from translation.shapes.messages.upstream.turn import NativeTurn
from translation.sse import ServerSentEvent

Wire = dict[str, Any]
TEXT: Wire = {"type": "text", "text": ""}
CALL: Wire = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}


def content_of(block: Any, *deltas: Any) -> list[Wire]:
    """Return the content of a message with one block, as it stands in the request that goes on with it."""
    turn = NativeTurn()
    events = [{"type": "content_block_start", "index": 0, "content_block": block}]
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    for event in events:
        turn.see(ServerSentEvent("", json.dumps(event).encode()))
    content: list[Wire] = json.loads(msgspec.json.encode(turn.content))
    return content


def test_pieces_are_joined() -> None:
    """Text is what its pieces are together, and so is the input of a call, whose bytes stay."""
    pieces = [{"type": "text_delta", "text": "I "}, {"type": "text_delta", "text": "look."}]
    assert content_of(TEXT, *pieces) == [{"type": "text", "text": "I look."}]
    assert content_of(CALL, {"type": "input_json_delta", "partial_json": '{"q":1}'}) == [{**CALL, "input": {"q": 1}}]


@pytest.mark.parametrize("kind", [[], {}, None, 5, "unknown_delta"])
def test_delta_of_no_known_type_adds_nothing(kind: Any) -> None:
    """Whatever stands where its type should be: the decoder is the one who complains."""
    assert content_of(TEXT, {"type": kind, "text": "x"}) == [TEXT]


@pytest.mark.parametrize("begun", [None, 5, [], {}])
def test_text_that_begins_as_none_is_its_pieces(begun: Any) -> None:
    """Some servers begin a block without a text, or with something else in its place."""
    assert content_of({"type": "text", "text": begun}, {"type": "text_delta", "text": "x"}) == [
        {"type": "text", "text": "x"}
    ]
    cited = content_of({**TEXT, "citations": begun}, {"type": "citations_delta", "citation": {"url": "u"}})
    assert cited == [{**TEXT, "citations": [{"url": "u"}]}]


@pytest.mark.parametrize("said", ['{"query": "swi', '{}, "model": "other"', "nonsense"])
def test_input_that_is_no_json_does_not_break_the_request(said: str) -> None:
    """Half an input is left out: it would make a body that nobody could read."""
    assert content_of(CALL, {"type": "input_json_delta", "partial_json": said}) == [CALL]
