"""Messages clients and upstreams that speak Responses: what is asked of them, and what of their replies is read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.conformance.asking_responses import MARKABLE, MODEL, ending, read, reads, relay, sent, told, whole
from tests.translation import official_clients
from tests.translation.relaying import DEPLOYMENT
from tests.translation.responses.upstream.asking import added, call, created, delta, done, envelope, message
from translation.envelope import unseal
from translation.translator import translate_reply

Wire = dict[str, Any]
HI: Wire = {"role": "user", "content": "hi"}
EPHEMERAL = {"cache_control": {"type": "ephemeral"}}
BREAKPOINT = {"prompt_cache_breakpoint": {"mode": "explicit"}}
BILLING = "x-anthropic-billing-header: cc_version=2.0; cch=1f2e3"
NATIVE = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"}
SUMMARIES = [{"type": "summary_text", "text": text} for text in ("First.", "Then.")]
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": SUMMARIES, "encrypted_content": "E+1="}


def text(words: str, **members: Any) -> Wire:
    """Return a text block."""
    return {"type": "text", "text": words, **members}


def thinking(signature: str) -> Wire:
    """Return a thinking block."""
    return {"type": "thinking", "thinking": "hm", "signature": signature}


def assistant(*blocks: Wire) -> Wire:
    """Return a message of the model."""
    return {"role": "assistant", "content": list(blocks)}


def calling(call_id: str) -> Wire:
    """Return a call of a tool."""
    return {"type": "tool_use", "id": call_id, "name": "look", "input": {"a": 1}}


def result(call_id: str, content: Any = "ok") -> Wire:
    """Return a message with the result of a call."""
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": content}]}


def test_instructions() -> None:
    """186. The system prompt becomes the instructions, without the block that an agent puts there for its billing; its
    cache marks become breakpoints, and the instructions developer items, only on models that have breakpoints.
    """
    system = [text(BILLING), text("Be brief.", **EPHEMERAL), text("Be kind.")]
    asked = {"role": "user", "content": [text("hi", **EPHEMERAL)]}
    body = sent("messages", asked, system=system)
    assert body["instructions"] == "Be brief.\n\nBe kind."
    assert b"prompt_cache_breakpoint" not in msgspec.json.encode(body)
    assert relay("messages", {"system": system, "messages": [asked]}).dropped == ("system[0]",)
    assert sent("messages", HI, system="Be brief.")["instructions"] == "Be brief."
    marked = sent("messages", asked, system=system, model=MARKABLE)
    parts = [{"type": "input_text", "text": "Be brief.", **BREAKPOINT}, {"type": "input_text", "text": "Be kind."}]
    assert "instructions" not in marked
    assert marked["input"] == [
        {"type": "message", "role": "developer", "content": parts},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi", **BREAKPOINT}]},
    ]


def test_thoughts() -> None:
    """187. A thinking block that the upstream's own reasoning is sealed in goes back as the reasoning item, directly
    before the item that it led to; reasoning that led to nothing, or is another's, is dropped and reported.
    """
    own = thinking(envelope(NATIVE))
    turns = [HI, assistant(own, text("I look."), calling("c_1")), result("c_1"), assistant(own, calling("c_2"))]
    items = sent("messages", *turns, result("c_2"))["input"]
    kinds = ["reasoning", "message", "function_call", "function_call_output", "reasoning", "function_call"]
    assert [item["type"] for item in items[1:-1]] == kinds
    assert items[1] == items[5] == NATIVE
    for dropped in (own, thinking("EqQBCgIYAhIM"), thinking(envelope(NATIVE, deployment="f" * len(DEPLOYMENT)))):
        history = [HI, assistant(dropped), HI]
        assert "reasoning" not in [item["type"] for item in sent("messages", *history)["input"]]
        assert relay("messages", {"messages": history}).dropped == ("messages[1].content[0]",)


@pytest.mark.parametrize("members", [{}, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "adaptive"}}])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.2", "gpt-5.6-sol", "o3", "another-model"])
def test_state(model: str, members: Wire) -> None:
    """188. Of every model that reasons, the encrypted reasoning is asked for and nothing is stored, whether the client
    asks the model to think or not.
    """
    body = sent("messages", model=model, **members)
    assert (body["include"], body["store"]) == (["reasoning.encrypted_content"], False)


def test_results() -> None:
    """189. A tool result of text and images becomes a list of input parts in the same order."""
    pixel = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
    image = {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBO"}
    before, after = ({"type": "input_text", "text": words} for words in ("Before", "After"))
    for content, output in (
        ([text("Before"), pixel, text("After")], [before, image, after]),
        ([pixel, text("After")], [image, after]),
        ([pixel], [image]),
    ):
        items = sent("messages", HI, assistant(calling("c_1")), result("c_1", content))["input"]
        assert items[-1] == {"type": "function_call_output", "call_id": "c_1", "output": output}


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("o3", "max", "high"),
        ("gpt-5.1", "max", "high"),
        ("gpt-5.2", "max", "xhigh"),
        ("o3", "xhigh", "high"),
        ("gpt-5.6", "max", "max"),
        ("gpt-5.2", "low", "low"),
    ],
)
def test_effort(model: str, effort: str, expected: str) -> None:
    """194. An effort that a model does not have becomes the highest one below it that it has, and the change is
    reported.
    """
    members = {"output_config": {"effort": effort}}
    assert sent("messages", model=model, **members)["reasoning"]["effort"] == expected
    coerced = relay("messages", members, model).coerced
    assert coerced == (() if effort == expected else (f"output_config.effort={effort}>{expected}",))


@pytest.mark.parametrize(("summary", "words"), [(SUMMARIES, "First.\n\nThen."), ([], "")])
def test_reasoning(summary: list[Wire], words: str) -> None:
    """196. Reasoning with summaries and encrypted content becomes a thinking block whose signature holds the item; with
    encrypted content only, its text is empty.
    """
    thought = {**THOUGHT, "summary": summary}
    for reply in read("messages", thought, message("So.")):
        block, said = reply["content"]
        sealed = unseal(block["signature"])
        assert (block["type"], block["thinking"], said["text"]) == ("thinking", words, "So.")
        assert sealed is not None
        assert (sealed.deployment, sealed.blocks) == (DEPLOYMENT, (thought,))


def test_encrypted_content() -> None:
    """197. The encrypted content that goes back is that of the finished item, which is another one than that of its
    announcement.
    """
    final = {**NATIVE, "encrypted_content": "Final+1="}
    early, said = {**NATIVE, "encrypted_content": "Early+1="}, message("So.")
    events = [created(), added(0, **early), done(0, **final), added(1, **said), done(1, **said)]
    stream = reads("messages", *events, ending(final, said))
    content = official_clients.of_stream("messages", stream)["content"]
    assert sent("messages", HI, assistant(*content), HI)["input"][1]["encrypted_content"] == "Final+1="


def test_calls() -> None:
    """198. A completed response with a function call ends with tool_use, its arguments as they are; only what a custom
    tool got, which is no JSON, is wrapped in an object.
    """
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    plain, free = call("c_1", "look", '{"input":"x"}'), '*** Begin "Patch"'
    custom = {"type": "custom_tool_call", "call_id": "c_2", "name": "patch", "input": free}
    for reply in read("messages", plain, custom, request={"tools": tools}):
        assert reply["stop_reason"] == "tool_use"
        assert [(block["id"], block["name"], block["input"]) for block in reply["content"]] == [
            ("c_1", "look", {"input": "x"}),
            ("c_2", "patch", {"input": free}),
        ]


def test_grammar() -> None:
    """199. A stream begins with message_start also when a call comes first, has one open block at a time and stops each
    once; the pieces of parallel calls stay apart, text inside unfinished arguments is delayed and not lost, and
    summaries are joined by a blank line.
    """
    first, second = call("c_1", "look", '{"a":1}'), call("c_2", "look", '{"b":2}')
    say = delta("output_text", 2, "Meanwhile.", content_index=0)
    pieces = [
        *(added(index, **{**item, "arguments": ""}) for index, item in enumerate((first, second))),
        delta("function_call_arguments", 0, '{"a"'),
        say,
        delta("function_call_arguments", 1, '{"b":'),
        delta("function_call_arguments", 0, ":1}"),
        delta("function_call_arguments", 1, "2}"),
        done(0, **first),
        done(1, **second),
    ]
    stream = reads("messages", created(), *pieces, ending(first, second, message("Meanwhile.")))
    assert stream.startswith(b"event: message_start\n")
    content = official_clients.of_stream("messages", stream)["content"]
    assert sorted(json.dumps(block.get("input", block.get("text"))) for block in content) == sorted(
        ['{"a": 1}', '{"b": 2}', '"Meanwhile."']
    )
    thoughts = reads("messages", *told(THOUGHT, message("So.")), ending(THOUGHT, message("So.")))
    assert official_clients.of_stream("messages", thoughts)["content"][0]["thinking"] == "First.\n\nThen."


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("content_filter", "refusal"),
        ("max_output_tokens", "max_tokens"),
        ("max_messages", "max_tokens"),
        ("steered", "end_turn"),
    ],
)
def test_incomplete(reason: str, expected: str) -> None:
    """200. An incomplete response ends with refusal where a filter cut it and with max_tokens where a limit did, also
    inside a call; any other reason reads as the end of the turn, and is reported.
    """
    details = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    assert [reply["stop_reason"] for reply in read("messages", message("It was"), **details)] == [expected] * 2
    made = relay("messages", {})
    translate_reply(msgspec.json.encode(whole(message("It was"), **details)), made)
    assert made.exchange.lost.coerced == (("reply:incomplete_details.reason",) if expected == "end_turn" else ())
    if expected != "end_turn":
        half = reads("messages", *told(call("c_1", "look", '{"a":')), ending(call("c_1", "look", '{"a":'), **details))
        assert official_clients.of_stream("messages", half)["stop_reason"] == expected


SEARCH = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {
        "type": "search",
        "query": "weather",
        "queries": ["weather", "weather in Oslo"],
        "sources": [{"type": "url", "url": "https://a.test"}],
    },
}


@pytest.mark.parametrize("output", [(SEARCH,), (THOUGHT, SEARCH), (THOUGHT, SEARCH, THOUGHT)], ids=len)
def test_searches(output: tuple[Wire, ...]) -> None:
    """201. A search of the web by the upstream is shown as a search by the server and its results, in its place; on
    replay these blocks are removed without a report, and the upstream gets the search back with the reasoning that led
    to it.
    """
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    expected = [item for item in output if output[0] is THOUGHT]
    for reply in read("messages", *output, message("Rain."), request={"tools": tools}):
        shown = {"reasoning": ["thinking"], "web_search_call": ["server_tool_use", "web_search_tool_result"]}
        kinds = [kind for item in output for kind in shown[item["type"]]]
        assert [block["type"] for block in reply["content"]] == [*kinds, "text"]
        use = next(block for block in reply["content"] if block["type"] == "server_tool_use")
        found = next(block for block in reply["content"] if block["type"] == "web_search_tool_result")
        assert use["input"]["query"].startswith("weather")
        assert found["tool_use_id"] == use["id"]
        assert [page["url"] for page in found["content"]] == ["https://a.test"]
        again = {"messages": [HI, assistant(*reply["content"]), HI], "tools": tools}
        assert sent("messages", **again, model=MODEL)["input"][1:-1] == [*expected, message("Rain.")]
        assert relay("messages", again).dropped == ()
