"""Where a client says that a tool failed."""

from __future__ import annotations

import pytest

from translation.hub import ToolKind, ToolResult
from translation.tool_errors import failure_member


@pytest.mark.parametrize(
    ("origin", "kind", "member"),
    [
        ("messages", ToolKind.FUNCTION, "x[1].is_error"),
        ("chat", ToolKind.FUNCTION, None),
        ("responses", ToolKind.CUSTOM, None),
        ("responses", ToolKind.APPLY_PATCH, "x[1].status"),
    ],
)
def test_member_that_tells_of_a_failure_is_known(origin: str, kind: ToolKind, member: str | None) -> None:
    """Messages has a member for it, patches have a status, and other results say it in their own words."""
    result = ToolResult(call_id="c", parts=(), is_error=True, kind=kind, at="x[1]")
    assert failure_member(result, origin) == member
