"""Whole messages from an upstream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.translation.messages.upstream.asking import DEPLOYMENT, relay
from translation.envelope import Envelope, seal
from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.failures import UpstreamProtocolError
from translation.hub import Citation, WebSearch
from translation.reply import Reply, ReplyPart
from translation.shapes.messages.spelling import reply_with_spellings
from translation.shapes.messages.upstream.response import decode_reply
from translation.translator import translate_reply

SOURCE = {"type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "c", "encrypted_index": "e"}
PAGE = {"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "E", "page_age": None}
ASKED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]}
SEALED = seal(Envelope("messages", DEPLOYMENT, (ASKED, FOUND)))


def message(*content: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a whole message."""
    return {
        "id": "msg_12345678",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": list(content),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5, "service_tier": "standard"},
        **members,
    }


def reply(wire: dict[str, Any]) -> Reply:
    """Return the reply that a message is."""
    return decode_reply(wire, relay({}).exchange)


def test_message_is_decoded_whole() -> None:
    """Thoughts, searches, text with its sources and calls keep their order and content."""
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    told = reply(
        message(
            thought,
            ASKED,
            FOUND,
            {"type": "text", "text": "Yes.", "citations": [SOURCE]},
            {"type": "text", "text": "", "citations": None},
            {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"b": 1.0, "a": [12345678901234567890123]}},
            {"type": "tool_use", "id": "toolu_2", "name": "add", "input": {}},
            stop_reason="tool_use",
        )
    )
    assert told == Reply(
        start=Start("msg_12345678", "claude-x", 0, "default"),
        parts=(
            ReplyPart(
                kind=PartKind.REASONING,
                text="Hm.",
                opaque=seal(Envelope("messages", DEPLOYMENT, (thought,))),
                summary=True,
            ),
            ReplyPart(
                kind=PartKind.WEB_SEARCH, call_id="srvtoolu_1", search=WebSearch(("q",), (Citation("u", "t"),), SEALED)
            ),
            ReplyPart(kind=PartKind.TEXT, text="Yes.", citations=(Citation("u", "t", "c", 0, 4, "e"),)),
            ReplyPart(
                kind=PartKind.TOOL_CALL,
                call_id="toolu_1",
                name="add",
                text='{"b":1.0,"a":[12345678901234567890123]}',
            ),
            ReplyPart(kind=PartKind.TOOL_CALL, call_id="toolu_2", name="add"),
        ),
        finish=Finish(StopReason.TOOL_CALLS),
        usage=Usage(10, 0, 0, 5, None, 1),
    )


@pytest.mark.parametrize(
    "arguments", ['{ "b" : 1e2,\n"a":[1.0, 12345678901234567890123], "é":"\\u00e9" }', "{ }", "{}"]
)
def test_arguments_are_as_the_model_wrote_them(arguments: str) -> None:
    """The text of a call's input is that of the body, blanks and the forms of numbers included."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": "HERE"}
    body = json.dumps(message({"type": "text", "text": "a"}, call)).replace('"HERE"', arguments).encode()
    (_, made) = reply(reply_with_spellings(json.loads(body), body)).parts
    assert made.text == ("" if arguments == "{}" else arguments)
    told = translate_reply(body, relay({})).body
    assert json.loads(told)["output"][1]["arguments"] == arguments


def test_spelling_of_what_is_no_message_is_left_alone() -> None:
    """A body that cannot be read twice is read once."""
    for wire in ({"content": "tool_use"}, {"content": [1, "tool_use"]}, {"x": "tool_use"}, {"content": None}):
        assert reply_with_spellings(wire, json.dumps(wire).encode()) is wire


def test_message_may_lack_what_is_not_needed() -> None:
    """A message without content, counts or a reason is a reply all the same."""
    assert reply({"content": []}) == Reply(start=Start(), parts=(), finish=Finish(StopReason.UNKNOWN), usage=None)


def test_members_of_another_type_are_left_out() -> None:
    """A server's deviations cost the member, and not the reply."""
    told = reply(message({"type": "text", "text": "a", "citations": "x"}, id=5, usage={"input_tokens": "1"}))
    assert told.parts == (ReplyPart(kind=PartKind.TEXT, text="a"),)
    assert told.start == Start("", "claude-x")


@pytest.mark.parametrize(
    ("wire", "status", "words"),
    [
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}, 429, "Slow down"),
        ({"error": {"message": "Broken"}}, 502, "Broken"),
        ({"type": "error"}, 502, ""),
        ({}, 502, "no content"),
        ({"content": "a"}, 502, "no content"),
        ({"content": ["a"]}, 502, "no content"),
        ({"choices": []}, 502, "no content"),
    ],
)
def test_body_that_is_no_message_is_the_upstreams_failure(wire: dict[str, Any], status: int, words: str) -> None:
    """An error in a success, or another thing than a message, is a failure and never a reply."""
    with pytest.raises(UpstreamProtocolError) as caught:
        reply(wire)
    assert caught.value.failure.status == status
    assert words in caught.value.failure.message
