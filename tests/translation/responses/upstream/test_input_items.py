"""Conversations of messages clients, and of others, as the input of a responses upstream."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.relaying import DEPLOYMENT
from tests.translation.responses.upstream.asking import asked, envelope, sent
from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    Audio,
    Citation,
    Document,
    Image,
    Item,
    Opaque,
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
from translation.shapes.responses.upstream.content_parts import Writing
from translation.shapes.responses.upstream.input_items import encode_input

NATIVE = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"}
HI = {"role": "user", "content": "hi"}
PIXEL = {"type": "base64", "media_type": "image/png", "data": "iVBO"}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    """Return a message of the user."""
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    """Return a message of the model."""
    return {"role": "assistant", "content": list(blocks)}


def thinking(signature: str) -> dict[str, Any]:
    """Return a thinking block."""
    return {"type": "thinking", "thinking": "hm", "signature": signature}


def tool_use(call_id: str, name: str = "f") -> dict[str, Any]:
    """Return a call of a tool."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": {"a": 1}}


def result(call_id: str, content: Any = "ok", **members: Any) -> dict[str, Any]:
    """Return a tool's result."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **members}


def text(value: str) -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "text": value}


def spoken(*texts: str, **members: Any) -> dict[str, Any]:
    """Return the item of a message of the model."""
    content = [{"type": "output_text", "text": value, "annotations": []} for value in texts]
    return {"type": "message", "role": "assistant", "content": content, **members}


def call_item(call_id: str) -> dict[str, Any]:
    """Return the item of a call."""
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": '{"a":1}'}


def output_item(call_id: str, output: Any = "ok") -> dict[str, Any]:
    """Return the item of a result."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def encoded(*items: Item, origin: str = "chat") -> tuple[list[dict[str, Any]], Ledger]:
    """Return the input of neutral items, and the ledger."""
    ledger = Ledger()
    return encode_input(items, Writing(origin=origin, deployment=DEPLOYMENT, ledger=ledger)), ledger


def test_turn_keeps_its_order() -> None:
    """Texts, calls and results are items in the client's order, without ids; blocks of one text are parts of one."""
    items = sent(
        HI,
        assistant(text("a"), text("b"), tool_use("t1"), text("c"), tool_use("t2")),
        user(result("t1"), result("t2"), text("go")),
    )
    assert items[1:] == [
        spoken("a", "b"),
        call_item("t1"),
        spoken("c"),
        call_item("t2"),
        output_item("t1"),
        output_item("t2"),
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
    ]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (text("a"), {"type": "input_text", "text": "a"}),
        (
            {"type": "image", "source": PIXEL},
            {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBO"},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.test/b.png"}},
            {"type": "input_image", "detail": "auto", "image_url": "https://a.test/b.png"},
        ),
        (
            {"type": "document", "source": {"type": "url", "url": "https://a.test/b.pdf"}},
            {"type": "input_file", "file_url": "https://a.test/b.pdf"},
        ),
        (
            {"type": "document", "title": "b.pdf", "source": {**PIXEL, "media_type": "application/pdf"}},
            {"type": "input_file", "filename": "b.pdf", "file_data": "data:application/pdf;base64,iVBO"},
        ),
        (
            {"type": "document", "title": "b", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
            {"type": "input_text", "text": '<document title="b">\nx\n</document>'},
        ),
    ],
)
def test_part_of_a_user(block: dict[str, Any], part: dict[str, Any]) -> None:
    """Each part of what the user said has its form, alone and in a tool's result."""
    assert sent(user(block))[0]["content"] == [part]
    outputs = sent(HI, assistant(tool_use("t")), user(result("t", [text("see"), block])))[-1]["output"]
    assert outputs == [{"type": "input_text", "text": "see"}, part]


