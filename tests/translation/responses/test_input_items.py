"""The items of the input: messages, calls and their results, reasoning, and items of one provider only."""

from __future__ import annotations

from typing import Any

import pytest

from translation.envelope import Envelope, seal
from translation.failures import FailureKind, RequestRefused
from translation.hub import (
    AssistantText,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolKind,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.shapes.responses.input_items import Input, decode_input

CALL = {"type": "function_call", "call_id": "call_x", "name": "add", "arguments": '{"a":1}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_x", "output": "2"}
USER = {"role": "user", "content": "hi"}
ASSISTANT = {"role": "assistant", "content": "hello"}


def decoded(*items: Wire) -> tuple[Input, Ledger]:
    """Return the decoded input of these items, and its ledger."""
    ledger = Ledger()
    return decode_input({"input": list(items)}, ledger), ledger


def refusal_of(*items: Any) -> RequestRefused:
    """Return the refusal that these items meet."""
    with pytest.raises(RequestRefused) as refused:
        decoded(*items)
    return refused.value


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "hi"},
        {"type": "message", "role": "user", "content": "hi"},
        {"type": None, "role": "user", "content": "hi"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}], "status": "completed"},
    ],
)
def test_message_may_be_easy_or_typed(message: Wire) -> None:
    """A message reads the same with and without its type, with a string and with parts."""
    (item,) = decoded(message)[0].items
    assert isinstance(item, UserItem)
    assert [part.text for part in item.parts if isinstance(part, Text)] == ["hi"]


def test_assistant_message_keeps_parts_refusal_and_phase() -> None:
    """What the model said comes back part by part, with its phase."""
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
        "content": [
            {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "no"},
        ],
    }
    result, ledger = decoded(message)
    at = "input[0].content"
    assert result.items == (
        AssistantText(
            parts=(Text(text="a", at=f"{at}[0]"), Refusal(text="no", at=f"{at}[1]")), phase="commentary", at="input[0]"
        ),
    )
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("call", "output", "kind", "name", "arguments", "result"),
    [
        (CALL, OUTPUT, ToolKind.FUNCTION, "add", '{"a":1}', "2"),
        (
            {"type": "custom_tool_call", "call_id": "call_x", "name": "patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "call_x", "output": "done"},
            ToolKind.CUSTOM,
            "patch",
            "*** Begin",
            "done",
        ),
        (
            {"type": "shell_call", "call_id": "call_x", "action": {"commands": ["ls"], "timeout_ms": None}},
            {
                "type": "shell_call_output",
                "call_id": "call_x",
                "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
            },
            ToolKind.SHELL,
            "shell",
            '{"commands":["ls"]}',
            '[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]',
        ),
        (
            {
                "type": "local_shell_call",
                "id": "lsh_1",
                "call_id": "call_x",
                "action": {"type": "exec", "command": ["ls"], "env": {}, "user": "me"},
                "status": "completed",
            },
            {"type": "local_shell_call_output", "id": "lsh_1", "output": "a"},
            ToolKind.LOCAL_SHELL,
            "local_shell",
            '{"command":["ls"],"env":{},"user":"me"}',
            "a",
        ),
        (
            {
                "type": "apply_patch_call",
                "call_id": "call_x",
                "operation": {"type": "delete_file", "path": "a"},
                "status": "completed",
            },
            {"type": "apply_patch_call_output", "call_id": "call_x", "status": "completed"},
            ToolKind.APPLY_PATCH,
            "apply_patch",
            '{"operation":{"type":"delete_file","path":"a"}}',
            "completed",
        ),
    ],
)
def test_call_and_its_result_read_as_the_kind_of_their_tool(
    call: Wire, output: Wire, kind: ToolKind, name: str, arguments: str, result: str
) -> None:
    """Each kind of call carries its arguments, of freeform tools in the wrapping function's schema, and its result."""
    items = decoded(call, output)[0].items
    assert items == (
        ToolCall(call_id="call_x", name=name, arguments=arguments, kind=kind, at="input[0]"),
        ToolResult(call_id="call_x", parts=(Text(text=result, at="input[1].output"),), kind=kind, at="input[1]"),
    )


