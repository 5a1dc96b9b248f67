"""Token counts of the responses wire, read from the Response object. Input counts include cached tokens."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from translation.events import Usage
from translation.hub import Wire

# Some servers write counts as floats.
_Count = int | float | None


class _InputDetails(Struct, gc=False):
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None


class _OutputDetails(Struct, gc=False):
    reasoning_tokens: _Count = None


class _Usage(Struct, gc=False):
    input_tokens: _Count = None
    input_tokens_details: _InputDetails | None = None
    output_tokens: _Count = None
    output_tokens_details: _OutputDetails | None = None


class _WebSearch(Struct, gc=False):
    num_requests: _Count = None


class _ToolUsage(Struct, gc=False):
    web_search: _WebSearch | None = None


class _Response(Struct, gc=False):
    usage: _Usage | None = None
    tool_usage: _ToolUsage | None = None


_decoder = msgspec.json.Decoder(_Response | None)


def usage_of(response: bytes) -> Usage | None:
    """Return the counts of a Response object, None where it has none that can be read."""
    try:
        found = _decoder.decode(response)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _usage(found)


def usage_in(response: Wire) -> Usage | None:
    """Return the counts of a decoded Response object, None where it has none that can be read."""
    try:
        return _usage(msgspec.convert(response, _Response))
    except msgspec.ValidationError:
        return None


def _usage(response: _Response | None) -> Usage | None:
    if response is None or response.usage is None:
        return None
    wire, tools = response.usage, response.tool_usage
    inside, outside = wire.input_tokens_details or _InputDetails(), wire.output_tokens_details or _OutputDetails()
    read, written = _count(inside.cached_tokens), _count(inside.cache_write_tokens)
    return Usage(
        input_tokens=max(0, _count(wire.input_tokens) - read - written),
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=_count(wire.output_tokens),
        reasoning_tokens=None if outside.reasoning_tokens is None else _count(outside.reasoning_tokens),
        web_searches=_count(tools.web_search.num_requests) if tools and tools.web_search else 0,
    )


def _count(value: _Count) -> int:
    return 0 if value is None else int(value)
