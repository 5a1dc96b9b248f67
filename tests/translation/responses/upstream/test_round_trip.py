"""What an upstream answered, sent back by the client in its own shape: the upstream reads what it wrote."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.grammar.responses_request import check_request
from tests.translation import official_clients
from tests.translation.chat.client.sdk import created as read_completion
from tests.translation.chat.client.sdk import streamed as read_chunks
from tests.translation.relaying import streamed
from tests.translation.responses.upstream.asking import call, completed, created, message, stream_of, translation
from translation.translator import Translation, translate_reply

Wire = dict[str, Any]

TURNS = 6
TOOL: dict[str, Wire] = {
    "messages": {"name": "f", "input_schema": {"type": "object"}},
    "chat": {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
}
HI: Wire = {"role": "user", "content": "hi"}


def thought(number: int, **members: Any) -> Wire:
    """Return a reasoning item of its own."""
    summary = [{"type": "summary_text", "text": text} for text in ("First.", "Then.")]
    return {"type": "reasoning", "id": f"rs_{number}", "summary": summary, "encrypted_content": f"E{number}", **members}


def answer(number: int) -> list[Wire]:
    """Return the output of one reply: it thinks, says what it will do, thinks again, and calls a tool."""
    return [
        thought(2 * number),
        message("I will look.", phase="commentary"),
        thought(2 * number + 1, summary=[]),
        call(f"call_{number}", "f", '{"a":1}'),
    ]


def asked(client: str, messages: list[Wire]) -> Translation:
    """Return the relay of a conversation, whose body is lawful and loses nothing."""
    wire: Wire = {"model": "alias", "max_tokens": 100, "messages": messages, "tools": [TOOL[client]]}
    relay = translation(client, wire, "gpt-5")
    check_request(msgspec.json.decode(relay.body))
    return relay


def received(client: str, relay: Translation, output: list[Wire], *, stream: bool) -> Wire:
    """Return the reply that the official client reads."""
    if stream:
        told = streamed(relay, [stream_of(created(), completed(*output, usage={}))])
        return read_chunks(told).to_dict(mode="json") if client == "chat" else official_clients.of_stream(client, told)
    body = translate_reply(msgspec.json.encode({"status": "completed", "output": output}), relay).body
    return read_completion(body).to_dict(mode="json") if client == "chat" else official_clients.of_whole(client, body)


def echoed(client: str, reply: Wire, number: int) -> list[Wire]:
    """Return the reply as the client sends it back, and the result of its call."""
    if client == "chat":
        said = reply["choices"][0]["message"]
        kept = ("role", "content", "reasoning_details", "reasoning_content")
        spoken = {name: said[name] for name in kept if name in said}
        calls = [{name: made[name] for name in ("id", "type", "function")} for made in said["tool_calls"]]
        result = {"role": "tool", "tool_call_id": f"call_{number}", "content": "ok"}
        return [{**spoken, "tool_calls": calls}, result]
    result = {"type": "tool_result", "tool_use_id": f"call_{number}", "content": "ok"}
    return [{"role": "assistant", "content": reply["content"]}, {"role": "user", "content": [result]}]


def native(output: list[Wire], number: int) -> list[Wire]:
    """Return the output as it must stand in the next request, with the result."""
    return [*output, {"type": "function_call_output", "call_id": f"call_{number}", "output": "ok"}]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("client", ["messages", "chat"])
def test_session_keeps_all_reasoning_and_its_prefix(client: str, stream: bool) -> None:
    """Turn by turn, the upstream reads its own items, thoughts and phases in place, and nothing before them changes."""
    history, expected = [HI], asked_input(asked(client, [HI]))
    for number in range(TURNS):
        relay = asked(client, history)
        assert (relay.dropped, asked_input(relay)) == ((), expected)
        reply = received(client, relay, answer(number), stream=stream)
        history = [*history, *echoed(client, reply, number)]
        expected = [*expected, *native(answer(number), number)]
    assert asked_input(asked(client, history)) == expected


def asked_input(relay: Translation) -> list[Wire]:
    """Return the input that the upstream gets."""
    items: list[Wire] = msgspec.json.decode(relay.body)["input"]
    return items


def marked(messages: list[Wire]) -> list[Wire]:
    """Return the messages with a cache mark on the last block, as agents send them."""
    *before, last = messages
    content = last["content"] if isinstance(last["content"], list) else [{"type": "text", "text": last["content"]}]
    mark = {"cache_control": {"type": "ephemeral"}}
    return [*before, {**last, "content": [*content[:-1], {**content[-1], **mark}]}]


def without_mark(item: Wire) -> tuple[Wire, bool]:
    """Return the item without the breakpoint of its last part, and whether it had one."""
    member = "output" if "output" in item else "content"
    parts = item.get(member)
    if not isinstance(parts, list) or "prompt_cache_breakpoint" not in parts[-1]:
        return item, False
    bare = {name: value for name, value in parts[-1].items() if name != "prompt_cache_breakpoint"}
    return {**item, member: [*parts[:-1], bare]}, True


def test_prefix_holds_while_the_cache_mark_moves_on() -> None:
    """Where a model takes marks, each request begins with the items of the one before it, in the very same form."""
    history, before = [HI], list[Wire]()
    for number in range(TURNS):
        wire = {"model": "alias", "max_tokens": 100, "system": "Be brief.", "tools": [TOOL["messages"]]}
        relay = translation("messages", {**wire, "messages": marked(history)}, "gpt-5.6-sol")
        check_request(msgspec.json.decode(relay.body))
        bare, marks = zip(*map(without_mark, asked_input(relay)), strict=True)
        assert list(bare[: len(before)]) == before
        assert [place for place, mark in enumerate(marks) if mark] == [len(bare) - 1]
        before = list(bare)
        reply = received("messages", relay, answer(number), stream=True)
        history = [*history, *echoed("messages", reply, number)]
