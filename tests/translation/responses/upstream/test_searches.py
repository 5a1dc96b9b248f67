"""Searches of the web that the provider made, as parts of a reply."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.responses.upstream.asking import (
    added,
    completed,
    done,
    events_of,
    message,
    reply_of,
    rs,
    stream_of,
)
from tests.translation.responses.upstream.asking import lost_by as lost
from translation.events import PartEnd, PartKind, PartOpaque, PartSearch, PartStart
from translation.hub import Citation, WebSearch

SEARCH = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "a", "queries": ["a", "b"], "sources": [{"type": "url", "url": "https://a"}]},
}
FOUND = WebSearch(("a", "b"), (Citation("https://a"),))


def searches(*events: dict[str, Any]) -> list[tuple[PartKind, str, WebSearch | None]]:
    """Return kind, id and search of each part."""
    return [(part.kind, part.call_id, part.search) for part in reply_of(*events).parts]


def test_search_of_the_web_is_a_part_where_it_stood() -> None:
    """What was asked for and found is told when the search is over; a page that was opened is no search."""
    page = {"type": "web_search_call", "id": "ws_2", "action": {"type": "open_page", "url": "https://a"}}
    running = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    output = (SEARCH, page, message("a"))
    streamed = (added(0, **running), done(0, **SEARCH), added(1, **page), done(1, **page), completed(*output))
    expected = [(PartKind.WEB_SEARCH, "ws_1", FOUND), (PartKind.TEXT, "", None)]
    assert searches(*streamed) == searches(completed(*output)) == expected
    assert lost(*streamed) == ((), ())


@pytest.mark.parametrize("whole", [True, False])
def test_search_is_told_after_the_end_of_the_reasoning_that_led_to_it(whole: bool) -> None:
    """The state of the reasoning holds the search, so that it is sealed, and ends, before the search is told."""
    output = (rs(encrypted_content="E"), SEARCH, rs(id="rs_2", encrypted_content="F"), message("a"))
    streamed = [done(number, **item) for number, item in enumerate(output)]
    kinds = [PartKind.REASONING, PartKind.WEB_SEARCH, PartKind.REASONING, PartKind.TEXT]
    events = events_of(stream_of(*([] if whole else streamed), completed(*output)))
    assert [event.kind for event in events if isinstance(event, PartStart)] == kinds
    order = [type(event) for event in events if isinstance(event, PartOpaque | PartEnd | PartSearch)]
    assert order[:4] == [PartOpaque, PartEnd, PartSearch, PartEnd]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"type": "search", "query": "a"}, WebSearch(("a",))),
        ({"type": "search", "queries": [], "query": ""}, WebSearch()),
        (
            {"type": "search", "queries": "a", "sources": [7, {"url": 7}, {"url": "https://a"}]},
            WebSearch((), FOUND.sources),
        ),
        ({"type": "find_in_page", "pattern": "a"}, None),
        (None, None),
    ],
)
def test_search_is_what_its_action_says(action: Any, expected: WebSearch | None) -> None:
    """Older servers have one query, and what a vendor wrote wrongly is as if it were not there."""
    told = searches(completed({"type": "web_search_call", "id": "ws_1", "action": action}))
    assert told == ([] if expected is None else [(PartKind.WEB_SEARCH, "ws_1", expected)])
