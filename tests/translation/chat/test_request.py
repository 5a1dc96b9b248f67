"""Every top-level member of a request on its way to chat: mapped, changed, dropped with a report, or refused."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.grammar.chat import check_request
from tests.translation.relaying import MINIMAL, sent, translation
from translation.failures import RequestRefused

BODIES: dict[str, dict[str, Any]] = {
    "messages": {
        "model": "upstream-model",
        "messages": [{"role": "user", "content": "hi"}],
        "max_completion_tokens": 100,
    },
    "responses": {"model": "upstream-model", "messages": [{"role": "user", "content": "hi"}]},
}
"""What the smallest requests become."""

ADD = {"name": "add", "input_schema": {"type": "object", "properties": {}}}
ADD_SENT = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
ADD_FUNCTION = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "integer"}}}


def translated(
    client: str, fields: dict[str, Any], model: str = "upstream-model"
) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Return the body that the smallest request with these fields becomes, what was dropped and what was changed."""
    wire = {**MINIMAL[client], **fields}
    relay = translation(client, wire, model)
    body = sent(client, wire, model)
    check_request(body)
    return body, relay.dropped, relay.coerced


MESSAGES_MAPPED = [
    ({}, {}),
    ({"max_tokens": 7}, {"max_completion_tokens": 7}),
    ({"stop_sequences": ["END"]}, {"stop": ["END"]}),
    ({"stop_sequences": []}, {}),
    ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
    ({"stream": False}, {}),
    ({"temperature": 0}, {"temperature": 0}),
    ({"temperature": 0.7, "top_p": 0.9}, {"temperature": 0.7, "top_p": 0.9}),
    ({"metadata": {"user_id": "user-1"}}, {"safety_identifier": "user-1", "prompt_cache_key": "user-1"}),
    ({"service_tier": "auto"}, {"service_tier": "auto"}),
    ({"service_tier": "standard_only"}, {"service_tier": "default"}),
    ({"speed": "standard"}, {}),
    ({"tools": []}, {}),
    ({"tools": [ADD]}, {"tools": [ADD_SENT]}),
    ({"tools": [ADD], "tool_choice": {"type": "auto"}}, {"tools": [ADD_SENT], "tool_choice": "auto"}),
    ({"tools": [ADD], "tool_choice": {"type": "any"}}, {"tools": [ADD_SENT], "tool_choice": "required"}),
    ({"tools": [ADD], "tool_choice": {"type": "none"}}, {"tools": [ADD_SENT], "tool_choice": "none"}),
    (
        {"tools": [ADD], "tool_choice": {"type": "tool", "name": "add"}},
        {"tools": [ADD_SENT], "tool_choice": {"type": "function", "function": {"name": "add"}}},
    ),
    (
        {"tools": [ADD], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"tools": [ADD_SENT], "tool_choice": "auto", "parallel_tool_calls": False},
    ),
    ({"tool_choice": {"type": "auto"}}, {}),
    ({"output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
    ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}),
    ({"thinking": {"type": "adaptive"}}, {}),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"reasoning_effort": "low"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"reasoning_effort": "low"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 2049}}, {"reasoning_effort": "medium"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 8192}}, {"reasoning_effort": "medium"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 24576}}, {"reasoning_effort": "high"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 24577}}, {"reasoning_effort": "xhigh"}),
    ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, {"reasoning_effort": "high"}),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "output", "schema": CLOSED, "strict": True},
            }
        },
    ),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": OPEN}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "output", "schema": OPEN, "strict": False},
            }
        },
    ),
]

