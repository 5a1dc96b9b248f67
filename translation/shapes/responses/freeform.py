"""Shell and patch tools as functions: how the action of a call reads as function arguments, and back.

An upstream that knows only functions sees each tool as a function with one schema (wrappers.py). What the model wrote
in another form still reaches the client, as far as the item can hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from translation.hub import ToolKind, Wire

_ACTION_MEMBERS: Mapping[ToolKind, tuple[str, ...]] = {
    ToolKind.SHELL: ("commands", "timeout_ms", "max_output_length"),
    ToolKind.LOCAL_SHELL: ("command", "env", "working_directory", "timeout_ms", "user"),
}


def action_arguments(kind: ToolKind, action: Mapping[str, Any]) -> str:
    """Return the function arguments that say what a shell action or a patch operation says."""
    if kind is ToolKind.APPLY_PATCH:
        return _json({"operation": action})
    return _json({member: action[member] for member in _ACTION_MEMBERS[kind] if action.get(member) is not None})


def action(kind: ToolKind, arguments: str) -> Wire:
    """Return the action of a shell call, or the operation of a patch call, from its function arguments.

    Arguments that are not of the schema give an action that does nothing: a gateway never guesses what to run.
    """
    wrapped = _object(arguments)
    if kind is ToolKind.APPLY_PATCH:
        return _patch_operation(wrapped)
    member = _ACTION_MEMBERS[kind][0]
    commands = wrapped.get(member)
    if not isinstance(commands, list) or not all(isinstance(command, str) for command in commands):
        commands = []
    if kind is ToolKind.LOCAL_SHELL:
        env = wrapped.get("env")
        known: Wire = {"type": "exec", "command": commands, "env": env if isinstance(env, dict) else {}}
    else:
        known = {"commands": commands}
    return known | {name: wrapped[name] for name in _ACTION_MEMBERS[kind] if name not in known and name in wrapped}


def is_whole(kind: ToolKind, arguments: str) -> bool:
    """Tell whether the action says all that the function arguments say."""
    wrapped, shown = _object(arguments), action(kind, arguments)
    meant = _operation(wrapped) if kind is ToolKind.APPLY_PATCH else wrapped
    return bool(meant) and all(shown.get(name) == value for name, value in meant.items())


def _operation(wrapped: Wire) -> Wire:
    operation = wrapped.get("operation")
    return operation if isinstance(operation, dict) else wrapped


def _patch_operation(wrapped: Wire) -> Wire:
    operation = _operation(wrapped)
    texts = {name: value for name in ("type", "path", "diff") if isinstance(value := operation.get(name), str)}
    filled = {"type": texts.get("type", "update_file"), "path": texts.get("path", "")}
    return filled if filled["type"] == "delete_file" else {**filled, "diff": texts.get("diff", "")}


def _object(arguments: str) -> Wire:
    try:
        value = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
