"""Conversations as messages: turns, results, ids, thoughts, and instructions that come late."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.messages.upstream.asking import DEPLOYMENT, FABLE_5, OPUS_4_8, SONNET_4_5, encoded, lost, sent
from translation.envelope import Envelope, seal
from translation.failures import RequestRefused
from translation.hub import AssistantText, Refusal, Request, SystemItem, Text, ToolCall, ToolResult, UserItem
from translation.ledger import Ledger
from translation.profiles import Profile
from translation.shapes.messages.upstream.request import encode_request

THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "sig=="}
HIDDEN = {"type": "redacted_thinking", "data": "abc"}


def user(text: str) -> dict[str, Any]:
    """Return a message of the user."""
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    """Return a message of the model."""
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def system(text: str) -> dict[str, Any]:
    """Return an instruction."""
    return {"role": "developer", "content": text}


def call(call_id: str, arguments: str = "{}", name: str = "add") -> dict[str, Any]:
    """Return a call."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(call_id: str, output: Any = "3") -> dict[str, Any]:
    """Return a result."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def thoughts(*blocks: dict[str, Any], deployment: str = DEPLOYMENT, origin: str = "messages") -> dict[str, Any]:
    """Return a reasoning item as the gateway had given it out."""
    return {"type": "reasoning", "summary": [], "encrypted_content": seal(Envelope(origin, deployment, blocks))}


def messages(*items: dict[str, Any], model: str = OPUS_4_8) -> list[tuple[str, list[Any]]]:
    """Return roles and blocks of what the items become; a block of text and nothing else is its text."""
    told = sent({"input": list(items)}, model)["messages"]
    plain = {"type", "text"}
    return [
        (message["role"], [block["text"] if set(block) == plain else block for block in message["content"]])
        for message in told
    ]


def use(call_id: str, arguments: Any = None, name: str = "add") -> dict[str, Any]:
    """Return the block of a call."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments or {}}


