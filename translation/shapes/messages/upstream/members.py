"""What the client calls the members that this side may lose or change: each client shape has its own names."""

from __future__ import annotations

from collections.abc import Mapping

_NAMES: Mapping[str, Mapping[str, str]] = {
    "chat": {
        "effort": "reasoning_effort",
        "output_format": "response_format",
        "schema": "response_format.json_schema",
        "logprobs": "logprobs",
        "conversation": "messages",
        "detail": "image_url.detail",
        "cache": "prompt_cache_breakpoint",
        "stop": "stop",
    },
    "responses": {
        "effort": "reasoning.effort",
        "summary": "reasoning.summary",
        "output_format": "text.format",
        "schema": "text.format",
        "verbosity": "text.verbosity",
        "logprobs": "top_logprobs",
        "conversation": "input",
        "cache": "prompt_cache_breakpoint",
    },
    "messages": {
        "effort": "output_config.effort",
        "output_format": "output_config.format",
        "conversation": "messages",
        "cache": "cache_control",
        "stop": "stop_sequences",
    },
}


def member(origin: str, name: str) -> str:
    """Return what clients of the shape `origin` call the member; its own name where nothing else is known."""
    return _NAMES.get(origin, {}).get(name, name)
