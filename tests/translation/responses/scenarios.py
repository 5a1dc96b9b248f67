"""Replies as hub events, one scenario each, that every test of streams to responses clients goes through."""

from __future__ import annotations

from typing import Any

from tests.translation.responses.conversing import exchange
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

START = Start("chatcmpl-abc123DEF456", "m-1", 1_700_000_000)
USAGE = Usage(input_tokens=12, cache_read_tokens=8, output_tokens=5)
ENDED: tuple[Event, ...] = (Finish(StopReason.END), USAGE, End())
FOUND = WebSearch(("owls", "barn owls"), (Citation("http://a", "A"), Citation("http://b")))
FREEFORM = [{"type": "custom", "name": "patch"}, {"type": "shell"}, {"type": "local_shell"}, {"type": "apply_patch"}]
LOGPROB = {"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": "Hi", "logprob": -0.1}]}


def part(key: int, kind: PartKind, *deltas: str, **members: Any) -> list[Event]:
    """Return the events of one part from its start to its end."""
    return [PartStart(key, kind, **members), *(PartDelta(key, delta) for delta in deltas), PartEnd(key)]


def text(key: int, *deltas: str) -> list[Event]:
    """Return the events of a part of text."""
    return part(key, PartKind.TEXT, *deltas)


def search(key: int) -> list[Event]:
    """Return the events of a search of the web."""
    return [PartStart(key, PartKind.WEB_SEARCH, "srvtoolu_1"), PartSearch(key, FOUND), PartEnd(key)]


def call(key: int, name: str, *deltas: str, tool: ToolKind = ToolKind.FUNCTION) -> list[Event]:
    """Return the events of a tool call."""
    return part(key, PartKind.TOOL_CALL, *deltas, call_id=f"call_{key}", name=name, tool=tool)


SCENARIOS: dict[str, tuple[dict[str, Any], list[Event]]] = {
    "text": ({}, [*text(0, "Hel", "lo 100% ", 'ünï\n"code" \U0001f989')]),
    "nothing": ({}, []),
    "empty text": ({}, [*text(0), *text(1, "")]),
    "two texts in one message": ({}, [*text(0, "a"), *text(1, "b")]),
    "text and refusal": ({}, [*text(0, "a"), *part(1, PartKind.REFUSAL, "no")]),
    "refusal only": ({}, [*part(0, PartKind.REFUSAL, "I ", "cannot")]),
    "reasoning first": ({}, [*part(0, PartKind.REASONING, "let ", "me"), *text(1, "yes")]),
    "reasoning without text": ({}, [*part(0, PartKind.REASONING), *text(1, "yes")]),
    "summary first": ({}, [*part(0, PartKind.REASONING, "let ", "me 100%", summary=True), *text(1, "yes")]),
    "summary without text": ({}, [*part(0, PartKind.REASONING, summary=True), *text(1, "yes")]),
    "search between texts": ({}, [*text(0, "I look."), *search(1), *text(2, "It is so.")]),
    "search with its sources": ({"include": ["web_search_call.action.sources"]}, [*search(0), *text(1, "yes")]),
    "search that tells nothing": ({}, [*part(0, PartKind.WEB_SEARCH), *text(1, "yes")]),
    "two searches at once": (
        {},
        [
            PartStart(0, PartKind.WEB_SEARCH),
            PartStart(1, PartKind.WEB_SEARCH),
            PartSearch(1, FOUND),
            PartSearch(0, WebSearch(("cats",))),
            PartEnd(1),
            PartEnd(0),
        ],
    ),
    "call only": ({}, [*call(0, "add", '{"a":', "1}")]),
    "call without arguments": ({}, [*call(0, "now")]),
    "call with blank arguments": ({}, [*call(0, "now", " ")]),
    "text after a call": ({}, [*text(0, "a"), *call(1, "add", "{}"), *text(2, "b")]),
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
            PartDelta(2, ":2}"),
            PartEnd(0),
            PartEnd(1),
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
    "citations": (
        {},
        [
            PartStart(0, PartKind.TEXT),
            PartDelta(0, "an owl"),
            PartCitation(0, Citation("http://a", "A", "owl", 3, 6)),
            PartCitation(0, Citation("http://b", "", "", 0, 2)),
            PartEnd(0),
        ],
    ),
    "citation before the text": (
        {},
        [PartStart(0, PartKind.TEXT), PartCitation(0, Citation("http://a")), PartDelta(0, "an owl"), PartEnd(0)],
    ),
    "logprobs asked for": (
        {"include": ["message.output_text.logprobs"]},
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
    "reasoning state asked for": (
        {"include": ["reasoning.encrypted_content"]},
        [
            PartStart(0, PartKind.REASONING),
            PartDelta(0, "hm"),
            PartOpaque(0, "old"),
            PartOpaque(0, "gw1.state"),
            PartEnd(0),
            *text(1, "yes"),
        ],
    ),
    "custom call": ({"tools": FREEFORM}, [*call(0, "patch", '{"inp', 'ut":"*** Be', 'gin\\n\\"x\\""}')]),
    "custom call in a form of its own": ({"tools": FREEFORM}, [*call(0, "patch", "*** Begin")]),
    "custom call without input": ({"tools": FREEFORM}, [*call(0, "patch")]),
    "custom call by a native upstream": (
        {"tools": FREEFORM},
        [*call(0, "patch", '{"input":', '"raw"}', tool=ToolKind.CUSTOM)],
    ),
    "shell call": ({"tools": FREEFORM}, [*call(0, "shell", '{"commands":["ls"]', ',"timeout_ms":5}')]),
    "local shell call": ({"tools": FREEFORM}, [*call(0, "local_shell", '{"command":["ls"]}')]),
    "patch call": (
        {"tools": FREEFORM},
        [*call(0, "apply_patch", '{"operation":{"type":"delete_file","path":"a"}}')],
    ),
    "everything": (
        {"tools": FREEFORM, "store": False},
        [
            PartStart(0, PartKind.REASONING),
            PartDelta(0, "hm"),
            PartOpaque(0, "gw1.state"),
            PartEnd(0),
            *text(1, "a", "b"),
            *call(2, "patch", '{"input":"x"}'),
            *call(3, "add", "{}"),
            *part(4, PartKind.REASONING, "more", summary=True),
            *search(6),
            *text(5, "c"),
        ],
    ),
}


def scenario(name: str) -> tuple[Exchange, list[Event]]:
    """Return the exchange and the events of a scenario."""
    members, events = SCENARIOS[name]
    return exchange(**members), [START, *events, *ENDED]