RESPONSES_MAPPED = [
    ({}, {}),
    ({"max_output_tokens": 50}, {"max_completion_tokens": 50}),
    ({"temperature": 1.5, "top_p": 1}, {"temperature": 1.5, "top_p": 1}),
    ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
    ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    ({"include": ["reasoning.encrypted_content"]}, {}),
    ({"reasoning": {"effort": "medium"}}, {"reasoning_effort": "medium"}),
    ({"text": {"verbosity": "low"}}, {"verbosity": "low"}),
    ({"text": {"format": {"type": "text"}}}, {}),
    ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
    (
        {"text": {"format": {"type": "json_schema", "name": "n", "description": "d", "schema": OPEN, "strict": True}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "description": "d", "schema": OPEN, "strict": True},
            }
        },
    ),
    ({"tools": [ADD_FUNCTION]}, {"tools": [ADD_SENT]}),
    ({"tools": [ADD_FUNCTION], "tool_choice": "none"}, {"tools": [ADD_SENT], "tool_choice": "none"}),
    (
        {"tools": [ADD_FUNCTION], "tool_choice": {"type": "function", "name": "add"}},
        {"tools": [ADD_SENT], "tool_choice": {"type": "function", "function": {"name": "add"}}},
    ),
    (
        {"tools": [ADD_FUNCTION], "parallel_tool_calls": False},
        {"tools": [ADD_SENT], "parallel_tool_calls": False},
    ),
    ({"parallel_tool_calls": False}, {}),
    ({"metadata": {"team": "a"}}, {"metadata": {"team": "a"}}),
    ({"metadata": {}}, {}),
    ({"user": "u", "safety_identifier": "s"}, {"user": "u", "safety_identifier": "s"}),
    ({"prompt_cache_key": "k"}, {"prompt_cache_key": "k"}),
    ({"prompt_cache_options": {"mode": "explicit"}}, {"prompt_cache_options": {"mode": "explicit"}}),
    ({"prompt_cache_retention": "24h"}, {"prompt_cache_retention": "24h"}),
    (
        {"moderation": {"model": "m", "policy": {"input": {"mode": "block"}}}},
        {"moderation": {"model": "m", "policy": {"input": {"mode": "block"}}}},
    ),
    (
        {"stream": True, "stream_options": {"include_obfuscation": False}},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    ),
    ({"service_tier": "flex"}, {"service_tier": "flex"}),
    ({"store": True}, {}),
    ({"store": False}, {}),
    ({"background": False}, {}),
    ({"truncation": "disabled"}, {}),
    ({"access_programs": {"preview": "standard"}}, {}),
    ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
    ({"previous_response_id": None, "conversation": None, "prompt": None}, {}),
]

MAPPED = [
    *[("messages", fields, members) for fields, members in MESSAGES_MAPPED],
    *[("responses", fields, members) for fields, members in RESPONSES_MAPPED],
]


@pytest.mark.parametrize(("client", "fields", "members"), MAPPED)
def test_member_is_mapped_without_a_loss(client: str, fields: dict[str, Any], members: dict[str, Any]) -> None:
    """The body is the smallest one and the twin of the member; nothing is reported, since nothing is lost."""
    assert translated(client, fields) == ({**BODIES[client], **members}, (), ())


DROPPED = [
    ("messages", {"top_k": 5}, {}, "top_k"),
    ("messages", {"speed": "fast"}, {}, "speed"),
    ("messages", {"cache_control": {"type": "ephemeral"}}, {}, "cache_control"),
    ("messages", {"container": "c"}, {}, "container"),
    ("messages", {"context_management": {"edits": []}}, {}, "context_management"),
    ("messages", {"context_management": {"edits": [{"type": "compact_20260112"}]}}, {}, "context_management"),
    ("messages", {"diagnostics": {"x": 1}}, {}, "diagnostics"),
    ("messages", {"fallbacks": [{"model": "m"}]}, {}, "fallbacks"),
    ("messages", {"output_config": {"task_budget": {"tokens": 1}}}, {}, "output_config.task_budget"),
    ("messages", {"no_such_field": 1}, {}, "unknown:no_such_field"),
    ("messages", {"stop_sequences": list("abcdef")}, {"stop": list("abcd")}, "stop_sequences[4:]"),
    ("responses", {"max_tool_calls": 3}, {}, "max_tool_calls"),
    ("responses", {"truncation": "auto"}, {}, "truncation"),
    ("responses", {"context_management": [{"type": "compaction"}]}, {}, "context_management"),
    ("responses", {"reasoning": {"mode": "pro"}}, {}, "reasoning.mode"),
    ("responses", {"reasoning": {"context": "auto"}}, {}, "reasoning.context"),
    ("responses", {"include": ["file_search_call.results"]}, {}, "include[0]"),
    ("responses", {"no_such_field": 1}, {}, "unknown:no_such_field"),
]


