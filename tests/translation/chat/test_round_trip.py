"""What an upstream said comes back to it unchanged when the client sends the conversation on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.grammar.chat import check_request
from tests.translation.relaying import CLIENTS, sent, translation
from translation.translator import translate_reply

CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":"東","n":[1,2.5]}'}}
DETAILS = [{"type": "reasoning.text", "text": "Hm.", "signature": "s", "index": 0}]
ASSISTANT_MESSAGES = [
    pytest.param({"content": "Hello  \n"}, id="words"),
    pytest.param({"content": None, "tool_calls": [CALL]}, id="a call"),
    pytest.param({"content": "Let me see.", "tool_calls": [CALL, {**CALL, "id": "call_2"}]}, id="words and calls"),
    pytest.param({"content": "a", "reasoning_content": "Hm."}, id="thoughts"),
    pytest.param({"content": "a", "reasoning": "Hm."}, id="thoughts by another name"),
    pytest.param(
        {"content": None, "reasoning": "Hm.", "reasoning_details": DETAILS, "tool_calls": [CALL]}, id="details"
    ),
    pytest.param({"content": None, "reasoning_details": DETAILS, "tool_calls": [CALL]}, id="details only"),
]


def next_request(client: str, reply: dict[str, Any], call_ids: list[str]) -> dict[str, Any]:
    """Return the request by which a client sends a reply back, with an answer to each call, and asks on."""
    if client == "messages":
        results = [{"type": "tool_result", "tool_use_id": call_id, "content": "42"} for call_id in call_ids]
        history = [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": reply["content"]},
            {"role": "user", "content": [*results, {"type": "text", "text": "go on"}]},
        ]
        return {"model": "alias", "max_tokens": 100, "messages": history}
    outputs = [{"type": "function_call_output", "call_id": call_id, "output": "42"} for call_id in call_ids]
    items = [{"role": "user", "content": "hi"}, *reply["output"], *outputs, {"role": "user", "content": "go on"}]
    return {"model": "alias", "input": items, "store": False}


def request(client: str) -> dict[str, Any]:
    """Return the first request of the conversation, by a client that keeps the model's state itself."""
    first = next_request(client, {"content": [{"type": "text", "text": ""}], "output": []}, [])
    return {**first, "input": "hi"} if client == "responses" else {**first, "messages": first["messages"][:1]}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("message", ASSISTANT_MESSAGES)
def test_assistant_message_comes_back_as_it_was(client: str, message: dict[str, Any]) -> None:
    """Words, thoughts and calls of a turn reach the upstream again exactly, whichever shape they went through."""
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}]}
    reply = json.loads(translate_reply(json.dumps(answer).encode(), translation(client, request(client))).body)
    body = sent(client, next_request(client, reply, [call["id"] for call in message.get("tool_calls", [])]))
    check_request(body)
    assert body["messages"][1] == {"role": "assistant", **message}
    assert body["messages"][-1] == {"role": "user", "content": "go on"}


@pytest.mark.parametrize("client", CLIENTS)
def test_thoughts_reach_no_other_account(client: str) -> None:
    """An envelope that another account's upstream made is not sent on."""
    message = {"role": "assistant", "content": "a", "reasoning_content": "Hm."}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    elsewhere = translation(client, request(client), deployment="another")
    reply = json.loads(translate_reply(json.dumps(answer).encode(), elsewhere).body)
    assert sent(client, next_request(client, reply, []))["messages"][1] == {"role": "assistant", "content": "a"}
