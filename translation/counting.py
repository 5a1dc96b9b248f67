"""Counting a prompt's tokens before it is sent: where each shape asks for it, and an estimate where nobody counts.

The estimate is for deciding when to shorten a conversation, never for a bill: about four bytes of text are one token,
and an image is as many as a medium one costs. Sources: the vendors' token guides, 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Struct

from translation.hub import (
    AssistantText,
    Audio,
    Document,
    Image,
    Item,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    SystemItem,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UserItem,
    Wire,
)

BYTES_PER_TOKEN = 4
TOKENS_PER_ITEM = 4
TOKENS_PER_IMAGE = 1200
TOKENS_PER_REQUEST = 3


class Counting(Struct, frozen=True, kw_only=True):
    """How a shape counts: the path behind the base URL's prefix, the answer, and members that a count may leave out.

    `members` are those of a request that its count takes.
    """

    path: str
    encode: Callable[[int], Wire]
    members: frozenset[str]
    assumed: Mapping[str, object] = {}


COUNTING: Mapping[str, Counting] = {
    "messages": Counting(
        path="/messages/count_tokens",
        encode=lambda tokens: {"input_tokens": tokens},
        members=frozenset(
            {
                *("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"),
                *("cache_control", "speed", "mcp_servers"),
            }
        ),
        assumed={"max_tokens": 16},
    ),
    "responses": Counting(
        path="/responses/input_tokens",
        encode=lambda tokens: {"object": "response.input_tokens", "input_tokens": tokens},
        members=frozenset(
            {
                *("model", "input", "instructions", "tools", "tool_choice", "text", "reasoning"),
                *("parallel_tool_calls", "truncation"),
            }
        ),
    ),
}
"""The shapes that have an endpoint for it."""


def counted(shape: str, body: bytes) -> bytes:
    """Return the body of a request of that shape as the body of its count."""
    members = COUNTING[shape].members
    wire = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: value for name, value in wire.items() if name in members})


def count_in(body: bytes) -> int | None:
    """Return the number in an upstream's answer to a count, None if there is none."""
    try:
        return msgspec.json.decode(body, type=_Counted).input_tokens
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


class _Counted(Struct):
    input_tokens: int


def estimate_tokens(request: Request) -> int:
    """Return about how many tokens the prompt has, tools included."""
    items = sum(_item(item) + TOKENS_PER_ITEM for item in (*request.instructions, *request.items))
    return TOKENS_PER_REQUEST + items + sum(_tool(tool) for tool in request.tools)


def _item(item: Item) -> int:
    match item:
        case SystemItem(parts=parts) | UserItem(parts=parts) | AssistantText(parts=parts) | ToolResult(parts=parts):
            return _parts(parts)
        case Reasoning():
            return _text(item.text) + sum(_text(summary) for summary in item.summaries)
        case ToolCall():
            return _text(item.name) + _text(item.arguments)
        case Opaque():
            return _json(item.native)


def _parts(parts: Iterable[Part]) -> int:
    return sum(_part(part) for part in parts)


def _part(part: Part) -> int:
    match part:
        case Text() | Refusal():
            return _text(part.text)
        case Image():
            return TOKENS_PER_IMAGE
        case Document():
            return _text(part.text) if part.text is not None else _text(part.data)
        case Audio():
            return _text(part.data)


def _tool(tool: Tool) -> int:
    declared = tool.native if tool.native is not None else tool.parameters
    return _text(tool.name) + _text(tool.description or "") + (_json(declared) if declared is not None else 0)


def _json(value: object) -> int:
    return len(msgspec.json.encode(value)) // BYTES_PER_TOKEN


def _text(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
