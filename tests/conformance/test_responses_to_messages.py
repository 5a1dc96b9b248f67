"""Requests of Responses clients on their way to an upstream that speaks Messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.grammar.messages_request import check_request
from tests.translation.relaying import DEPLOYMENT, translation
from translation.envelope import Envelope, seal
from translation.translator import Translation

Wire = dict[str, Any]
OPUS_4_8 = "claude-opus-4-8"
SONNET_5 = "claude-sonnet-5"
SONNET_4_5 = "claude-sonnet-4-5"
FABLE_5 = "claude-fable-5"
USER: Wire = {"role": "user", "content": "hi"}
LOOK: Wire = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


def relay(model: str = OPUS_4_8, **members: Any) -> Translation:
    """Return the translation of a request with these members."""
    return translation("responses", {"model": "alias", "input": "hi", **members}, model, upstream="messages")


def body(model: str = OPUS_4_8, **members: Any) -> Wire:
    """Return the body that the upstream gets; it is lawful."""
    wire: Wire = json.loads(relay(model, **members).body)
    check_request(wire)
    return wire


def text(words: str) -> Wire:
    """Return a block of text."""
    return {"type": "text", "text": words}


def call(call_id: str) -> Wire:
    """Return a call of the tool."""
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": "{}"}


def output(call_id: str) -> Wire:
    """Return the result of a call."""
    return {"type": "function_call_output", "call_id": call_id, "output": f"of {call_id}"}


def result(call_id: str) -> Wire:
    """Return the block that the result becomes."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": f"of {call_id}"}


@pytest.mark.parametrize(
    "between",
    [
        [output("call_2"), output("call_1"), USER],
        [USER, output("call_2"), output("call_1")],
        [output("call_2"), USER, output("call_1")],
    ],
)
def test_results_follow_their_calls_in_the_calls_order(between: list[Wire]) -> None:
    """190. The results of a turn's calls come first in the user message right after the calls, in the order of the
    calls, wherever the client has put them; what the user said comes after them.
    """
    messages = body(tools=[LOOK], input=[USER, call("call_1"), call("call_2"), *between])["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [block["id"] for block in messages[1]["content"]] == ["call_1", "call_2"]
    assert messages[2]["content"] == [result("call_1"), result("call_2"), text("hi")]


BRIEF: Wire = {"role": "developer", "content": "Be brief."}
ANSWER: Wire = {"role": "assistant", "content": "hello"}
TAGGED = text("<system-reminder>Be brief.</system-reminder>")


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        (OPUS_4_8, [USER, BRIEF], [("user", [text("hi")]), ("system", [text("Be brief.")])]),
        (
            OPUS_4_8,
            [USER, BRIEF, ANSWER, USER],
            [
                ("user", [text("hi")]),
                ("system", [text("Be brief.")]),
                ("assistant", [text("hello")]),
                ("user", [text("hi")]),
            ],
        ),
        (
            OPUS_4_8,
            [USER, ANSWER, BRIEF, USER],
            [("user", [text("hi")]), ("assistant", [text("hello")]), ("user", [TAGGED, text("hi")])],
        ),
        (SONNET_5, [USER, BRIEF], [("user", [text("hi"), TAGGED])]),
        (
            SONNET_5,
            [USER, ANSWER, USER, BRIEF],
            [("user", [text("hi")]), ("assistant", [text("hello")]), ("user", [text("hi"), TAGGED])],
        ),
    ],
)
def test_later_instruction_stays_in_its_place(
    model: str, given: list[Wire], expected: list[tuple[str, list[Wire]]]
) -> None:
    """191. A developer message in the middle of a conversation stays where it is: as a system message behind the
    user's turn for a model that takes one there, else as tagged text of the user's.
    """
    wire = body(model, input=given)
    assert "system" not in wire
    assert [(message["role"], message["content"]) for message in wire["messages"]] == expected


EFFORTS: list[tuple[str, str, Wire | None, str | None, tuple[str, ...]]] = [
    (OPUS_4_8, "none", {"type": "disabled"}, None, ()),
    (OPUS_4_8, "minimal", {"type": "adaptive"}, "low", ("reasoning.effort=minimal>low",)),
    (OPUS_4_8, "low", {"type": "adaptive"}, "low", ()),
    (OPUS_4_8, "medium", {"type": "adaptive"}, "medium", ()),
    (OPUS_4_8, "high", {"type": "adaptive"}, "high", ()),
    (OPUS_4_8, "xhigh", {"type": "adaptive"}, "xhigh", ()),
    (OPUS_4_8, "max", {"type": "adaptive"}, "max", ()),
    ("claude-opus-4-6", "xhigh", {"type": "adaptive"}, "high", ("reasoning.effort=xhigh>high",)),
    (FABLE_5, "none", {"type": "adaptive"}, "low", ("reasoning.effort=none>low",)),
    ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None, ("reasoning.effort=none>between_tools",)),
    (SONNET_4_5, "none", {"type": "disabled"}, None, ()),
    (SONNET_4_5, "minimal", {"type": "enabled", "budget_tokens": 1024}, None, ()),
    (SONNET_4_5, "low", {"type": "enabled", "budget_tokens": 2048}, None, ()),
    (SONNET_4_5, "medium", {"type": "enabled", "budget_tokens": 8192}, None, ()),
    (SONNET_4_5, "high", {"type": "enabled", "budget_tokens": 16384}, None, ()),
    (SONNET_4_5, "xhigh", {"type": "enabled", "budget_tokens": 32768}, None, ()),
    (SONNET_4_5, "max", {"type": "enabled", "budget_tokens": 32768}, None, ()),
]


