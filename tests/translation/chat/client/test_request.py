"""Requests of chat clients: each top-level member and its fate."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from tests.translation.chat.client.conversing import decoded
from translation.failures import RequestRefused
from translation.hub import OutputFormat, Request, Thinking
from translation.ledger import Ledger
from translation.profiles import EFFORTS
from translation.shapes.chat.client.request import MEMBERS, decode_request


def test_every_member_of_the_official_client_has_its_fate() -> None:
    """No member that the client's types know is unknown here, and none is made up but the extensions of vendors."""
    official = {*get_type_hints(CompletionCreateParamsStreaming), *get_type_hints(CompletionCreateParamsNonStreaming)}
    assert set(MEMBERS) - official == {"thinking", "reasoning", "top_k"}
    assert official - set(MEMBERS) == set()
    assert len(official) == 37


@pytest.mark.parametrize(
    ("members", "field", "expected"),
    [
        ({"stream": True}, "stream", True),
        ({"stream": True, "stream_options": {"include_usage": True}}, "include_usage", True),
        ({"stream_options": None}, "include_usage", False),
        ({"max_tokens": 5}, "max_tokens", 5),
        ({"max_completion_tokens": 7}, "max_tokens", 7),
        ({"temperature": 1.6}, "temperature", 1.6),
        ({"top_p": 1}, "top_p", 1),
        ({"top_k": 40}, "top_k", 40),
        ({"stop": "END"}, "stop", ("END",)),
        ({"stop": ["a", "\n"]}, "stop", ("a", "\n")),
        ({"stop": None}, "stop", ()),
        ({"n": 1}, "max_tokens", None),
        ({"logprobs": True, "top_logprobs": 3}, "top_logprobs", 3),
        ({"logprobs": True}, "logprobs", True),
        ({"top_logprobs": 3}, "top_logprobs", None),
        ({"modalities": ["text"]}, "stream", False),
        ({"reasoning_effort": "minimal"}, "effort", "minimal"),
        ({"reasoning": {"effort": "low"}}, "effort", "low"),
        ({"reasoning_effort": "high", "reasoning": {"effort": "low"}}, "effort", "high"),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}, "effort", "high"),
        ({"reasoning": {"max_tokens": 2000}}, "thinking", Thinking(mode="enabled", budget=2000)),
        (
            {"reasoning": {"max_tokens": 2000, "exclude": True}},
            "thinking",
            Thinking(mode="enabled", budget=2000, display="omitted"),
        ),
        (
            {"reasoning": {"effort": "low", "exclude": True}},
            "thinking",
            Thinking(mode="adaptive", display="omitted"),
        ),
        (
            {"reasoning_effort": "low", "reasoning": {"exclude": True}},
            "thinking",
            Thinking(mode="adaptive", display="omitted"),
        ),
        ({"reasoning": {"exclude": True}}, "thinking", None),
        ({"reasoning": {"effort": "none", "exclude": True}}, "thinking", None),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 4096}},
            "thinking",
            Thinking(mode="enabled", budget=4096),
        ),
        ({"thinking": {"type": "disabled"}}, "thinking", Thinking(mode="disabled")),
        ({"verbosity": "low"}, "verbosity", "low"),
        ({"metadata": {"a": "b"}}, "metadata", {"a": "b"}),
        ({"user": "u@example.org"}, "user", "u@example.org"),
        ({"safety_identifier": "s"}, "safety_identifier", "s"),
        ({"prompt_cache_key": "k"}, "prompt_cache_key", "k"),
        ({"prompt_cache_options": {"mode": "explicit"}}, "prompt_cache_options", {"mode": "explicit"}),
        ({"prompt_cache_retention": "24h"}, "prompt_cache_retention", "24h"),
        ({"moderation": {"model": "m"}}, "moderation", {"model": "m"}),
        ({"stream_options": {"include_obfuscation": True}}, "include_obfuscation", True),
        ({"stream_options": {"include_obfuscation": False}}, "include_obfuscation", False),
        ({"stream_options": {}}, "include_obfuscation", None),
        ({"service_tier": "flex"}, "service_tier", "flex"),
        ({"store": True}, "store", True),
        ({"store": False}, "store", False),
        ({}, "store", None),
        ({"parallel_tool_calls": False}, "parallel_tool_calls", False),
        ({"functions": [{"name": "f"}], "parallel_tool_calls": True}, "parallel_tool_calls", False),
        ({"response_format": {"type": "text"}}, "output_format", None),
        ({"response_format": {"type": "json_object"}}, "output_format", OutputFormat()),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}},
            "output_format",
            OutputFormat(schema={"type": "object"}, name="n", strict=False),
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "description": "d", "schema": {}, "strict": True},
                }
            },
            "output_format",
            OutputFormat(schema={}, name="n", description="d", strict=True),
        ),
        ({}, "wants_reasoning_state", True),
    ],
)
def test_member_is_read(members: dict[str, Any], field: str, expected: object) -> None:
    """What another shape can say is in the neutral request, and nothing of it is reported."""
    ledger = Ledger()
    assert getattr(decoded(ledger, **members), field) == expected
    assert (ledger.dropped, ledger.coerced) == ((), ())


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"seed": 0}, "seed"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"prediction": {"type": "content", "content": "a"}}, "prediction"),
        ({"stream_options": {"chunky": True}}, "unknown:stream_options.chunky"),
        ({"max_tokens": 5, "max_completion_tokens": 7}, "max_tokens"),
        ({"min_p": 0.1}, "unknown:min_p"),
        ({"thinking": {"type": "auto"}}, "unknown:thinking"),
        ({"thinking": True}, "unknown:thinking"),
        ({"reasoning": {"enabled": True}}, "unknown:reasoning.enabled"),
        ({"response_format": {"type": "text", "style": "x"}}, "unknown:response_format.style"),
    ],
)
def test_member_without_a_twin_is_reported(members: dict[str, Any], path: str) -> None:
    """What no other shape has a place for is left out, and the report names it."""
    ledger = Ledger()
    decoded(ledger, **members)
    assert ledger.dropped == (path,)


