"""Calls of tools and their results, as input items: each kind of tool has a pair of its own."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from translation.failures import RequestRefused
from translation.hub import Part, Refusal, Text, ToolCall, ToolKind, ToolResult, Wire
from translation.names import sent_call_id, sent_name
from translation.shapes.responses.freeform import action
from translation.shapes.responses.input_items import OUTPUT_MAX_CHARACTERS, TOOL_ERROR_MARK
from translation.shapes.responses.upstream.content_parts import Writing, encode_parts
from translation.shapes.responses.upstream.tools import NAME_MAX
from translation.tool_errors import failure_member
from translation.wrappers import arguments


def encode_call(call: ToolCall) -> Wire:
    """Return the item of a call."""
    call_id, name = sent_call_id(call.call_id), sent_name(call.namespace, call.name, NAME_MAX)
    match call.kind:
        case ToolKind.CUSTOM:
            return {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": call.arguments}
        case ToolKind.SHELL:
            return {"type": "shell_call", "call_id": call_id, "action": action(call.kind, call.arguments)}
        case ToolKind.LOCAL_SHELL:
            # Its result names it by `id`, which this wire therefore requires.
            known = {"type": "local_shell_call", "id": call_id, "call_id": call_id, "status": "completed"}
            return {**known, "action": action(call.kind, call.arguments)}
        case ToolKind.APPLY_PATCH:
            known = {"type": "apply_patch_call", "call_id": call_id, "status": "completed"}
            return {**known, "operation": action(call.kind, call.arguments)}
        case _:
            return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments(call)}


def encode_result(result: ToolResult, kind: ToolKind, writing: Writing) -> Wire:
    """Return the item of a result; `kind` is the kind of the call that it answers."""
    call_id = sent_call_id(result.call_id)
    if kind is ToolKind.APPLY_PATCH:
        status = "failed" if result.is_error else "completed"
        return {"type": "apply_patch_call_output", "call_id": call_id, "status": status, "output": _text(result.parts)}
    if kind is ToolKind.SHELL:
        return {"type": "shell_call_output", "call_id": call_id, "output": _shell_output(_text(result.parts))}
    if kind is ToolKind.LOCAL_SHELL:
        return {"type": "local_shell_call_output", "id": call_id, "output": _text(result.parts)}
    wire_type = "custom_tool_call_output" if kind is ToolKind.CUSTOM else "function_call_output"
    return {"type": wire_type, "call_id": call_id, "output": _output(result, writing)}


def _output(result: ToolResult, writing: Writing) -> str | list[Wire]:
    parts = encode_parts(result.parts, writing)
    if any(len(part.get("text", "")) > OUTPUT_MAX_CHARACTERS for part in parts):
        raise RequestRefused(
            f"The result of a tool has more than {OUTPUT_MAX_CHARACTERS} characters. Send less of it.",
            param=result.at,
            code="string_above_max_length",
            too_large=True,
        )
    if result.is_error:
        if member := failure_member(result, writing.origin):
            writing.ledger.coerce(member)
        if parts and parts[0]["type"] == "input_text":
            parts[0] = {**parts[0], "text": TOOL_ERROR_MARK + parts[0]["text"]}
        else:
            parts = [{"type": "input_text", "text": TOOL_ERROR_MARK}, *parts]
    # A mark that moves on must not change the form of the results before it, or their cache is lost.
    if len(parts) == 1 and parts[0]["type"] == "input_text" and not writing.markable:
        text: str = parts[0]["text"]
        return text
    return parts or ""


def _text(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text | Refusal))


def _shell_output(text: str) -> list[Wire]:
    """Return the chunks that a shell result was read from; any other text is what the command printed."""
    try:
        return msgspec.json.decode(text, type=list[dict[str, object]])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return [{"stdout": text, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