def test_namespace_of_a_call_is_kept() -> None:
    """A call of a namespaced tool says which namespace."""
    call = decoded({**CALL, "namespace": "math"}, OUTPUT)[0].items[0]
    assert isinstance(call, ToolCall)
    assert (call.namespace, call.name) == ("math", "add")


def test_result_may_be_a_list_with_images() -> None:
    """A list of parts as output keeps its order and its images."""
    output = [
        {"type": "input_text", "text": "a chart"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "low"},
    ]
    result = decoded(CALL, {**OUTPUT, "output": output})[0].items[1]
    at = "input[1].output"
    assert isinstance(result, ToolResult)
    assert result.parts == (
        Text(text="a chart", at=f"{at}[0]"),
        Image(data="iVBO", media_type="image/png", detail="low", at=f"{at}[1]"),
    )


@pytest.mark.parametrize(
    ("call", "output", "said"),
    [
        (CALL, {**OUTPUT, "output": "[tool_error] no file"}, "no file"),
        (
            {"type": "apply_patch_call", "call_id": "call_x", "operation": {"type": "delete_file", "path": "a"}},
            {"type": "apply_patch_call_output", "call_id": "call_x", "status": "failed", "output": "no file"},
            "no file",
        ),
    ],
)
def test_result_that_says_it_failed_is_an_error(call: Wire, output: Wire, said: str) -> None:
    """The mark of a failed result, and a patch's failed status, become the error flag."""
    result = decoded(call, output)[0].items[1]
    assert isinstance(result, ToolResult)
    assert result.is_error
    assert [part.text for part in result.parts if isinstance(part, Text)] == [said]


@pytest.mark.parametrize("parts", [False, True])
def test_output_may_not_be_longer_than_the_wire_takes(parts: bool) -> None:
    """An output of more characters than OpenAI takes is refused as too large, with its path and both numbers."""

    def output(length: int) -> Wire:
        text = "x" * length
        return {**OUTPUT, "output": [{"type": "input_text", "text": text}] if parts else text}

    assert len(decoded(CALL, output(10_485_760))[0].items) == 2
    refused = refusal_of(CALL, output(10_485_761))
    assert (refused.failure.status, refused.failure.kind) == (413, FailureKind.TOO_LARGE)
    assert refused.failure.param == ("input[1].output[0]" if parts else "input[1].output")
    assert "10485761" in str(refused)


def test_result_without_the_mark_is_no_error() -> None:
    """An ordinary result is not flagged."""
    result = decoded(CALL, OUTPUT)[0].items[1]
    assert isinstance(result, ToolResult)
    assert not result.is_error


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([CALL], "No tool output found for function call call_x."),
        ([OUTPUT], "No tool call found for function call output with call_id call_x."),
        ([OUTPUT, CALL], "No tool call found for function call output with call_id call_x."),
        ([CALL, OUTPUT, OUTPUT], "No tool call found for function call output with call_id call_x."),
        ([CALL, OUTPUT, CALL], "No tool output found for function call call_x."),
        (
            [{"type": "custom_tool_call", "call_id": "c", "name": "n", "input": ""}],
            "No tool output found for custom tool call c.",
        ),
        (
            [{"type": "custom_tool_call_output", "call_id": "c", "output": ""}],
            "No tool call found for custom tool call output with call_id c.",
        ),
    ],
)
def test_call_and_result_need_each_other(items: list[Wire], message: str) -> None:
    """A call without a result, or a result without a call before it, is refused in OpenAI's words."""
    refused = refusal_of(*items)
    assert str(refused) == message
    assert refused.failure.param == "input"


def test_reused_call_ids_pair_by_order() -> None:
    """Two calls of one id are both answered if two results come, one after each."""
    items = decoded(CALL, OUTPUT, CALL, {**OUTPUT, "output": "3"})[0].items
    assert [type(item).__name__ for item in items] == ["ToolCall", "ToolResult", "ToolCall", "ToolResult"]


