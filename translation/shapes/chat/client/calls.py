"""Tool calls as a chat client reads them: under the names and as the kind of tool that it declared.

A client of the deprecated `functions` reads one call at most, in a member of its own. A custom tool that the upstream
saw as a function comes back as the text that the model meant.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from translation.exchange import Exchange
from translation.hub import ToolKind, Wire
from translation.wrappers import custom_input


class Call(Struct, frozen=True, kw_only=True):
    """A tool call as the client knows it; `rewritten` if its text is another one than the upstream's."""

    call_id: str
    name: str
    kind: ToolKind
    rewritten: bool = False


def restored_call(call_id: str, name: str, tool: ToolKind, number: int, exchange: Exchange) -> Call:
    """Return the `number`-th call, which the upstream made of a `tool` that it knows as `name`."""
    _, own_name = exchange.sent_names.get(name, (None, name))
    is_custom = any(known.kind is ToolKind.CUSTOM and known.name == own_name for known in exchange.request.tools)
    kind = ToolKind.CUSTOM if is_custom else ToolKind.FUNCTION
    return Call(
        call_id=call_id or exchange.item_id("call_", number),
        name=own_name,
        kind=kind,
        rewritten=is_custom != (tool is ToolKind.CUSTOM),
    )


def call_text(call: Call, text: str) -> str:
    """Return what the client reads as arguments or input for what the upstream sent; arguments are never empty."""
    if call.kind is ToolKind.CUSTOM:
        return custom_input(text) if call.rewritten else text
    if call.rewritten:
        return msgspec.json.encode({"input": text}).decode()
    return text if text.strip() else text + "{}"


def call_object(call: Call, text: str) -> Wire:
    """Return the call with this text, as an entry of `tool_calls`."""
    if call.kind is ToolKind.CUSTOM:
        return {"id": call.call_id, "type": "custom", "custom": {"name": call.name, "input": text}}
    return {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": text}}
