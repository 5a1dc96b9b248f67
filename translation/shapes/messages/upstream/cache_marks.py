"""Cache marks: which parts of the prompt keep the client's wish that it is cached up to them.

The wire takes four marks, none on an empty text, and none that is kept longer than one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from translation.hub import (
    AssistantText,
    CacheMark,
    Document,
    Image,
    Part,
    Refusal,
    Request,
    SystemItem,
    Text,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.shapes.messages.upstream.members import member

MARKS_MAX = 4
_WITH_PARTS = (SystemItem, UserItem, AssistantText, ToolResult)
_MARKABLE, _WORDS = (Text, Image, Document), (Text, Refusal)

# Lifetimes, in any client's words, that are longer than the usual five minutes: this wire has one such.
_LONG = ("1h", "12h", "24h")


def cache_marks(request: Request, ledger: Ledger) -> Mapping[str, Wire]:
    """Return the `cache_control` of each part that keeps its mark, by the part's path; the last marks are kept."""
    marked = list(_marked(request))
    for at, _ in marked[:-MARKS_MAX]:
        ledger.drop(f"{at}.{member(request.origin, 'cache')}")
    marks: dict[str, Wire] = {}
    long_lived = True
    for at, mark in marked[-MARKS_MAX:]:
        long_lived = long_lived and mark.ttl in _LONG
        marks[at] = {"type": "ephemeral", "ttl": "1h"} if long_lived else {"type": "ephemeral"}
    return marks


def _marked(request: Request) -> Iterator[tuple[str, CacheMark]]:
    for item in (*request.instructions, *request.items):
        if not isinstance(item, _WITH_PARTS):
            continue
        for part in item.parts:
            if isinstance(part, _MARKABLE) and part.cache is not None and not is_blank(part):
                yield part.at, part.cache


def is_blank(part: Part) -> bool:
    """Tell a text without a visible character: the wire takes no such block."""
    return isinstance(part, _WORDS) and not part.text.strip()
