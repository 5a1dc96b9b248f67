"""Token counts of the chat shape, with the variants that vendors send. Prompt counts include cached tokens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation.events import Usage
from translation.hub import Wire
from translation.shapes.chat.chunks import Chunk


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0


def _members(wire: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = wire.get(key)
    return value if isinstance(value, dict) else {}


def decode_usage(wire: Mapping[str, Any]) -> Usage:
    """Return the counts of a chat `usage` object.

    Accepted variants: cached tokens at the top level or as `prompt_cache_hit_tokens`; a total above the sum, where the
    thoughts are not part of `completion_tokens` and are added to the output here.
    """
    prompt_details, completion_details = (
        _members(wire, "prompt_tokens_details"),
        _members(wire, "completion_tokens_details"),
    )
    prompt, completion = _count(wire.get("prompt_tokens")), _count(wire.get("completion_tokens"))
    read = (
        _count(prompt_details.get("cached_tokens"))
        or _count(wire.get("prompt_cache_hit_tokens"))
        or _count(wire.get("cached_tokens"))
    )
    # Some upstreams count the same tokens as read and as written; the parts never exceed the prompt.
    read = min(read, prompt)
    written = min(_count(prompt_details.get("cache_write_tokens")), prompt - read)
    reasoning = completion_details.get("reasoning_tokens")
    return Usage(
        input_tokens=prompt - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=max(completion, _count(wire.get("total_tokens")) - prompt),
        reasoning_tokens=None if reasoning is None else _count(reasoning),
    )


def usage_told(chunk: Chunk) -> Usage | None:
    """Return the counts that a chunk or a completion brings, in the standard place or in Groq's."""
    wire = chunk.usage or (chunk.x_groq or {}).get("usage")
    return decode_usage(wire) if wire and isinstance(wire, dict) else None


def encode_usage(usage: Usage) -> Wire:
    """Return the counts as a chat `usage` object."""
    wire: Wire = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
    }
    if usage.reasoning_tokens is not None:
        wire["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return wire
