"""What a client was given, it may send back: the message of every reply reads as the same items again."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.translation.chat.client.conversing import HELLO, decoded, exchange, stream_of
from tests.translation.chat.client.scenarios import CUSTOM_SCENARIOS, ENDED, SCENARIOS, START, TOOLS, call, scenario
from tests.translation.chat.client.sdk import created, streamed
from translation.events import PartKind
from translation.hub import AssistantText, Item, Reasoning, ToolCall, ToolKind, ToolResult
from translation.ledger import Ledger
from translation.reply import Reply, ReplyPart, collect
from translation.shapes.chat.client.response import encode_reply
from translation.wrappers import arguments as arguments_sent

HIDDEN = "thoughts that stay hidden"


def said_again(message: dict[str, Any]) -> list[object]:
    """Return what a message says as history, with a result for each of its calls; nothing of it is dropped."""
    ledger = Ledger()
    results = [
        {"role": "tool", "tool_call_id": made["id"], "content": "ok"} for made in message.get("tool_calls") or ()
    ]
    items = decoded(ledger, messages=[*HELLO, message, *results]).items[1:]
    assert ledger.dropped == ()
    return [said(item) for item in items if not isinstance(item, ToolResult)]


def said(item: Item) -> object:
    """Return what an item says, without its path."""
    match item:
        case AssistantText(parts=parts):
            return [(type(part).__name__, part.text) for part in parts]
        case Reasoning(text=text, opaque=opaque):
            return text, opaque
        case ToolCall():
            return item.kind, item.name, item.call_id, item.arguments
    raise AssertionError(f"{item} is nothing that a model says")


def told(reply: Reply, hidden: bool) -> list[object]:
    """Return what the reply says, as far as the wire can: thoughts in their place, between them text before calls."""
    thoughts = [part for part in reply.parts if part.kind is PartKind.REASONING]
    words = "" if hidden else "\n".join(part.text for part in thoughts if part.text)
    states = [part.opaque for part in thoughts if part.opaque]
    runs: list[list[ReplyPart]] = [[]]
    for part in reply.parts:
        if part.kind is PartKind.REASONING:
            runs += [[]] if part.opaque else []
        else:
            runs[-1].append(part)
    items: list[object] = [(words, "")] if thoughts and not states else []
    for number, run in enumerate(runs):
        items += [(words if number == 1 else "", states[number - 1])] if number else []
        items += acted(run)
    return items


def acted(run: list[ReplyPart]) -> list[object]:
    """Return what parts without thoughts between them say: text and refusal, then calls."""
    texts = [
        (name, "".join(part.text for part in run if part.kind is kind))
        for name, kind in (("Text", PartKind.TEXT), ("Refusal", PartKind.REFUSAL))
    ]
    spoken = [(name, text) for name, text in texts if text]
    calls = [
        (ToolKind.FUNCTION, part.name, part.call_id, arguments(part.tool, part.text))
        for part in run
        if part.kind is PartKind.TOOL_CALL
    ]
    return [*([spoken] if spoken else []), *calls]


def arguments(tool: ToolKind, text: str) -> str:
    """Return the arguments that stand for what the model wrote."""
    if tool is ToolKind.CUSTOM:
        return json.dumps({"input": text}, separators=(",", ":"))
    return text if text.strip() else f"{text}{{}}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_message_is_history_again(name: str) -> None:
    """A message that the official client parsed and sends back whole says what the reply said, nothing dropped."""
    on, events = scenario(name)
    reply = collect(events)
    whole = created(msgspec.json.encode(encode_reply(reply, on)))
    assert said_again(whole.choices[0].message.model_dump()) == told(reply, name == HIDDEN)


@pytest.mark.parametrize("name", SCENARIOS)
def test_accumulated_message_is_history_again(name: str) -> None:
    """So does the message that the official client accumulated from the stream."""
    on, events = scenario(name)
    message = streamed(stream_of(events, on)).choices[0].message
    assert said_again(message.model_dump()) == told(collect(events), name == HIDDEN)


@pytest.mark.parametrize("name", CUSTOM_SCENARIOS)
def test_custom_call_is_history_again(name: str) -> None:
    """A custom call comes back as one, with the input that the client was given."""
    events, expected = CUSTOM_SCENARIOS[name]
    whole = created(msgspec.json.encode(encode_reply(collect([START, *events, *ENDED]), exchange(tools=TOOLS))))
    assert said_again(whole.choices[0].message.model_dump()) == [(ToolKind.CUSTOM, "patch", "call_0", expected)]


def test_wrapped_input_goes_back_as_the_model_wrote_it() -> None:
    """An unwrapped call is wrapped again in the same bytes, so that the prompt's prefix stays what it was."""
    written = '{"input":"*** Begin"}'
    reply = collect([START, *call(0, "patch", written), *ENDED])
    message = encode_reply(reply, exchange(tools=TOOLS))["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": "call_0", "content": "ok"}
    made = decoded(messages=[*HELLO, message, result]).items[1]
    assert isinstance(made, ToolCall)
    assert arguments_sent(made) == written


def test_function_call_is_history_again() -> None:
    """The call that a client of `functions` sends back is the same one, under the id that its place gives it."""
    reply = collect([START, *call(0, "add", '{"a":1}'), *ENDED])
    message = encode_reply(reply, exchange(functions=[{"name": "add"}]))["choices"][0]["message"]
    result = {"role": "function", "name": "add", "content": "ok"}
    made = decoded(messages=[*HELLO, message, result]).items[1]
    assert said(made) == (ToolKind.FUNCTION, "add", "call_fn_1", '{"a":1}')
