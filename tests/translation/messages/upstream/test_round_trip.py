"""A turn of the model's, out to a client and back in its history: the upstream gets its own words again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.translation.messages.upstream.asking import OPUS_4_8, SONNET_4_5, USER, lost, relay, sent
from translation.translator import translate_reply

THOUGHTS = [
    {"type": "thinking", "thinking": "Hm.", "signature": "s1=="},
    {"type": "redacted_thinking", "data": "xyz"},
    {"type": "thinking", "thinking": "", "signature": "s2=="},
]
CALLS = [
    {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"b": 1.0, "a": [1]}},
    {"type": "tool_use", "id": "toolu_2", "name": "add", "input": {}},
]
TEXTS = [{"type": "text", "text": "Yes.\n"}, {"type": "text", "text": " No."}]
TOOLS = [{"type": "function", "name": "add"}]
STATELESS = {"include": ["reasoning.encrypted_content"], "store": False, "tools": TOOLS}


def answer(content: list[dict[str, Any]]) -> bytes:
    """Return a whole message of the upstream's with this content."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m", "content": content}
    return json.dumps({**message, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}).encode()


@pytest.mark.parametrize(
    "content",
    [
        TEXTS,
        [*THOUGHTS, *TEXTS],
        [*THOUGHTS, *CALLS],
        [*THOUGHTS, *TEXTS, *CALLS],
        [*THOUGHTS, TEXTS[0], CALLS[0], THOUGHTS[0], CALLS[1]],
    ],
)
@pytest.mark.parametrize("model", [SONNET_4_5, OPUS_4_8])
def test_turn_comes_back_through_responses_as_it_was(content: list[dict[str, Any]], model: str) -> None:
    """Thoughts, texts and calls are the same blocks in the same order, and nothing is lost on the way."""
    output = json.loads(translate_reply(answer(content), relay(STATELESS, model)).body)["output"]
    calls = [item["call_id"] for item in output if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call_id, "output": "3"} for call_id in calls]
    history = {**STATELESS, "input": [USER, *output, *results, USER]}
    assert sent(history, model)["messages"][1] == {"role": "assistant", "content": content}
    assert lost(history, model) == ((), ())


@pytest.mark.parametrize("content", [TEXTS[:1], [*THOUGHTS, TEXTS[0]], [*THOUGHTS, TEXTS[0], *CALLS]])
def test_turn_comes_back_through_chat_as_it_was(content: list[dict[str, Any]]) -> None:
    """A client that keeps the details of the reasoning gives the upstream its own thoughts again."""
    message = json.loads(translate_reply(answer(content), relay({}, client="chat")).body)["choices"][0]["message"]
    calls = [call["id"] for call in message.get("tool_calls") or ()]
    results = [{"role": "tool", "tool_call_id": call_id, "content": "3"} for call_id in calls]
    body = sent({"messages": [USER, message, *results, USER]}, client="chat")
    assert body["messages"][1] == {"role": "assistant", "content": content}
