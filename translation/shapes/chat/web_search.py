"""The provider's own web search, as the chat wire asks for it: no tool, but a member of the request."""

from __future__ import annotations

from collections.abc import Mapping

from translation.hub import Tool, Wire
from translation.ledger import Ledger

_PLACE = ("city", "country", "region", "timezone")
_LOST = ("allowed_domains", "blocked_domains", "filters", "max_uses")


def web_search_options(tool: Tool, ledger: Ledger) -> Wire:
    """Return `web_search_options` with what it has of the declared tool's wishes; the rest is reported."""
    declared = tool.native or {}
    options: Wire = {}
    if isinstance(declared.get("search_context_size"), str):
        options["search_context_size"] = declared["search_context_size"]
    place = _place(declared)
    if place:
        options["user_location"] = {"type": "approximate", "approximate": place}
    for name in _LOST:
        if declared.get(name):
            ledger.drop(f"{tool.at}.{name}")
    return options


def _place(declared: Mapping[str, object]) -> Wire:
    location = declared.get("user_location")
    known = location if isinstance(location, dict) else {}
    return {name: known[name] for name in _PLACE if isinstance(known.get(name), str)}
