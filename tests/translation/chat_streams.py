"""Random chat streams: prose and tool calls in any interleaving with what they say in all, and chunks of no sense."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.translation.relaying import chat_stream, chunk

WORDS = st.text(alphabet=st.sampled_from('ab \n"\\{}é東👩'), min_size=1, max_size=6)
ARGUMENTS = st.dictionaries(WORDS, WORDS, max_size=3).map(lambda given: json.dumps(given, ensure_ascii=False))


class Call(NamedTuple):
    """One tool call of a stream."""

    call_id: str
    name: str
    arguments: str


class ChatStream(NamedTuple):
    """A stream's bytes, and what it says."""

    wire: bytes
    text: str
    thoughts: str
    calls: list[Call]
    finish: str


def _pieces(text: str, cuts: list[int]) -> list[str]:
    places = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def _call_chunks(index: int, call: Call, cuts: list[int]) -> list[dict[str, Any]]:
    opening = {"index": index, "id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    rest = [{"index": index, "function": {"arguments": piece}} for piece in _pieces(call.arguments, cuts)]
    return [chunk(None, tool_calls=[piece]) for piece in (opening, *rest)]


@st.composite
def chat_streams(draw: st.DrawFn) -> ChatStream:
    """Draw a complete stream: the pieces of each call keep their order, and everything else mixes with them."""
    arguments = draw(st.lists(ARGUMENTS, max_size=3))
    calls = [Call(f"call_{number}", f"tool_{number}", given) for number, given in enumerate(arguments)]
    cuts = st.lists(st.integers(0, 50), max_size=3)
    waiting = [_call_chunks(number, call, draw(cuts)) for number, call in enumerate(calls)]
    text, thoughts, chunks = "", "", []
    started: list[Call] = []
    for turn in draw(st.lists(st.integers(0, 9), max_size=12)) + [3] * 99:
        if turn < 3:
            words = draw(WORDS)
            member = ("content", "reasoning_content", "reasoning_content")[turn]
            chunks.append(chunk(None, **{member: words}))
            text, thoughts = (text + words, thoughts) if turn == 0 else (text, thoughts + words)
            continue
        unfinished = [number for number, left in enumerate(waiting) if left]
        if not unfinished:
            continue
        # Calls begin in the order of their indexes, as the wire demands.
        begun = [number for number in unfinished if calls[number] in started or number == len(started)]
        number = begun[turn % len(begun)]
        if calls[number] not in started:
            started.append(calls[number])
        chunks.append(waiting[number].pop(0))
    finish = draw(st.sampled_from(["stop", "tool_calls", "length", "content_filter"]))
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}}
    return ChatStream(
        chat_stream(chunk(None, role="assistant"), *chunks, chunk(finish), usage), text, thoughts, calls, finish
    )


@st.composite
def reads(draw: st.DrawFn, wire: bytes) -> list[bytes]:
    """Draw a way in which the network may cut these bytes."""
    places = sorted(draw(st.sets(st.integers(0, len(wire)), max_size=20)))
    return [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]


_SCALARS = st.none() | st.booleans() | st.integers(-1, 3) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
_INNER_MEMBERS = st.sampled_from(
    [
        "index",
        "id",
        "type",
        "text",
        "thinking",
        "function",
        "custom",
        "name",
        "arguments",
        "input",
        "url_citation",
        "url",
        "usage",
        "prompt_tokens",
        "total_tokens",
        "completion_tokens_details",
        "reasoning_tokens",
        "content",
        "message",
    ]
)
_ODD = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_INNER_MEMBERS, inner, max_size=4),
    max_leaves=12,
)
_DELTA_MEMBERS = ("content", "refusal", "reasoning", "reasoning_details", "tool_calls", "function_call", "annotations")
_DELTAS = st.fixed_dictionaries({}, optional=dict.fromkeys(_DELTA_MEMBERS, _ODD))
_CHOICES = st.fixed_dictionaries(
    {"delta": _DELTAS | _ODD}, optional={"finish_reason": _SCALARS, "index": _SCALARS, "logprobs": _ODD}
)
_CHUNK_MEMBERS = ("id", "model", "created", "usage", "service_tier", "x_groq", "error")

ODD_CHUNKS = _ODD | st.fixed_dictionaries(
    {"choices": st.lists(_CHOICES, max_size=2) | _ODD}, optional=dict.fromkeys(_CHUNK_MEMBERS, _ODD)
)
"""Chunks in which any member may be of any type."""
