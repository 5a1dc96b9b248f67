"""The system prompt and the messages of a Messages request, as items of the hub."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    CacheMark,
    Citation,
    Image,
    Item,
    Opaque,
    Reasoning,
    SystemItem,
    Text,
    ToolCall,
    ToolResult,
    UserItem,
)
from translation.ledger import Ledger
from translation.shapes.messages.conversation import decode_conversation

CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "2"}


def items(*messages: dict[str, Any], ledger: Ledger | None = None) -> tuple[Item, ...]:
    """Decode these messages and return what follows the instructions."""
    return decode_conversation({"messages": list(messages)}, ledger or Ledger())[1]


def instructions(system: object, ledger: Ledger | None = None) -> tuple[SystemItem, ...]:
    """Decode this system prompt before one user message."""
    return decode_conversation({"system": system, "messages": [user("hi")]}, ledger or Ledger())[0]


def refusal(*messages: dict[str, Any]) -> RequestRefused:
    """Return why these messages are refused."""
    with pytest.raises(RequestRefused) as caught:
        items(*messages)
    return caught.value


def user(*content: object) -> dict[str, Any]:
    """Write a user message: one string, or blocks."""
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def assistant(*content: object) -> dict[str, Any]:
    """Write an assistant message: one string, or blocks."""
    return {"role": "assistant", "content": content[0] if isinstance(content[0], str) else list(content)}


def text(words: str, **members: Any) -> dict[str, Any]:
    """Write a text block."""
    return {"type": "text", "text": words, **members}


def test_system_string_is_one_instruction() -> None:
    """A string is shorthand for one block."""
    assert instructions("Be brief.") == (
        SystemItem(role="system", parts=(Text(text="Be brief.", at="system"),), at="system"),
    )


def test_system_blocks_are_the_parts_of_one_instruction() -> None:
    """The blocks keep their order, their words and their cache marks."""
    blocks = [text("One."), text("Two.", cache_control={"type": "ephemeral", "ttl": "1h"})]
    assert instructions(blocks) == (
        SystemItem(
            role="system",
            parts=(Text(text="One.", at="system[0]"), Text(text="Two.", cache=CacheMark("1h"), at="system[1]")),
            at="system",
        ),
    )


@pytest.mark.parametrize("system", [None, "", [], [text("")]])
def test_empty_system_is_no_instruction(system: object) -> None:
    """A prompt without words says nothing."""
    assert instructions(system) == ()


def test_attribution_block_is_removed() -> None:
    """The block that Claude Code changes with every request would defeat prompt caches: it alone goes, reported."""
    ledger = Ledger()
    blocks = [text("x-anthropic-billing-header: cc_version=2.1; cch=00000;"), text("You are a coder.")]
    assert [part.text for item in instructions(blocks, ledger) for part in item.parts] == ["You are a coder."]
    assert ledger.dropped == ("system[0]",)


def test_attribution_within_a_block_stays() -> None:
    """Only a block that begins with the header is one; words about it are the client's own."""
    ledger = Ledger()
    words = "Never print x-anthropic-billing-header: values."
    assert instructions([text(words)], ledger)[0].parts[0].text == words
    assert ledger.dropped == ()


def test_system_message_keeps_its_place() -> None:
    """An instruction amid the messages is not moved to the front."""
    found = items(user("one"), {"role": "system", "content": "Now in French."}, assistant("deux"))
    assert [type(item) for item in found] == [UserItem, SystemItem, AssistantText]
    assert found[1] == SystemItem(
        role="system", parts=(Text(text="Now in French.", at="messages[1].content"),), at="messages[1].content"
    )


def test_leading_system_message_is_an_instruction() -> None:
    """An instruction before all other messages joins those of the system prompt."""
    wire = {"system": "A.", "messages": [{"role": "system", "content": [text("B.")]}, user("hi")]}
    lead, rest = decode_conversation(wire, Ledger())
    assert [item.parts[0].text for item in lead] == ["A.", "B."]
    assert [type(item) for item in rest] == [UserItem]


def test_extras_of_a_system_message_are_reported() -> None:
    """No other shape forgets an instruction later, or changes the effort by one."""
    ledger = Ledger()
    system = {"role": "system", "content": "x", "clear_at": "next_user_message", "output_config": {"effort": "low"}}
    items(user("hi"), system, ledger=ledger)
    assert ledger.dropped == ("messages[1].clear_at", "messages[1].output_config")


def test_tool_addition_by_reference_is_reported() -> None:
    """Every declared tool is sent from the start, so announcing one changes nothing."""
    ledger = Ledger()
    block = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "add"}}
    assert len(items(user("hi"), {"role": "system", "content": [block]}, ledger=ledger)) == 1
    assert ledger.dropped == ("messages[1].content[0]",)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "add"}},
        {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {}}},
    ],
)
def test_other_change_of_tools_is_refused(block: dict[str, Any]) -> None:
    """A removal or a new definition amid the messages has no twin; the client is told to change `tools`."""
    refused = refusal(user("hi"), {"role": "system", "content": [block]})
    assert refused.failure.param == "messages[1].content[0]"


