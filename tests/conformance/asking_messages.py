"""Requests of chat clients to upstreams that speak Messages, for tests: the body that arrives, or the refusal."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.grammar.messages_request import check_request
from tests.translation.messages.upstream.asking import OPUS_4_8
from tests.translation.relaying import CIRCUMSTANCES, translation
from translation.failures import RequestRefused
from translation.shapes import SHAPES
from translation.translator import Translation

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: anthropic/claude-opus-4-6, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", shapes: [messages]}}
  - {{model: anthropic/claude-opus-4-7, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", shapes: [messages]}}
  - {{model: anthropic/claude-sonnet-5, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", shapes: [messages]}}
"""
HELLO: list[Wire] = [{"role": "user", "content": "hi"}]


def relay(members: Wire, model: str = OPUS_4_8) -> Translation:
    """Return the translation of a request with these members; it says hello unless it has other messages."""
    return translation("chat", {"model": "alias", "messages": HELLO, **members}, model, upstream="messages")


def sent(*messages: Wire, model: str = OPUS_4_8, **members: Any) -> Wire:
    """Return the body that the upstream gets, which is lawful."""
    said = {"messages": list(messages)} if messages else {}
    body: Wire = msgspec.json.decode(relay({**said, **members}, model).body)
    check_request(body)
    return body


def turns(body: Wire) -> list[tuple[str, list[Any]]]:
    """Return the role and the blocks of each message, a plain text as a string."""
    return [(message["role"], [_plain(block) for block in message["content"]]) for message in body["messages"]]


def _plain(block: Wire) -> Any:
    return block["text"] if set(block) == {"type", "text"} else block


def refused(model: str = OPUS_4_8, **members: Any) -> Wire:
    """Return the error that the client reads, with status 400, instead of a reply."""
    with pytest.raises(RequestRefused) as caught:
        relay(members, model)
    status, body = SHAPES["chat"].encode_error(caught.value.failure, CIRCUMSTANCES.request_id)
    assert status == 400
    error: Wire = body["error"]
    return error


def calling(*calls: tuple[str, str, str], content: str | None = None) -> Wire:
    """Return an assistant message with these calls: id, name and arguments."""
    made = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": made}


def result(call_id: str, content: Any = "3") -> Wire:
    """Return a tool message."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def tool(name: str, **members: Any) -> Wire:
    """Return a function tool."""
    return {"type": "function", "function": {"name": name, **members}}