def answer(call_id: str, content: Any = "3") -> dict[str, Any]:
    """Return the block of a result."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def test_leading_instructions_become_an_array_of_texts() -> None:
    """The leading run of instructions is `system`, a block for each part, in order; blank ones are left out."""
    leading = [system("Be kind."), {"role": "system", "content": [{"type": "input_text", "text": " "}]}]
    body = sent({"instructions": "Be brief.", "input": [*leading, user("hi")]})
    assert body["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]


def test_one_side_in_a_row_is_one_message() -> None:
    """Messages of the user in a row are one, and so is all that the model said and did; every part keeps its place."""
    told = messages(user("a"), user("b"), assistant("c"), assistant("d"), call("call_1"), result("call_1"), user("e"))
    expected = [
        ("user", ["a", "b"]),
        ("assistant", ["c", "d", use("call_1")]),
        ("user", [answer("call_1"), "e"]),
    ]
    assert told == expected


def test_results_come_first_and_in_the_order_of_the_calls() -> None:
    """Results follow their calls at once in the order of the calls, wherever and in what order the client sent them."""
    told = messages(user("a"), call("call_1"), call("call_2"), user("b"), result("call_2", "2"), result("call_1", "1"))
    assert told[2] == ("user", [answer("call_1", "1"), answer("call_2", "2"), "b"])


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('"{}"', {"INVALID_JSON": '"{}"'}),
        ('{"a": ', {"INVALID_JSON": '{"a": '}),
        ("[" * 2000, {"INVALID_JSON": "[" * 2000}),
    ],
)
def test_arguments_become_an_object(arguments: str, given: dict[str, Any]) -> None:
    """Arguments are an object; those that are none travel whole, under a name that says so."""
    told = messages(user("a"), call("call_1", arguments), result("call_1"))
    assert told[1] == ("assistant", [use("call_1", given)])


def test_arguments_keep_their_characters() -> None:
    """Numbers, and the order of members, reach the upstream as the model had written them."""
    arguments = '{"z": 1.0, "a": 1e5, "n": 123456789012345678901234567890}'
    items = (
        UserItem(parts=(Text(text="a"),)),
        ToolCall(call_id="call_1", name="add", arguments=arguments),
        ToolResult(call_id="call_1", parts=()),
    )
    request = Request(origin="chat", model="m", echo={}, items=items)
    wire = encode_request(request, "m", Profile(), DEPLOYMENT, Ledger())
    assert bytes(wire["messages"][1]["content"][0]["input"]).decode() == arguments


def test_broken_arguments_are_reported() -> None:
    """That arguments were no object is in the report, by the path of the call."""
    assert lost({"input": [user("a"), call("call_1", "{"), result("call_1")]}) == ((), ("input[1]",))


@pytest.mark.parametrize(
    ("first", "second", "sent_first", "sent_second"),
    [
        ("call_1", "call_1", "call_1", "call_1_r2"),
        ("a:1", "a:1", "tc_fmwebjtqnwpf6mqnku3cqmjygp", "tc_fmwebjtqnwpf6mqnku3cqmjygp_r2"),
    ],
)
def test_id_that_comes_again_is_renamed(first: str, second: str, sent_first: str, sent_second: str) -> None:
    """An id is unique in a conversation: that of a later turn is renamed, on the call and on its result."""
    told = messages(user("a"), call(first), result(first, "1"), call(second), result(second, "2"))
    assert [block["id"] for role, blocks in told if role == "assistant" for block in blocks] == [
        sent_first,
        sent_second,
    ]
    assert [
        (block["tool_use_id"], block["content"]) for role, blocks in told[1:] if role == "user" for block in blocks
    ] == [
        (sent_first, "1"),
        (sent_second, "2"),
    ]


def test_renamed_id_does_not_meet_another() -> None:
    """A name that a client uses itself is not given to another call."""
    told = messages(
        user("a"), call("x"), call("x_r2"), result("x"), result("x_r2"), call("x"), result("x"), call("x"), result("x")
    )
    assert [block["id"] for role, blocks in told if role == "assistant" for block in blocks] == [
        "x",
        "x_r2",
        "x_r3",
        "x_r4",
    ]


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ("3", {"content": "3"}),
        ("", {}),
        ("\n", {}),
        ([{"type": "input_text", "text": "3"}], {"content": "3"}),
        (
            [{"type": "input_text", "text": "3"}, {"type": "input_text", "text": "4"}],
            {"content": [{"type": "text", "text": "3"}, {"type": "text", "text": "4"}]},
        ),
        (
            [{"type": "input_image", "image_url": "https://example.com/a.png"}],
            {"content": [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]},
        ),
        ("[tool_error] no", {"content": "no", "is_error": True}),
    ],
)
def test_result_keeps_what_it_holds(output: Any, content: dict[str, Any]) -> None:
    """A result's text is a string, several parts or an image are blocks, an empty one has no content."""
    told = messages(user("a"), call("call_1"), result("call_1", output))
    assert told[2] == ("user", [{"type": "tool_result", "tool_use_id": "call_1", **content}])


def test_thoughts_of_the_same_account_go_back_as_they_came() -> None:
    """Native blocks are restored where they stood, untouched."""
    told = messages(user("a"), thoughts(THOUGHT, HIDDEN), assistant("b"), user("c"))
    assert told[1] == ("assistant", [THOUGHT, HIDDEN, "b"])


@pytest.mark.parametrize(
    "foreign",
    [
        thoughts(THOUGHT, deployment="another"),
        thoughts({"reasoning_content": "Hm."}, origin="chat"),
        thoughts({"type": "text", "text": "Hm."}),
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "native"},
        {"type": "reasoning", "summary": [], "encrypted_content": thoughts(THOUGHT)["encrypted_content"][:-9]},
        {"type": "reasoning", "summary": []},
    ],
)
def test_foreign_thoughts_are_dropped_with_all_that_follow(foreign: dict[str, Any]) -> None:
    """Thoughts that this account cannot read are dropped and never shown, and so are all later ones, with a report."""
    before = [user("a"), thoughts(THOUGHT), assistant("b"), user("c")]
    items = [
        *before,
        thoughts(THOUGHT),
        foreign,
        assistant("d"),
        user("e"),
        thoughts(THOUGHT),
        assistant("f"),
        user("g"),
    ]
    told = messages(*items)
    assert [blocks for role, blocks in told if role == "assistant"] == [[THOUGHT, "b"], ["d"], ["f"]]
    assert lost({"input": items}) == (("input[4]", "input[5]", "input[8]"), ())


