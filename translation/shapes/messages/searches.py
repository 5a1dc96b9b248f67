"""Searches of the web that the upstream's provider made by itself, as blocks that a Messages client knows.

Such a pair of blocks is ours: its results carry no content for the vendor to read. It comes back in the client's
history and is left out there, since no upstream wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from translation.exchange import Exchange
from translation.hub import WebSearch, Wire

_PREFIX = "srvtoolu_"
_USE = "server_tool_use"
_RESULT = "web_search_tool_result"


def server_tool_use(call_id: str, number: int, exchange: Exchange) -> Wire:
    """Return the block that opens a search, its input still empty."""
    body = re.sub(r"[^A-Za-z0-9_]", "_", call_id.removeprefix("ws_").removeprefix(_PREFIX))
    known_as = _PREFIX + body if body else exchange.item_id(_PREFIX, number)
    return {"type": _USE, "id": known_as, "name": "web_search", "input": {}}


def search_input(search: WebSearch) -> Wire:
    """Return what was searched for; the block has room for one query, so that several become one line."""
    return {"query": "; ".join(search.queries)}


def search_result(opening: Wire, search: WebSearch) -> Wire:
    """Return the block with the pages that the search found."""
    found = [
        {
            "type": "web_search_result",
            "url": source.url,
            "title": source.title or source.url,
            "encrypted_content": "",
            "page_age": None,
        }
        for source in search.sources
    ]
    return {"type": _RESULT, "tool_use_id": opening["id"], "content": found}


def shown_searches(blocks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the ids of the searches among a turn's blocks that were shown by us, and are no vendor's."""
    asked, shown = set(), set()
    for block in blocks:
        if block.get("type") not in (_USE, _RESULT):
            continue
        search = search_of(block)
        if search is not None and block["type"] == _USE:
            asked.add(search)
        elif search is not None and _is_ours(block):
            shown.add(search)
    return frozenset(asked & shown)


def search_of(block: Mapping[str, Any]) -> str | None:
    """Return the id of the search that a block belongs to, None for a block of anything else."""
    kind = block.get("type")
    if kind not in (_USE, _RESULT):
        return None
    search = block.get("id" if kind == _USE else "tool_use_id")
    return search if isinstance(search, str) else None


def _is_ours(block: Mapping[str, Any]) -> bool:
    found = block.get("content")
    return isinstance(found, list) and all(
        isinstance(page, dict) and page.get("encrypted_content") == "" for page in found
    )
