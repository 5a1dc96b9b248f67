"""Token counts of the chat shape, with the variants that vendors send. Prompt counts include cached tokens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation.events import Usage
from translation.hub import Wire


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
    written = _count(prompt_details.get("cache_write_tokens"))
    reasoning = completion_details.get("reasoning_tokens")
    return Usage(
        input_tokens=max(0, prompt - read - written),
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=max(completion, _count(wire.get("total_tokens")) - prompt),
        reasoning_tokens=None if reasoning is None else _count(reasoning),
    )


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
