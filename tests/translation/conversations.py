"""Conversations as each client sends them, for tests of all pairs: questions, answers played back, results of calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.grammar import chat, messages, messages_request, responses, responses_request

Wire = dict[str, Any]

GRAMMARS = {"chat": chat.check, "messages": messages.check, "responses": responses.check}
"""The grammar of each client's stream."""

REQUEST_RULES = {
    "chat": chat.check_request,
    "messages": messages_request.check_request,
    "responses": responses_request.check_request,
}
"""The rules of each upstream's request."""

MODELS = {"chat": "upstream-model", "messages": "claude-sonnet-4-5", "responses": "gpt-5"}
"""A model of each upstream; the one of messages signs its thoughts."""

_PARAMETERS = {"type": "object", "properties": {"at": {"type": "string"}}}
_MEMBERS: dict[str, Wire] = {
    "chat": {
        "reasoning_effort": "low",
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": {"name": "look", "parameters": _PARAMETERS}}],
    },
    "messages": {
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": "look", "input_schema": _PARAMETERS}],
    },
    "responses": {
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
        "tools": [{"type": "function", "name": "look", "parameters": _PARAMETERS}],
    },
}
_LIST = {"chat": "messages", "messages": "messages", "responses": "input"}


def request(client: str, history: Sequence[Wire]) -> Wire:
    """Return the streaming request that asks for the next turn, with a tool and the wish to think."""
    return {"model": "alias", "stream": True, **_MEMBERS[client], _LIST[client]: list(history)}


def conversation(upstream: str, body: Wire) -> list[Wire]:
    """Return the messages or items of the body that an upstream gets."""
    said: list[Wire] = body[_LIST[upstream]]
    return said


def user(words: str) -> Wire:
    """Return what the user says; the three shapes agree on it."""
    return {"role": "user", "content": words}


def echoed(client: str, reply: Wire) -> list[Wire]:
    """Return the reply as a client sends it back that keeps all of it."""
    if client == "chat":
        message = reply["choices"][0]["message"]
        return [{name: value for name, value in message.items() if value is not None}]
    if client == "messages":
        return [{"role": "assistant", "content": reply["content"]}]
    output: list[Wire] = reply["output"]
    return output


def answered(client: str, call_ids: Sequence[str], words: str) -> list[Wire]:
    """Return the results of calls."""
    if client == "chat":
        return [{"role": "tool", "tool_call_id": call_id, "content": words} for call_id in call_ids]
    if client == "responses":
        return [{"type": "function_call_output", "call_id": call_id, "output": words} for call_id in call_ids]
    results = [{"type": "tool_result", "tool_use_id": call_id, "content": words} for call_id in call_ids]
    return [{"role": "user", "content": results}] if results else []