@pytest.mark.parametrize(
    ("content", "failed", "output"),
    [
        ("ok", False, "ok"),
        ([text("ok")], False, "ok"),
        ([], False, ""),
        ([text("a"), text("b")], False, [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]),
        ("boom", True, "[tool_error] boom"),
        ([], True, "[tool_error] "),
        (
            [{"type": "image", "source": PIXEL}],
            True,
            [
                {"type": "input_text", "text": "[tool_error] "},
                {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,iVBO"},
            ],
        ),
    ],
)
def test_result_of_a_tool(content: Any, failed: bool, output: Any) -> None:
    """One text is a string, several parts are a list; a failure, which has no member, is said, and reported."""
    messages = [HI, assistant(tool_use("t")), user(result("t", content, is_error=failed))]
    body, relay = asked(messages=messages)
    assert body["input"][-1] == output_item("t", output)
    assert relay.coerced == (("messages[2].content[0].is_error",) if failed else ())


def test_result_that_is_longer_than_the_wire_takes_is_refused() -> None:
    """The refusal is one of size, by the path of the result; one of the greatest length passes."""
    call, words = ToolCall(call_id="t", name="f", arguments="{}"), "x" * 10_485_760
    items, _ = encoded(call, ToolResult(call_id="t", parts=(Text(text=words),), at="here"))
    assert items[-1]["output"] == words
    with pytest.raises(RequestRefused) as caught:
        encoded(call, ToolResult(call_id="t", parts=(Text(text="a"), Text(text=words + "x")), at="here"))
    assert (caught.value.failure.status, caught.value.failure.param) == (413, "here")


def test_context_and_title_of_a_document() -> None:
    """What is said about a document stands before it; a title that has no place is reported."""
    source = {"type": "url", "url": "https://a.test/b.pdf"}
    body, relay = asked(messages=[user({"type": "document", "title": "b", "context": "Read.", "source": source})])
    assert body["input"][0]["content"][0] == {"type": "input_text", "text": "Read."}
    assert relay.dropped == ("messages[0].content[0].title",)


@pytest.mark.parametrize(
    "part",
    [
        Audio(data="", format="wav", at="here"),
        Image(file_id="file_1", at="here"),
        Document(file_id="file_1", at="here"),
    ],
)
def test_part_that_this_wire_has_no_place_for_is_refused(part: Audio | Image | Document) -> None:
    """Sound, and files that only another provider knows, are refused by their path."""
    with pytest.raises(RequestRefused) as caught:
        encoded(UserItem(parts=(part,)), origin="messages")
    assert caught.value.failure.param == "here"


def test_files_of_the_same_vendor_are_sent_by_id() -> None:
    """A chat client's file ids are those of the vendor whose wire this is."""
    items, _ = encoded(UserItem(parts=(Image(file_id="file_1", detail="low"), Document(file_id="file_2"))))
    assert items[0]["content"] == [
        {"type": "input_image", "detail": "low", "file_id": "file_1"},
        {"type": "input_file", "file_id": "file_2"},
    ]


@pytest.mark.parametrize(("origin", "role"), [("messages", "developer"), ("chat", "system")])
def test_instruction_in_mid_conversation_keeps_its_place(origin: str, role: str) -> None:
    """It is an item, never hoisted: a message client's with the developer's role, another's with its own."""
    late = SystemItem(role="system", parts=(Text(text="Now."), Text(text="")))
    items, _ = encoded(UserItem(parts=(Text(text="hi"),)), late, origin=origin)
    assert items[1] == {"type": "message", "role": role, "content": [{"type": "input_text", "text": "Now."}]}


def test_what_the_model_said_keeps_its_sources_and_refusals() -> None:
    """Refusals and web sources have a place in this shape, and so has a phase."""
    cited = Text(text="abc", annotations=(Citation("https://a.test", "", "b", 1, 2),))
    items, ledger = encoded(AssistantText(parts=(cited, Refusal(text="No.")), phase="commentary"))
    source = {
        "type": "url_citation",
        "url": "https://a.test",
        "title": "https://a.test",
        "start_index": 1,
        "end_index": 2,
    }
    content = [
        {"type": "output_text", "text": "abc", "annotations": [source]},
        {"type": "refusal", "refusal": "No."},
    ]
    assert items == [{"type": "message", "role": "assistant", "content": content, "phase": "commentary"}]
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("citation", "place"),
    [
        (Citation("https://a.test", "A", "bc", 0, 4), (1, 3)),
        (Citation("https://a.test", "A", "words of the page", 0, 4), (0, 4)),
        (Citation("https://a.test", "A", "", 0, 4), (0, 4)),
        (Citation("https://a.test", "A", "a", 3, 4), (3, 4)),
    ],
)
def test_source_stands_where_the_words_are_that_it_supports(citation: Citation, place: tuple[int, int]) -> None:
    """A client that keeps the words and not their place gives the place back; what is found nowhere is the whole's."""
    items, _ = encoded(AssistantText(parts=(Text(text="abca", annotations=(citation,)),)))
    (source,) = items[0]["content"][0]["annotations"]
    assert (source["start_index"], source["end_index"]) == place


