"""Whole completions of chat upstreams."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.relaying import translation
from translation.envelope import unseal
from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.failures import UpstreamProtocolError
from translation.hub import Citation
from translation.reply import Reply, ReplyPart
from translation.shapes.chat.response import decode_reply


def decoded(finish_reason: str | None = "stop", /, **message: Any) -> Reply:
    """Return the reply that a completion with this message is."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    wire = {"id": "chatcmpl-1", "model": "m", "created": 7, "choices": [choice]}
    return decode_reply(wire, translation("messages").exchange)


def function(call_id: str | None, name: str, arguments: Any) -> dict[str, Any]:
    """Return a call as a completion has it, without an index."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_completion_is_decoded() -> None:
    """Id, model, time, service tier, text and counts are read."""
    wire = {
        "id": "chatcmpl-1",
        "model": "m",
        "created": 7,
        "service_tier": "flex",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    }
    assert decode_reply(wire, translation("messages").exchange) == Reply(
        start=Start("chatcmpl-1", "m", 7, "flex"),
        parts=(ReplyPart(kind=PartKind.TEXT, text="Hello"),),
        finish=Finish(StopReason.END),
        usage=Usage(input_tokens=9, output_tokens=3),
    )


def test_parts_are_thoughts_words_and_calls_in_this_order() -> None:
    """A message has no order of its own: thoughts come first, then the words, then the calls."""
    reply = decoded(
        "tool_calls",
        tool_calls=[function("1", "f", '{"a": 1}'), function("2", "g", "")],
        content="Let me see.",
        reasoning_content="Hm.",
    )
    assert [(part.kind, part.text) for part in reply.parts] == [
        (PartKind.REASONING, "Hm."),
        (PartKind.TEXT, "Let me see."),
        (PartKind.TOOL_CALL, '{"a": 1}'),
        (PartKind.TOOL_CALL, ""),
    ]
    envelope = unseal(reply.parts[0].opaque)
    assert envelope is not None
    assert envelope.blocks == ({"reasoning_content": "Hm."},)


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ({"tool_calls": [function("1", "f", {"a": 1})]}, [("1", "f", '{"a":1}')]),
        (
            {"tool_calls": [function("", "f", "{}"), function(None, "f", "{}")]},
            [("call_0123456789abcdefghijABCD00", "f", "{}"), ("call_0123456789abcdefghijABCD01", "f", "{}")],
        ),
        ({"tool_calls": [function("1", "f", "{}"), function("1", "f", "{}")]}, [("1", "f", "{}"), ("1", "f", "{}")]),
        ({"function_call": {"name": "f", "arguments": "{}"}}, [("call_0123456789abcdefghijABCD00", "f", "{}")]),
        ({"tool_calls": None, "function_call": None}, []),
        ({"tool_calls": [None, {"id": "1"}], "function_call": {"name": "", "arguments": ""}}, []),
    ],
)
def test_calls_are_told_apart_by_their_place(message: dict[str, Any], calls: list[tuple[str, str, str]]) -> None:
    """Each entry is one call, whatever its id; an id that is missing is made up."""
    assert [(part.call_id, part.name, part.text) for part in decoded("tool_calls", **message).parts] == calls


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": ""}, ()),
        ({"content": None, "refusal": None, "audio": {"id": "a"}}, ()),
        ({"content": None, "refusal": "No."}, (ReplyPart(kind=PartKind.REFUSAL, text="No."),)),
        ({"content": [{"type": "text", "text": "a"}]}, (ReplyPart(kind=PartKind.TEXT, text="a"),)),
        (
            {"content": "a", "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "end_index": 1}}]},
            (ReplyPart(kind=PartKind.TEXT, text="a", citations=(Citation("u", end=1),)),),
        ),
    ],
)
def test_words_are_read(message: dict[str, Any], parts: tuple[ReplyPart, ...]) -> None:
    """Text, refusals and sources are read; no words are no part."""
    assert decoded("stop", **message).parts == parts


@pytest.mark.parametrize(
    ("word", "reason"),
    [(None, StopReason.END), ("", StopReason.END), ("length", StopReason.MAX_TOKENS), ("odd", StopReason.UNKNOWN)],
)
def test_missing_finish_reason_is_a_normal_end(word: str | None, reason: StopReason) -> None:
    """A completion is complete because it is there: without a reason it has ended normally."""
    assert decoded(word, content="a").finish == Finish(reason)


def test_first_choice_counts() -> None:
    """Of several choices the one with index 0 is the reply, wherever it stands."""
    choices = [{"index": 1, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]
    reply = decode_reply({"choices": choices}, translation("messages").exchange)
    assert [part.text for part in reply.parts] == ["a"]


@pytest.mark.parametrize(
    ("wire", "status", "words"),
    [
        ({}, 502, "no choice with a message"),
        ({"choices": [{"index": 0, "delta": {"content": "a"}}]}, 502, "no choice with a message"),
        ({"choices": "none"}, 502, "not a chat chunk"),
        ({"choices": [{"message": {}, "finish_reason": "error"}]}, 502, "stopped with an error"),
        ({"error": {"message": "busy", "code": "overloaded"}}, 503, "busy"),
        ({"error": {"message": "who?", "code": "invalid_api_key"}}, 502, "upstream authentication failed"),
    ],
)
def test_body_that_is_no_completion_raises(wire: dict[str, Any], status: int, words: str) -> None:
    """What is no completion raises, with the failure that the upstream told if it told one."""
    with pytest.raises(UpstreamProtocolError, match=words) as caught:
        decode_reply(wire, translation("messages").exchange)
    assert caught.value.failure.status == status
