"""Chat clients and upstreams that speak Responses: what is asked of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.asking_responses import MARKABLE, refused, relay, sent
from tests.translation.relaying import streamed
from tests.translation.responses.upstream.asking import completed, stream_of

Wire = dict[str, Any]
HI: Wire = {"role": "user", "content": "hi"}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
ADD: Wire = {"type": "function", "function": {"name": "add", "parameters": OBJECT}}
GRAMMAR = {"syntax": "lark", "definition": "start: /.+/"}
PATCH: Wire = {
    "type": "custom",
    "custom": {"name": "patch", "description": "Edits.", "format": {"type": "grammar", "grammar": GRAMMAR}},
}


MARK = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}


def message(role: str, *texts: str, kind: str = "input_text") -> Wire:
    """Return a message item of text parts."""
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text} for text in texts]}


def chat(*messages: Wire, **members: Any) -> Wire:
    """Return the body that the upstream gets."""
    return sent("chat", *messages, **members)


def test_instructions() -> None:
    """131. The leading run of system and developer messages becomes the instructions, joined by blank lines, and later
    ones stay where they are, as items of the same role.
    """
    parts = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    late = [{"role": "developer", "content": "Late."}, {"role": "system", "content": "Later."}]
    body = chat({"role": "system", "content": "A."}, {"role": "developer", "content": parts}, HI, *late)
    assert body["instructions"] == "A.\n\nBe\n\nbrief."
    assert body["input"] == [message("user", "hi"), message("developer", "Late."), message("system", "Later.")]


def test_calls_of_the_model() -> None:
    """132. An assistant message with tool calls becomes a message item and a function call item for each call, in this
    order and without ids, and without a message item if there are no words.
    """
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": '{"a": 1.0}'}}
        for name in ("add", "sub")
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "3"} for call in calls]
    items = [
        {"type": "function_call", "call_id": f"call_{name}", "name": name, "arguments": '{"a": 1.0}'}
        for name in ("add", "sub")
    ]
    said = {"type": "message", "role": "assistant"}
    words = [{"type": "output_text", "text": "I add.", "annotations": []}]
    for content, expected in (("I add.", [{**said, "content": words}, *items]), (None, items)):
        turn = {"role": "assistant", "content": content, "tool_calls": calls}
        assert chat(HI, turn, *results)["input"][1:-2] == expected


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("3", "3"),
        ("", ""),
        ([{"type": "text", "text": "3"}], "3"),
        (
            [{"type": "text", "text": "3"}, {"type": "text", "text": "4"}],
            [{"type": "input_text", "text": "3"}, {"type": "input_text", "text": "4"}],
        ),
        (
            [{"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}],
            [{"type": "input_image", "detail": "auto", "image_url": "https://a.test/b.png"}],
        ),
    ],
)
def test_results(content: Any, output: Any) -> None:
    """133. A tool message becomes a function call output, one text as a string and several parts as a list of input
    parts.
    """
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call]}
    items = chat(HI, turn, {"role": "tool", "tool_call_id": "call_1", "content": content})["input"]
    assert items[-1] == {"type": "function_call_output", "call_id": "call_1", "output": output}


@pytest.mark.parametrize(("members", "strict"), [({}, False), ({"strict": None}, False), ({"strict": True}, True)])
def test_strictness(members: Wire, strict: bool) -> None:
    """134. A function tool that does not say whether it is strict is sent as not strict, since the upstream would take
    it for strict.
    """
    function = {"name": "add", "description": "Adds.", "parameters": OBJECT, **members}
    assert chat(tools=[{"type": "function", "function": function}])["tools"] == [
        {"type": "function", "name": "add", "description": "Adds.", "parameters": OBJECT, "strict": strict}
    ]


SCHEMA = {"name": "n", "description": "d", "schema": OBJECT}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            {"type": "json_schema", "json_schema": {**SCHEMA, "strict": True}},
            {"type": "json_schema", **SCHEMA, "strict": True},
        ),
        ({"type": "json_schema", "json_schema": SCHEMA}, {"type": "json_schema", **SCHEMA, "strict": False}),
    ],
)
def test_response_format(form: Wire, expected: Wire) -> None:
    """135. The response format becomes the flat format of the text member, with name, description, schema and
    strictness at its top.
    """
    assert chat(response_format=form)["text"] == {"format": expected}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "name": "add"}),
        ({"type": "custom", "custom": {"name": "patch"}}, {"type": "custom", "name": "patch"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "add"}},
                        {"type": "custom", "custom": {"name": "patch"}},
                    ],
                },
            },
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "add"}, {"type": "custom", "name": "patch"}],
            },
        ),
    ],
)
def test_tool_choice(choice: Any, expected: Any) -> None:
    """136. A tool choice is flattened, be it a word, a function, a custom tool or a set of allowed tools."""
    assert chat(tools=[ADD, PATCH], tool_choice=choice)["tool_choice"] == expected


@pytest.mark.parametrize(("members", "store"), [({}, False), ({"store": False}, False), ({"store": True}, True)])
def test_store(members: Wire, store: bool) -> None:
    """137. Nothing is stored at the upstream unless the client set store, and the request always says so."""
    assert chat(**members)["store"] is store


def test_members_without_a_place() -> None:
    """138. Stop sequences, seed, penalties and logit bias are left out and reported, one choice is left out, and more
    choices are refused.
    """
    lost = {"stop": ["x"], "seed": 1, "presence_penalty": 1, "frequency_penalty": 1, "logit_bias": {"50256": -100}}
    made = relay("chat", {**lost, "n": 1})
    assert sorted(made.dropped) == sorted(lost)
    assert sent("chat", **lost, n=1) == sent("chat")
    assert refused("chat", n=2)["param"] == "n"


def test_logprobs() -> None:
    """139. The wish for log probabilities becomes an entry of include and the number of alternatives, and is reported
    as lost where the model reasons.
    """
    wish = {"logprobs": True, "top_logprobs": 3}
    body = chat(**wish)
    assert "message.output_text.logprobs" in body["include"]
    assert body["top_logprobs"] == 3
    thinking = {**wish, "reasoning_effort": "low"}
    assert not {"top_logprobs"} & set(chat(**thinking))
    assert chat(**thinking)["include"] == ["reasoning.encrypted_content"]
    assert "logprobs" in relay("chat", thinking).dropped


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"reasoning_effort": "high"}, {"reasoning": {"effort": "high", "summary": "auto"}}),
        ({"reasoning_effort": "none"}, {"reasoning": {"effort": "none"}}),
        *(({"service_tier": tier}, {"service_tier": tier}) for tier in ("auto", "default", "flex", "priority", "fast")),
        ({"metadata": {"a": "b"}}, {"metadata": {"a": "b"}}),
        ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
        ({"prompt_cache_retention": "24h"}, {"prompt_cache_retention": "24h"}),
        ({"prompt_cache_options": {"ttl": "12h"}}, {"prompt_cache_options": {"ttl": "12h"}}),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **MARK}]}]},
            {"input": [{**message("user"), "content": [{"type": "input_text", "text": "hi", **MARK}]}]},
        ),
    ],
)
def test_members_of_another_name(members: Wire, expected: Wire) -> None:
    """140. Verbosity, reasoning effort, service tier, metadata and the members about prompt caching have their places
    in the other shape, and nothing of them is lost.
    """
    assert chat(model=MARKABLE, **members) == {**chat(model=MARKABLE), **expected}
    made = relay("chat", members, MARKABLE)
    assert (made.dropped, made.coerced) == ((), ())


def test_custom_tools() -> None:
    """141. A custom tool with a grammar is flattened on its way to the upstream, and so is its call in the history; the
    call that comes back is nested again.
    """
    call = {"id": "call_1", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = chat(HI, turn, {"role": "tool", "tool_call_id": "call_1", "content": "ok"}, tools=[PATCH])
    grammar = {"type": "grammar", **GRAMMAR}
    assert body["tools"] == [{"type": "custom", "name": "patch", "description": "Edits.", "format": grammar}]
    native = {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "*** Begin"}
    assert body["input"][1:] == [native, {"type": "custom_tool_call_output", "call_id": "call_1", "output": "ok"}]
    back = streamed(relay("chat", {"tools": [PATCH], "stream": True}), [stream_of(completed(native))])
    assert b'"custom":{"name":"patch","input":' in back
    assert b"*** Begin" in back


@pytest.mark.parametrize("member", ["max_tokens", "max_completion_tokens"])
def test_least_output(member: str) -> None:
    """142. An output limit below 16, which the upstream would refuse, becomes 16, and the change is reported."""
    assert (chat(**{member: 5})["max_output_tokens"], relay("chat", {member: 5}).coerced) == (16, (f"{member}=5>16",))
    assert (chat(**{member: 16})["max_output_tokens"], relay("chat", {member: 16}).coerced) == (16, ())
    assert "max_output_tokens" not in chat()


PDF = "data:application/pdf;base64,JVBERi0="


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}},
            {"type": "input_image", "detail": "auto", "image_url": "https://a.test/b.png"},
        ),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "high"}},
            {"type": "input_image", "detail": "high", "image_url": "data:image/png;base64,iVBO"},
        ),
        (
            {"type": "file", "file": {"file_data": PDF, "filename": "b.pdf"}},
            {"type": "input_file", "filename": "b.pdf", "file_data": PDF},
        ),
        ({"type": "file", "file": {"file_id": "file_1"}}, {"type": "input_file", "file_id": "file_1"}),
    ],
)
def test_parts(part: Wire, expected: Wire) -> None:
    """143. An image has the detail auto unless the client says another, files go by their data or their id, and
    recorded sound is refused.
    """
    assert chat({"role": "user", "content": [part]})["input"][0]["content"] == [expected]
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    error = refused("chat", messages=[{"role": "user", "content": [part, sound]}])
    assert error["param"] == "messages[0].content[1]"