@pytest.mark.parametrize(("client", "fields", "members", "path"), DROPPED)
def test_member_without_a_twin_is_dropped_and_reported(
    client: str, fields: dict[str, Any], members: dict[str, Any], path: str
) -> None:
    """What chat has no place for does not reach the upstream, and the report names it by the client's own path."""
    assert translated(client, fields) == ({**BODIES[client], **members}, (path,), ())


BY_MODEL = [
    ("messages", "o3", {"temperature": 1, "top_p": 1}, {}, ("temperature", "top_p"), ()),
    ("messages", "o3", {"stop_sequences": ["END"]}, {}, ("stop_sequences",), ()),
    ("messages", "gpt-4o", {"thinking": {"type": "enabled", "budget_tokens": 9}}, {}, ("thinking",), ()),
    ("messages", "gpt-4o", {"thinking": {"type": "disabled"}}, {}, (), ()),
    ("messages", "gpt-4o", {"output_config": {"effort": "low"}}, {}, ("output_config.effort",), ()),
    (
        "messages",
        "o3",
        {"output_config": {"effort": "max"}},
        {"reasoning_effort": "high"},
        (),
        ("output_config.effort=max>high",),
    ),
    ("messages", "o3", {"thinking": {"type": "disabled"}}, {"reasoning_effort": "low"}, (), ("thinking=none>low",)),
    (
        "messages",
        "o3",
        {"thinking": {"type": "between_tools"}},
        {"reasoning_effort": "low"},
        (),
        ("thinking=between_tools>low",),
    ),
    ("responses", "o3", {"top_logprobs": 2}, {}, ("top_logprobs",), ()),
    (
        "responses",
        "gpt-5.1",
        {"reasoning": {"effort": "minimal"}},
        {"reasoning_effort": "none"},
        (),
        ("reasoning.effort=minimal>none",),
    ),
    ("responses", "upstream-model", {"reasoning": {"summary": "auto"}}, {}, ("reasoning.summary",), ()),
    (
        "responses",
        "upstream-model",
        {"service_tier": "ultrafast"},
        {"service_tier": "fast"},
        (),
        ("service_tier=ultrafast>fast",),
    ),
]


@pytest.mark.parametrize(("client", "model", "fields", "members", "dropped", "coerced"), BY_MODEL)
def test_member_that_the_model_does_not_take_is_left_out_or_changed(
    client: str,
    model: str,
    fields: dict[str, Any],
    members: dict[str, Any],
    dropped: tuple[str, ...],
    coerced: tuple[str, ...],
) -> None:
    """What the upstream's model would refuse is not sent, or sent as it takes it; both are reported."""
    body = {**BODIES[client], "model": model, **members}
    assert translated(client, fields, model) == (body, dropped, coerced)


TOOLS = {"tools": [ADD]}
BESIDE_TOOLS = [
    ("gpt-5.4", {}, {"reasoning_effort": "none"}, (), ()),
    ("gpt-5.6-sol", {}, {"reasoning_effort": "none"}, (), ()),
    ("gpt-5.6-sol", {"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"}, (), ()),
    (
        "gpt-5.6-sol",
        {"output_config": {"effort": "high"}},
        {"reasoning_effort": "none"},
        (),
        ("output_config.effort=high>none",),
    ),
    ("gpt-5.6-sol", {"temperature": 1}, {"reasoning_effort": "none", "temperature": 1}, (), ()),
    ("gpt-6.1-sol", {}, {}, (), ()),
    ("gpt-6.1-sol", {"output_config": {"effort": "high"}}, {}, ("output_config.effort",), ()),
    ("gpt-5.2", {"output_config": {"effort": "high"}}, {"reasoning_effort": "high"}, (), ()),
]


