"""Tools, thinking and the form of the answer: what chat clients ask of upstreams that speak Messages."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from tests.conformance.asking_messages import HELLO, calling, relay, result, sent, tool, turns
from tests.serving.wires import MESSAGES_REPLY
from tests.translation.messages.upstream.asking import begun, block, ended, stream
from tests.translation.relaying import streamed
from translation.translator import Translation, translate_reply

Wire = dict[str, Any]

SONNET_4_5, OPUS_4_6, OPUS_4_8 = "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-8"
FABLE_5, SONNET_5_5 = "claude-fable-5", "claude-sonnet-5-5"
ADD, SUB = tool("add"), tool("sub")
CLOSED = {"additionalProperties": False}
SYSTEM = {"role": "system", "content": "Be brief."}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
BUDGETS = (None, 1024, 2048, 8192, 16384, 32768, 32768)
LEVELS = {
    OPUS_4_6: (None, "low", "low", "medium", "high", "high", "max"),
    OPUS_4_8: (None, "low", "low", "medium", "high", "xhigh", "max"),
    FABLE_5: ("low", "low", "low", "medium", "high", "xhigh", "max"),
}
OFF = {"type": "disabled"}
SHOWN = {"display": "summarized"}


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "level"),
    [
        *[
            (SONNET_4_5, effort, {"type": "enabled", "budget_tokens": budget, **SHOWN} if budget else OFF, None)
            for effort, budget in zip(EFFORTS, BUDGETS, strict=True)
        ],
        *[
            (model, effort, ({"type": "adaptive"} | (SHOWN if effort != "none" else {})) if level else OFF, level)
            for model, levels in LEVELS.items()
            for effort, level in zip(EFFORTS, levels, strict=True)
        ],
        (SONNET_5_5, "none", {"type": "between_tools"}, None),
    ],
)
def test_effort(model: str, effort: str, thinking: Wire, level: str | None) -> None:
    """58. Each reasoning effort becomes the thinking that the model takes: a budget, an adaptive level that is never
    above the effort, or none; what is not the effort itself is reported.
    """
    told = relay({"reasoning_effort": effort}, model)
    body = json.loads(told.body)
    assert body["thinking"] == thinking
    assert body.get("output_config") == (None if level is None else {"effort": level})
    instead = level if thinking["type"] == "adaptive" else {"between_tools": "between_tools"}.get(thinking["type"])
    assert told.coerced == (() if instead in (None, effort) else (f"reasoning_effort={effort}>{instead}",))
    assert told.dropped == ()


@pytest.mark.parametrize("limit", [1, 1000, 1024, 1025, 5000, 20_000, 64_000, None])
@pytest.mark.parametrize("effort", EFFORTS[1:])
def test_budget(effort: str, limit: int | None) -> None:
    """59. A thinking budget is at least 1024 and below max_tokens, and where there is no room for that, as with
    max_tokens 1000, the model does not think, with a report.
    """
    members = {"reasoning_effort": effort} | ({} if limit is None else {"max_tokens": limit})
    told = relay(members, SONNET_4_5)
    body = json.loads(told.body)
    if body["max_tokens"] <= 1024:
        assert "thinking" not in body
        assert told.dropped == ("reasoning_effort",)
    else:
        assert 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"]
        assert told.dropped == ()


def named(name: str) -> Wire:
    """Return the choice of a function."""
    return {"type": "function", "function": {"name": name}}


def only(mode: str, *names: str) -> Wire:
    """Return the choice among some functions."""
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named(name) for name in names]}}


@pytest.mark.parametrize(
    ("choice", "told", "tools"),
    [
        (None, None, ["add", "sub"]),
        ("auto", {"type": "auto"}, ["add", "sub"]),
        ("none", {"type": "none"}, ["add", "sub"]),
        ("required", {"type": "any"}, ["add", "sub"]),
        (named("sub"), {"type": "tool", "name": "sub"}, ["add", "sub"]),
        (only("auto", "sub"), {"type": "auto"}, ["sub"]),
        (only("required", "sub"), {"type": "any"}, ["sub"]),
    ],
)
def test_tool_choice(choice: Any, told: Wire | None, tools: list[str]) -> None:
    """60. Each tool choice has its twin, allowed tools are the only ones that are sent, and parallel_tool_calls false
    becomes disable_parallel_tool_use of the choice.
    """
    members = {"tools": [ADD, SUB], "tool_choice": choice}
    body = sent(**members)
    assert (body.get("tool_choice"), [tool["name"] for tool in body["tools"]]) == (told, tools)
    single = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert sent(**members, parallel_tool_calls=False)["tool_choice"] == (told or {"type": "auto"}) | single


@pytest.mark.parametrize(
    ("choice", "forced", "report"),
    [("required", "any", "tool_choice=required>auto"), (named("add"), "tool", "tool_choice")],
)
def test_forced_choice_beside_thinking(choice: Any, forced: str, report: str) -> None:
    """61. Where a model cannot think and be forced to use a tool, the choice is kept and the effort is dropped with a
    report; a model that can never be forced chooses freely, with a report.
    """
    asked = {"tools": [ADD], "tool_choice": choice, "reasoning_effort": "low"}
    budgeted, free = relay(asked, SONNET_4_5), relay(asked, FABLE_5)
    body = json.loads(budgeted.body)
    assert ("thinking" in body, body["tool_choice"]["type"]) == (False, forced)
    assert (budgeted.dropped, budgeted.coerced) == (("reasoning_effort",), ())
    body = json.loads(free.body)
    assert (body["thinking"]["type"], body["tool_choice"]) == ("adaptive", {"type": "auto"})
    assert (free.dropped, free.coerced) == ((), (report,))


def test_form_of_the_answer() -> None:
    """62. A JSON Schema becomes output_config.format with every object closed and other constraints moved into the
    description, and json_object becomes an instruction.
    """
    inner = {"oneOf": [{"type": "string", "format": "date"}, {"type": "object", "properties": {}}]}
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}, "x": inner}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    held = {"anyOf": [{"type": "string", "format": "date"}, {"type": "object", "properties": {}} | CLOSED]}
    told = relay({"response_format": form})
    assert json.loads(told.body)["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}, "x": held},
            "required": ["n"],
            **CLOSED,
        },
    }
    assert told.coerced == ("response_format",)
    any_object = relay({"response_format": {"type": "json_object"}, "messages": [SYSTEM, *HELLO]})
    instruction = {"type": "text", "text": "Respond with a single JSON object and nothing else."}
    body = json.loads(any_object.body)
    assert body["system"] == [{"type": "text", "text": "Be brief."}, instruction]
    assert "output_config" not in body
    assert any_object.coerced == ("response_format",)


def test_custom_tool() -> None:
    """63. A custom tool becomes a function with one string as input and its grammar in the description, its calls in
    the history are wrapped alike, and the model's call of it comes back to the client as a custom call.
    """
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x+/"}}
    declared = {"type": "custom", "custom": {"name": "sql", "description": "Runs SQL.", "format": grammar}}
    call = {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": 'select "x"'}}
    history = [*HELLO, {"role": "assistant", "tool_calls": [call]}, result("c1")]
    told = relay({"tools": [declared], "messages": history})
    body = json.loads(told.body)
    assert body["tools"] == [
        {
            "name": "sql",
            "description": "Runs SQL.\nThe input must match this lark grammar:\nstart: /x+/",
            "input_schema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                **CLOSED,
            },
        }
    ]
    assert turns(body)[1][1][0]["input"] == {"input": 'select "x"'}
    assert message_of(told, {"type": "tool_use", "id": "c1", "name": "sql", "input": {"input": 'select "x"'}})[
        "tool_calls"
    ] == [call]


def test_legacy_functions() -> None:
    """64. The deprecated functions, function_call and role function work: functions are tools, the call in the history
    and its result find each other, and the reply has a function_call.
    """
    call = {"name": "add", "arguments": '{"a":1}'}
    history = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "add", "content": "3"},
    ]
    told = relay({"functions": [{"name": "add"}], "function_call": {"name": "add"}, "messages": history})
    body = json.loads(told.body)
    assert body["tools"] == [{"name": "add", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "tool", "name": "add", "disable_parallel_tool_use": True}
    (use,), (answer,) = (blocks for _, blocks in turns(body)[1:])
    assert use == {"type": "tool_use", "id": "call_fn_1", "name": "add", "input": {"a": 1}}
    assert answer == {"type": "tool_result", "tool_use_id": "call_fn_1", "content": "3"}
    message = message_of(told, {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}})
    assert (message["function_call"], "tool_calls" in message) == (call, False)


@pytest.mark.parametrize(
    ("members", "user_id", "dropped"),
    [
        ({"user": "u"}, "u", ()),
        ({"safety_identifier": "s"}, "s", ()),
        ({"user": "u", "safety_identifier": "s"}, "s", ("user",)),
    ],
)
def test_end_user(members: Wire, user_id: str, dropped: tuple[str, ...]) -> None:
    """65. The end user's id becomes metadata.user_id; safety_identifier wins over user, which is then reported."""
    told = relay(members)
    assert json.loads(told.body)["metadata"] == {"user_id": user_id}
    assert told.dropped == dropped


