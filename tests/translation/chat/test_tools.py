"""Tools on their way to chat, where everything is a function, and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.grammar.chat import check_request
from tests.translation.relaying import MINIMAL, sent, translation
from translation.failures import RequestRefused
from translation.hub import ToolKind
from translation.wrappers import SCHEMAS

EMPTY = {"type": "object", "properties": {}}


def declared(client: str, *tools: dict[str, Any], **fields: Any) -> Any:
    """Return the body of the smallest request with these tools."""
    body = sent(client, {**MINIMAL[client], "tools": list(tools), **fields})
    check_request(body)
    return body


def refusal(client: str, *tools: dict[str, Any], **fields: Any) -> RequestRefused:
    """Return why the smallest request with these tools is refused."""
    with pytest.raises(RequestRefused) as caught:
        declared(client, *tools, **fields)
    return caught.value


@pytest.mark.parametrize(
    ("client", "tool", "function"),
    [
        ("messages", {"name": "f", "input_schema": EMPTY}, {"name": "f", "parameters": EMPTY}),
        (
            "messages",
            {"type": "custom", "name": "f", "description": "d", "input_schema": EMPTY, "strict": True},
            {"name": "f", "description": "d", "parameters": EMPTY, "strict": True},
        ),
        (
            "messages",
            {"name": "f", "input_schema": {"properties": {"a": {}}}},
            {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}},
        ),
        ("responses", {"type": "function", "name": "f"}, {"name": "f", "parameters": EMPTY}),
        ("responses", {"name": "f", "strict": None}, {"name": "f", "parameters": EMPTY}),
        (
            "responses",
            {"type": "function", "name": "f", "strict": False},
            {"name": "f", "parameters": EMPTY, "strict": False},
        ),
    ],
)
def test_function_is_declared_as_the_client_declared_it(
    client: str, tool: dict[str, Any], function: dict[str, Any]
) -> None:
    """Name, words, schema and strictness are the client's; a schema without a type is one of an object."""
    assert declared(client, tool)["tools"] == [{"type": "function", "function": function}]


@pytest.mark.parametrize(
    ("client", "tool", "name", "kind"),
    [
        ("messages", {"type": "bash_20250124", "name": "bash"}, "bash", ToolKind.BASH),
        (
            "messages",
            {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
            "str_replace_based_edit_tool",
            ToolKind.TEXT_EDITOR,
        ),
        ("messages", {"type": "memory_20250818", "name": "memory"}, "memory", ToolKind.MEMORY),
        ("responses", {"type": "custom", "name": "q"}, "q", ToolKind.CUSTOM),
        ("responses", {"type": "shell"}, "shell", ToolKind.SHELL),
        ("responses", {"type": "local_shell"}, "local_shell", ToolKind.LOCAL_SHELL),
        ("responses", {"type": "apply_patch"}, "apply_patch", ToolKind.APPLY_PATCH),
    ],
)
def test_tool_that_the_client_runs_becomes_a_function(
    client: str, tool: dict[str, Any], name: str, kind: ToolKind
) -> None:
    """A tool that is known by its type is a function with that tool's schema."""
    function = declared(client, tool)["tools"][0]["function"]
    assert (function["name"], function["parameters"]) == (name, SCHEMAS[kind])


def test_tools_keep_their_order() -> None:
    """The order is the client's, since the upstream's prompt cache depends on it."""
    names = ["b", "a", "c"]
    body = declared("messages", *[{"name": name, "input_schema": EMPTY} for name in names])
    assert [tool["function"]["name"] for tool in body["tools"]] == names


def test_long_name_is_shortened_in_the_declaration_the_choice_and_the_history() -> None:
    """A name beyond 64 characters is the same shorter one wherever the upstream sees it."""
    name = "x" * 100
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": name, "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
    ]
    body = declared(
        "messages",
        {"name": name, "input_schema": EMPTY},
        tool_choice={"type": "tool", "name": name},
        messages=history,
    )
    short = body["tools"][0]["function"]["name"]
    assert len(short) <= 64
    assert body["tool_choice"]["function"]["name"] == short
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == short


def test_tool_of_a_namespace_is_called_by_both_names() -> None:
    """A namespaced tool has one name on the wire, in the declaration, the choice and the history."""
    namespace = {"type": "namespace", "name": "files", "tools": [{"type": "function", "name": "read"}]}
    call = {"type": "function_call", "call_id": "c", "name": "read", "namespace": "files", "arguments": "{}"}
    body = declared(
        "responses",
        namespace,
        tool_choice={"type": "function", "name": "read"},
        input=[{"role": "user", "content": "hi"}, call, {"type": "function_call_output", "call_id": "c", "output": ""}],
    )
    assert body["tools"][0]["function"]["name"] == "files__read"
    assert body["tool_choice"]["function"]["name"] == "files__read"
    assert body["messages"][1]["tool_calls"][0]["function"]["name"] == "files__read"


HOSTED = {"type": "web_search"}
OWN = {"type": "function", "name": "add"}


def test_hosted_tool_beside_others_is_dropped_and_reported() -> None:
    """A tool that the origin's provider would run is left out while the client's own tools remain."""
    wire = {**MINIMAL["responses"], "tools": [HOSTED, OWN]}
    assert [tool["function"]["name"] for tool in sent("responses", wire)["tools"]] == ["add"]
    assert translation("responses", wire).dropped == ("tools[0]",)


@pytest.mark.parametrize(
    ("tools", "choice"),
    [
        ([HOSTED], None),
        ([HOSTED], "required"),
        ([HOSTED, OWN], {"type": "web_search"}),
    ],
)
def test_hosted_tool_that_the_client_counts_on_is_refused(tools: list[dict[str, Any]], choice: object) -> None:
    """A tool of another provider is refused if it is forced or the only one, with the path of its declaration."""
    assert refusal("responses", *tools, tool_choice=choice).failure.param == "tools[0]"


def test_allowed_tools_are_those_that_are_sent() -> None:
    """A set of allowed tools shrinks to the functions in it, under the names of the wire."""
    allowed = [{"type": "web_search"}, {"type": "function", "name": "add"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": allowed}
    body = declared("responses", HOSTED, OWN, tool_choice=choice)
    sent_tools = [{"type": "function", "function": {"name": "add"}}]
    assert body["tool_choice"] == {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": sent_tools}}


def test_set_of_allowed_tools_without_a_function_is_refused() -> None:
    """A choice of which nothing is left cannot be kept, and is refused."""
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}
    assert refusal("responses", HOSTED, OWN, tool_choice=choice).failure.param == "tool_choice.tools"


@pytest.mark.parametrize(
    ("client", "tools"),
    [
        ("messages", [{"name": "f", "input_schema": EMPTY}, {"name": "f", "input_schema": EMPTY}]),
        ("responses", [OWN, OWN]),
        (
            "responses",
            [{"type": "namespace", "name": "files", "tools": [OWN]}, {"type": "function", "name": "files__add"}],
        ),
    ],
)
def test_two_tools_of_one_name_are_refused(client: str, tools: list[dict[str, Any]]) -> None:
    """Tools that would have one name on the wire are refused: nobody could tell their calls apart."""
    assert "unique" in str(refusal(client, *tools))