@pytest.mark.parametrize(("model", "fields", "members", "dropped", "coerced"), BESIDE_TOOLS)
def test_model_that_takes_no_tools_while_it_reasons_is_told_not_to(
    model: str, fields: dict[str, Any], members: dict[str, Any], dropped: tuple[str, ...], coerced: tuple[str, ...]
) -> None:
    """Such a model gets the effort none beside tools, or no word of it; an effort that the client asked for is told."""
    body = {**BODIES["messages"], "tools": [ADD_SENT], "model": model, **members}
    assert translated("messages", {**TOOLS, **fields}, model) == (body, dropped, coerced)


EFFORTS_OF_MODELS = [
    ("gpt-5.6-sol", "max", "xhigh"),
    ("gpt-5.5", "max", "xhigh"),
    ("gpt-6.1-sol", "max", "xhigh"),
    ("gpt-5.6-sol", "high", "high"),
    ("grok-4.3", "xhigh", "high"),
]


@pytest.mark.parametrize(("model", "asked", "given"), EFFORTS_OF_MODELS)
def test_effort_is_one_that_this_wire_has(model: str, asked: str, given: str) -> None:
    """An effort that the model takes on another wire only becomes the next lower one, with a report."""
    body, dropped, coerced = translated("messages", {"output_config": {"effort": asked}}, model)
    assert body["reasoning_effort"] == given
    assert (dropped, coerced) == ((), () if given == asked else (f"output_config.effort={asked}>{given}",))


SAMPLING_BESIDE_EFFORT = [
    ("gpt-5.1", {}, True),
    ("gpt-5.1", {"thinking": {"type": "disabled"}}, True),
    ("gpt-5.1", {"output_config": {"effort": "low"}}, False),
    ("gpt-5.6-sol", {"thinking": {"type": "disabled"}}, True),
    ("gpt-5.6-sol", {}, False),
    ("claude-opus-4-7", {}, False),
    ("claude-opus-4-7", {"output_config": {"effort": "low"}}, False),
    ("claude-opus-4-7", {"thinking": {"type": "disabled"}}, False),
    ("upstream-model", {"output_config": {"effort": "low"}}, True),
]


@pytest.mark.parametrize(("model", "fields", "taken"), SAMPLING_BESIDE_EFFORT)
def test_sampling_is_sent_to_models_that_take_it_now(model: str, fields: dict[str, Any], taken: bool) -> None:
    """Some models refuse temperature while they reason, some always: it is dropped and reported for these."""
    body, dropped, _ = translated("messages", {"temperature": 0.5, **fields}, model)
    assert ("temperature" in body, dropped) == ((True, ()) if taken else (False, ("temperature",)))


SEARCH = {
    "type": "web_search_20250305",
    "name": "web_search",
    "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"},
}
SEARCH_SENT = {
    "web_search_options": {
        "user_location": {"type": "approximate", "approximate": {"city": "Oslo", "country": "NO"}},
    }
}


@pytest.mark.parametrize(
    ("client", "tool", "members", "dropped"),
    [
        ("messages", SEARCH, SEARCH_SENT, ()),
        ("messages", {"type": "web_search_20250305", "name": "web_search"}, {"web_search_options": {}}, ()),
        (
            "messages",
            {**SEARCH, "max_uses": 3, "allowed_domains": ["a.example"]},
            SEARCH_SENT,
            ("tools[0].allowed_domains", "tools[0].max_uses"),
        ),
        (
            "responses",
            {"type": "web_search", "search_context_size": "low"},
            {"web_search_options": {"search_context_size": "low"}},
            (),
        ),
    ],
)
def test_search_is_asked_for_by_its_member(
    client: str, tool: dict[str, Any], members: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    """A model that searches by itself is asked to with the wire's own member, as far as that can say what is wanted."""
    body, told, _ = translated(client, {"tools": [tool]}, "gpt-4o-search-preview")
    assert (body, told) == ({**BODIES[client], "model": "gpt-4o-search-preview", **members}, dropped)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "web_search"}])