@pytest.mark.parametrize("member", sorted(set(MEMBERS) - {"model", "messages"}))
def test_null_is_as_good_as_absent(member: str) -> None:
    """A member that is null says nothing: it is neither refused nor reported."""
    ledger = Ledger()
    asked = decoded(ledger, **{member: None})
    assert without_echo(asked) == without_echo(decoded())
    assert ledger.dropped == ()


def without_echo(request: Request) -> list[object]:
    """Return the fields of a request but the body that it was read from."""
    return [getattr(request, name) for name in request.__struct_fields__ if name != "echo"]


def test_newer_output_limit_wins() -> None:
    """`max_completion_tokens` wins over the deprecated `max_tokens`, wherever they stand."""
    assert decoded(max_tokens=5, max_completion_tokens=7).max_tokens == 7
    assert decoded(max_completion_tokens=7, max_tokens=5).max_tokens == 7


def test_thinking_without_a_budget_is_adaptive() -> None:
    """Some vendors ask for thoughts without saying how many; the report says how that was read."""
    ledger = Ledger()
    assert decoded(ledger, thinking={"type": "enabled"}).thinking == Thinking(mode="adaptive")
    assert ledger.coerced == ("thinking.type=enabled>adaptive",)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, None),
        ({"reasoning_effort": "low"}, "auto"),
        ({"thinking": {"type": "disabled"}}, None),
        ({"thinking": {"type": "adaptive"}}, "auto"),
        ({"reasoning": {"effort": "low", "exclude": True}}, None),
    ],
)
def test_whoever_asks_for_thoughts_gets_to_read_them(members: dict[str, Any], expected: str | None) -> None:
    """Readable thoughts are asked for if the model is asked to think, and the client does not exclude them."""
    assert decoded(**members).reasoning_summary == expected


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_effort_is_read(effort: str) -> None:
    """Each effort that some model has reaches the neutral request; what the model can do is judged later."""
    assert decoded(reasoning_effort=effort).effort == effort


@pytest.mark.parametrize(
    ("members", "path", "wording"),
    [
        ({"n": 2}, "n", "one choice only"),
        ({"n": 0}, "n", "Expected a value >= 1"),
        ({"max_tokens": 0}, "max_tokens", "Expected a value >= 1"),
        ({"max_completion_tokens": "5"}, "max_completion_tokens", "expected an integer"),
        ({"audio": {"voice": "alloy"}}, "audio", "sound"),
        ({"modalities": ["text", "audio"]}, "modalities[1]", "sound"),
        ({"modalities": ["smell"]}, "modalities[0]", "Supported values"),
        ({"moderation": "block"}, "moderation", "an object"),
        ({"prompt_cache_options": "24h"}, "prompt_cache_options", "an object"),
        ({"prompt_cache_retention": 24}, "prompt_cache_retention", "a string"),
        ({"stream_options": {"include_obfuscation": 1}}, "stream_options.include_obfuscation", "a boolean"),
        ({"stop": 5}, "stop", "a string or an array"),
        ({"stop": ["a", 5]}, "stop[1]", "a string"),
        ({"temperature": "hot"}, "temperature", "a number"),
        ({"stream": "yes"}, "stream", "a boolean"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "a boolean"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort", "Supported values"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort", "a string"),
        ({"reasoning": {"exclude": "yes"}}, "reasoning.exclude", "a boolean"),
        ({"thinking": {"type": "enabled", "budget_tokens": "9"}}, "thinking.budget_tokens", "an integer"),
        ({"verbosity": "loud"}, "verbosity", "Supported values"),
        ({"metadata": []}, "metadata", "an object"),
        ({"user": 5}, "user", "a string"),
        ({"response_format": "json"}, "response_format", "an object"),
        ({"response_format": {}}, "response_format.type", "Missing"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "Supported values"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "Missing"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            "response_format.json_schema.schema",
            "Missing",
        ),
        ({"model": None}, "model", "a string"),
    ],
)
def test_what_cannot_be_served_is_refused(members: dict[str, Any], path: str, wording: str) -> None:
    """A value of the wrong type, or a feature whose loss changes the reply, is refused with its path."""
    with pytest.raises(RequestRefused, match=wording) as refused:
        decoded(**members)
    assert refused.value.failure.param == path


def test_body_without_a_model_is_refused() -> None:
    """The model is required."""
    with pytest.raises(RequestRefused, match="Missing required parameter: 'model'"):
        decode_request({"messages": []}, Ledger())


def test_request_is_left_alone() -> None:
    """The body is kept as it came, for replies that depend on it."""
    wire = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 3}
    assert decode_request(wire, Ledger()).echo == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "seed": 3,
    }
