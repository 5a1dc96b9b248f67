"""Shell and patch tools as functions: wrapping their actions, and taking the wrapper off."""

from __future__ import annotations

import pytest

from translation.hub import ToolKind, Wire
from translation.shapes.responses.freeform import action, action_arguments


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        (ToolKind.SHELL, {"commands": ["ls"], "timeout_ms": 5, "max_output_length": 9}),
        (ToolKind.SHELL, {"commands": ["ls"]}),
        (
            ToolKind.LOCAL_SHELL,
            {"type": "exec", "command": ["ls", "-l"], "env": {"A": "b"}, "working_directory": "/", "user": "me"},
        ),
        (ToolKind.APPLY_PATCH, {"type": "update_file", "path": "a", "diff": "+x"}),
        (ToolKind.APPLY_PATCH, {"type": "delete_file", "path": "a"}),
    ],
)
def test_action_survives_the_wrapper(kind: ToolKind, wire: Wire) -> None:
    """What is wrapped and unwrapped again is what it was."""
    assert action(kind, action_arguments(kind, wire)) == wire


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (ToolKind.SHELL, "rm -rf /", {"commands": []}),
        (ToolKind.SHELL, '{"commands":"ls"}', {"commands": []}),
        (ToolKind.SHELL, '{"commands":[["ls"]]}', {"commands": []}),
        (ToolKind.LOCAL_SHELL, "{", {"type": "exec", "command": [], "env": {}}),
        (ToolKind.LOCAL_SHELL, '{"command":["ls"],"env":1}', {"type": "exec", "command": ["ls"], "env": {}}),
        (ToolKind.APPLY_PATCH, "{}", {"type": "update_file", "path": "", "diff": ""}),
        (ToolKind.APPLY_PATCH, '{"type":"delete_file","path":"a"}', {"type": "delete_file", "path": "a"}),
        (
            ToolKind.APPLY_PATCH,
            '{"operation":{"type":"create_file","path":5}}',
            {"type": "create_file", "path": "", "diff": ""},
        ),
    ],
)
def test_malformed_arguments_run_nothing(kind: ToolKind, arguments: str, expected: Wire) -> None:
    """Arguments that are not of the schema give a well-formed action that does nothing."""
    assert action(kind, arguments) == expected
