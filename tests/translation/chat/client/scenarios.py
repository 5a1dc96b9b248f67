"""Replies as hub events, one scenario each, that every test of replies to chat clients goes through."""

from __future__ import annotations

from typing import Any

from tests.translation.chat.client.conversing import exchange
from translation.envelope import Envelope, seal
from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartSearch,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, WebSearch

START = Start("msg_abc123DEF456", "m-1", 1_700_000_000)
USAGE = Usage(input_tokens=10, cache_read_tokens=100, cache_write_tokens=5, output_tokens=7, reasoning_tokens=3)
ENDED: tuple[Event, ...] = (Finish(StopReason.END), USAGE, End())
TOOLS = [
    {"type": "custom", "custom": {"name": "patch"}},
    {"type": "function", "function": {"name": "add"}},
]
STATE = seal(Envelope("messages", "d", ({"type": "thinking", "thinking": "hm", "signature": "s"},)))
LOGPROB = {"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}


def part(key: int, kind: PartKind, *deltas: str, **members: Any) -> list[Event]:
    """Return the events of one part from its start to its end."""
    return [PartStart(key, kind, **members), *(PartDelta(key, delta) for delta in deltas), PartEnd(key)]


def text(key: int, *deltas: str) -> list[Event]:
    """Return the events of a part of text."""
    return part(key, PartKind.TEXT, *deltas)


def thoughts(key: int, *deltas: str, state: str = STATE) -> list[Event]:
    """Return the events of a part of reasoning with its state."""
    *said, end = part(key, PartKind.REASONING, *deltas)
    return [*said, PartOpaque(key, state), end]


def call(key: int, name: str, *deltas: str, tool: ToolKind = ToolKind.FUNCTION) -> list[Event]:
    """Return the events of a tool call."""
    return part(key, PartKind.TOOL_CALL, *deltas, call_id=f"call_{key}", name=name, tool=tool)


SCENARIOS: dict[str, tuple[dict[str, Any], list[Event]]] = {
    "text": ({}, [*text(0, "Hel", "lo 100% ", 'ünï\n"code" \U0001f989')]),
    "nothing": ({}, []),
    "empty text": ({}, [*text(0), *text(1, "")]),
    "two texts": ({}, [*text(0, "a"), *text(1, "b")]),
    "text and refusal": ({}, [*text(0, "a"), *part(1, PartKind.REFUSAL, "no")]),
    "refusal only": ({}, [*part(0, PartKind.REFUSAL, "I ", "cannot")]),
    "thoughts first": ({}, [*thoughts(0, "let ", "me"), *text(1, "yes")]),
    "thoughts without a state": ({}, [*part(0, PartKind.REASONING, "let ", "me"), *text(1, "yes")]),
    "thoughts without words": ({}, [*thoughts(0), *text(1, "yes")]),
    "thoughts only": ({}, [*thoughts(0, "hm")]),
    "thoughts that stay hidden": ({"reasoning": {"exclude": True}}, [*thoughts(0, "hm"), *text(1, "yes")]),
    "thoughts twice": ({}, [*thoughts(0, "a", "b"), *thoughts(1), *thoughts(2, "c"), *text(3, "yes")]),
    "thoughts and a call": ({}, [*thoughts(0, "hm"), *call(1, "add", "{}")]),
    "thoughts between": (
        {},
        [*thoughts(0, "a"), *text(1, "x", "\U0001f989"), *thoughts(2, "b"), *call(3, "add", "{}")],
    ),
    "thoughts between calls": ({}, [*call(0, "add", "{}"), *thoughts(1), *text(2, "x"), *call(3, "now"), *thoughts(4)]),
    "call only": ({}, [*call(0, "add", '{"a":', "1}")]),
    "call without arguments": ({}, [*call(0, "now")]),
    "call with blank arguments": ({}, [*call(0, "now", " ")]),
    "text before a call": ({}, [*text(0, "a"), *call(1, "add", "{}")]),
    "text after a call": ({}, [*call(0, "add", "{}"), *text(1, "b")]),
    "empty text before a call": ({}, [*text(0, ""), *call(1, "add", "{}")]),
    "three calls": ({}, [*call(0, "add", "{}"), *call(1, "now"), *call(2, "add", '{"a"', ":1}")]),
    "three calls interleaved": (
        {},
        [
            PartStart(0, PartKind.TOOL_CALL, "c0", "add"),
            PartStart(1, PartKind.TOOL_CALL, "c1", "add"),
            PartStart(2, PartKind.TOOL_CALL, "c2", "add"),
            PartDelta(2, '{"c"'),
            PartDelta(0, '{"a"'),
            PartDelta(1, '{"b"'),
            PartDelta(0, ":0}"),
            PartDelta(1, ":1}"),
            PartEnd(1),
            PartDelta(2, ":2}"),
            PartEnd(0),
            PartEnd(2),
        ],
    ),
    "text open beside a call": (
        {},
        [
            PartStart(0, PartKind.TEXT),
            PartDelta(0, "a"),
            PartStart(1, PartKind.TOOL_CALL, "c1", "add"),
            PartDelta(0, "b"),
            PartDelta(1, "{}"),
            PartEnd(0),
            *text(2, "c"),
            PartEnd(1),
        ],
    ),
    "sources": (
        {},
        [
            *text(0, "So: "),
            PartStart(1, PartKind.TEXT),
            PartCitation(1, Citation("http://whole")),
            PartDelta(1, "an "),
            PartDelta(1, "\U0001f989owl"),
            PartCitation(1, Citation("http://a", "A", "owl", 4, 7)),
            PartEnd(1),
            *text(2, "."),
        ],
    ),
    "logprobs asked for": (
        {"logprobs": True},
        [
            PartStart(0, PartKind.TEXT),
            PartDelta(0, "Hi"),
            PartLogprobs(0, (LOGPROB,)),
            PartDelta(0, " there"),
            PartDelta(0, "!"),
            PartLogprobs(0, (LOGPROB, LOGPROB)),
            PartEnd(0),
        ],
    ),
    "logprobs not asked for": (
        {},
        [PartStart(0, PartKind.TEXT), PartDelta(0, "Hi"), PartLogprobs(0, (LOGPROB,)), PartEnd(0)],
    ),
    "a search of the provider's": (
        {},
        [
            *text(0, "I look."),
            PartStart(1, PartKind.WEB_SEARCH, "srvtoolu_1"),
            *text(2, "So: "),
            PartSearch(1, WebSearch(("q",), (Citation("http://a", "A"),))),
            PartEnd(1),
            *call(3, "add", "{}"),
        ],
    ),
    "custom text for a function": ({"tools": TOOLS}, [*call(0, "add", "ra", "w", tool=ToolKind.CUSTOM)]),
    "usage asked for": ({"stream_options": {"include_usage": True}}, [*text(0, "yes"), *call(1, "add", "{}")]),
    "everything": (
        {"tools": TOOLS, "stream_options": {"include_usage": True}},
        [
            *thoughts(0, "hm"),
            *text(1, "a", "b"),
            *call(2, "add", '{"a"', ":1}"),
            *call(3, "add"),
            *thoughts(4, "more"),
            *text(5, "c"),
        ],
    ),
}
"""The members of the request besides model and messages, and the events of the reply without its start and end."""

CUSTOM_SCENARIOS: dict[str, tuple[list[Event], str]] = {
    "wrapped": ([*call(0, "patch", '{"inp', 'ut":"*** Be', 'gin\\n\\"x\\""}')], '*** Begin\n"x"'),
    "a form of its own": ([*call(0, "patch", "*** Begin")], "*** Begin"),
    "JSON of another form": ([*call(0, "patch", '{"input":1}')], '{"input":1}'),
    "no input": ([*call(0, "patch")], ""),
    "a native upstream": ([*call(0, "patch", '{"input":', '"raw"}', tool=ToolKind.CUSTOM)], '{"input":"raw"}'),
}
"""Calls of a custom tool, and the input that the client reads; the accumulating official client takes none of them."""


def scenario(name: str) -> tuple[Exchange, list[Event]]:
    """Return the exchange and the events of a scenario."""
    members, events = SCENARIOS[name]
    return exchange(**members), [START, *events, *ENDED]
