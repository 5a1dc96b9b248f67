"""Conversations of any length, and how long their translation takes.

They have everything that a long session of an agent has: words, calls with their results, thoughts, late instructions,
and ids of calls that come again and again, as some providers make them.
"""

from __future__ import annotations

import gc
import time

from tests.conformance.losses import MODELS, Wire
from tests.translation.relaying import MINIMAL, translation

_MEMBER = {"chat": "messages", "messages": "messages", "responses": "input"}


def _round_of_chat(number: int) -> list[Wire]:
    calls = [
        {"id": call_id, "type": "function", "function": {"name": "look", "arguments": '{"at":"here"}'}}
        for call_id in (f"call_{number}", "functions.look:0")
    ]
    return [
        {"role": "user", "content": f"Question {number}"},
        {"role": "assistant", "content": "I look.", "reasoning_content": "Hm.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": "seen"},
        {"role": "tool", "tool_call_id": "functions.look:0", "content": "seen"},
        {"role": "developer", "content": "Be brief."},
    ]


def _round_of_messages(number: int) -> list[Wire]:
    ids = (f"toolu_{number}", "toolu_same")
    calls = [{"type": "tool_use", "id": call_id, "name": "look", "input": {"at": "here"}} for call_id in ids]
    results = [{"type": "tool_result", "tool_use_id": call_id, "content": "seen"} for call_id in ids]
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    return [
        {"role": "user", "content": f"Question {number}"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "I look."}, *calls]},
        {"role": "user", "content": results},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "I have seen it."},
    ]


def _round_of_responses(number: int) -> list[Wire]:
    call = {"type": "function_call", "name": "look", "arguments": '{"at":"here"}'}
    return [
        {"role": "user", "content": f"Question {number}"},
        {"type": "reasoning", "summary": [], "encrypted_content": "s"},
        {**call, "call_id": "call_same"},
        {"type": "function_call_output", "call_id": "call_same", "output": "seen"},
        {"role": "developer", "content": "Be brief."},
    ]


_ROUNDS = {"chat": _round_of_chat, "messages": _round_of_messages, "responses": _round_of_responses}
_TALK: list[Wire] = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "There."}] * 5


def history(client: str, count: int) -> Wire:
    """Return a request with so many messages or items, or a few more."""
    said: list[Wire] = []
    while len(said) < count:
        said += [*_ROUNDS[client](len(said)), *_TALK]
    return {**MINIMAL[client], _MEMBER[client]: said}


def seconds_for(client: str, upstream: str, count: int, tries: int) -> float:
    """Return how much processor time the translation of so many messages takes, at best of the tries."""
    wire = history(client, count)
    gc.collect()
    gc.disable()
    try:
        return min(_seconds(client, upstream, wire) for _ in range(tries))
    finally:
        gc.enable()


def _seconds(client: str, upstream: str, wire: Wire) -> float:
    begun = time.process_time()
    translation(client, wire, MODELS[upstream], upstream=upstream)
    return time.process_time() - begun
