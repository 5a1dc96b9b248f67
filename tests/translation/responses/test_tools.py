"""Tools and the choice among them."""

from __future__ import annotations

from typing import Any

import pytest

from translation.failures import RequestRefused
from translation.hub import Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger
from translation.shapes.responses.tools import decode_tool_choice, decode_tools, merge_tools

ADD = {"type": "function", "name": "add", "parameters": {"type": "object"}}
TOOLS = (
    Tool(kind=ToolKind.FUNCTION, name="add"),
    Tool(kind=ToolKind.CUSTOM, name="patch"),
    Tool(kind=ToolKind.SHELL, name="shell"),
    Tool(kind=ToolKind.WEB_SEARCH, name="web_search"),
    Tool(kind=ToolKind.HOSTED, name="code_interpreter"),
)


def decoded(*wires: Any) -> tuple[list[Tool], Ledger]:
    """Return the decoded tools, and the ledger."""
    ledger = Ledger()
    return decode_tools(wires, "tools", ledger), ledger


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (ADD, Tool(kind=ToolKind.FUNCTION, name="add", parameters={"type": "object"}, at="tools[0]")),
        (
            {"name": "add", "description": "Adds.", "strict": True},
            Tool(kind=ToolKind.FUNCTION, name="add", description="Adds.", strict=True, at="tools[0]"),
        ),
        (
            {"type": "function", "name": "add", "parameters": None, "strict": None},
            Tool(kind=ToolKind.FUNCTION, name="add", at="tools[0]"),
        ),
        ({"type": "custom", "name": "patch"}, Tool(kind=ToolKind.CUSTOM, name="patch", at="tools[0]")),
        (
            {"type": "custom", "name": "patch", "format": {"type": "text"}},
            Tool(kind=ToolKind.CUSTOM, name="patch", at="tools[0]"),
        ),
        (
            {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}},
            Tool(kind=ToolKind.CUSTOM, name="p", grammar=("regex", "a+"), at="tools[0]"),
        ),
        ({"type": "shell"}, Tool(kind=ToolKind.SHELL, name="shell", native={"type": "shell"}, at="tools[0]")),
        (
            {"type": "local_shell"},
            Tool(kind=ToolKind.LOCAL_SHELL, name="local_shell", native={"type": "local_shell"}, at="tools[0]"),
        ),
        (
            {"type": "apply_patch"},
            Tool(kind=ToolKind.APPLY_PATCH, name="apply_patch", native={"type": "apply_patch"}, at="tools[0]"),
        ),
        (
            {"type": "web_search", "search_context_size": "low"},
            Tool(
                kind=ToolKind.WEB_SEARCH,
                name="web_search",
                native={"type": "web_search", "search_context_size": "low"},
                at="tools[0]",
            ),
        ),
        (
            {"type": "mcp", "server_label": "wiki"},
            Tool(kind=ToolKind.HOSTED, name="mcp", native={"type": "mcp", "server_label": "wiki"}, at="tools[0]"),
        ),
    ],
)
def test_tool_is_read_as_what_it_is(wire: Wire, expected: Tool) -> None:
    """Each kind of declaration gives its kind of tool; one without a type is a function. Nothing is reported."""
    tools, ledger = decoded(wire)
    assert tools == [expected]
    assert ledger.dropped == ()


def test_namespace_is_flattened() -> None:
    """The tools of a namespace are tools of their own that know their namespace."""
    wire = {"type": "namespace", "name": "math", "tools": [ADD, {"type": "custom", "name": "prove"}]}
    tools, ledger = decoded(wire)
    assert [(tool.namespace, tool.name, tool.kind) for tool in tools] == [
        ("math", "add", ToolKind.FUNCTION),
        ("math", "prove", ToolKind.CUSTOM),
    ]
    assert [tool.at for tool in tools] == ["tools[0].tools[0]", "tools[0].tools[1]"]
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("wire", "count", "reported"),
    [
        ({"type": "tool_search"}, 0, "tools[0]"),
        ({**ADD, "defer_loading": True}, 1, "tools[0].defer_loading"),
        ({**ADD, "output_schema": {}}, 1, "tools[0].output_schema"),
        ({**ADD, "allowed_callers": ["direct"]}, 1, "tools[0].allowed_callers"),
        ({**ADD, "async": True}, 1, "tools[0].async"),
        ({**ADD, "colour": 1}, 1, "unknown:tools[0].colour"),
        ({"type": "shell", "environment": {"type": "local"}}, 1, "tools[0].environment"),
        ({"type": "namespace", "name": "n", "description": "d", "tools": [ADD]}, 1, "tools[0].description"),
        ({"type": "namespace", "name": "n", "mood": 1, "tools": [ADD]}, 1, "unknown:tools[0].mood"),
    ],
)
def test_what_has_no_place_elsewhere_is_reported(wire: Wire, count: int, reported: str) -> None:
    """Members for OpenAI's own machinery, and the search for deferred tools, are dropped by path."""
    tools, ledger = decoded(wire)
    assert len(tools) == count
    assert ledger.dropped == (reported,)


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ({"type": "teleport"}, "tools[0].type"),
        ({"type": 1}, "tools[0].type"),
        ({"type": "function"}, "tools[0].name"),
        ({"type": "function", "name": ""}, "tools[0].name"),
        ({"type": "function", "function": {"name": "add"}}, "tools[0].name"),
        ({**ADD, "parameters": []}, "tools[0].parameters"),
        ({**ADD, "strict": "yes"}, "tools[0].strict"),
        ({"type": "custom", "name": "p", "format": {"type": "xml"}}, "tools[0].format.type"),
        ({"type": "custom", "name": "p", "format": {"type": "grammar"}}, "tools[0].format.definition"),
        ({"type": "namespace", "tools": []}, "tools[0].name"),
        ({"type": "namespace", "name": "n", "tools": [{"type": "namespace", "name": "m"}]}, "tools[0].tools[0].type"),
        ("add", "tools[0]"),
    ],
)
def test_malformed_tool_is_refused_with_its_path(wire: Any, param: str) -> None:
    """A declaration that cannot be read is named in the refusal."""
    with pytest.raises(RequestRefused) as refused:
        decoded(wire)
    assert refused.value.failure.param == param


