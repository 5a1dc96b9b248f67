"""The grammar of chat requests that the tests rely on: lawful bodies pass, and others are found out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.grammar.chat import check_request

USER = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "3"}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a body with these messages and fields."""
    return {"model": "m", "messages": list(messages) or [USER], **fields}


@pytest.mark.parametrize(
    "lawful",
    [
        body(),
        body({"role": "developer", "content": "Be brief."}, USER, ASKED, RESULT, USER, tools=[TOOL]),
        body(USER, {**ASKED, "reasoning_content": "Hm."}, RESULT),
        body(temperature=0, metadata={"a": "b"}, stop=["a"], stream=True, stream_options={"include_usage": True}),
        body({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]}),
    ],
)
def test_lawful_request_passes(lawful: dict[str, Any]) -> None:
    """A request as the official client would send it is lawful."""
    check_request(lawful)


@pytest.mark.parametrize(
    ("unlawful", "problem"),
    [
        (body(no_such_field=1), "no_such_field"),
        (body({**USER, "cache_control": {}}), "cache_control"),
        (body({"role": "user", "content": [{"type": "text", "text": "a", "at": "b"}]}), "at"),
        (body({"role": "user", "content": [{"type": "input_text", "text": "a"}]}), "input_text"),
        (body({"role": "robot", "content": "a"}), "robot"),
        (body({"role": "user"}), "content"),
        (body(temperature="hot"), "temperature"),
        (body(parallel_tool_calls=1, tools=[TOOL]), "parallel_tool_calls"),
        (body(max_completion_tokens=True), "max_completion_tokens"),
        (body(metadata={"a": 1}), "metadata"),
        (body(reasoning_effort="huge"), "huge"),
        (body(reasoning_effort=None), "null"),
        (body(stream=False), "stream is"),
        (body(stream=True), "usage is asked for"),
        (body(stop="a", tools=[]), "empty array of tools"),
        (body(tool_choice="auto"), "without tools"),
        (body(tools=[TOOL, TOOL]), "two tools of one name"),
        (body(tools=[{"type": "function", "function": {"name": "a b", "parameters": {"type": "object"}}}]), "a name"),
        (body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "sub"}}), "not declared"),
        (body(USER, ASKED), "without its result"),
        (body(USER, ASKED, USER, RESULT), "right after"),
        (body(USER, RESULT), "without a call"),
        (body(USER, ASKED, RESULT, RESULT), "without a call"),
        (body(USER, {"role": "assistant", "content": None}), "says nothing"),
        (body(USER, {"role": "assistant", "content": "a", "tool_calls": []}), "empty array of calls"),
        (body(USER, {**ASKED, "tool_calls": [{**CALL, "id": "a:1"}]}, {**RESULT, "tool_call_id": "a:1"}), "an id"),
        (body({"role": "user", "content": []}), "without a part"),
        (body(USER, ASKED, {**RESULT, "content": [{"type": "image_url", "image_url": {"url": "u"}}]}), "image_url"),
        ({"model": "m", "messages": []}, "no message"),
    ],
)
def test_unlawful_request_is_found_out(unlawful: dict[str, Any], problem: str) -> None:
    """Each rule finds the request that breaks it, and says which."""
    with pytest.raises(AssertionError, match=problem):
        check_request(unlawful)
