"""Tools and the choice among them, as a responses upstream gets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.grammar.responses_request import check_request
from tests.translation.responses.upstream.asking import asked
from translation.failures import RequestRefused
from translation.hub import Request, Text, Tool, ToolChoice, ToolKind, UserItem
from translation.ledger import Ledger
from translation.profiles import Profile
from translation.shapes.responses.upstream.request import encode_request

OBJECT: dict[str, Any] = {"type": "object", "properties": {}}
ADD = {"name": "add", "input_schema": OBJECT}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
HOSTED = {"type": "code_execution_20250825", "name": "code_execution"}
FUNCTION = Tool(kind=ToolKind.FUNCTION, name="f", at="tools[0]")
CUSTOM = Tool(kind=ToolKind.CUSTOM, name="c", description="d", grammar=("lark", "start: x"), at="tools[1]")


def encoded(*tools: Tool, origin: str = "chat", profile: Profile | None = None, **fields: Any) -> tuple[Any, Ledger]:
    """Return the lawful body of a request with these tools, and the ledger."""
    items = (UserItem(parts=(Text(text="hi"),)),)
    request = Request(origin=origin, model="a", echo={}, items=items, tools=tools, **fields)
    ledger = Ledger()
    body = encode_request(request, "m", profile or Profile(), "d", ledger)
    check_request(body)
    return body, ledger


def test_function_says_that_it_is_not_strict() -> None:
    """A tool without the word is not strict in the client's shape, and would be in this one."""
    body, _ = asked(tools=[{**ADD, "description": "Adds."}, {**ADD, "name": "sub", "strict": True}])
    assert body["tools"] == [
        {"type": "function", "name": "add", "description": "Adds.", "parameters": OBJECT, "strict": False},
        {"type": "function", "name": "sub", "parameters": OBJECT, "strict": True},
    ]


def test_strictness_that_a_model_does_not_have_is_reported() -> None:
    """The tool is sent without it."""
    body, ledger = encoded(
        Tool(kind=ToolKind.FUNCTION, name="f", strict=True, at="t"), profile=Profile(strict_tools=False)
    )
    assert (body["tools"][0]["strict"], ledger.dropped) == (False, ("t.strict",))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (None, {"type": "object", "properties": {}}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": {}}}),
    ],
)
def test_parameters_are_an_object(parameters: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    """A function without parameters takes none, and the root's type may be missing."""
    body, _ = encoded(Tool(kind=ToolKind.FUNCTION, name="f", parameters=parameters))
    assert body["tools"][0]["parameters"] == expected


def test_custom_tool_is_sent_as_one() -> None:
    """This shape has custom tools, with the grammar next to its syntax."""
    body, _ = encoded(CUSTOM)
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    assert body["tools"] == [{"type": "custom", "name": "c", "description": "d", "format": grammar}]


def test_tools_that_the_client_runs_are_wrapped() -> None:
    """A tool whose schema only the other vendor's models know becomes a function."""
    body, _ = asked(tools=[{"type": "bash_20250124", "name": "bash"}])
    (tool,) = body["tools"]
    assert (tool["type"], tool["name"], tool["strict"]) == ("function", "bash", False)
    assert set(tool["parameters"]["properties"]) == {"command", "restart"}


@pytest.mark.parametrize("kind", [ToolKind.SHELL, ToolKind.LOCAL_SHELL, ToolKind.APPLY_PATCH])
def test_tool_of_this_shape_is_sent_as_it_came(kind: ToolKind) -> None:
    """What the client declared in this shape needs no wrapper."""
    body, _ = encoded(Tool(kind=kind, name=kind.value, native={"type": kind.value}), origin="responses")
    assert body["tools"] == [{"type": kind.value}]


@pytest.mark.parametrize(
    ("members", "expected", "dropped"),
    [
        ({}, {}, ()),
        ({"allowed_domains": ["a.test"]}, {"filters": {"allowed_domains": ["a.test"]}}, ()),
        (
            {"user_location": {"type": "approximate", "city": "Bonn", "timezone": "Europe/Berlin"}},
            {"user_location": {"type": "approximate", "city": "Bonn", "timezone": "Europe/Berlin"}},
            (),
        ),
        (
            {"max_uses": 3, "blocked_domains": ["b.test"]},
            {},
            ("tools[0].blocked_domains", "tools[0].max_uses"),
        ),
    ],
)
def test_web_search_becomes_this_providers(members: dict[str, Any], expected: dict[str, Any], dropped: Any) -> None:
    """A search is a search; what this one cannot be told is reported."""
    body, relay = asked(tools=[{**SEARCH, **members}])
    assert body["tools"] == [{"type": "web_search", **expected}]
    assert relay.dropped == dropped


def test_web_search_of_a_chat_client_is_flattened() -> None:
    """The place is one level deeper in a chat request."""
    options = {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"country": "DE"}}}
    body, _ = encoded(Tool(kind=ToolKind.WEB_SEARCH, name="web_search", native=options))
    location = {"type": "approximate", "country": "DE"}
    assert body["tools"] == [{"type": "web_search", "search_context_size": "low", "user_location": location}]


SERVER = {"type": "url", "name": "maps", "url": "https://maps.test/mcp", "authorization_token": "t"}


