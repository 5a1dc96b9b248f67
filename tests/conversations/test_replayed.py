"""A stored response told as a stream again."""

from __future__ import annotations

from typing import Any

from conversations.replayed import replayed
from tests.grammar import responses
from tests.translation import official_clients

Wire = dict[str, Any]
PART: Wire = {"type": "output_text", "text": "A cat", "logprobs": []}
SOURCE: Wire = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
OUTPUT: list[Wire] = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Sum."}], "status": "completed"},
    {
        "type": "reasoning",
        "id": "rs_2",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
        "encrypted_content": "gw1.x",
        "status": "completed",
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{**PART, "annotations": [SOURCE]}, {"type": "refusal", "refusal": "No."}],
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"},
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "g", "input": "x", "status": "completed"},
    {"type": "shell_call", "id": "sh_1", "call_id": "c3", "action": {"commands": ["ls"]}, "status": "completed"},
]
RESPONSE: Wire = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "completed_at": 2,
    "status": "completed",
    "incomplete_details": None,
    "error": None,
    "model": "m",
    "output": OUTPUT,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": None,
}


def test_a_replay_is_a_lawful_stream_of_the_response() -> None:
    """Its events keep to the grammar, end with the whole response, and are what the official client can read."""
    stream = b"".join(replayed(RESPONSE, -1))
    events = responses.check(stream)
    assert events[-1]["response"] == RESPONSE
    assert (events[0]["type"], events[0]["response"]["status"]) == ("response.created", "in_progress")
    assert official_clients.of_stream("responses", stream)["id"] == "resp_1"


def test_a_replay_goes_on_after_an_event() -> None:
    """What comes after the given number is told with the numbers that it has."""
    whole = list(replayed(RESPONSE, -1))
    assert list(replayed(RESPONSE, 4)) == whole[5:]


def test_a_replay_has_the_pieces_of_the_first_stream() -> None:
    """Each place's text is cut where it was cut then."""
    places = [[1, 3], [3], [2, 3], [1, 1, 1], [1, 1], [1], []]
    events = responses.check(b"".join(replayed(RESPONSE, -1, places)))
    deltas = [event["delta"] for event in events if event["type"].endswith(".delta")]
    assert deltas == ["S", "um.", "Hm.", "A ", "cat", "N", "o", ".", "{", "}", "x"]


def test_whoever_has_seen_all_events_is_told_the_end() -> None:
    """The last event comes in any case, and has everything."""
    whole = list(replayed(RESPONSE, -1))
    assert list(replayed(RESPONSE, 10_000)) == [whole[-1]]


def test_a_cut_response_ends_as_it_did() -> None:
    """A response that is incomplete is replayed with that end."""
    cut = RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": []}
    events = responses.check(b"".join(replayed(cut, -1)))
    assert events[-1]["type"] == "response.incomplete"
    assert events[0]["response"]["incomplete_details"] is None
