"""The tools of chat clients, and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.chat.client.conversing import decoded
from translation.failures import RequestRefused
from translation.hub import Tool, ToolChoice, ToolKind
from translation.ledger import Ledger

SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
LOOK = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA}}
PATCH = {"type": "custom", "custom": {"name": "patch"}}
ADD = {"type": "function", "function": {"name": "add"}}
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (
            LOOK,
            Tool(
                kind=ToolKind.FUNCTION,
                name="look",
                description="Looks.",
                parameters=SCHEMA,
                at="tools[0].function",
            ),
        ),
        ({"function": {"name": "look"}}, Tool(kind=ToolKind.FUNCTION, name="look", at="tools[0].function")),
        (
            {"type": "function", "function": {"name": "look", "strict": True}},
            Tool(kind=ToolKind.FUNCTION, name="look", strict=True, at="tools[0].function"),
        ),
        (
            {"type": "custom", "custom": {"name": "patch", "format": {"type": "text"}}},
            Tool(kind=ToolKind.CUSTOM, name="patch", at="tools[0].custom"),
        ),
        (
            {"type": "custom", "custom": {"name": "patch", "description": "Edits.", "format": GRAMMAR}},
            Tool(
                kind=ToolKind.CUSTOM,
                name="patch",
                description="Edits.",
                grammar=("lark", "start: /a/"),
                at="tools[0].custom",
            ),
        ),
    ],
)
def test_tool_is_read(wire: dict[str, Any], expected: Tool) -> None:
    """Functions and custom tools are read whole; a tool without a type is a function."""
    ledger = Ledger()
    assert decoded(ledger, tools=[wire]).tools == (expected,)
    assert ledger.dropped == ()


def test_deprecated_functions_are_tools() -> None:
    """`functions` are read as function tools, and `function_call` as the choice among them."""
    request = decoded(functions=[LOOK["function"]], function_call={"name": "look"})
    (tool,) = request.tools
    assert (tool.kind, tool.name, tool.at) == (ToolKind.FUNCTION, "look", "functions[0]")
    assert request.tool_choice == ToolChoice(mode="named", name="look", at="function_call")


def test_web_search_options_are_a_tool() -> None:
    """The options become the web search tool in the words of the responses shape, the place flattened."""
    place = {"type": "approximate", "approximate": {"city": "Basel", "country": "CH"}}
    (tool,) = decoded(web_search_options={"search_context_size": "low", "user_location": place}).tools
    assert (tool.kind, tool.name, tool.at) == (ToolKind.WEB_SEARCH, "web_search", "web_search_options")
    assert tool.native == {
        "type": "web_search",
        "search_context_size": "low",
        "user_location": {"type": "approximate", "city": "Basel", "country": "CH"},
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "function": {"name": "add"}}, ToolChoice(mode="named", name="add")),
        ({"function": {"name": "add"}}, ToolChoice(mode="named", name="add")),
        (
            {"type": "custom", "custom": {"name": "patch"}},
            ToolChoice(mode="named", name="patch", kind=ToolKind.CUSTOM),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [ADD, PATCH]}},
            ToolChoice(mode="allowed", names=("add", "patch"), within="required", at="tool_choice.allowed_tools"),
        ),
    ],
)
def test_choice_is_read(choice: object, expected: ToolChoice) -> None:
    """Every form of the choice has its neutral one."""
    assert decoded(tools=[LOOK, ADD, PATCH], tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(("choice", "dropped"), [("auto", ()), ("none", ()), ("required", ("tool_choice",))])
def test_choice_without_tools_is_left_out(choice: str, dropped: tuple[str, ...]) -> None:
    """There is nothing to choose from; only a choice that would have forced a call is worth a report."""
    ledger = Ledger()
    assert decoded(ledger, tool_choice=choice).tool_choice is None
    assert ledger.dropped == dropped


@pytest.mark.parametrize(
    ("members", "path", "wording"),
    [
        ({"tools": {}}, "tools", "an array"),
        ({"tools": ["look"]}, "tools[0]", "an object"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "Supported values"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "Missing"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "Missing"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name", "empty string"),
        ({"tools": [LOOK, LOOK]}, "tools[1].function", "declared twice"),
        ({"tools": [ADD], "functions": [{"name": "add"}]}, "functions[0]", "declared twice"),
        (
            {"tools": [{"type": "custom", "custom": {"name": "p", "format": {"type": "grammar"}}}]},
            "tools[0].custom.format.grammar",
            "Missing",
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "p", "format": {}}}]},
            "tools[0].custom.format.type",
            "Missing",
        ),
        ({"tools": [ADD], "tool_choice": "any"}, "tool_choice", "Supported values"),
        ({"tools": [ADD], "tool_choice": 1}, "tool_choice", "a string or an object"),
        ({"tools": [ADD], "tool_choice": {}}, "tool_choice.type", "Missing"),
        ({"tools": [ADD], "tool_choice": {"type": "function"}}, "tool_choice.function", "Missing"),
        ({"tools": [ADD], "tool_choice": LOOK}, "tool_choice.function.name", "not found in 'tools'"),
        (
            {"tools": [ADD], "tool_choice": {"type": "custom", "custom": {"name": "add"}}},
            "tool_choice.custom.name",
            "not found in 'tools'",
        ),
        ({"tools": [ADD], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools", "Missing"),
        (
            {"tools": [ADD], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}},
            "tool_choice.allowed_tools.tools",
            "Missing",
        ),
        (
            {"tools": [ADD], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [ADD]}}},
            "tool_choice.allowed_tools.mode",
            "Missing",
        ),
        (
            {
                "tools": [ADD],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [LOOK]}},
            },
            "tool_choice.allowed_tools.tools[0].function.name",
            "not found in 'tools'",
        ),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call.name", "not found"),
        ({"web_search_options": {"search_context_size": "huge"}}, "web_search_options.search_context_size", "Support"),
    ],
)
def test_unusable_declaration_is_refused(members: dict[str, Any], path: str, wording: str) -> None:
    """A declaration or a choice that cannot be meant is refused with its path."""
    with pytest.raises(RequestRefused, match=wording) as refused:
        decoded(**members)
    assert refused.value.failure.param == path


def test_unknown_members_are_reported() -> None:
    """Members of newer clients are left out and named."""
    ledger = Ledger()
    decoded(ledger, tools=[{**ADD, "cache_control": {"type": "ephemeral"}, "function": {"name": "a", "x": 1}}])
    assert ledger.dropped == ("unknown:tools[0].cache_control", "unknown:tools[0].function.x")