@pytest.mark.parametrize(("ttl", "mark"), [(None, {}), ("30m", {}), ("12h", {"ttl": "1h"})])
def test_cache_marks(ttl: str | None, mark: Wire) -> None:
    """68. A prompt_cache_breakpoint becomes cache_control at the same part, and without any the whole request gets one
    mark, if it has tools or more than one turn.
    """
    wish = {"mode": "explicit"} | ({} if ttl is None else {"ttl": ttl})
    marked = {"type": "text", "text": "a", "prompt_cache_breakpoint": wish}
    body = sent({"role": "user", "content": [marked, {"type": "text", "text": "b"}]}, tools=[ADD])
    control = {"type": "ephemeral", **mark}
    assert turns(body) == [("user", [{"type": "text", "text": "a", "cache_control": control}, "b"])]
    assert "cache_control" not in body
    for asked in ({"tools": [ADD]}, {"messages": [*HELLO, {"role": "assistant", "content": "a"}, *HELLO]}):
        body = sent(**asked)
        assert body.pop("cache_control") == {"type": "ephemeral"}
        assert "cache_control" not in json.dumps(body)
    assert "cache_control" not in json.dumps(sent())


@pytest.mark.parametrize("name", ["n" * 65, "n" * 128, "n" * 129, "math.add", "été"])
def test_tool_names(name: str) -> None:
    """70. Tool names of more than 64 characters, and names that the upstream does not take, come back to the client
    unchanged, whatever the upstream knew them as.
    """
    told = relay({"tools": [tool(name)], "tool_choice": named(name), "messages": history_with(name)})
    body = json.loads(told.body)
    known_as = body["tools"][0]["name"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}", known_as)
    assert body["tool_choice"]["name"] == turns(body)[1][1][0]["name"] == known_as
    message = message_of(told, {"type": "tool_use", "id": "c2", "name": known_as, "input": {}})
    assert message["tool_calls"][0]["function"]["name"] == name
    opening = {"type": "tool_use", "id": "c2", "name": known_as, "input": {}}
    streamed_reply = streamed(told, [stream(begun(), *block(0, opening), *ended("tool_use"))])
    assert f'"name":"{name}"'.encode() in streamed_reply


def history_with(name: str) -> list[Wire]:
    """Return a history with a call of that tool."""
    return [*HELLO, calling(("c1", name, "{}")), result("c1")]


def message_of(told: Translation, *content: Wire) -> Wire:
    """Return the message that the client reads when the upstream's has that content."""
    upstream_message = {**json.loads(MESSAGES_REPLY), "content": list(content), "stop_reason": "tool_use"}
    body = json.loads(translate_reply(msgspec.json.encode(upstream_message), told).body)
    message: Wire = body["choices"][0]["message"]
    return message
