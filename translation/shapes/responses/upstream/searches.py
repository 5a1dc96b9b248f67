"""Searches of the web that the provider ran by itself: what was asked for, and the pages that were found."""

from __future__ import annotations

from collections.abc import Iterator

from translation.events import Event, PartEnd, PartKind, PartSearch, PartStart
from translation.hub import Citation, WebSearch, Wire
from translation.shapes.responses.upstream.events import objects, words

SEARCH_CALL = "web_search_call"


def told_search(native: Wire, keys: Iterator[int]) -> Iterator[Event]:
    """Yield a search item as a part; a page that was opened, or looked through, is no search and no part."""
    search = _search(native)
    if search is not None:
        key = next(keys)
        yield PartStart(key, PartKind.WEB_SEARCH, words(native, "id"))
        yield PartSearch(key, search)
        yield PartEnd(key)


def _search(native: Wire) -> WebSearch | None:
    action = native.get("action")
    if not isinstance(action, dict) or action.get("type") != "search":
        return None
    several = action.get("queries")
    queries = tuple(query for query in several if isinstance(query, str)) if isinstance(several, list) else ()
    # The single query repeats the first of several, which older servers leave out.
    one = words(action, "query")
    sources = (
        Citation(url, words(source, "title")) for source in objects(action, "sources") if (url := words(source, "url"))
    )
    return WebSearch(queries or ((one,) if one else ()), tuple(sources))
