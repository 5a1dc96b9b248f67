"""What a client was given, it may send back: every output item is readable as input, and means the same."""

from __future__ import annotations

import pytest

from tests.grammar.responses import check
from tests.translation.responses.conversing import exchange, stream_of
from tests.translation.responses.scenarios import FREEFORM, SCENARIOS, scenario
from translation.envelope import Envelope, seal
from translation.events import End, Finish, PartEnd, PartKind, PartOpaque, PartStart, Start, StopReason
from translation.hub import AssistantText, Item, Reasoning, ToolCall, Wire
from translation.ledger import Ledger
from translation.reply import ReplyPart
from translation.shapes.responses.input_items import decode_input
from translation.shapes.responses.output_items import encode_output
from translation.wrappers import arguments as arguments_sent


def answered(output: list[Wire]) -> list[Wire]:
    """Return the output as the input of the next turn, each call with a result of its type."""
    results = {
        "function_call": {"type": "function_call_output", "output": "ok"},
        "custom_tool_call": {"type": "custom_tool_call_output", "output": "ok"},
        "shell_call": {"type": "shell_call_output", "output": []},
        "local_shell_call": {"type": "local_shell_call_output", "output": "ok"},
        "apply_patch_call": {"type": "apply_patch_call_output", "status": "completed"},
    }
    replies = [{**results[item["type"]], "call_id": item["call_id"]} for item in output if item["type"] in results]
    return [*output, *replies]


def replayed(output: list[Wire]) -> tuple[list[Item], Ledger]:
    """Return what the output reads as in the next request, without the results, and the ledger."""
    ledger = Ledger()
    items = decode_input({"input": answered(output)}, ledger).items
    return [item for item in items if isinstance(item, AssistantText | Reasoning | ToolCall)], ledger


def said(item: Item) -> object:
    """Return what an item says, without its path."""
    match item:
        case AssistantText(parts=parts):
            return [(type(part).__name__, part.text) for part in parts]
        case Reasoning(text=text, opaque=opaque):
            return text, list(item.summaries), opaque
        case ToolCall():
            return item.kind, item.namespace, item.name, item.call_id, item.arguments
    return None


def said_again(output: list[Wire]) -> list[object]:
    """Return what the output says, taken from its own members."""
    found: list[object] = []
    for item in output:
        match item["type"]:
            case "message":
                found.append(
                    [("Refusal", p["refusal"]) if "refusal" in p else ("Text", p["text"]) for p in item["content"]]
                )
            case "reasoning":
                text = "".join(part["text"] for part in item.get("content", []))
                summaries = [part["text"] for part in item["summary"]]
                found.append((text, summaries, item.get("encrypted_content", "")))
            case "web_search_call":
                pass
            case _:
                found.append(item["call_id"])
    return found


@pytest.mark.parametrize("name", SCENARIOS)
def test_output_is_input_again(name: str) -> None:
    """Every item that a reply can have is accepted in the next request, in order, with nothing dropped."""
    on, events = scenario(name)
    output = check(stream_of(events, on))[-1]["response"]["output"]
    items, ledger = replayed(output)
    assert ledger.dropped == ()
    assert [said(item) if not isinstance(item, ToolCall) else item.call_id for item in items] == said_again(output)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("patch", '{"input":"*** Begin"}'),
        ("shell", '{"commands":["ls"],"timeout_ms":5}'),
        ("local_shell", '{"command":["ls"],"env":{}}'),
        ("apply_patch", '{"operation":{"type":"update_file","path":"a","diff":"+x"}}'),
    ],
)
def test_freeform_call_goes_back_as_the_model_wrote_it(name: str, arguments: str) -> None:
    """An unwrapped call is wrapped again in the same bytes, so that the prompt's prefix stays what it was."""
    part = ReplyPart(kind=PartKind.TOOL_CALL, text=arguments, call_id="c", name=name)
    (call,), _ = replayed(encode_output([part], exchange(tools=FREEFORM)))
    assert isinstance(call, ToolCall)
    assert arguments_sent(call) == arguments


def test_envelope_comes_back_whole() -> None:
    """The sealed state of an upstream survives the client unchanged."""
    sealed = seal(Envelope("messages", "d", ({"type": "thinking", "thinking": "hm", "signature": "s"},)))
    events = [PartStart(0, PartKind.REASONING), PartOpaque(0, sealed), PartEnd(0), Finish(StopReason.END), End()]
    output = check(stream_of([Start(), *events], exchange(store=False)))[-1]["response"]["output"]
    (reasoning,), _ = replayed(output)
    assert isinstance(reasoning, Reasoning)
    assert reasoning.opaque == sealed
