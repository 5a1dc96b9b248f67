"""The tools of a Messages request, and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from translation.failures import RequestRefused
from translation.hub import Tool, ToolChoice, ToolKind
from translation.ledger import Ledger
from translation.shapes.messages.tools import decode_tool_choice, decode_tools

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
ADD = {"name": "add", "description": "Adds.", "input_schema": SCHEMA}


def tools(*declared: dict[str, Any], ledger: Ledger | None = None) -> tuple[Tool, ...]:
    """Decode these declarations."""
    return decode_tools({"tools": list(declared)}, ledger or Ledger())


@pytest.mark.parametrize("kind", [{}, {"type": None}, {"type": "custom"}])
def test_function(kind: dict[str, Any]) -> None:
    """A declaration without a type, or of the type custom, is a function."""
    expected = Tool(
        kind=ToolKind.FUNCTION, name="add", description="Adds.", parameters=SCHEMA, strict=True, at="tools[0]"
    )
    assert tools({**ADD, **kind, "strict": True}) == (expected,)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("bash_20250124", "bash", ToolKind.BASH),
        ("text_editor_20250728", "str_replace_based_edit_tool", ToolKind.TEXT_EDITOR),
        ("memory_20250818", "memory", ToolKind.MEMORY),
        ("web_search_20260318", "web_search", ToolKind.WEB_SEARCH),
        ("code_execution_20260120", "code_execution", ToolKind.HOSTED),
        ("web_fetch_20250910", "web_fetch", ToolKind.HOSTED),
        ("tool_search_tool_bm25_20251119", "tool_search_tool_bm25", ToolKind.HOSTED),
    ],
)
def test_tool_of_the_vendor(kind: str, name: str, expected: ToolKind) -> None:
    """A tool whose schema the vendor defines keeps its whole declaration; its kind says who runs it."""
    declared = {"type": kind, "name": name, "max_uses": 3}
    assert tools(declared) == (Tool(kind=expected, name=name, native=declared, at="tools[0]"),)


def test_toolset_without_a_name_is_named_after_its_type() -> None:
    """A set of tools has no name of its own."""
    assert tools({"type": "mcp_toolset", "mcp_server_name": "s"})[0].name == "mcp_toolset"


def test_examples_go_into_the_description() -> None:
    """No other shape has a place for example inputs, so the model reads them in the description."""
    ledger = Ledger()
    found = tools({**ADD, "input_examples": [{"a": 1}, {"a": 2}]}, ledger=ledger)
    assert found[0].description == 'Adds.\nExample input: {"a":1}\nExample input: {"a":2}'
    assert ledger.coerced == ("tools[0].input_examples",)


@pytest.mark.parametrize(
    ("member", "report"),
    [
        ({"cache_control": {"type": "ephemeral"}}, ("tools[0].cache_control",)),
        ({"defer_loading": True}, ("tools[0].defer_loading",)),
        ({"eager_input_streaming": True}, ("tools[0].eager_input_streaming",)),
        ({"allowed_callers": ["direct", "code_execution_20260120"]}, ("tools[0].allowed_callers",)),
        ({"allowed_callers": ["direct"]}, ()),
        ({"defer_loading": False}, ()),
        ({"icon": "x"}, ("unknown:tools[0].icon",)),
    ],
)
def test_member_without_a_twin_is_reported(member: dict[str, Any], report: tuple[str, ...]) -> None:
    """What no other shape can say about a tool is named in the ledger; a default is not."""
    ledger = Ledger()
    assert len(tools({**ADD, **member}, ledger=ledger)) == 1
    assert ledger.dropped == report


def test_tool_that_only_hosted_code_may_call_is_dropped() -> None:
    """A tool that the model may not call directly is of no use where the hosted code does not run."""
    ledger = Ledger()
    assert tools({**ADD, "allowed_callers": ["code_execution_20260120"]}, ledger=ledger) == ()
    assert ledger.dropped == ("tools[0]",)


@pytest.mark.parametrize(
    ("declared", "param"),
    [
        ([3], "tools[0]"),
        ([{"input_schema": SCHEMA}], "tools[0].name"),
        ([{"name": "add"}], "tools[0].input_schema"),
        ([{**ADD, "input_schema": "{}"}], "tools[0].input_schema"),
        ([{**ADD, "description": 3}], "tools[0].description"),
        ([{**ADD, "strict": 1}], "tools[0].strict"),
        ([{**ADD, "type": 3}], "tools[0].type"),
        ([{**ADD, "allowed_callers": [3]}], "tools[0].allowed_callers[0]"),
        ([{**ADD, "input_examples": {}}], "tools[0].input_examples"),
        ([{"type": "bash_20250124"}], "tools[0].name"),
        ([{"type": "computer_toolset_20260801"}], "tools[0].type"),
        ([{"type": "browser_toolset_20260801"}], "tools[0].type"),
        ([{"type": "computer_20251124", "name": "computer"}], "tools[0].type"),
        ([ADD, ADD], "tools[1].name"),
    ],
)
def test_declaration_is_refused_by_its_path(declared: list[Any], param: str) -> None:
    """A declaration that cannot be read, an equal name and a tool that drives a screen are refused."""
    with pytest.raises(RequestRefused) as caught:
        tools(*declared)
    assert caught.value.failure.param == param


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (None, (None, None)),
        ({"type": "auto"}, (ToolChoice(mode="auto"), None)),
        ({"type": "any"}, (ToolChoice(mode="required"), None)),
        ({"type": "none"}, (ToolChoice(mode="none"), None)),
        ({"type": "tool", "name": "add"}, (ToolChoice(mode="named", name="add"), None)),
        ({"type": "auto", "disable_parallel_tool_use": True}, (ToolChoice(mode="auto"), False)),
        ({"type": "any", "disable_parallel_tool_use": False}, (ToolChoice(mode="required"), None)),
        (
            {"type": "tool", "name": "bash"},
            (ToolChoice(mode="named", name="bash", kind=ToolKind.BASH), None),
        ),
    ],
)
def test_choice(wire: dict[str, Any] | None, expected: tuple[ToolChoice | None, bool | None]) -> None:
    """Each choice has its mode, a named one the kind of its tool; only switching parallel calls off is said."""
    declared = tools(ADD, {"type": "bash_20250124", "name": "bash"})
    assert decode_tool_choice({"tool_choice": wire}, declared) == expected


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ("auto", "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "required"}, "tool_choice.type"),
        ({"type": "tool"}, "tool_choice.name"),
        ({"type": "tool", "name": "sub"}, "tool_choice.name"),
        ({"type": "auto", "disable_parallel_tool_use": "no"}, "tool_choice.disable_parallel_tool_use"),
    ],
)
def test_choice_is_refused_by_its_path(wire: object, param: str) -> None:
    """A choice that cannot be read, or of a tool that is not declared, is refused."""
    with pytest.raises(RequestRefused) as caught:
        decode_tool_choice({"tool_choice": wire}, tools(ADD))
    assert caught.value.failure.param == param
