"""The messages of chat clients, decoded into items."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.chat.client.conversing import HELLO, decoded
from translation.envelope import Envelope, seal
from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    Citation,
    Item,
    Reasoning,
    Refusal,
    SystemItem,
    Text,
    ToolCall,
    ToolKind,
    ToolResult,
    UserItem,
)
from translation.ledger import Ledger

ENVELOPE = seal(Envelope("messages", "d", ({"type": "thinking", "thinking": "hm", "signature": "s"},)))
FOREIGN = {"type": "reasoning.encrypted", "data": "opaque", "index": 0}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1.0}'}}
OTHER_CALL = {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
ANSWER = {"role": "tool", "tool_call_id": "c1", "content": "seen"}


def items_of(*messages: dict[str, Any], ledger: Ledger | None = None) -> tuple[Item, ...]:
    """Return the items of messages that follow a user's hello."""
    return decoded(ledger, messages=[*HELLO, *messages]).items[1:]


def assistant(**members: Any) -> dict[str, Any]:
    """Return an assistant message."""
    return {"role": "assistant", **members}


def test_leading_instructions_stand_apart_and_later_ones_in_place() -> None:
    """The leading run of system and developer messages are the instructions; one that comes later is not moved."""
    messages = [
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "late"},
    ]
    request = decoded(messages=messages)
    first, second = request.instructions
    assert (first.role, [part.text for part in first.parts]) == ("system", ["a"])
    assert (second.role, [part.text for part in second.parts]) == ("developer", ["b", "c"])
    assert request.items == (
        UserItem(parts=(Text(text="hi", at="messages[2].content"),), at="messages[2]"),
        SystemItem(role="system", parts=(Text(text="late", at="messages[3].content"),), at="messages[3]"),
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            assistant(content="Hello"),
            [AssistantText(parts=(Text(text="Hello", at="messages[1].content"),), at="messages[1]")],
        ),
        (
            assistant(content=[{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]),
            [
                AssistantText(
                    parts=(
                        Text(text="a", at="messages[1].content[0]"),
                        Refusal(text="no", at="messages[1].content[1]"),
                    ),
                    at="messages[1]",
                )
            ],
        ),
        (
            assistant(content=None, refusal="no"),
            [AssistantText(parts=(Refusal(text="no", at="messages[1].refusal"),), at="messages[1]")],
        ),
        (assistant(content=""), []),
        (assistant(content="", tool_calls=[], function_call=None, audio=None, refusal=None, annotations=[]), []),
        (
            assistant(reasoning_content="hm", content=""),
            [Reasoning(text="hm", at="messages[1].reasoning_content")],
        ),
        (assistant(reasoning="hm", content=""), [Reasoning(text="hm", at="messages[1].reasoning")]),
        (
            assistant(
                content="a",
                annotations=[
                    {
                        "type": "url_citation",
                        "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1},
                    }
                ],
            ),
            [
                AssistantText(
                    parts=(Text(text="a", annotations=(Citation("u", "t", "a", 0, 1),), at="messages[1].content"),),
                    at="messages[1]",
                )
            ],
        ),
    ],
)
def test_assistant_message_is_read(message: dict[str, Any], expected: list[Item]) -> None:
    """Text, refusals, thoughts and sources of a message are items; what is empty is none, and nothing is reported."""
    ledger = Ledger()
    assert list(items_of(message, ledger=ledger)) == expected
    assert ledger.dropped == ()


def test_turn_is_read_in_the_wires_order() -> None:
    """Thoughts come first, then text, then calls of both kinds; the results follow with the kind of their call."""
    detail = {"type": "reasoning.encrypted", "data": ENVELOPE, "index": 0, "format": "gw1"}
    message = assistant(content="a", tool_calls=[CALL, OTHER_CALL], reasoning_content="hm", reasoning_details=[detail])
    answers = [{"role": "tool", "tool_call_id": "c2", "content": "done"}, ANSWER]
    assert items_of(message, *answers) == (
        Reasoning(text="hm", opaque=ENVELOPE, at="messages[1].reasoning_details[0]"),
        AssistantText(parts=(Text(text="a", at="messages[1].content"),), at="messages[1]"),
        ToolCall(call_id="c1", name="look", arguments='{"at": 1.0}', at="messages[1].tool_calls[0]"),
        ToolCall(
            call_id="c2",
            name="patch",
            arguments="*** Begin",
            kind=ToolKind.CUSTOM,
            at="messages[1].tool_calls[1]",
        ),
        ToolResult(
            call_id="c2",
            parts=(Text(text="done", at="messages[2].content"),),
            kind=ToolKind.CUSTOM,
            at="messages[2]",
        ),
        ToolResult(call_id="c1", parts=(Text(text="seen", at="messages[3].content"),), at="messages[3]"),
    )


