"""Figure `translation`: what it costs to translate a request, in each direction, without any network."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from itertools import permutations
from typing import Any

from benchmarks.plan import Plan
from benchmarks.report import Result, at_most
from benchmarks.stage import Cores
from benchmarks.wire import BEGINNINGS, MORE_TEXT
from serving.body import parse_body
from translation.reply import ReplyCollector
from translation.translator import Circumstances, Destination, read_request, translate

SHAPES = ("chat", "messages", "responses")
MODELS = {"chat": "gpt-4o", "messages": "claude-sonnet-4-5", "responses": "gpt-4o"}
MEGABYTE = 1_000_000
HISTORY = 2000
EVENTS = 20_000
MOST_MILLISECONDS = 12.0
MOST_TIMES_OF_HALF = 2.3
"""A history of twice the length may cost twice the time, and what a noisy machine adds."""

_NOW = Circumstances(request_id="bench", seed="0123456789abcdefghijABCD", now=1_767_225_600)
_SENTENCE = "The yard has forty-two tracks, and the switches are thrown by hand: très «bien», 東京. "
_ARGUMENTS = {"track": 7, "speed": 12.5, "wagons": ["A-1", "B-2"], "note": _SENTENCE}


def translation(cores: Cores, plan: Plan) -> list[Result]:
    """Return the milliseconds of a body of one megabyte, and how a history of twice the length compares."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # as serving/asgi.py does for a worker
    results = []
    for client, upstream in permutations(SHAPES, 2):
        body = _megabyte(client)
        rounds = tuple(_milliseconds(client, upstream, body) for _ in range(plan.rounds))
        name = f"1 MB request, {client} to {upstream}"
        results.append(Result(name, "ms", rounds, at_most(MOST_MILLISECONDS)))
    for client, upstream in permutations(SHAPES, 2):
        half, whole = (_encoded(client, _history(client, count)) for count in (HISTORY // 2, HISTORY))
        times = tuple(
            _milliseconds(client, upstream, whole) / _milliseconds(client, upstream, half) for _ in range(plan.rounds)
        )
        name = f"{HISTORY:,} messages, {client} to {upstream}"
        results.append(Result(name, f"times {HISTORY // 2:,}", times, at_most(MOST_TIMES_OF_HALF)))
    for client, upstream in permutations(SHAPES, 2):
        times = tuple(_microseconds_an_event(client, upstream) for _ in range(plan.rounds))
        results.append(Result(f"  an event in process, {upstream} for {client} clients", "µs", times))
    return results


def _microseconds_an_event(client: str, upstream: str) -> float:
    """Return what it takes to translate one more piece of text: of the whole cost of an event, our own part."""
    to = Destination(shape=upstream, model=MODELS[upstream], deployment="bench")
    wire = _REQUESTS[client]([{"role": "user", "content": "Go on."}]) | {"stream": True}
    feed = translate(read_request(wire, client), to, _NOW, "bench").stream(ReplyCollector()).feed
    feed(b"".join(BEGINNINGS[upstream]))
    event = MORE_TEXT[upstream]
    started = time.process_time()
    for _ in range(EVENTS):
        feed(event)
    return (time.process_time() - started) / EVENTS * 1e6


def _milliseconds(client: str, upstream: str, body: bytes) -> float:
    """Return the best of three: what the machine does meanwhile is no cost of ours."""
    to = Destination(shape=upstream, model=MODELS[upstream], deployment="bench")
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        reading = read_request(parse_body(body).members, client, raw=body)
        translate(reading, to, _NOW, "bench")
        best = min(best, time.process_time() - started)
    return best * 1000


def _megabyte(client: str) -> bytes:
    """Return an agent's request of about one megabyte: turns with a tool, whose results are long."""
    result = _SENTENCE * 40
    few, many = (len(_encoded(client, _history(client, count, result))) for count in (40, 80))
    return _encoded(client, _history(client, 40 * (MEGABYTE - few) // (many - few) + 40, result))


def _encoded(client: str, history: list[dict[str, Any]]) -> bytes:
    return json.dumps(_REQUESTS[client](history), ensure_ascii=False).encode()


def _history(client: str, count: int, result: str = _SENTENCE) -> list[dict[str, Any]]:
    """Return about `count` messages: what the user says, calls with their results, and answers."""
    messages: list[dict[str, Any]] = []
    for number in range(count // 4):
        messages += _TURNS[client](f"call_{number}", result)
    return [*messages, {"role": "user", "content": "Go on."}]


def _chat_turn(call_id: str, result: str) -> list[dict[str, Any]]:
    function = {"name": "throw_switch", "arguments": json.dumps(_ARGUMENTS)}
    return [
        {"role": "user", "content": _SENTENCE},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call_id, "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": result},
        {"role": "assistant", "content": _SENTENCE},
    ]


def _messages_turn(call_id: str, result: str) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": _SENTENCE},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": call_id, "name": "throw_switch", "input": _ARGUMENTS}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": result}]},
        {"role": "assistant", "content": [{"type": "text", "text": _SENTENCE}]},
    ]


def _responses_turn(call_id: str, result: str) -> list[dict[str, Any]]:
    arguments = json.dumps(_ARGUMENTS)
    return [
        {"role": "user", "content": _SENTENCE},
        {"type": "function_call", "call_id": call_id, "name": "throw_switch", "arguments": arguments},
        {"type": "function_call_output", "call_id": call_id, "output": result},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": _SENTENCE}]},
    ]


_SCHEMA = {"type": "object", "properties": {"track": {"type": "integer"}, "note": {"type": "string"}}}
_TURNS: dict[str, Callable[[str, str], list[dict[str, Any]]]] = {
    "chat": _chat_turn,
    "messages": _messages_turn,
    "responses": _responses_turn,
}
_REQUESTS: dict[str, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {
    "chat": lambda history: {
        "model": "bench",
        "messages": history,
        "tools": [{"type": "function", "function": {"name": "throw_switch", "parameters": _SCHEMA}}],
    },
    "messages": lambda history: {
        "model": "bench",
        "max_tokens": 500,
        "messages": history,
        "tools": [{"name": "throw_switch", "input_schema": _SCHEMA}],
    },
    "responses": lambda history: {
        "model": "bench",
        "store": False,
        "input": history,
        "tools": [{"type": "function", "name": "throw_switch", "parameters": _SCHEMA}],
    },
}
