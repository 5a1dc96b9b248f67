"""Token counts of the chat shape, its vendors' variants, and the same counts in the other shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.translation.relaying import translation
from translation.events import Usage
from translation.shapes.chat.usage import decode_usage, encode_usage
from translation.translator import translate_reply

COUNTS = [
    pytest.param({"prompt_tokens": 9, "completion_tokens": 3}, Usage(input_tokens=9, output_tokens=3), id="no total"),
    pytest.param(
        {
            "prompt_tokens": 115,
            "completion_tokens": 20,
            "total_tokens": 135,
            "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 7},
        },
        Usage(input_tokens=10, cache_read_tokens=100, cache_write_tokens=5, output_tokens=20, reasoning_tokens=7),
        id="the prompt includes what was cached",
    ),
    pytest.param(
        {"prompt_tokens": 9, "completion_tokens": 3, "prompt_cache_hit_tokens": 4},
        Usage(input_tokens=5, cache_read_tokens=4, output_tokens=3),
        id="cached tokens as DeepSeek has them",
    ),
    pytest.param(
        {"prompt_tokens": 9, "completion_tokens": 3, "cached_tokens": 4},
        Usage(input_tokens=5, cache_read_tokens=4, output_tokens=3),
        id="cached tokens as Moonshot has them",
    ),
    pytest.param(
        {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 20},
        Usage(input_tokens=9, output_tokens=11),
        id="a total above the sum has the thoughts in it",
    ),
    pytest.param(
        {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 5},
        Usage(input_tokens=9, output_tokens=3),
        id="a total below the sum is wrong",
    ),
    pytest.param(
        {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 50}},
        Usage(cache_read_tokens=9, output_tokens=3),
        id="never more cached than sent",
    ),
    pytest.param(
        {
            "prompt_tokens": 2168,
            "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 2161, "cache_write_tokens": 2161},
        },
        Usage(input_tokens=0, cache_read_tokens=2161, cache_write_tokens=7, output_tokens=100),
        id="the same tokens counted as read and as written",
    ),
    pytest.param(
        {
            "prompt_tokens": None,
            "completion_tokens": 3.0,
            "prompt_tokens_details": None,
            "completion_tokens_details": {"reasoning_tokens": None},
        },
        Usage(output_tokens=3),
        id="null is none, and a float a count",
    ),
    pytest.param(
        {"prompt_tokens": -1, "completion_tokens": "3", "total_tokens": True, "prompt_tokens_details": []},
        Usage(),
        id="what is no count is none",
    ),
    pytest.param({"completion_tokens_details": {"reasoning_tokens": 0}}, Usage(reasoning_tokens=0), id="0 is known"),
]


@pytest.mark.parametrize(("wire", "usage"), COUNTS)
def test_counts_are_read(wire: dict[str, Any], usage: Usage) -> None:
    """The counts add up to the upstream's own, and are never negative."""
    assert decode_usage(wire) == usage


@pytest.mark.parametrize(
    "usage",
    [
        Usage(),
        Usage(input_tokens=10, cache_read_tokens=100, cache_write_tokens=5, output_tokens=20, reasoning_tokens=7),
        Usage(output_tokens=1, reasoning_tokens=0),
    ],
)
def test_counts_that_are_written_are_read_again(usage: Usage) -> None:
    """Writing and reading lose nothing, and the total is the sum."""
    wire = encode_usage(usage)
    assert wire["total_tokens"] == wire["prompt_tokens"] + wire["completion_tokens"]
    assert decode_usage(wire) == usage


COMPLETION = {
    "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 115,
        "completion_tokens": 20,
        "total_tokens": 135,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 7},
    },
}


def counts(client: str, completion: dict[str, Any]) -> Any:
    """Return the `usage` that the client gets with a completion."""
    return json.loads(translate_reply(json.dumps(completion).encode(), translation(client)).body)["usage"]


def test_messages_counts_exclude_what_was_cached() -> None:
    """Messages counts input, reads and writes apart; together they are the prompt."""
    assert counts("messages", COMPLETION) == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 7},
    }


def test_responses_counts_are_those_of_chat_by_other_names() -> None:
    """Responses counts as chat does, and always has every detail."""
    assert counts("responses", COMPLETION) == {
        "input_tokens": 115,
        "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 7},
        "total_tokens": 135,
    }


def test_unknown_counts_are_zeros_or_null_and_never_guessed() -> None:
    """Without counts from the upstream a Messages client reads zeros, and a Responses client null."""
    completion = {"choices": COMPLETION["choices"]}
    messages = counts("messages", completion)
    assert (messages["input_tokens"], messages["output_tokens"]) == (0, 0)
    assert counts("responses", completion) is None