def test_each_state_is_a_thought_of_its_own() -> None:
    """Each of our entries becomes an item, the readable text in the first; entries of others are reported."""
    second = seal(Envelope("messages", "d", ({"type": "redacted_thinking", "data": "x"},)))
    details = [{"data": ENVELOPE}, FOREIGN, {"data": second}, {"type": "reasoning.text", "text": "hm"}]
    ledger = Ledger()
    found = items_of(assistant(content="", reasoning_content="hm", reasoning_details=details), ledger=ledger)
    assert [(item.text, item.opaque) for item in found if isinstance(item, Reasoning)] == [
        ("hm", ENVELOPE),
        ("", second),
    ]
    assert ledger.dropped == ("messages[1].reasoning_details[1]", "messages[1].reasoning_details[3]")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, ["Reasoning", "ab", "c1", "c2"]),
        ({"text_before": 1}, ["a", "Reasoning", "b", "c1", "c2"]),
        ({"text_before": 2, "calls_before": 1}, ["ab", "c1", "Reasoning", "c2"]),
        ({"text_before": 99, "calls_before": 99}, ["ab", "c1", "c2", "Reasoning"]),
        ({"text_before": -1, "calls_before": -1}, ["Reasoning", "ab", "c1", "c2"]),
    ],
)
def test_thought_goes_back_to_its_place(place: dict[str, int], expected: list[str]) -> None:
    """Thoughts that say what came before them are put back there; no word and no call is lost or told twice."""
    said = assistant(content="ab", tool_calls=[CALL, OTHER_CALL], reasoning_details=[{"data": ENVELOPE, **place}])
    found = items_of(said, ANSWER, {**ANSWER, "tool_call_id": "c2"})[:-2]
    assert [shown(item) for item in found] == expected


def shown(item: Item) -> str:
    """Return an item's text, id, or else its type."""
    match item:
        case AssistantText(parts=parts):
            return "".join(part.text for part in parts)
        case ToolCall(call_id=call_id):
            return call_id
    return type(item).__name__


def test_sources_stay_with_their_words() -> None:
    """Where a thought cuts the text in two, each source goes with the part that it begins in."""
    sources = [
        {"type": "url_citation", "url_citation": {"url": str(start), "start_index": start, "end_index": start + 1}}
        for start in (0, 2)
    ]
    said = assistant(content="abc", annotations=sources, reasoning_details=[{"data": ENVELOPE, "text_before": 1}])
    first, _, second = items_of(said)
    assert isinstance(first, AssistantText)
    assert isinstance(second, AssistantText)
    cited = [part.annotations for part in (*first.parts, *second.parts) if isinstance(part, Text)]
    assert cited == [(Citation("0", "", "a", 0, 1),), (Citation("2", "", "c", 1, 2),)]


def test_thoughts_of_others_never_become_text() -> None:
    """A vendor's signed blocks mean nothing here: they are left out, with a report, and not shown."""
    ledger = Ledger()
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    found = items_of(assistant(content="a", thinking_blocks=blocks), ledger=ledger)
    assert [type(item) for item in found] == [AssistantText]
    assert ledger.dropped == ("messages[1].thinking_blocks",)


def test_deprecated_function_call_is_a_call() -> None:
    """`function_call` and its answer have no id on the wire: both get the one made of the call's place."""
    legacy = {"name": "look", "arguments": "{}"}
    call, result, said, again, answer = items_of(
        assistant(content=None, function_call=legacy),
        {"role": "function", "name": "look", "content": "seen"},
        assistant(content="Hm."),
        assistant(content=None, function_call=legacy),
        {"role": "function", "name": "look", "content": "seen again"},
    )
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert isinstance(again, ToolCall)
    assert isinstance(answer, ToolResult)
    assert (call.call_id, call.name, result.call_id) == ("call_fn_1", "look", "call_fn_1")
    assert (again.call_id, answer.call_id) == ("call_fn_4", "call_fn_4")
    assert isinstance(said, AssistantText)


