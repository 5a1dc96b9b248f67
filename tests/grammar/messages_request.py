"""What a messages request must be: the types of the official client, and the rules that types cannot say.

every member      is one that the client's types have, and of its type; nothing is null that may be absent
the conversation  user and model take turns; an instruction stands between the user's turn and the model's, or last; the
                  message after calls begins with their results, in their order; no id comes twice; no text is blank
the tools         have different names of the wire's alphabet and length, and only they are chosen
thinking          has a budget between its least and the output limit, and nothing beside it that it does not bear
the cache         has four marks at most
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from anthropic.types import ContentBlockParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from tests.grammar.chat import misfit

Wire = dict[str, Any]

# Members that only versions of the API before the client's have.
SAMPLING = ("temperature", "top_p", "top_k")
FILES = {
    "image": ("image/jpeg", "image/png", "image/gif", "image/webp"),
    "document": ("application/pdf",),
}
THOUGHTS = ("thinking", "redacted_thinking")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]+\Z")
_NEIGHBOURS = {"user": ("system", "assistant"), "assistant": ("user",), "system": ("assistant",)}


def check_request(body: Wire) -> None:
    """Assert that a body is a lawful messages request."""
    params = {name: value for name, value in body.items() if name not in ("stream", *SAMPLING)}
    heads = [{**message, "content": ""} for message in body["messages"]]
    assert (problem := misfit({**params, "messages": heads}, MessageCreateParamsNonStreaming, "body")) is None, problem
    assert all(isinstance(body.get(name, 0), int | float) for name in SAMPLING), "sampling that is no number"
    assert None not in body.values(), "a member is null instead of absent"
    assert body.get("stream", True) is True, "stream is either true or absent"
    assert body["max_tokens"] > 0, "no room for an answer"
    for message in body["messages"]:
        assert isinstance(message["content"], list), "content that is no array"
        for block in message["content"]:
            assert (problem := misfit(_without_data(block), ContentBlockParam, message["role"])) is None, problem
    _check_turns(body["messages"])
    _check_pairs(body["messages"])
    _check_blocks(body)
    _check_tools(body)
    _check_thinking(body)


def _without_data(block: Wire) -> Wire:
    """Return the block with addresses for files: the client's types take open files as well, and `misfit` does not."""
    if isinstance(block.get("content"), list):
        return {**block, "content": [_without_data(inner) for inner in block["content"]]}
    source = block.get("source", {})
    if source.get("type") != "base64":
        return block
    assert set(source) == {"type", "media_type", "data"}, "a file that is more or less than a file"
    assert isinstance(source["data"], str), "a file that is no text"
    assert source["media_type"] in FILES[block["type"]], "a file that the wire does not take"
    return {**block, "source": {"type": "url", "url": "https://example.com"}}


def _check_turns(messages: list[Wire]) -> None:
    assert messages, "there is no message"
    assert messages[0]["role"] != "system", "an instruction that follows no user"
    for message, following in pairwise(messages):
        assert following["role"] in _NEIGHBOURS[message["role"]], f"{following['role']} after {message['role']}"
    last = messages[-1]["content"][-1:]
    if messages[-1]["role"] == "assistant" and last[0]["type"] == "text":
        assert last[0]["text"] == last[0]["text"].rstrip(), "the words to go on from end with white space"


def _check_pairs(messages: list[Wire]) -> None:
    seen: set[str] = set()
    waiting: list[str] = []
    for message in messages:
        content = message["content"]
        assert content, "a message that says nothing"
        results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        assert not results or message["role"] == "user", "a result that is not the user's"
        assert results == waiting, "the results are not those of the calls before, in their order"
        assert all(block["type"] == "tool_result" for block in content[: len(results)]), "something before the results"
        calls = [block for block in content if block["type"] == "tool_use"]
        assert not calls or message["role"] == "assistant", "a call that is not the model's"
        assert all(_NAME.match(call["name"]) for call in calls), "a call by a name that the wire does not take"
        waiting = [call["id"] for call in calls]
        assert all(_CALL_ID.match(call_id) for call_id in waiting), "an id that the wire does not take"
        assert len(set(waiting)) == len(waiting), "an id comes twice"
        assert not seen & set(waiting), "an id comes twice"
        seen |= set(waiting)
    assert not waiting, "a call without its result"


def _blocks(body: Wire) -> Iterator[tuple[str, Wire]]:
    yield from (("system", block) for block in body.get("system", []))
    for message in body["messages"]:
        for block in message["content"]:
            yield message["role"], block
            if isinstance(block.get("content"), list):
                yield from ((message["role"], inner) for inner in block["content"])


def _check_blocks(body: Wire) -> None:
    marks = 1 if "cache_control" in body else 0
    assert body.get("system", [{}]), "an empty array of instructions"
    for role, block in _blocks(body):
        assert block["type"] != "text" or block["text"].strip(), "a text that is blank"
        assert block["type"] not in THOUGHTS or role == "assistant", "thoughts that are not the model's"
        marks += "cache_control" in block
    assert marks <= 4, "more than four cache marks"


def _check_tools(body: Wire) -> None:
    names = [tool["name"] for tool in body.get("tools", [])]
    assert "tools" not in body or names, "an empty array of tools"
    assert all(_NAME.match(name) for name in names), "a name that the wire does not take"
    assert len(set(names)) == len(names), "two tools of one name"
    functions = [tool for tool in body.get("tools", []) if "type" not in tool]
    assert all(tool["input_schema"].get("type") == "object" for tool in functions), "a tool that takes no object"
    assert names or "tool_choice" not in body, "a choice without tools"
    chosen = body.get("tool_choice", {}).get("name")
    assert chosen is None or chosen in names, "a tool is chosen that is not declared"


def _check_thinking(body: Wire) -> None:
    thinking = body.get("thinking", {"type": "disabled"})
    assert 0 <= body.get("temperature", 1) <= 1, "a temperature that the wire does not take"
    assert all(sequence.strip() for sequence in body.get("stop_sequences", [])), "a blank stop sequence"
    assert len(body.get("metadata", {}).get("user_id", "")) <= 256, "a user's id that is too long"
    if thinking["type"] == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["max_tokens"], "a budget out of bounds"
        assert body.get("tool_choice", {}).get("type") not in ("any", "tool"), "a forced tool beside a budget"
    if thinking["type"] in ("enabled", "adaptive"):
        assert "top_k" not in body, "top_k beside thinking"
        assert body.get("temperature", 1) == 1, "a temperature beside thinking"
        assert body.get("top_p", 1) >= 0.95, "a narrow top_p beside thinking"