def test_search_cannot_be_forced(choice: dict[str, Any]) -> None:
    """A client that counts on a search gets a refusal: no choice of this wire forces one."""
    with pytest.raises(RequestRefused):
        translated("messages", {"tools": [SEARCH], "tool_choice": choice}, "gpt-4o-search-preview")


@pytest.mark.parametrize("user_id", ["someone@example.test", "x" * 65, "user_" + "0" * 200])
def test_end_user_who_does_not_fit_or_has_a_mail_address_is_hashed(user_id: str) -> None:
    """The upstream can tell users apart, and learns no mail address; the identifier holds 64 characters."""
    body, _, _ = translated("messages", {"metadata": {"user_id": user_id}})
    assert body["safety_identifier"] == body["prompt_cache_key"] == hashlib.sha256(user_id.encode()).hexdigest()


REFUSED = [
    ("messages", {"max_tokens": None}, "max_tokens"),
    ("messages", {"max_tokens": 0}, "max_tokens"),
    ("messages", {"inference_geo": "eu"}, "inference_geo"),
    ("messages", {"container": {"skills": ["s"]}}, "container.skills"),
    ("messages", {"mcp_servers": [{"url": "u"}]}, "mcp_servers"),
    ("messages", {"compaction": {"type": "auto"}}, "compaction"),
    ("messages", {"billing_policy": {"bill_to": "parent"}}, "billing_policy.bill_to"),
    ("messages", {"thread": {"type": "create"}}, "thread"),
    ("messages", {"temperature": "hot"}, "temperature"),
    ("messages", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
    ("responses", {"background": True}, "background"),
    ("responses", {"conversation": "conv_1"}, "conversation"),
    ("responses", {"prompt": {"id": "p"}}, "prompt"),
    ("responses", {"previous_response_id": "resp_1"}, "previous_response_id"),
    ("responses", {"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options.prewarm"),
    ("responses", {"access_programs": {"cyber": "trusted"}}, "access_programs.cyber"),
    ("responses", {"input": [{"type": "image_of_tomorrow"}]}, "input[0]"),
    ("responses", {"tools": [{"type": "file_search"}]}, "tools[0]"),
    ("responses", {"tools": [{"type": "mcp"}, ADD_FUNCTION], "tool_choice": {"type": "mcp"}}, "tools[0]"),
]


@pytest.mark.parametrize(("client", "fields", "param"), REFUSED)
def test_member_whose_loss_would_break_a_promise_is_refused(client: str, fields: dict[str, Any], param: str) -> None:
    """What cannot be lost in silence is a 400 that names the member, before anything is sent."""
    with pytest.raises(RequestRefused) as caught:
        translated(client, fields)
    assert (caught.value.failure.status, caught.value.failure.param) == (400, param)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        (OPEN, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "required": None}, False),
        ({**CLOSED, "additionalProperties": True}, False),
        ({"type": "object", "additionalProperties": False}, True),
        ({"type": "object"}, False),
        ({"type": "array", "items": CLOSED}, True),
        ({"type": "array", "items": OPEN}, False),
        ({"anyOf": [CLOSED, OPEN]}, False),
        ({"$defs": {"x": OPEN}, "$ref": "#/$defs/x"}, False),
        ({"$defs": {"x": CLOSED}, "$ref": "#/$defs/x"}, True),
        ({**CLOSED, "properties": {"a": OPEN}}, False),
        ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, False),
        ({"type": "string"}, True),
    ],
)
def test_schema_is_strict_if_every_object_is_closed(schema: dict[str, Any], strict: bool) -> None:
    """A schema is sent as strict only if every object in it requires all its members and allows no others."""
    body, _, _ = translated("messages", {"output_config": {"format": {"type": "json_schema", "schema": schema}}})
    assert body["response_format"]["json_schema"]["strict"] is strict