def test_user_string() -> None:
    """A string is one text part."""
    assert items(user("hi")) == (UserItem(parts=(Text(text="hi", at="messages[0].content"),), at="messages[0]"),)


def test_results_come_before_the_rest_of_their_turn() -> None:
    """Results follow their calls at once, also if the client wrote text before them."""
    found = items(user("go"), assistant(CALL), user(text("and then?"), RESULT, text("bye")))
    assert found[2:] == (
        ToolResult(
            call_id="toolu_1",
            parts=(Text(text="2", at="messages[2].content[1].content"),),
            at="messages[2].content[1]",
        ),
        UserItem(
            parts=(Text(text="and then?", at="messages[2].content[0]"), Text(text="bye", at="messages[2].content[2]")),
            at="messages[2]",
        ),
    )


def test_results_in_consecutive_messages_are_one_turn() -> None:
    """Consecutive user messages count as one, so results may be spread over them."""
    second = {**CALL, "id": "toolu_2"}
    found = items(assistant(CALL, second), user(RESULT), user({**RESULT, "tool_use_id": "toolu_2"}))
    assert [item.call_id for item in found if isinstance(item, ToolResult)] == ["toolu_1", "toolu_2"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [(None, []), ("", []), ([], []), ("2", ["2"]), ([text("2"), text("3")], ["2", "3"])],
)
def test_content_of_a_result(content: object, texts: list[str]) -> None:
    """A result holds nothing, a string or blocks."""
    result = items(assistant(CALL), user({**RESULT, "content": content}))[1]
    assert isinstance(result, ToolResult)
    assert [part.text for part in result.parts if isinstance(part, Text)] == texts


def test_image_and_error_of_a_result() -> None:
    """A result keeps its images and its mark as an error; its cache mark goes to its last text."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    wire = {
        **RESULT,
        "is_error": True,
        "content": [image, text("failed")],
        "cache_control": {"type": "ephemeral"},
    }
    assert items(assistant(CALL), user(wire))[1] == ToolResult(
        call_id="toolu_1",
        parts=(
            Image(data="AA==", media_type="image/png", at="messages[1].content[0].content[0]"),
            Text(text="failed", cache=CacheMark(), at="messages[1].content[0].content[1]"),
        ),
        is_error=True,
        at="messages[1].content[0]",
    )


def test_text_of_a_result_keeps_its_own_cache_mark() -> None:
    """The mark of the whole result does not replace the one that its last text has."""
    words = text("2", cache_control={"type": "ephemeral", "ttl": "1h"})
    wire = {**RESULT, "content": [words], "cache_control": {"type": "ephemeral"}}
    result = items(assistant(CALL), user(wire))[1]
    assert isinstance(result, ToolResult)
    assert [part.cache for part in result.parts if isinstance(part, Text)] == [CacheMark("1h")]


def test_tool_reference_in_a_result_is_reported() -> None:
    """A reference to a deferred tool says nothing where all tools are sent."""
    ledger = Ledger()
    wire = {**RESULT, "content": [{"type": "tool_reference", "tool_name": "add"}]}
    result = items(assistant(CALL), user(wire), ledger=ledger)[1]
    assert isinstance(result, ToolResult)
    assert result.parts == ()
    assert ledger.dropped == ("messages[1].content[0].content[0]",)


@pytest.mark.parametrize(
    ("messages", "param", "words"),
    [
        ([assistant(CALL)], "messages[0]", "ids were found without `tool_result` blocks immediately after: toolu_1"),
        ([assistant(CALL), user("no")], "messages[0]", "`tool_use` ids were found without `tool_result`"),
        ([assistant(CALL), assistant("x"), user("y")], "messages[0]", None),
        ([assistant(CALL), {"role": "system", "content": "s"}, user(RESULT)], "messages[0]", None),
        ([user(RESULT)], "messages[0].content[0]", "unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
        ([assistant(CALL), user(RESULT), user("x"), assistant("y"), user(RESULT)], "messages[4].content[0]", None),
        ([assistant(CALL), user(RESULT, RESULT)], "messages[1].content[1]", "each tool_use must have a single result"),
    ],
)
def test_calls_and_results_must_pair(messages: list[dict[str, Any]], param: str, words: str | None) -> None:
    """A call without its result, and a result without its call, are refused in the vendor's words."""
    refused = refusal(*messages)
    assert refused.failure.param == param
    assert words is None or words in str(refused)


