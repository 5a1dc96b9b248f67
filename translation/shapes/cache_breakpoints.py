"""Cache breakpoints of OpenAI's two shapes: which parts keep the client's wish that the prompt is cached up to them.

Only some models have them. The wires write four of a request, the last ones, and what the model said has no place for
one. Clients of the Messages API mark every request, so that nothing is reported of their marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from translation.hub import (
    AssistantText,
    CacheMark,
    Document,
    Image,
    Request,
    SystemItem,
    Text,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.profiles import Profile

BREAKPOINTS_MAX = 4
_WITH_PARTS = (SystemItem, UserItem, AssistantText, ToolResult)
_MARKABLE = (Text, Image, Document)


def cache_breakpoints(request: Request, profile: Profile, ledger: Ledger) -> Mapping[str, Wire]:
    """Return the `prompt_cache_breakpoint` of each part that keeps its mark, by the part's path."""
    marked = dict(_marked(request))
    if not marked:
        return {}
    spoken = set(_spoken(request))
    kept = [at for at in marked if at not in spoken][-BREAKPOINTS_MAX:] if profile.cache_breakpoints else []
    if request.origin != "messages":
        for at in marked:
            if at not in kept:
                ledger.drop(f"{at}.prompt_cache_breakpoint")
    return {at: _breakpoint(marked[at], request.origin) for at in kept}


def _breakpoint(mark: CacheMark, origin: str) -> Wire:
    # The lifetimes of the Messages API (5m, 1h) are none of this wire's.
    ttl = mark.ttl if origin != "messages" else None
    return {"mode": "explicit"} if ttl is None else {"mode": "explicit", "ttl": ttl}


def _marked(request: Request) -> Iterator[tuple[str, CacheMark]]:
    for item in (*request.instructions, *request.items):
        if isinstance(item, _WITH_PARTS):
            for part in item.parts:
                if isinstance(part, _MARKABLE) and part.cache is not None:
                    yield part.at, part.cache


def _spoken(request: Request) -> Iterator[str]:
    return (part.at for item in request.items if isinstance(item, AssistantText) for part in item.parts)
