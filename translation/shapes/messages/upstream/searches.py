"""Searches of the web that the provider makes by itself: a block that asks and a later one with what was found.

Each such pair is one part of the reply, open from the first block to the second; one that never got its result (the
model stopped in between) ends with the reply. The blocks themselves go along sealed: their maker takes them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from translation.envelope import Envelope, seal
from translation.events import Event, PartEnd, PartKind, PartSearch, PartStart
from translation.hub import Citation, WebSearch, Wire
from translation.shapes.messages.upstream.stream_events import Block

SEARCH_TOOL = "web_search"
RESULT = "web_search_tool_result"


class Searches:
    """The searches of one reply: how many there were, and by part those that wait for their result."""

    def __init__(self, deployment: str) -> None:
        self.count = 0
        self._deployment = deployment
        self._asked: dict[int, Wire] = {}

    def begin(self, key: int, block: Block) -> PartStart:
        """Return the beginning of the part."""
        self.count += 1
        known_as = {"id": block.id or "", "name": SEARCH_TOOL, "input": {}}
        self._asked[key] = {"type": "server_tool_use", **known_as, **_caller(block)}
        return PartStart(key, PartKind.WEB_SEARCH, block.id or "")

    def ask(self, key: int, arguments: bytes) -> None:
        """Take the search's arguments; what is no object counts as an empty one."""
        try:
            self._asked[key]["input"] = msgspec.json.decode(arguments, type=dict)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return

    def find(self, block: Block) -> tuple[Event, ...]:
        """Return how the part of a result ends; () if it is the result of no search."""
        key = next((key for key, asked in self._asked.items() if asked["id"] == block.tool_use_id), None)
        if key is None:
            return ()
        known_as = {"tool_use_id": block.tool_use_id, "content": block.content}
        result = {"type": RESULT, **known_as, **_caller(block)}
        sealed = seal(Envelope("messages", self._deployment, (self._asked[key], result)))
        return self._ended(key, _sources(block.content), sealed)

    def close(self) -> Iterator[Event]:
        """Yield the ends of the searches that have no result."""
        for key in tuple(self._asked):
            yield from self._ended(key, (), "")

    def _ended(self, key: int, sources: tuple[Citation, ...], sealed: str) -> tuple[Event, ...]:
        query = self._asked.pop(key)["input"].get("query")
        queries = (query,) if isinstance(query, str) and query else ()
        return PartSearch(key, WebSearch(queries, sources, sealed)), PartEnd(key)


def _caller(block: Block) -> Wire:
    return {} if block.caller is None else {"caller": block.caller}


def _sources(content: Any) -> tuple[Citation, ...]:
    """Return the pages of a result; a search that failed has an error in their place, and so none."""
    pages = content if isinstance(content, list) else []
    found = [page for page in pages if isinstance(page, dict) and isinstance(page.get("url"), str)]
    return tuple(Citation(page["url"], page["title"] if isinstance(page.get("title"), str) else "") for page in found)
