"""The grammar of a Messages stream, as one check that every emitted stream must pass.

message_start  (ping | Block)*  message_delta  message_stop        or, at any point, error and nothing more
Block = content_block_start  content_block_delta*  content_block_stop        numbered from 0, one open at a time
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

DELTAS: Mapping[str, Mapping[str, str]] = {
    "text": {"text_delta": "text", "citations_delta": "citation"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
    "web_search_tool_result": {},
}
EMPTY: Mapping[str, Mapping[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
    "web_search_tool_result": {},
}
STOP_REASONS = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
}


def check(stream: bytes) -> list[dict[str, Any]]:
    """Assert the whole grammar of an emitted stream and return its events, in order."""
    events = parse(stream)
    assert events, "the stream says nothing"
    if events[-1]["type"] == "error":
        _check_error(events[-1])
        _check_message(events[:-1], complete=False)
    else:
        _check_message(events, complete=True)
    return events


def parse(stream: bytes) -> list[dict[str, Any]]:
    """Assert that each event is a name, one line of data and a blank line, and return the data."""
    assert stream.endswith(b"\n\n"), "the stream ends inside an event"
    events = []
    for block in stream[:-2].split(b"\n\n"):
        name, data = block.split(b"\n")
        assert name.startswith(b"event: "), f"an event without its name: {block!r}"
        assert data.startswith(b"data: "), f"an event without its data: {block!r}"
        event = json.loads(data[6:])
        assert event["type"] == name[7:].decode(), f"the name and the type differ: {block!r}"
        events.append(event)
    return events


def _check_message(events: list[dict[str, Any]], *, complete: bool) -> None:
    if not events and not complete:
        return
    assert events[0]["type"] == "message_start", "the stream does not begin with message_start"
    _check_start(events[0]["message"])
    body = [event for event in events[1:] if event["type"] != "ping"]
    if complete:
        assert [event["type"] for event in body[-2:]] == ["message_delta", "message_stop"], "the end is not told"
        assert events[-1]["type"] == "message_stop", "something follows message_stop"
        _check_ending(body[-2], [event for event in body if event["type"] == "content_block_start"])
        body = body[:-2]
    elif body and body[-1]["type"] == "message_delta":
        body = body[:-1]
    _check_blocks(body, complete=complete)


def _check_start(message: dict[str, Any]) -> None:
    assert message["id"].startswith("msg_")
    assert (message["type"], message["role"], message["content"]) == ("message", "assistant", [])
    assert isinstance(message["model"], str)
    assert message["stop_reason"] is None
    assert message["stop_sequence"] is None
    assert isinstance(message["usage"]["input_tokens"], int)
    assert isinstance(message["usage"]["output_tokens"], int)


def _check_blocks(events: list[dict[str, Any]], *, complete: bool) -> None:
    count, kind, signed, cited = 0, None, False, False
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert kind is None, "a block opens in another"
                assert event["index"] == count, "the numbers of the blocks have a gap"
                kind, signed, cited = event["content_block"]["type"], False, False
                _check_empty(event["content_block"])
            case "content_block_delta":
                assert kind is not None, "a delta without a block"
                assert event["index"] == count, "a delta of another block"
                delta = event["delta"]
                member = DELTAS[kind][delta["type"]]
                assert set(delta) == {"type", member}
                assert not signed, "something follows the signature"
                assert not (cited and delta["type"] == "text_delta"), "text follows a citation of its block"
                signed, cited = delta["type"] == "signature_delta", delta["type"] == "citations_delta"
            case "content_block_stop":
                assert kind is not None, "a block stops twice"
                assert event["index"] == count
                count, kind = count + 1, None
            case other:
                raise AssertionError(f"{other} between the blocks")
    assert kind is None or not complete, "a block is not stopped"


def _check_empty(block: dict[str, Any]) -> None:
    for member, value in EMPTY[block["type"]].items():
        assert block[member] == value, "a block does not begin empty"
    if block["type"] in ("tool_use", "server_tool_use"):
        assert block["id"]
        assert block["name"]
    if block["type"] == "web_search_tool_result":
        assert isinstance(block["content"], list), "a result comes whole"


def _check_ending(event: dict[str, Any], started: list[dict[str, Any]]) -> None:
    reason = event["delta"]["stop_reason"]
    calls = any(start["content_block"]["type"] == "tool_use" for start in started)
    assert reason in STOP_REASONS
    assert calls or reason != "tool_use", "tool_use without a call"
    assert not calls or reason != "end_turn", "end_turn with a call to answer"
    assert (event["delta"]["stop_sequence"] is not None) <= (reason == "stop_sequence")
    assert ("stop_details" in event["delta"]) == (reason == "refusal")
    for key in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        assert isinstance(event["usage"][key], int)


def _check_error(event: dict[str, Any]) -> None:
    assert set(event) == {"type", "error", "request_id"}
    assert isinstance(event["error"]["type"], str)
    assert isinstance(event["error"]["message"], str)
