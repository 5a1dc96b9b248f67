"""Tools and the choice among them, for upstreams that know functions and the web."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.messages.upstream.asking import FABLE_5, OPUS_4_8, OTHER, SONNET_4_5, lost, relay, sent
from translation.failures import RequestRefused

ADD = {"type": "function", "name": "add"}
SUB = {"type": "function", "name": "sub"}
EMPTY = {"type": "object", "properties": {}}
SEARCH = {"type": "web_search"}
CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (ADD, {"name": "add", "input_schema": EMPTY}),
        (
            {**ADD, "description": "Adds.", "parameters": CLOSED},
            {"name": "add", "description": "Adds.", "input_schema": CLOSED},
        ),
        (
            {**ADD, "parameters": {"properties": {}, "minProperties": 1}},
            {"name": "add", "input_schema": {"type": "object", "properties": {}, "minProperties": 1}},
        ),
        ({**ADD, "strict": False}, {"name": "add", "input_schema": EMPTY}),
        ({**ADD, "strict": True, "parameters": CLOSED}, {"name": "add", "input_schema": CLOSED, "strict": True}),
        (
            {"type": "namespace", "name": "math", "tools": [ADD]},
            {"name": "math__add", "input_schema": EMPTY},
        ),
        ({"type": "function", "name": "n" * 128}, {"name": "n" * 128, "input_schema": EMPTY}),
        ({"type": "function", "name": "a.b"}, {"name": "a_b_2e7336dc", "input_schema": EMPTY}),
        (
            {
                "type": "custom",
                "name": "sql",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"},
            },
            {
                "name": "sql",
                "description": "\nThe input must match this lark grammar:\nstart: /x/",
                "input_schema": {
                    "type": "object",
                    "properties": {"input": {"type": "string"}},
                    "required": ["input"],
                    "additionalProperties": False,
                },
            },
        ),
    ],
)
def test_tool_is_a_function(tool: dict[str, Any], told: dict[str, Any]) -> None:
    """A tool is told as a function with an object for its input, under a name that the wire takes."""
    assert sent({"tools": [tool]})["tools"] == [told]


def test_strict_tool_gets_a_schema_that_can_be_held() -> None:
    """A strict tool's schema is cut down, with a report; a model that holds to nothing gets it as it was."""
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    wire = {"tools": [{**ADD, "strict": True, "parameters": schema}]}
    told = {"type": "integer", "description": "{minimum: 1}"}
    assert sent(wire)["tools"][0]["input_schema"] == {
        "type": "object",
        "properties": {"a": told},
        "additionalProperties": False,
    }
    assert lost(wire) == ((), ("tools[0].strict",))
    assert sent(wire, OTHER)["tools"] == [{"name": "add", "input_schema": schema}]
    assert lost(wire, OTHER) == (("tools[0].strict",), ())


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, {}),
        (
            {"user_location": {"type": "approximate", "city": "Rome", "country": None}},
            {"user_location": {"type": "approximate", "city": "Rome"}},
        ),
        (
            {"user_location": {"type": "approximate", "approximate": {"country": "IT"}}},
            {"user_location": {"type": "approximate", "country": "IT"}},
        ),
        ({"filters": {"allowed_domains": ["example.com"]}}, {"allowed_domains": ["example.com"]}),
    ],
)
def test_web_search_is_the_vendors_own(members: dict[str, Any], told: dict[str, Any]) -> None:
    """The search of the web is a tool that the provider runs, with the same place and sites."""
    expected = {"type": "web_search_20250305", "name": "web_search", **told}
    assert sent({"tools": [{**SEARCH, **members}]})["tools"] == [expected]


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({**SEARCH, "filters": 1}, "tools[0].filters"),
        ({**SEARCH, "filters": {"allowed_domains": [1]}}, "tools[0].filters.allowed_domains[0]"),
        ({**SEARCH, "user_location": {"city": 1}}, "tools[0].user_location.city"),
    ],
)
def test_web_search_of_a_wrong_type_is_refused(tool: dict[str, Any], param: str) -> None:
    """A member that is of another type than the search takes is refused by its path."""
    with pytest.raises(RequestRefused) as caught:
        sent({"tools": [tool]})
    assert caught.value.failure.param == param


@pytest.mark.parametrize(
    ("tools", "uses", "dropped"),
    [([SEARCH, ADD], 3, ()), ([ADD], None, ("max_tool_calls",)), ([], None, ("max_tool_calls",))],
)
def test_limit_of_hosted_calls_is_one_of_searches(
    tools: list[dict[str, Any]], uses: int | None, dropped: tuple[str, ...]
) -> None:
    """What the client lets the provider call by itself is how often it may search; else nothing is limited."""
    wire = {"tools": tools, "max_tool_calls": 3}
    assert [tool.get("max_uses") for tool in sent(wire).get("tools", [])][:1] == [uses][: len(tools)]
    assert lost(wire) == (dropped, ())


def test_size_of_the_search_is_reported() -> None:
    """How much context a search brings cannot be said here."""
    assert lost({"tools": [{**SEARCH, "search_context_size": "low"}]}) == (("tools[0].search_context_size",), ())


