"""Tools that are no functions, as the functions that stand for them."""

from __future__ import annotations

import json

import pytest

from translation.hub import Tool, ToolCall, ToolKind
from translation.wrappers import SCHEMAS, arguments, custom_input, description

WRAPPED = sorted(SCHEMAS, key=lambda kind: kind.value)


def call(kind: ToolKind, text: str) -> ToolCall:
    """Return a call whose arguments are `text`."""
    return ToolCall(call_id="c", name="t", kind=kind, arguments=text)


@pytest.mark.parametrize("kind", WRAPPED)
def test_schema_is_one_of_a_closed_object(kind: ToolKind) -> None:
    """Each function takes an object with named members only, and requires none that it does not name."""
    schema = SCHEMAS[kind]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])


@pytest.mark.parametrize("kind", [ToolKind.FUNCTION, ToolKind.WEB_SEARCH, ToolKind.HOSTED])
def test_function_and_hosted_tools_have_no_wrapper(kind: ToolKind) -> None:
    """A function needs none, and what a provider runs itself cannot be a function of the client."""
    assert kind not in SCHEMAS


@pytest.mark.parametrize(
    ("text", "wrapped"),
    [
        ("ls -la\n", '{"input":"ls -la\\n"}'),
        ("", '{"input":""}'),
        ('{"input":"x"}', '{"input":"{\\"input\\":\\"x\\"}"}'),
    ],
)
def test_free_text_becomes_the_one_argument(text: str, wrapped: str) -> None:
    """The input of a custom tool is the string `input`, whatever it looks like."""
    assert arguments(call(ToolKind.CUSTOM, text)) == wrapped
    assert json.loads(wrapped) == {"input": text}


@pytest.mark.parametrize(
    ("kind", "text", "sent"),
    [
        (ToolKind.FUNCTION, '{"b": 1.0, "a": 2}', '{"b": 1.0, "a": 2}'),
        (ToolKind.FUNCTION, "", "{}"),
        (ToolKind.FUNCTION, " \n", "{}"),
        (ToolKind.FUNCTION, "not JSON", "not JSON"),
        (ToolKind.SHELL, '{"commands":["ls"]}', '{"commands":["ls"]}'),
        (ToolKind.BASH, "", "{}"),
    ],
)
def test_arguments_stay_the_same_text(kind: ToolKind, text: str, sent: str) -> None:
    """Arguments are never written anew: number format, spaces and order stay; only none at all become an object."""
    assert arguments(call(kind, text)) == sent


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (Tool(kind=ToolKind.FUNCTION, name="add"), None),
        (Tool(kind=ToolKind.FUNCTION, name="add", description="Adds."), "Adds."),
        (Tool(kind=ToolKind.SHELL, name="shell", description="Mine."), "Mine."),
        (
            Tool(kind=ToolKind.CUSTOM, name="q", description="Queries.", grammar=("lark", "start: WORD")),
            "Queries.\nThe input must match this lark grammar:\nstart: WORD",
        ),
        (
            Tool(kind=ToolKind.CUSTOM, name="q", grammar=("regex", "[a-z]+")),
            "\nThe input must match this regex grammar:\n[a-z]+",
        ),
    ],
)
def test_description_tells_the_model_what_the_type_would_have(tool: Tool, said: str | None) -> None:
    """The client's own words are kept, and a grammar that no function can have is told in words."""
    assert description(tool) == said


@pytest.mark.parametrize("kind", [kind for kind in WRAPPED if kind is not ToolKind.CUSTOM])
def test_tool_that_the_model_knows_by_its_type_is_described(kind: ToolKind) -> None:
    """A tool that comes without a description gets one, since a function's name alone says too little."""
    assert description(Tool(kind=kind, name=kind.value))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"input":"*** Begin\\nPatch"}', "*** Begin\nPatch"),
        ('{"input":""}', ""),
        ('{"input":5}', '{"input":5}'),
        ('{"input":"a","more":1}', '{"input":"a","more":1}'),
        ('{"patch":"a"}', '{"patch":"a"}'),
        ('"a"', '"a"'),
        ("*** Begin", "*** Begin"),
        ('{"input":"cut', '{"input":"cut'),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
        ('{"input":"\ud83d"}', '{"input":"\ud83d"}'),
    ],
)
def test_custom_input_is_the_wrapped_string_or_the_text_itself(written: str, expected: str) -> None:
    """The wrapper's one string is the input; anything else that the model wrote is the input as it is."""
    assert custom_input(written) == expected
