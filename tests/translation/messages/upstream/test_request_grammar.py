"""The grammar of messages requests that the tests rely on: lawful bodies pass, and others are found out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.grammar.messages_request import check_request

TEXT = {"type": "text", "text": "hi"}
USER = {"role": "user", "content": [TEXT]}
MODEL = {"role": "assistant", "content": [TEXT]}
SYSTEM = {"role": "system", "content": [TEXT]}
CALL = {"type": "tool_use", "id": "call_1", "name": "add", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "3"}
ASKED = {"role": "assistant", "content": [CALL]}
ANSWERED = {"role": "user", "content": [RESULT, TEXT]}
TOOL = {"name": "add", "input_schema": {"type": "object"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
MARK = {"cache_control": {"type": "ephemeral"}}
BUDGET = {"type": "enabled", "budget_tokens": 1024}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a body with these messages and fields."""
    return {"model": "m", "max_tokens": 2000, "messages": list(messages) or [USER], **fields}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    """Return a message of the user."""
    return {"role": "user", "content": list(blocks)}


@pytest.mark.parametrize(
    "lawful",
    [
        body(),
        body(USER, ASKED, ANSWERED, tools=[TOOL], tool_choice={"type": "tool", "name": "add"}),
        body(USER, SYSTEM, MODEL, USER, SYSTEM),
        body(USER, {"role": "assistant", "content": [THOUGHT, TEXT]}, thinking=BUDGET, temperature=1),
        body(system=[{**TEXT, **MARK}], stop_sequences=["a"], stream=True, metadata={"user_id": "u"}),
        body(user({"type": "document", "source": PDF, "title": "a"})),
        body(USER, ASKED, user({**RESULT, "content": [{"type": "image", "source": {"type": "url", "url": "u"}}]})),
        body(tools=[{"type": "web_search_20250305", "name": "web_search"}], tool_choice={"type": "any"}),
        body(output_config={"effort": "low", "format": {"type": "json_schema", "schema": {}}}, top_k=5),
    ],
)
def test_lawful_request_passes(lawful: dict[str, Any]) -> None:
    """A request as the official client would send it is lawful."""
    check_request(lawful)


@pytest.mark.parametrize(
    ("unlawful", "problem"),
    [
        (body(no_such_field=1), "no_such_field"),
        (body({"role": "robot", "content": [TEXT]}), "robot"),
        (body({"role": "user", "content": "hi"}), "no array"),
        (body(user()), "says nothing"),
        (body(user({**TEXT, "text": " "})), "blank"),
        (body(user({**TEXT, "at": "b"})), "at"),
        (body(user(TEXT, {"type": "input_text", "text": "a"})), "input_text"),
        (body(user({"type": "image", "source": {**PDF, "media_type": "image/bmp"}})), "does not take"),
        (body(user({"type": "document", "source": {**PDF, "data": 1}})), "no text"),
        (body(user({"type": "document", "source": {**PDF, "more": 1}})), "more or less"),
        (body(USER, USER), "user after user"),
        (body(SYSTEM), "follows no user"),
        (body(USER, SYSTEM, USER), "user after system"),
        (body(USER, MODEL, SYSTEM), "system after assistant"),
        (body(USER, {"role": "assistant", "content": [{**TEXT, "text": "a "}]}), "white space"),
        (body(USER, ASKED), "without its result"),
        (body(USER, ASKED, user(TEXT, RESULT)), "before the results"),
        (body(USER, ASKED, user(TEXT)), "not those"),
        (body(USER, ASKED, user(RESULT, RESULT)), "not those"),
        (body(user(RESULT)), "not those"),
        (body(USER, ASKED, ANSWERED, ASKED, ANSWERED), "comes twice"),
        (body(USER, {**ASKED, "content": [CALL, CALL]}, user(RESULT, RESULT)), "comes twice"),
        (body(USER, {**ASKED, "content": [{**CALL, "id": "a:1"}]}, user({**RESULT, "tool_use_id": "a:1"})), "an id"),
        (body(USER, {**ASKED, "content": [{**CALL, "name": "a b"}]}, ANSWERED), "a name"),
        (body(USER, {**ASKED, "content": [{**CALL, "input": "{}"}]}, ANSWERED), "input"),
        (body(user(THOUGHT)), "not the model's"),
        (body(system=[]), "empty array of instructions"),
        (body(max_tokens=0), "no room"),
        (body(max_tokens="5"), "max_tokens"),
        (body(metadata=None), "metadata"),
        (body(cache_control=None), "null"),
        (body(stream=False), "stream is"),
        (body(temperature=1.5), "temperature"),
        (body(top_p="x"), "no number"),
        (body(stop_sequences=[" "]), "stop"),
        (body(metadata={"user_id": "u" * 257}), "too long"),
        (body(tools=[]), "empty array of tools"),
        (body(tool_choice={"type": "auto"}), "without tools"),
        (body(tools=[TOOL, TOOL]), "two tools of one name"),
        (body(tools=[{**TOOL, "name": "n" * 129}]), "a name"),
        (body(tools=[{**TOOL, "input_schema": {}}]), "no object"),
        (body(tools=[TOOL], tool_choice={"type": "tool", "name": "sub"}), "not declared"),
        (body(thinking={**BUDGET, "budget_tokens": 2000}), "out of bounds"),
        (body(thinking={**BUDGET, "budget_tokens": 1023}), "out of bounds"),
        (body(thinking=BUDGET, tools=[TOOL], tool_choice={"type": "any"}), "forced"),
        (body(thinking={"type": "adaptive"}, top_k=5), "top_k"),
        (body(thinking=BUDGET, temperature=0.5), "beside thinking"),
        (body(thinking=BUDGET, top_p=0.9), "narrow"),
        (body(user(*[{**TEXT, **MARK}] * 4), **MARK), "four cache marks"),
        ({"model": "m", "max_tokens": 1, "messages": []}, "no message"),
    ],
)
def test_unlawful_request_is_found_out(unlawful: dict[str, Any], problem: str) -> None:
    """Each rule finds the request that breaks it, and says which."""
    with pytest.raises(AssertionError, match=problem):
        check_request(unlawful)
