"""Tools that are not functions, told to an upstream that only knows functions.

Each kind has the schema of the function that stands for it. The client's encoder turns the model's call back into the
kind that the client declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from translation.hub import Tool, ToolCall, ToolKind

_TEXT = {"type": "string"}
_INTEGER = {"type": "integer"}
_TEXTS = {"type": "array", "items": _TEXT}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


SCHEMAS: Mapping[ToolKind, dict[str, Any]] = {
    ToolKind.CUSTOM: _object({"input": _TEXT}, ["input"]),
    ToolKind.APPLY_PATCH: _object(
        {"operation": _object({"type": _TEXT, "path": _TEXT, "diff": _TEXT}, ["type", "path"])}, ["operation"]
    ),
    ToolKind.SHELL: _object({"commands": _TEXTS, "timeout_ms": _INTEGER, "max_output_length": _INTEGER}, ["commands"]),
    ToolKind.LOCAL_SHELL: _object(
        {
            "command": _TEXTS,
            "env": {"type": "object", "additionalProperties": _TEXT},
            "working_directory": _TEXT,
            "timeout_ms": _INTEGER,
            "user": _TEXT,
        },
        ["command"],
    ),
    ToolKind.BASH: _object({"command": _TEXT, "restart": {"type": "boolean"}}, []),
    ToolKind.TEXT_EDITOR: _object(
        {
            "command": _TEXT,
            "path": _TEXT,
            "old_str": _TEXT,
            "new_str": _TEXT,
            "insert_line": _INTEGER,
            "insert_text": _TEXT,
            "view_range": {"type": "array", "items": _INTEGER},
            "file_text": _TEXT,
        },
        ["command", "path"],
    ),
    ToolKind.MEMORY: _object(
        {
            "command": _TEXT,
            "path": _TEXT,
            "old_path": _TEXT,
            "new_path": _TEXT,
            "file_text": _TEXT,
            "old_str": _TEXT,
            "new_str": _TEXT,
            "insert_line": _INTEGER,
            "insert_text": _TEXT,
            "view_range": {"type": "array", "items": _INTEGER},
        },
        ["command"],
    ),
}
"""The kinds that can be wrapped, and the parameters of the function that stands for each."""

_SAID = {
    ToolKind.APPLY_PATCH: "Creates, updates or deletes a file. `diff` is a V4A patch without a file header.",
    ToolKind.SHELL: "Runs shell commands and returns their output.",
    ToolKind.LOCAL_SHELL: "Runs a command on the user's machine and returns its output.",
    ToolKind.BASH: "Runs a command in a persistent bash session; `restart` starts the session anew.",
    ToolKind.TEXT_EDITOR: "Views and edits files: view, create, str_replace, insert.",
    ToolKind.MEMORY: "Reads and writes memory files: view, create, str_replace, insert, delete, rename.",
}


def description(tool: Tool) -> str | None:
    """Return the description of the function that stands for the tool; a custom tool's grammar becomes part of it."""
    said = tool.description or _SAID.get(tool.kind)
    if tool.grammar is None:
        return said
    syntax, definition = tool.grammar
    return f"{said or ''}\nThe input must match this {syntax} grammar:\n{definition}"


def arguments(call: ToolCall) -> str:
    """Return the call's arguments as the wrapping function takes them."""
    if call.kind is ToolKind.CUSTOM:
        return msgspec.json.encode({"input": call.arguments}).decode()
    return call.arguments if call.arguments.strip() else "{}"


def custom_input(arguments: str) -> str:
    """Return the input of a custom tool from its function's arguments.

    A model that writes them in another form than that of the schema means all of it.
    """
    try:
        wrapped = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return arguments
    value = wrapped.get("input") if isinstance(wrapped, dict) and len(wrapped) == 1 else None
    return value if isinstance(value, str) else arguments