def test_message_without_a_word_is_left_out() -> None:
    """An empty text of the model says nothing."""
    assert encoded(AssistantText(parts=(Text(text=""),)))[0] == []


def test_items_of_one_shape_only_are_dropped_and_reported() -> None:
    """What another provider's own tools did has no place here."""
    items, ledger = encoded(Opaque(origin="messages", kind="server_tool_use", native={}, at="here"))
    assert (items, ledger.dropped) == ([], ("here",))


@pytest.mark.parametrize("kind", [ToolKind.CUSTOM, ToolKind.SHELL, ToolKind.LOCAL_SHELL, ToolKind.APPLY_PATCH])
def test_call_of_another_kind_has_its_own_pair_of_items(kind: ToolKind) -> None:
    """A result has the type of the call that it answers, whatever the client could say of it."""
    items, _ = encoded(
        ToolCall(call_id="c", name="x", arguments="{}", kind=kind), ToolResult(call_id="c", parts=(Text(text="ok"),))
    )
    name = {ToolKind.CUSTOM: "custom_tool_call"}.get(kind, f"{kind.value}_call")
    assert [item["type"] for item in items] == [name, f"{name}_output"]
    assert items[0]["call_id"] == "c"


def test_ids_that_the_wire_does_not_take_are_rewritten_alike() -> None:
    """A call and its result name each other, whatever the id."""
    call, output = sent(HI, assistant(tool_use("functions.f:0")), user(result("functions.f:0")))[1:]
    assert call["call_id"] == output["call_id"] != "functions.f:0"


def test_reasoning_goes_back_directly_before_what_it_led_to() -> None:
    """The account's own reasoning is restored as it came, without what says nothing to the model."""
    sealed = envelope({**NATIVE, "status": "completed", "content": []})
    body, relay = asked(messages=[HI, assistant(thinking(sealed), tool_use("t")), user(result("t"))])
    assert body["input"][1:] == [NATIVE, call_item("t"), output_item("t")]
    assert relay.dropped == ()


def test_readable_reasoning_goes_back_whole() -> None:
    """A vendor that gives its thoughts in the open gets them back, with their id."""
    native = {"type": "reasoning", "id": "u1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
    assert sent(HI, assistant(thinking(envelope(native)), text("a")), HI)[1] == native


HOSTED = [
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "mcp_call", "id": "mcp_1", "name": "f", "arguments": "{}", "server_label": "s", "output": "x"},
]


@pytest.mark.parametrize("hosted", HOSTED, ids=["search", "mcp"])
def test_what_the_provider_did_goes_back_between_reasoning_and_answer(hosted: dict[str, Any]) -> None:
    """What the provider's own tools searched and called stands where it stood."""
    items = sent(HI, assistant(thinking(envelope(NATIVE, hosted)), text("a")), HI)
    assert items[1:-1] == [NATIVE, hosted, spoken("a")]