def test_mcp_servers_are_called_by_this_provider() -> None:
    """Each server is a tool behind the others, with its token and its choice of tools, and is called without asking."""
    toolset = {"type": "mcp_toolset", "mcp_server_name": "maps", "default_config": {"enabled": False}}
    tools = [{**toolset, "configs": {"find": {"enabled": True}}}, ADD]
    body, relay = asked("gpt-5", tools=tools, tool_choice={"type": "any"}, mcp_servers=[SERVER])
    assert [tool["type"] for tool in body["tools"]] == ["function", "mcp"]
    assert body["tools"][1] == {
        "type": "mcp",
        "server_label": "maps",
        "server_url": "https://maps.test/mcp",
        "authorization": "t",
        "allowed_tools": ["find"],
        "require_approval": "never",
    }
    assert (body["tool_choice"], relay.dropped) == ("required", ())
    alone, _ = asked("gpt-5", mcp_servers=[{"type": "url", "name": "maps", "url": "https://maps.test/mcp"}])
    assert alone["tools"] == [
        {"type": "mcp", "server_label": "maps", "server_url": "https://maps.test/mcp", "require_approval": "never"}
    ]


@pytest.mark.parametrize(
    ("model", "server", "param"),
    [
        ("m", SERVER, "mcp_servers"),
        ("gpt-5", {**SERVER, "url": None}, "mcp_servers[0].url"),
        ("gpt-5", {**SERVER, "name": ""}, "mcp_servers[0].name"),
    ],
)
def test_mcp_server_that_cannot_be_called_is_refused(model: str, server: dict[str, Any], param: str) -> None:
    """The client counts on its tools, so that a model that cannot reach them is the wrong one."""
    with pytest.raises(RequestRefused) as caught:
        asked(model, mcp_servers=[server])
    assert caught.value.failure.param == param


def test_tool_that_another_provider_runs_is_dropped_while_others_remain() -> None:
    """The model works with what it has, and the client is told."""
    body, relay = asked(tools=[HOSTED, ADD])
    assert [tool["name"] for tool in body["tools"]] == ["add"]
    assert relay.dropped == ("tools[0]",)


@pytest.mark.parametrize(
    ("tools", "choice"),
    [([HOSTED], None), ([HOSTED, ADD], {"type": "tool", "name": "code_execution"}), ([HOSTED], {"type": "any"})],
)
def test_tool_that_another_provider_runs_is_refused_if_the_client_counts_on_it(tools: Any, choice: Any) -> None:
    """A forced tool, or the only one, cannot be left out in silence."""
    with pytest.raises(RequestRefused) as caught:
        asked(tools=tools, tool_choice=choice)
    assert caught.value.failure.param == "tools[0]"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "add"}, {"tool_choice": {"type": "function", "name": "add"}}),
        ({"type": "auto", "disable_parallel_tool_use": True}, {"tool_choice": "auto", "parallel_tool_calls": False}),
        (
            {"type": "tool", "name": "web_search"},
            {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}},
        ),
    ],
)
def test_choice_of_a_messages_client(choice: dict[str, Any], expected: dict[str, Any]) -> None:
    """Every choice has its form, also that of a tool of the provider."""
    body, _ = asked(tools=[ADD, SEARCH], tool_choice=choice)
    assert {name: body[name] for name in ("tool_choice", "parallel_tool_calls") if name in body} == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(mode="named", name="c", kind=ToolKind.CUSTOM), {"type": "custom", "name": "c"}),
        (
            ToolChoice(mode="allowed", names=("f", "c"), within="required"),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}],
            },
        ),
    ],
)
def test_choice_among_functions_and_custom_tools(choice: ToolChoice, expected: dict[str, Any]) -> None:
    """The forms are flat, and each tool is named by its kind."""
    assert encoded(FUNCTION, CUSTOM, tool_choice=choice)[0]["tool_choice"] == expected


def test_choice_of_nothing_that_is_sent_is_refused() -> None:
    """Allowed tools that all belong to another provider leave nothing to choose."""
    hosted = Tool(kind=ToolKind.HOSTED, name="h", at="tools[1]")
    with pytest.raises(RequestRefused) as caught:
        encoded(FUNCTION, hosted, origin="messages", tool_choice=ToolChoice(mode="allowed", names=("h",)))
    assert caught.value.failure.param == "tool_choice.tools"


def test_choice_without_tools_is_left_out() -> None:
    """The wire refuses a choice among nothing."""
    body, _ = encoded(tool_choice=ToolChoice(mode="auto"), parallel_tool_calls=True)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)


def test_long_names_are_rewritten_everywhere_alike() -> None:
    """A name that the wire does not take is the same in the tool and in the choice; 128 characters are taken."""
    body, _ = asked(tools=[{**ADD, "name": "n" * 129}], tool_choice={"type": "tool", "name": "n" * 129})
    assert body["tools"][0]["name"] == body["tool_choice"]["name"]
    assert len(body["tools"][0]["name"]) <= 128
    assert asked(tools=[{**ADD, "name": "n" * 128}])[0]["tools"][0]["name"] == "n" * 128


def test_names_that_become_the_same_are_refused() -> None:
    """Two tools of one name could not be told apart."""
    spaced = Tool(kind=ToolKind.FUNCTION, name="f", namespace="a", at="tools[0]")
    with pytest.raises(RequestRefused) as caught:
        encoded(spaced, Tool(kind=ToolKind.FUNCTION, name="a__f", at="tools[1]"))
    assert caught.value.failure.param == "tools[1]"