def test_tool_of_another_provider_is_dropped_while_others_remain() -> None:
    """What only another provider can run is left out with a report."""
    wire = {"tools": [{"type": "code_interpreter"}, ADD]}
    assert [tool["name"] for tool in sent(wire)["tools"]] == ["add"]
    assert lost(wire) == (("tools[0]",), ())


@pytest.mark.parametrize(
    ("model", "wire"),
    [
        (OPUS_4_8, {"tools": [{"type": "code_interpreter"}]}),
        (OPUS_4_8, {"tools": [{"type": "code_interpreter"}, ADD], "tool_choice": {"type": "code_interpreter"}}),
        (OTHER, {"tools": [SEARCH]}),
    ],
)
def test_tool_of_another_provider_is_refused_where_it_is_counted_on(model: str, wire: dict[str, Any]) -> None:
    """The only tool, or one that must be used, is not dropped in silence."""
    with pytest.raises(RequestRefused, match="run by another provider") as caught:
        sent(wire, model)
    assert caught.value.failure.param == "tools[0]"


def test_search_that_is_a_mere_wish_is_dropped() -> None:
    """An option to search the web is no tool that a client counts on: a model that cannot search goes without."""
    wire = {"web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": "Rome"}}}}
    assert "tools" not in sent(wire, OTHER, "chat")
    assert relay(wire, OTHER, "chat").dropped == ("web_search_options",)
    place = {"type": "approximate", "city": "Rome"}
    expected = {"type": "web_search_20250305", "name": "web_search", "user_location": place}
    assert sent(wire, OPUS_4_8, "chat")["tools"] == [expected]


def test_two_tools_of_one_name_are_refused() -> None:
    """Names that only become equal on the wire are refused as well."""
    with pytest.raises(RequestRefused, match="declared twice"):
        sent(
            {
                "tools": [
                    {"type": "function", "name": "math__add"},
                    {"type": "namespace", "name": "math", "tools": [ADD]},
                ]
            }
        )


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "name": "add"}, {"type": "tool", "name": "add"}),
        ({"type": "allowed_tools", "mode": "auto", "tools": [ADD]}, {"type": "auto"}),
        ({"type": "allowed_tools", "mode": "required", "tools": [ADD]}, {"type": "any"}),
    ],
)
def test_choice_is_said_in_the_wires_words(choice: Any, told: dict[str, Any]) -> None:
    """Each choice has its twin; parallel calls are switched off within it, except where there are none."""
    wire = {"tools": [ADD, SUB], "tool_choice": choice}
    assert sent(wire)["tool_choice"] == told
    quiet = {} if choice == "none" else {"disable_parallel_tool_use": True}
    assert sent({**wire, "parallel_tool_calls": False})["tool_choice"] == told | quiet
    assert sent({**wire, "parallel_tool_calls": True})["tool_choice"] == told


def test_parallel_calls_are_switched_off_without_a_choice() -> None:
    """The switch is a member of the choice, so that there is one; without tools there is neither."""
    wire = {"parallel_tool_calls": False}
    assert sent({**wire, "tools": [ADD]})["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert "tool_choice" not in sent(wire)


def test_allowed_tools_are_the_ones_that_are_sent() -> None:
    """Tools that may not be used are left out, except for a model whose thoughts are bound to the list of tools."""
    choice = {"type": "allowed_tools", "mode": "required", "tools": [SUB]}
    wire = {"tools": [ADD, SUB], "tool_choice": choice}
    assert [tool["name"] for tool in sent(wire)["tools"]] == ["sub"]
    bound = sent(wire, "claude-opus-5-5")
    assert [tool["name"] for tool in bound["tools"]] == ["add", "sub"]
    assert bound["tool_choice"] == {"type": "auto"}
    assert lost(wire, "claude-opus-5-5") == ((), ("tool_choice",))


@pytest.mark.parametrize(
    ("choice", "coerced"),
    [
        ("auto", ()),
        ("required", ("tool_choice=required>auto",)),
        ({"type": "function", "name": "add"}, ("tool_choice",)),
    ],
)
def test_model_that_cannot_be_forced_is_left_free(choice: Any, coerced: tuple[str, ...]) -> None:
    """Where the model refuses to be forced, the choice is free, with a report."""
    wire = {"tools": [ADD], "tool_choice": choice}
    assert sent(wire, FABLE_5)["tool_choice"] == {"type": "auto"}
    assert lost(wire, FABLE_5) == ((), coerced)


def test_search_can_be_forced_only_alone() -> None:
    """A tool that the provider runs must be used if it is the only one; beside others it cannot be forced."""
    assert sent({"tools": [SEARCH], "tool_choice": SEARCH})["tool_choice"] == {"type": "any"}
    with pytest.raises(RequestRefused, match="cannot be forced") as caught:
        sent({"tools": [SEARCH, ADD], "tool_choice": SEARCH})
    assert caught.value.failure.param == "tool_choice"


def test_choice_without_tools_is_left_out() -> None:
    """There is nothing to choose where nothing is declared."""
    assert not {"tools", "tool_choice"} & set(sent({"tools": [], "tool_choice": "auto"}, SONNET_4_5))


def test_rewritten_names_are_remembered_for_the_way_back() -> None:
    """The client gets back the namespace and the name that it had declared."""
    translation = relay({"tools": [{"type": "namespace", "name": "math", "tools": [ADD]}]})
    assert translation.exchange.sent_names == {"math__add": ("math", "add")}