def test_reused_ids_pair_by_order() -> None:
    """Some upstreams give the same id again in a later turn; each result belongs to the call before it."""
    found = items(assistant(CALL), user(RESULT), assistant(CALL), user({**RESULT, "content": "3"}))
    assert [type(item) for item in found] == [ToolCall, ToolResult, ToolCall, ToolResult]


def test_assistant_blocks_keep_their_order() -> None:
    """Thoughts, words and calls stay where they are; neighbouring texts are one item."""
    found = items(
        user("go"),
        assistant(
            {"type": "thinking", "thinking": "hm", "signature": "gw1.abc"},
            {"type": "redacted_thinking", "data": "secret"},
            text("one"),
            text("two"),
            CALL,
            text("three"),
        ),
        user(RESULT),
    )
    at = "messages[1].content"
    assert found[1:-1] == (
        Reasoning(text="hm", opaque="gw1.abc", at=f"{at}[0]"),
        Reasoning(opaque="secret", at=f"{at}[1]"),
        AssistantText(parts=(Text(text="one", at=f"{at}[2]"), Text(text="two", at=f"{at}[3]")), at=f"{at}[2]"),
        ToolCall(call_id="toolu_1", name="add", arguments='{"a":1}', at=f"{at}[4]"),
        AssistantText(parts=(Text(text="three", at=f"{at}[5]"),), at=f"{at}[5]"),
    )


