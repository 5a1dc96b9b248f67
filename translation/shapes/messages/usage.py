"""Token counts on the Messages wire: one struct that reads them, one function that writes them.

The counts of a stream are cumulative: those of `message_delta` replace those of `message_start`, and a count that is
absent keeps its earlier value. `input_tokens` excludes both cache counts, as in the hub.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from translation.events import Usage
from translation.hub import Wire

# Some servers write counts as floats.
_Count = int | float | None


class _OutputDetails(Struct):
    thinking_tokens: _Count = None


class _ServerTools(Struct):
    web_search_requests: _Count = None


class UsageWire(Struct):
    """The `usage` object, with only the members that are counted here."""

    input_tokens: _Count = None
    cache_read_input_tokens: _Count = None
    cache_creation_input_tokens: _Count = None
    output_tokens: _Count = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerTools | None = None
    service_tier: str | None = None


class _Body(Struct):
    usage: UsageWire | None = None


_BODY = msgspec.json.Decoder(_Body)
_NO_DETAILS = _OutputDetails()
_NO_TOOLS = _ServerTools()


def read_usage(wire: UsageWire, before: Usage | None = None) -> Usage:
    """Return the counts of `wire`, those that it lacks as they were `before`."""
    old = before or Usage()
    thinking = (wire.output_tokens_details or _NO_DETAILS).thinking_tokens
    searches = (wire.server_tool_use or _NO_TOOLS).web_search_requests
    return Usage(
        input_tokens=_count(wire.input_tokens, old.input_tokens),
        cache_read_tokens=_count(wire.cache_read_input_tokens, old.cache_read_tokens),
        cache_write_tokens=_count(wire.cache_creation_input_tokens, old.cache_write_tokens),
        output_tokens=_count(wire.output_tokens, old.output_tokens),
        reasoning_tokens=old.reasoning_tokens if thinking is None else int(thinking),
        web_searches=_count(searches, old.web_searches),
    )


def usage_of(body: bytes) -> Usage | None:
    """Return the counts of a whole reply, or None if it has none that can be read."""
    try:
        usage = _BODY.decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if usage is None else read_usage(usage)


def encode_usage(usage: Usage | None) -> Wire:
    """Return the `usage` object of a `message_delta`; unknown counts are zeros, since clients need numbers."""
    known = usage or Usage()
    wire: Wire = {
        "input_tokens": known.input_tokens,
        "cache_creation_input_tokens": known.cache_write_tokens,
        "cache_read_input_tokens": known.cache_read_tokens,
        "output_tokens": known.output_tokens,
    }
    if known.reasoning_tokens is not None:
        wire["output_tokens_details"] = {"thinking_tokens": known.reasoning_tokens}
    if known.web_searches:
        wire["server_tool_use"] = {"web_search_requests": known.web_searches, "web_fetch_requests": 0}
    return wire


def _count(new: _Count, old: int) -> int:
    return old if new is None else int(new)
