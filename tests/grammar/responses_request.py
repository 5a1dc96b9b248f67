"""What a responses request must be: the types of the official client, and the rules that types cannot say.

every member      is one that the client's types have, and of its type; nothing is null that may be absent
the conversation  every result comes after its call, with nothing but other items of the turn and results between them,
                  and answers it once; reasoning is followed by what it led to; only reasoning, and what the provider's
                  own tools did after it, have ids
the tools         have different names of the wire's alphabet and length, say whether they are strict, and only they are
                  chosen
state             is kept only if that was asked for, and the reasoning of models that reason comes back encrypted
"""

from __future__ import annotations

import re
from typing import Any

from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from tests.grammar.chat import misfit

Wire = dict[str, Any]

RESULTS = {
    "function_call_output": "function_call",
    "custom_tool_call_output": "custom_tool_call",
    "shell_call_output": "shell_call",
    "local_shell_call_output": "local_shell_call",
    "apply_patch_call_output": "apply_patch_call",
}
"""The items of results, and the calls that they answer."""

_WITH_ID = frozenset({"reasoning", "web_search_call", "mcp_call", "local_shell_call", "local_shell_call_output"})
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
# What the client's types require of a reply's message, and a request without stored items leaves out.
_STORED = {"id": "msg_1", "status": "completed"}


def check_request(body: Wire) -> None:
    """Assert that a body is a lawful responses request."""
    assert isinstance(body["input"], list)
    items = [{**_STORED, **item} if item.get("role") == "assistant" else item for item in body["input"]]
    params = {name: value for name, value in body.items() if name != "stream"}
    problem = misfit({**params, "input": items}, ResponseCreateParamsNonStreaming, "body")
    assert problem is None, problem
    assert None not in body.values(), "a member is null instead of absent"
    assert body.get("stream", True) is True, "stream is either true or absent"
    assert "store" in body, "whether the reply is stored is left open"
    assert body.get("max_output_tokens", 16) >= 16, "less output than the wire takes"
    _check_input(body["input"])
    _check_tools(body)


def _check_input(items: list[Wire]) -> None:
    assert items, "there is no item"
    waiting: list[tuple[str, str]] = []
    for item in items:
        assert "id" not in item or item["type"] in _WITH_ID, "an id of an item that is not stored"
        if item["type"] in RESULTS:
            call = (RESULTS[item["type"]], item.get("call_id") or item["id"])
            assert call in waiting, "a result without a call of its kind before it"
            waiting.remove(call)
        elif item["type"] in RESULTS.values():
            assert _CALL_ID.match(item["call_id"]), "an id that the wire does not take"
            assert _NAME.match(item.get("name", "shell"))
            waiting.append((item["type"], item["call_id"]))
        elif item.get("role") in ("user", "system", "developer"):
            assert not waiting, "a call without its result in the next turn"
    assert not waiting, "a call without its result"
    _check_reasoning(items)


def _check_reasoning(items: list[Wire]) -> None:
    for item, successor in zip(items, [*items[1:], None], strict=True):
        if item["type"] in ("reasoning", "web_search_call", "mcp_call"):
            assert successor is not None, "reasoning that nothing follows"
            led_to = successor.get("role", "assistant") == "assistant" and successor["type"] not in RESULTS
            assert led_to, "reasoning that led to nothing"


def _check_tools(body: Wire) -> None:
    tools = body.get("tools", [])
    names = [tool["name"] for tool in tools if "name" in tool]
    assert "tools" not in body or tools, "an empty array of tools"
    assert all(_NAME.match(name) for name in names), "a name that the wire does not take"
    assert len(set(names)) == len(names), "two tools of one name"
    functions = [tool for tool in tools if tool["type"] == "function"]
    assert all(tool["strict"] in (True, False) and tool["parameters"].get("type") for tool in functions)
    if not tools:
        assert not {"tool_choice", "parallel_tool_calls"} & set(body), "a choice without tools"
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        declared = {(tool["type"], tool.get("name")) for tool in tools}
        chosen = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
        assert chosen
        assert {(tool["type"], tool.get("name")) for tool in chosen} <= declared, "a tool that is not declared"