def test_reasoning_keeps_text_summaries_and_state() -> None:
    """A reasoning item keeps what can be read and what only its maker can read."""
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "s1"}, {"type": "summary_text", "text": "s2"}],
        "content": [{"type": "reasoning_text", "text": "t"}],
        "encrypted_content": "gAAA",
    }
    result, ledger = decoded(item)
    assert result.items == (Reasoning(text="t", summaries=("s1", "s2"), opaque="gAAA", at="input[0]"),)
    assert ledger.dropped == ()


def test_reasoning_with_null_members_is_read() -> None:
    """Clients send null where a reasoning item has no content and no state."""
    item = {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None}
    assert decoded(item)[0].items == (Reasoning(at="input[0]"),)


def test_compaction_of_ours_is_kept() -> None:
    """A compaction item with an envelope of ours reaches the encoder of the upstream's shape."""
    item = {"type": "compaction", "encrypted_content": seal(Envelope("messages", "d", ({"type": "compaction"},)))}
    assert decoded(item)[0].items == (Opaque(origin="responses", kind="compaction", native=item, at="input[0]"),)


@pytest.mark.parametrize(
    ("item", "param", "code"),
    [
        ({"type": "compaction", "encrypted_content": "gAAAforeign"}, "input[1]", "unsupported_parameter"),
        ({"type": "compaction_trigger"}, "input[1]", "unsupported_parameter"),
        ({"type": "item_reference", "id": "msg_1"}, "input[1]", "unsupported_parameter"),
        ({"id": "msg_1"}, "input[1]", "unsupported_parameter"),
        ({"type": "computer_call", "call_id": "c"}, "input[1]", "unsupported_parameter"),
        ({"type": "computer_call_output", "call_id": "c"}, "input[1]", "unsupported_parameter"),
        ({"type": "mcp_approval_request", "id": "a"}, "input[1]", "unsupported_parameter"),
        ({"type": "mcp_approval_response", "approval_request_id": "a"}, "input[1]", "unsupported_parameter"),
        ({"type": "brand_new_item"}, "input[1]", "invalid_value"),
        ({}, "input[1].type", "missing_required_parameter"),
    ],
)
def test_item_whose_loss_would_lose_content_is_refused_with_its_path(item: Wire, param: str, code: str) -> None:
    """An item that cannot be carried, or that nobody knows, is refused; the path says which."""
    failure = refusal_of(USER, item).failure
    assert (failure.param, failure.code) == (param, code)


@pytest.mark.parametrize(
    "kind",
    [
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "tool_search_call",
    ],
)
def test_item_of_a_hosted_tool_is_dropped_and_reported(kind: str) -> None:
    """What a provider's own tool did is left out; the answer that followed stays."""
    result, ledger = decoded({"type": kind, "id": "x"}, ASSISTANT)
    assert len(result.items) == 1
    assert ledger.dropped == ("input[0]",)


def test_search_of_the_web_is_left_to_the_upstreams_shape() -> None:
    """A search that a provider made is kept whole: whoever cannot take it back reports that it is lost."""
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}
    result, ledger = decoded(item, ASSISTANT)
    assert result.items[0] == Opaque(origin="responses", kind="web_search_call", native=item, at="input[0]")
    assert ledger.dropped == ()


def test_output_of_a_dropped_call_is_dropped_with_it() -> None:
    """A function output that answers a client-side tool search goes where the search went."""
    search = {"type": "tool_search_call", "call_id": "s", "arguments": {}, "execution": "client"}
    result, ledger = decoded(search, {**OUTPUT, "call_id": "s"}, USER)
    assert len(result.items) == 1
    assert ledger.dropped == ("input[0]", "input[1]")


