"""Results of tools that failed, on their way to a shape that has no member for that."""

from __future__ import annotations

from translation.hub import ToolKind, ToolResult


def failure_member(result: ToolResult, origin: str) -> str | None:
    """Return the path of the client's member that says that the tool failed; None if the result's own words say so."""
    if origin == "messages":
        return f"{result.at}.is_error"
    return f"{result.at}.status" if result.kind is ToolKind.APPLY_PATCH else None