@pytest.mark.parametrize(("model", "effort", "thinking", "sent_effort", "coerced"), EFFORTS)
def test_reasoning_is_asked_for_in_the_models_words(
    model: str, effort: str, thinking: Wire | None, sent_effort: str | None, coerced: tuple[str, ...]
) -> None:
    """192. reasoning.effort becomes the thinking and the effort that the model takes, a change is reported, and
    reasoning.summary asks for summarized thoughts; a strict tool keeps its promise with a schema that can be held, or
    reports its loss on a model without such schemas, and null is no strictness.
    """
    wire = body(model, reasoning={"effort": effort})
    assert wire.get("thinking") == thinking
    assert wire.get("output_config", {}).get("effort") == sent_effort
    made = relay(model, reasoning={"effort": effort})
    assert (made.dropped, made.coerced) == ((), coerced)
    shown = body(model, reasoning={"effort": effort, "summary": "auto"})["thinking"]
    assert shown.get("display") == ("summarized" if shown["type"] in ("adaptive", "enabled") else None)
    assert_strictness_is_kept()


def assert_strictness_is_kept() -> None:
    """Assert what becomes of a strict tool, on models with and without schemas that can be held."""
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}
    closed = {**schema, "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}}}
    strict = {**LOOK, "parameters": schema, "strict": True}
    assert body(OPUS_4_8, tools=[strict])["tools"] == [
        {"name": "look", "input_schema": {**closed, "additionalProperties": False}, "strict": True}
    ]
    assert relay(OPUS_4_8, tools=[strict]).coerced == ("tools[0].strict",)
    loose = [{"name": "look", "input_schema": schema}]
    assert body("claude-sonnet-4", tools=[strict])["tools"] == loose
    assert relay("claude-sonnet-4", tools=[strict]).dropped == ("tools[0].strict",)
    for strictness in ({}, {"strict": None}, {"strict": False}):
        made = {**LOOK, "parameters": schema, **strictness}
        assert body(OPUS_4_8, tools=[made])["tools"] == loose
        assert relay(OPUS_4_8, tools=[made]).dropped == ()


@pytest.mark.parametrize(
    ("file", "document"),
    [
        (
            {"file_url": "https://a.example/b.pdf"},
            {"source": {"type": "url", "url": "https://a.example/b.pdf"}},
        ),
        (
            {"file_data": "data:application/pdf;base64,QQ==", "filename": "b.pdf"},
            {"source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}, "title": "b.pdf"},
        ),
        (
            {"file_data": "data:text/plain;base64,R3LDvMOfZQ==", "filename": "b.txt"},
            {"source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}, "title": "b.txt"},
        ),
        (
            {"file_data": "data:application/json;base64,e30=", "filename": "b.json"},
            {"source": {"type": "text", "media_type": "text/plain", "data": "{}"}, "title": "b.json"},
        ),
    ],
)
@pytest.mark.parametrize("in_result", [False, True])
def test_file_is_a_document(file: Wire, document: Wire, in_result: bool) -> None:
    """193. An input_file is a document: with a url source for its URL, a base64 source for PDF data, and a text source
    for the data of text files; its name is the title. That holds for messages and for results of calls.
    """
    part = {"type": "input_file", **file}
    if in_result:
        given = [USER, call("call_1"), {**output("call_1"), "output": [part]}]
        (block,) = body(input=given, tools=[LOOK])["messages"][2]["content"][0]["content"]
    else:
        (block,) = body(input=[{"role": "user", "content": [part]}])["messages"][0]["content"]
    assert block == {"type": "document", **document}


def test_search_goes_back_natively_with_its_state() -> None:
    """A search whose item still has the provider's own objects goes back to the same account as they were, and the
    thoughts around it stay.
    """
    used = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "owls"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    thought = {"type": "thinking", "thinking": "1", "signature": "Signed1="}
    reasoning = {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": seal(Envelope("messages", DEPLOYMENT, (thought,))),
    }
    search = {**SEARCH, "encrypted_content": seal(Envelope("messages", DEPLOYMENT, (used, found)))}
    given = [USER, reasoning, search, ANSWER, USER]
    assert body("claude-opus-5-5", input=given)["messages"][1]["content"] == [thought, used, found, text("hello")]
    assert relay("claude-opus-5-5", input=given).dropped == ()


SEARCH: Wire = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "owls", "queries": ["owls"]},
}


@pytest.mark.parametrize(("model", "kept"), [("claude-opus-5", True), ("claude-opus-5-5", False)])
@pytest.mark.parametrize("cited", [True, False])
def test_search_takes_the_thoughts_with_it_where_they_depend_on_it(model: str, kept: bool, cited: bool) -> None:
    """A search in the history, or the source of a text, cannot go back and is reported; where thoughts are valid only
    behind the very same words, all thoughts from that turn on are left out with it.
    """
    own = [{"type": "thinking", "thinking": f"{number}", "signature": f"Signed{number}="} for number in (1, 2)]
    thoughts = [
        {"type": "reasoning", "summary": [], "encrypted_content": seal(Envelope("messages", DEPLOYMENT, (block,)))}
        for block in own
    ]
    source = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
    spoken = {"type": "output_text", "text": "a", "annotations": [source] if cited else []}
    turn = [*([] if cited else [SEARCH]), {"role": "assistant", "content": [spoken]}]
    given = [USER, thoughts[0], *turn, USER, thoughts[1], ANSWER, USER]
    messages = body(model, input=given)["messages"]
    native = [block for message in messages for block in message["content"] if block["type"] == "thinking"]
    assert native == (own if kept else [])
    lost = "input[2].content[0].annotations" if cited else "input[2]"
    second = len(given) - 3
    assert set(relay(model, input=given).dropped) == ({lost} if kept else {"input[1]", lost, f"input[{second}]"})