def test_two_tools_of_one_name_are_refused() -> None:
    """No upstream could tell the calls of two equal names apart."""
    with pytest.raises(RequestRefused) as refused:
        merge_tools(decoded(ADD, {"type": "custom", "name": "add"})[0], ())
    assert refused.value.failure.param == "tools[1]"


def test_one_name_in_two_namespaces_is_two_tools() -> None:
    """The namespace is part of the name."""
    namespace = {"type": "namespace", "name": "math", "tools": [ADD]}
    assert len(merge_tools(decoded(ADD, namespace)[0], ())) == 2


def test_several_servers_of_one_hosted_kind_are_several_tools() -> None:
    """Hosted tools have no names of their own and may be declared more than once."""
    assert (
        len(merge_tools(decoded({"type": "mcp", "server_label": "a"}, {"type": "mcp", "server_label": "b"})[0], ()))
        == 2
    )


def test_tool_that_items_bring_again_stays_where_it_is() -> None:
    """A tool that a search found although it is declared does not count twice; a new one comes last."""
    declared = decoded(ADD)[0]
    brought = decoded(ADD, {"type": "function", "name": "subtract"})[0]
    assert [tool.name for tool in merge_tools(declared, brought)] == ["add", "subtract"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "name": "add"}, ToolChoice(mode="named", name="add")),
        ({"type": "custom", "name": "patch"}, ToolChoice(mode="named", name="patch", kind=ToolKind.CUSTOM)),
        ({"type": "shell"}, ToolChoice(mode="named", name="shell", kind=ToolKind.SHELL)),
        (
            {"type": "web_search_preview"},
            ToolChoice(mode="named", name="web_search", kind=ToolKind.WEB_SEARCH),
        ),
        (
            {"type": "code_interpreter"},
            ToolChoice(mode="named", name="code_interpreter", kind=ToolKind.HOSTED),
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "add"}, {"type": "custom", "name": "patch"}],
            },
            ToolChoice(mode="allowed", names=("add", "patch"), within="required"),
        ),
        (
            {"type": "allowed_tools", "tools": [{"type": "shell"}]},
            ToolChoice(mode="allowed", names=("shell",), within="auto"),
        ),
    ],
)
def test_choice_is_read_in_every_form(choice: object, expected: ToolChoice | None) -> None:
    """Each form of the choice gives its mode, and the tools that it names."""
    assert decode_tool_choice({"tool_choice": choice}, TOOLS) == expected


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("sometimes", "tool_choice"),
        (3, "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "wand"}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.name"),
        ({"type": "function", "name": "divide"}, "tool_choice"),
        ({"type": "function", "name": "patch"}, "tool_choice"),
        ({"type": "apply_patch"}, "tool_choice"),
        ({"type": "allowed_tools", "mode": "never", "tools": [{"type": "shell"}]}, "tool_choice.mode"),
        ({"type": "allowed_tools", "mode": "auto"}, "tool_choice.tools"),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]},
            "tool_choice.tools[0]",
        ),
        ({"type": "allowed_tools", "mode": "auto", "tools": ["add"]}, "tool_choice.tools[0]"),
    ],
)
def test_choice_that_means_no_tool_is_refused(choice: object, param: str) -> None:
    """A form that nobody knows, or a tool that is not declared, is named in the refusal."""
    with pytest.raises(RequestRefused) as refused:
        decode_tool_choice({"tool_choice": choice}, TOOLS)
    assert refused.value.failure.param == param