@pytest.mark.parametrize(
    ("content", "texts", "failed"),
    [
        ("seen", ["seen"], False),
        ("[tool_error] no such file", ["no such file"], True),
        ("[tool_error] ", [""], True),
        ([{"type": "text", "text": "[tool_error] a"}, {"type": "text", "text": "b"}], ["a", "b"], True),
        ("a [tool_error] b", ["a [tool_error] b"], False),
        ("", [""], False),
        ([], [], False),
    ],
)
def test_mark_of_a_failure_is_taken_off(content: object, texts: list[str], failed: bool) -> None:
    """A result that begins with the mark of a failure is one that failed, and its text is what follows."""
    *_, result = items_of(assistant(content=None, tool_calls=[CALL]), {**ANSWER, "content": content})
    assert isinstance(result, ToolResult)
    assert [part.text for part in result.parts if isinstance(part, Text)] == texts
    assert result.is_error is failed


def test_picture_in_a_result_is_kept() -> None:
    """The API takes text only; clients that send pictures in results are understood all the same."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    *_, result = items_of(assistant(content=None, tool_calls=[CALL]), {**ANSWER, "content": [picture]})
    assert isinstance(result, ToolResult)
    assert [type(part).__name__ for part in result.parts] == ["Image"]


def test_reused_ids_pair_in_order() -> None:
    """An id that an upstream used again in a later turn belongs to that turn's call."""
    turn = [assistant(content=None, tool_calls=[CALL]), ANSWER]
    assert len(items_of(*turn, *turn)) == 4


@pytest.mark.parametrize(
    ("messages", "missing", "path"),
    [
        ([assistant(content=None, tool_calls=[CALL])], "c1", "messages[1].tool_calls[0]"),
        ([assistant(content=None, tool_calls=[CALL]), *HELLO], "c1", "messages[1].tool_calls[0]"),
        ([assistant(content=None, tool_calls=[CALL, OTHER_CALL]), ANSWER], "c2", "messages[1].tool_calls[1]"),
        (
            [assistant(content=None, tool_calls=[CALL]), {"role": "system", "content": "x"}, ANSWER],
            "c1",
            "messages[1].tool_calls[0]",
        ),
        (
            [assistant(content=None, function_call={"name": "look", "arguments": "{}"}), *HELLO],
            "call_fn_1",
            "messages[1].function_call",
        ),
    ],
)
def test_call_without_its_result_is_refused(messages: list[dict[str, Any]], missing: str, path: str) -> None:
    """The results of all calls follow at once, or the request is refused in OpenAI's words."""
    wording = f"did not have response messages: {missing}$"
    with pytest.raises(RequestRefused, match=wording) as refused:
        items_of(*messages)
    assert refused.value.failure.param == path


@pytest.mark.parametrize(
    "messages",
    [
        [ANSWER],
        [assistant(content="a"), ANSWER],
        [assistant(content=None, tool_calls=[CALL]), ANSWER, ANSWER],
        [assistant(content=None, tool_calls=[CALL]), ANSWER, *HELLO, ANSWER],
    ],
)
def test_result_without_its_call_is_refused(messages: list[dict[str, Any]]) -> None:
    """A result answers a call of the message right before its run, and each call once."""
    wording = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'"
    with pytest.raises(RequestRefused, match=wording) as refused:
        items_of(*messages)
    assert refused.value.failure.param == f"messages[{len(messages)}].role"


def test_function_message_without_a_call_is_refused() -> None:
    """The deprecated role has the same rule."""
    with pytest.raises(RequestRefused, match="preceeding message with 'function_call'"):
        items_of({"role": "function", "name": "look", "content": "seen"})