@pytest.mark.parametrize("history", [[user("a")], [user("a"), call("call_1"), result("call_1")]])
@pytest.mark.parametrize("after", [[], [assistant("c"), user("d")]])
def test_late_instruction_stays_one_where_the_model_takes_it(
    history: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    """Behind the user and before the model, instructions in a row are one message of the system."""
    told = messages(*history, system("x"), system("y"), *after)
    assert told[len(told) - 1 - len(after)] == ("system", ["x", "y"])


@pytest.mark.parametrize(
    ("model", "items", "expected"),
    [
        (SONNET_4_5, [user("a"), system("x")], [("user", ["a", "<system-reminder>x</system-reminder>"])]),
        (
            "claude-sonnet-5",
            [user("a"), system("x"), system("y"), user("b")],
            [("user", ["a", "<system-reminder>x</system-reminder>", "<system-reminder>y</system-reminder>", "b"])],
        ),
        (
            FABLE_5,
            [user("a"), assistant("b"), system("x"), user("c")],
            [("user", ["a"]), ("assistant", ["b"]), ("user", ["<system-reminder>x</system-reminder>", "c"])],
        ),
        (
            OPUS_4_8,
            [user("a"), system("x"), user("c")],
            [("user", ["a", "<system-reminder>x</system-reminder>", "c"])],
        ),
    ],
)
def test_late_instruction_is_a_reminder_elsewhere(
    model: str, items: list[dict[str, Any]], expected: list[tuple[str, list[str]]]
) -> None:
    """Where an instruction may not stand, it is tagged text of the user in the same place, never at the front."""
    assert messages(*items, model=model) == expected
    assert "system" not in sent({"input": items}, model)


def test_longer_history_begins_with_the_shorter_one() -> None:
    """What was sent for a history is the beginning of what is sent for its continuation: caches and thoughts hold."""
    items = [
        user("a"),
        thoughts(THOUGHT),
        call("call_1"),
        result("call_1"),
        assistant("b"),
        system("x"),
        user("c"),
        assistant("d"),
        user("e"),
    ]
    whole = sent({"instructions": "Be brief.", "input": items}, SONNET_4_5)["messages"]
    for end in (1, 4, 7, 9):
        *told, last = sent({"instructions": "Be brief.", "input": items[:end]}, SONNET_4_5)["messages"]
        assert whole[: len(told)] == told
        assert whole[len(told)]["content"][: len(last["content"])] == last["content"]


def test_words_to_go_on_from_keep_their_place() -> None:
    """A trailing message of the model stays the last, without white space at its end, and no user is invented."""
    assert messages(user("a"), assistant("b \n"), model=SONNET_4_5)[-1] == ("assistant", ["b"])
    assert lost({"input": [user("a"), assistant("b")]}, SONNET_4_5) == ((), ())
    assert lost({"input": [user("a"), assistant("b")]}, OPUS_4_8) == ((), ("prefill",))


def test_refusal_is_told_as_text() -> None:
    """What the model said to decline is text, and reported, since the wire has no part for it."""
    said = AssistantText(parts=(Refusal(text="No.", at="messages[1].refusal"),))
    body, ledger = encoded(SONNET_4_5, UserItem(parts=(Text(text="a"),)), said, UserItem(parts=(Text(text="b"),)))
    assert body["messages"][1]["content"] == [{"type": "text", "text": "No."}]
    assert ledger.coerced == ("messages[1].refusal",)


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({"input": [system("Be brief.")]}, "input"),
        ({"input": [user("a"), assistant("b"), user(" ")]}, "input[2]"),
        ({"input": [user("a"), {"role": "user", "content": [{"type": "input_text", "text": ""}]}]}, "input[1]"),
    ],
)
def test_turn_that_says_nothing_is_refused(wire: dict[str, Any], param: str) -> None:
    """There is a message to answer, and no turn of the user's is blank."""
    with pytest.raises(RequestRefused) as caught:
        sent(wire)
    assert caught.value.failure.param == param


def test_instruction_alone_is_no_conversation() -> None:
    """A chat client's request without anything but instructions is refused by its own member's name."""
    instructions = (SystemItem(role="system", parts=(Text(text="Be brief."),)),)
    request = Request(origin="chat", model="m", echo={}, instructions=instructions)
    with pytest.raises(RequestRefused, match="at least one message") as caught:
        encode_request(request, "m", Profile(), DEPLOYMENT, Ledger())
    assert caught.value.failure.param == "messages"