def test_phase_goes_back_to_the_message_after_the_reasoning() -> None:
    """The phase, which no other shape has, comes back from the envelope."""
    sealed = envelope(NATIVE, {"type": "message", "phase": "commentary"})
    items = sent(HI, assistant(thinking(sealed), text("a"), tool_use("t")), user(result("t")))
    assert items[1:4] == [NATIVE, spoken("a", phase="commentary"), call_item("t")]


def test_reasoning_finds_its_call_where_the_client_moved_it() -> None:
    """A shape that puts all thoughts first, and text before calls, does not part reasoning from its call."""
    second = {**NATIVE, "id": "rs_2"}
    thoughts = (
        Reasoning(opaque=envelope(NATIVE, {"type": "function_call", "call_id": "a"})),
        Reasoning(opaque=envelope(second, {"type": "function_call", "call_id": "b"})),
    )
    calls = [ToolCall(call_id=i, name="f", arguments='{"a":1}') for i in "ab"]
    items, ledger = encoded(*thoughts, AssistantText(parts=(Text(text="x"),)), *calls)
    assert items == [spoken("x"), NATIVE, call_item("a"), second, call_item("b")]
    assert ledger.dropped == ()


def test_reasoning_that_led_to_nothing_is_dropped() -> None:
    """The wire refuses reasoning without the item after it; the rest of the conversation keeps its own."""
    sealed = envelope(NATIVE)
    body, relay = asked(messages=[HI, assistant(thinking(sealed)), HI, assistant(thinking(sealed), text("a")), HI])
    assert [item["type"] for item in body["input"]] == ["message", "message", "reasoning", "message", "message"]
    assert relay.dropped == ("messages[1].content[0]",)


FOREIGN = {
    "the signature of another vendor": "EqQB",
    "another shape's envelope": envelope(NATIVE, origin="chat"),
    "another account's envelope": envelope(NATIVE, deployment="other"),
    "an envelope that was cut": envelope(NATIVE)[:-9],
    "an empty envelope": envelope(),
    "an envelope with something else": envelope({"type": "item_reference", "id": "rs_of_another"}),
    "reasoning that nobody can read": envelope({"type": "reasoning", "id": "rs_1", "summary": []}),
}


@pytest.mark.parametrize("signature", FOREIGN.values(), ids=FOREIGN)
def test_reasoning_is_omitted_from_the_first_turn_that_cannot_be_restored(signature: str) -> None:
    """Of that turn and all later ones none is sent, and each is reported; what comes before it stays."""
    own = thinking(envelope(NATIVE))
    turns = [HI, assistant(own, text("a")), HI, assistant(own, text("b"), thinking(signature), text("c")), HI]
    body, relay = asked(messages=[*turns, assistant(own, text("d")), HI])
    assert [item for item in body["input"] if item["type"] == "reasoning"] == [NATIVE]
    assert body["input"][1] == NATIVE
    assert relay.dropped == ("messages[3].content[0]", "messages[3].content[2]", "messages[5].content[0]")


def test_nothing_is_sent_from_an_envelope_but_what_was_sealed_there() -> None:
    """An envelope goes through the client's hands; items that we never seal are not passed on."""
    forged = envelope(NATIVE, {"type": "item_reference", "id": "msg_of_another"}, {"type": "message", "phase": 7})
    assert sent(HI, assistant(thinking(forged), text("a")), HI)[1:-1] == [NATIVE, spoken("a")]


def test_longer_history_begins_with_the_shorter_one() -> None:
    """The upstream's prompt cache holds: a further turn changes nothing before it."""
    own = thinking(envelope(NATIVE))
    turns = [
        HI,
        assistant(own, tool_use("t")),
        user(result("t")),
        assistant(own, text("a")),
        HI,
        assistant(text("b")),
        HI,
    ]
    longest = sent(*turns)
    for length in (1, 3, 5):
        shorter = sent(*turns[:length])
        assert longest[: len(shorter)] == shorter