@pytest.mark.parametrize(
    ("message", "dropped"),
    [
        ({"role": "user", "name": "ann", "content": "hi"}, "messages[1].name"),
        ({"role": "system", "name": "boss", "content": "hi"}, "messages[1].name"),
        ({"role": "assistant", "name": "bot", "content": "hi"}, "messages[1].name"),
        ({"role": "user", "content": "hi", "mood": "good"}, "unknown:messages[1].mood"),
        ({"role": "assistant", "content": "hi", "mood": "good"}, "unknown:messages[1].mood"),
        (
            assistant(content="a", annotations=[{"type": "file_citation", "file_citation": {}}]),
            "messages[1].annotations[0]",
        ),
        (
            assistant(content=[{"type": "text", "text": "a"}], annotations=[{"type": "url_citation"}]),
            "messages[1].annotations",
        ),
    ],
)
def test_members_without_a_twin_are_reported(message: dict[str, Any], dropped: str) -> None:
    """Names of speakers and members that nobody knows are left out and named in the report."""
    ledger = Ledger()
    items_of(message, ledger=ledger)
    assert ledger.dropped == (dropped,)


def test_name_on_a_result_is_reported() -> None:
    """Many clients name the tool in its result; no other shape has a place for it."""
    ledger = Ledger()
    items_of(assistant(content=None, tool_calls=[CALL]), {**ANSWER, "name": "look"}, ledger=ledger)
    assert ledger.dropped == ("messages[2].name",)


@pytest.mark.parametrize(
    ("messages", "path", "wording"),
    [
        (None, "messages", "Missing"),
        ("hi", "messages", "an array"),
        ([], "messages", "empty array"),
        (["hi"], "messages[0]", "an object"),
        ([{"content": "hi"}], "messages[0].role", "Missing"),
        ([{"role": "critic", "content": "hi"}], "messages[0].role", "Supported values"),
        ([{"role": "user"}], "messages[0].content", "Missing"),
        ([{"role": "user", "content": None}], "messages[0].content", "a string or an array"),
        ([{"role": "user", "content": []}], "messages[0].content", "empty array"),
        ([{"role": "user", "content": ["hi"]}], "messages[0].content[0]", "an object"),
        ([{"role": "system", "content": [{"type": "image_url"}]}], "messages[0].content[0].type", "Supported values"),
        ([assistant()], "messages[0].content", "a string or an array"),
        ([assistant(content=None)], "messages[0].content", "a string or an array"),
        ([assistant(content=5)], "messages[0].content", "a string or an array"),
        ([assistant(content="a", refusal=5)], "messages[0].refusal", "a string"),
        ([assistant(content="a", audio={"id": "x"})], "messages[0].audio", "cannot hear"),
        ([assistant(content=[{"type": "thinking", "thinking": "x"}])], "messages[0].content[0].type", "Supported"),
        ([assistant(content=None, tool_calls={})], "messages[0].tool_calls", "an array"),
        ([assistant(content=None, tool_calls=[{}])], "messages[0].tool_calls[0].id", "Missing"),
        ([assistant(content=None, tool_calls=[{"id": "c"}])], "messages[0].tool_calls[0].function", "Missing"),
        (
            [assistant(content=None, tool_calls=[{"id": "c", "type": "shell"}])],
            "messages[0].tool_calls[0].type",
            "Supported values",
        ),
        (
            [assistant(content=None, tool_calls=[{"id": "c", "function": {"name": "f", "arguments": {}}}])],
            "messages[0].tool_calls[0].function.arguments",
            "a string",
        ),
        ([assistant(content="a", reasoning_content=5)], "messages[0].reasoning_content", "a string"),
        ([assistant(content="a", reasoning_details=["x"])], "messages[0].reasoning_details[0]", "an object"),
        (
            [assistant(content="a", annotations=[{"url_citation": {}}])],
            "messages[0].annotations[0].url_citation.url",
            "M",
        ),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id", "Missing"),
        ([{"role": "function", "content": "x"}], "messages[0].name", "Missing"),
        ([assistant(content=None, tool_calls=[CALL]), {**ANSWER, "content": None}], "messages[1].content", "a string"),
    ],
)
def test_unreadable_message_is_refused(messages: object, path: str, wording: str) -> None:
    """Whatever is no lawful message is refused with the path of what is wrong."""
    with pytest.raises(RequestRefused, match=wording) as refused:
        decoded(messages=messages)
    assert refused.value.failure.param == path