def test_additional_tools_join_the_tools_before_the_model_speaks() -> None:
    """Tools that come as an item count like declared ones, as long as no output of the model precedes them."""
    item = {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "add"}]}
    result, _ = decoded(item, USER)
    assert result.tools == (Tool(kind=ToolKind.FUNCTION, name="add", at="input[0].tools[0]"),)
    assert len(result.items) == 1


def test_additional_tools_after_a_model_output_are_refused() -> None:
    """Tools that come later would change what earlier turns meant."""
    refused = refusal_of(USER, ASSISTANT, {"type": "additional_tools", "role": "developer", "tools": []})
    assert refused.failure.param == "input[2]"


def test_tools_that_a_search_found_join_the_tools() -> None:
    """The tools in a tool_search_output are sent in full from then on."""
    found = {"type": "tool_search_output", "tools": [{"type": "function", "name": "add"}]}
    result, _ = decoded({"type": "tool_search_call", "arguments": {}}, found)
    assert [tool.name for tool in result.tools] == ["add"]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": 5}, "input[0].type"),
        ({"role": "wizard", "content": "x"}, "input[0].role"),
        ({"role": "user"}, "input[0].content"),
        ({"role": "user", "content": 5}, "input[0].content"),
        ({"role": "user", "content": ["x"]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"text": "x"}]}, "input[0].content[0].type"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "input[0].content[0]"),
        ({"role": "system", "content": [{"type": "input_image"}]}, "input[0].content[0]"),
        ({"role": "assistant", "content": [{"type": "input_image"}]}, "input[0].content[0]"),
        ({"role": "assistant", "content": "x", "phase": 1}, "input[0].phase"),
        ({"type": "function_call", "name": "add", "arguments": ""}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "c", "arguments": ""}, "input[0].name"),
        ({"type": "function_call", "call_id": "c", "name": "n", "arguments": {}}, "input[0].arguments"),
        ({"type": "function_call_output", "call_id": "c"}, "input[0].output"),
        ({"type": "function_call_output", "call_id": ["c"], "output": ""}, "input[0].call_id"),
        ({"type": "shell_call", "call_id": "c"}, "input[0].action"),
        ({"type": "shell_call_output", "call_id": "c", "output": ["x"]}, "input[0].output[0]"),
        ({"type": "apply_patch_call", "call_id": "c", "operation": "x"}, "input[0].operation"),
        ({"type": "apply_patch_call_output", "call_id": "c", "status": "maybe"}, "input[0].status"),
        ({"type": "reasoning", "summary": "x"}, "input[0].summary"),
        ({"type": "reasoning", "summary": [{"text": 1}]}, "input[0].summary[0].text"),
        ({"type": "additional_tools", "tools": "x"}, "input[0].tools"),
        ({"type": "tool_search_call", "call_id": {}}, "input[0].call_id"),
        ({"type": "configuration_update", "reasoning": 1}, "input[0].reasoning"),
    ],
)
def test_malformed_item_is_refused_with_the_path_of_the_member(item: Wire, param: str) -> None:
    """A member of the wrong type, or one that is missing, is named in the refusal."""
    assert refusal_of(item).failure.param == param


def test_unknown_members_are_reported_where_they_stand() -> None:
    """Members of items and parts that nobody knows are dropped with their path; ids and states say nothing."""
    part = {"type": "input_text", "text": "x", "mood": 1}
    _, ledger = decoded({"id": "msg_1", "status": "completed", "role": "user", "name": "eve", "content": [part]})
    assert ledger.dropped == ("unknown:input[0].name", "unknown:input[0].content[0].mood")


def test_long_history_decodes_in_linear_time() -> None:
    """Every item is looked at once: 20,000 of them with reused ids still decode."""
    result, _ = decoded(*[CALL, OUTPUT] * 10_000)
    assert len(result.items) == 20_000


def test_arguments_stay_the_string_they_were() -> None:
    """Arguments are never parsed: number formats, spaces and order survive."""
    arguments = '{ "b": 1.0, "a": 9223372036854775809 }'
    call = decoded({**CALL, "arguments": arguments}, OUTPUT)[0].items[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == arguments