@pytest.mark.parametrize(
    "arguments",
    ["{}", '{"b":1,"a":2}', '{"n":18446744073709551617,"f":1.0,"t":"grüße \\"q\\""}'],
)
def test_arguments_keep_order_and_numbers(arguments: str) -> None:
    """The arguments are the input again, with its order of members and its numbers."""
    call = items(assistant({**CALL, "input": msgspec.json.decode(arguments)}), user(RESULT))[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == arguments


def test_arguments_nested_too_deeply_are_refused() -> None:
    """Input that the interpreter cannot follow is a refusal like any other."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert refusal(assistant({**CALL, "input": {"a": deep}})).failure.param == "messages[0].content[0].input"


def test_invalid_arguments_come_back_bare() -> None:
    """Arguments that were no object were shown under a name of ours; the model sees its own string again."""
    call = items(assistant({**CALL, "input": {"INVALID_JSON": "{oops"}}), user(RESULT))[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == "{oops"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content": {}},
        {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "m", "input": {}, "server_name": "s"},
    ],
)
def test_block_of_a_server_tool_is_kept_whole(block: dict[str, Any]) -> None:
    """What the vendor's own tools wrote goes along unread; the upstream's side decides about it."""
    found = items(user("go"), assistant(block, text("done")))
    assert found[1] == Opaque(origin="messages", kind=block["type"], native=block, at="messages[1].content[0]")


ASKED = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
PAGE = {"type": "web_search_result", "url": "https://a.example", "title": "A", "page_age": None}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1"}


@pytest.mark.parametrize("pages", [[], [{**PAGE, "encrypted_content": ""}]])
def test_search_that_we_showed_is_left_out(pages: list[dict[str, Any]]) -> None:
    """A search whose pages hold nothing for the vendor is one that the gateway showed: it goes without a report."""
    ledger = Ledger()
    found = items(user("go"), assistant(text("One"), ASKED, {**FOUND, "content": pages}, text("two")), ledger=ledger)[1]
    assert isinstance(found, AssistantText)
    assert [part.text for part in found.parts if isinstance(part, Text)] == ["One", "two"]
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([ASKED, {**FOUND, "content": [{**PAGE, "encrypted_content": "Eo8C"}]}], id="the vendor's own"),
        pytest.param([ASKED, {**FOUND, "content": [{**PAGE, "encrypted_content": ""}, PAGE]}], id="in part"),
        pytest.param([ASKED, {**FOUND, "content": {"error_code": "max_uses_exceeded"}}], id="an error"),
        pytest.param([ASKED, {**FOUND, "tool_use_id": "srvtoolu_2", "content": []}], id="another one's pages"),
        pytest.param([{**ASKED, "id": ["x"]}, {**FOUND, "tool_use_id": None, "content": []}], id="no ids"),
    ],
)
def test_search_of_the_vendor_is_kept_whole(blocks: list[dict[str, Any]]) -> None:
    """Only a whole pair without content for the vendor is taken for one that the gateway showed."""
    found = items(user("go"), assistant(*blocks, text("done")))
    assert [item.native for item in found if isinstance(item, Opaque)] == blocks


def test_citations_of_web_sources_are_kept() -> None:
    """A web source is known to every shape, and goes if we showed it; a place in a document is not, and is reported."""
    ledger = Ledger()
    web = {
        "type": "web_search_result_location",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "c",
        "encrypted_index": "Eo8C",
    }
    shown = {**web, "encrypted_index": ""}
    block = text("words", citations=[web, shown, {"type": "page_location", "document_index": 0}])
    found = items(user("go"), assistant(block), ledger=ledger)[1]
    assert isinstance(found, AssistantText)
    part = found.parts[0]
    assert isinstance(part, Text)
    assert part.annotations == (Citation("https://a.example", "A", "c", 0, 5),)
    assert ledger.dropped == ("messages[1].content[0].citations",)


def test_readable_compaction_is_told_as_a_summary() -> None:
    """A summary that can be read stands in for what it replaced, and is reported as changed."""
    ledger = Ledger()
    block = {"type": "compaction", "content": "We added numbers.", "encrypted_content": "x"}
    found = items(user("go"), assistant(block, text("ok")), ledger=ledger)[1]
    summary = "<conversation-summary>We added numbers.</conversation-summary>"
    at = "messages[1].content[0]"
    assert found == UserItem(parts=(Text(text=summary, at=at),), at=at)
    assert ledger.coerced == (at,)


def test_fallback_block_is_reported() -> None:
    """Which model stepped in says nothing to another."""
    ledger = Ledger()
    assert len(items(user("go"), assistant({"type": "fallback"}, text("ok")), ledger=ledger)) == 2
    assert ledger.dropped == ("messages[1].content[0]",)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("hi", "messages[0]"),
        ({"content": "hi"}, "messages[0].role"),
        ({"role": "tool", "content": "hi"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": 3}, "messages[0].content"),
        (user(""), "messages[0]"),
        ({"role": "user", "content": []}, "messages[0]"),
        (user(3), "messages[0].content[0]"),
        (user({"text": "hi"}), "messages[0].content[0].type"),
        (user({"type": "hologram"}), "messages[0].content[0].type"),
        (user({"type": "text"}), "messages[0].content[0].text"),
        (user({"type": "text", "text": None}), "messages[0].content[0].text"),
        (user({"type": "container_upload", "file_id": "f"}), "messages[0].content[0]"),
        (user(CALL), "messages[0].content[0]"),
        (user({"type": "thinking", "thinking": ""}), "messages[0].content[0]"),
        (user({"type": "tool_result"}), "messages[0].content[0].tool_use_id"),
        (user({**RESULT, "content": 3}), "messages[0].content[0].content"),
        (user({**RESULT, "is_error": "no"}), "messages[0].content[0].is_error"),
        (user({**RESULT, "toolset_name": "browser"}), "messages[0].content[0].toolset_name"),
        (user({**RESULT, "content": [{"type": "browser_state"}]}), "messages[0].content[0].content[0].type"),
        ({"role": "assistant", "content": None}, "messages[0].content"),
        (assistant({"type": "hologram"}), "messages[0].content[0].type"),
        (assistant({"type": "image", "source": {}}), "messages[0].content[0].type"),
        (assistant(RESULT), "messages[0].content[0]"),
        (assistant({"type": "compaction", "encrypted_content": "x"}), "messages[0].content[0]"),
        (assistant({"type": "thinking"}), "messages[0].content[0].thinking"),
        (assistant({"type": "redacted_thinking"}), "messages[0].content[0].data"),
        (assistant({**CALL, "input": "{}"}), "messages[0].content[0].input"),
        (assistant({**CALL, "input": None}), "messages[0].content[0].input"),
        (assistant({**CALL, "id": 1}), "messages[0].content[0].id"),
        (assistant({**CALL, "toolset_name": "computer"}), "messages[0].content[0].toolset_name"),
        ({"role": "system", "content": 3}, "messages[0].content"),
        ({"role": "system", "content": [{"type": "image"}]}, "messages[0].content[0].type"),
    ],
)
def test_message_is_refused_by_its_path(message: Any, param: str) -> None:
    """A message or a block that cannot be read is refused, and the refusal says where it stands."""
    assert refusal(message).failure.param == param


@pytest.mark.parametrize(
    ("message", "report"),
    [
        ({**user("hi"), "name": "bob"}, "unknown:messages[0].name"),
        (user(text("hi", mood="glad")), "unknown:messages[0].content[0].mood"),
        ({**assistant("hi"), "id": "msg_1"}, "unknown:messages[0].id"),
    ],
)
def test_unknown_member_is_reported(message: dict[str, Any], report: str) -> None:
    """A member that no rule knows is lost, and named."""
    ledger = Ledger()
    items(message, ledger=ledger)
    assert ledger.dropped == (report,)


def test_longer_history_begins_with_the_shorter_one() -> None:
    """A history that grows never changes what it said before."""
    history = [user("go"), assistant(CALL), user(RESULT), {"role": "system", "content": "s"}, assistant("done")]
    short, long = items(*history[:3]), items(*history, user("more"))
    assert long[: len(short)] == short
