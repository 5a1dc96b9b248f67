"""The top level of a request: which members are read, dropped or refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translation.relaying import translation
from translation.failures import RequestRefused
from translation.hub import OutputFormat, SystemItem, Text, UserItem
from translation.ledger import Ledger
from translation.shapes.responses.request import decode_request

USER_SAYS_HI = {"role": "user", "content": "hi"}
CALCULATOR = {"type": "function", "name": "add", "parameters": {"type": "object"}}


def decoded(**members: Any) -> tuple[Any, Ledger]:
    """Return the neutral request of a body with these members, and its ledger."""
    ledger = Ledger()
    return decode_request({"model": "gpt-5", "input": "hi", **members}, ledger), ledger


@pytest.mark.parametrize(
    ("member", "value", "field", "expected"),
    [
        ("max_output_tokens", 100, "max_tokens", 100),
        ("max_output_tokens", 100.0, "max_tokens", 100),
        ("temperature", 0.5, "temperature", 0.5),
        ("top_p", 1, "top_p", 1),
        ("top_logprobs", 3, "top_logprobs", 3),
        ("top_logprobs", 3, "logprobs", True),
        ("top_logprobs", 0, "logprobs", False),
        ("include", ["message.output_text.logprobs"], "logprobs", True),
        ("include", ["reasoning.encrypted_content"], "wants_reasoning_state", True),
        ("store", False, "wants_reasoning_state", True),
        ("store", True, "wants_reasoning_state", False),
        ("store", False, "store", False),
        ("reasoning", {"effort": "high"}, "effort", "high"),
        ("reasoning", {"summary": "auto"}, "reasoning_summary", "auto"),
        ("reasoning", {"generate_summary": "concise"}, "reasoning_summary", "concise"),
        ("reasoning", None, "effort", None),
        ("text", {"format": {"type": "text"}}, "output_format", None),
        ("text", {"format": {"type": "json_object"}}, "output_format", OutputFormat()),
        (
            "text",
            {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
            "output_format",
            OutputFormat(schema={"type": "object"}, name="n", strict=True),
        ),
        ("text", {"verbosity": "low"}, "verbosity", "low"),
        ("parallel_tool_calls", False, "parallel_tool_calls", False),
        ("metadata", {"a": "b"}, "metadata", {"a": "b"}),
        ("user", "u", "user", "u"),
        ("safety_identifier", "s", "safety_identifier", "s"),
        ("prompt_cache_key", "k", "prompt_cache_key", "k"),
        ("service_tier", "flex", "service_tier", "flex"),
        ("max_tool_calls", 3, "max_tool_calls", 3),
        ("prompt_cache_options", {"mode": "explicit"}, "prompt_cache_options", {"mode": "explicit"}),
        ("prompt_cache_retention", "24h", "prompt_cache_retention", "24h"),
        ("moderation", {"model": "m"}, "moderation", {"model": "m"}),
        (
            "moderation",
            {"model": "m", "policy": {"input": {"mode": "block"}}},
            "moderation",
            {"model": "m", "policy": {"input": {"mode": "block"}}},
        ),
        ("stream_options", {"include_obfuscation": True}, "include_obfuscation", True),
        ("stream_options", {"include_obfuscation": False}, "include_obfuscation", False),
        ("include", ["web_search_call.action.sources"], "wants_search_sources", True),
        ("include", ["web_search_call.results"], "wants_search_sources", True),
        ("include", [], "wants_search_sources", False),
        ("stream", True, "stream", True),
        ("stream", None, "stream", False),
    ],
)
def test_member_is_read_into_its_field(member: str, value: object, field: str, expected: object) -> None:
    """A member that other shapes have arrives in the neutral request, and nothing is reported."""
    request, ledger = decoded(**{member: value})
    assert getattr(request, field) == expected
    assert (ledger.dropped, ledger.coerced) == ((), ())


@pytest.mark.parametrize(
    ("member", "value", "reported"),
    [
        ("context_management", [{"type": "compaction"}], "context_management"),
        ("image", {"context_compression": "auto"}, "image.context_compression"),
        ("image", {"size": 1}, "unknown:image.size"),
        ("text", {"format": {"type": "text", "tone": 1}}, "unknown:text.format.tone"),
        ("client_metadata", {"session": "1"}, "client_metadata"),
        ("truncation", "auto", "truncation"),
        ("reasoning", {"mode": "pro"}, "reasoning.mode"),
        ("reasoning", {"context": "auto"}, "reasoning.context"),
        ("reasoning", {"pace": 1}, "unknown:reasoning.pace"),
        ("text", {"tone": "x"}, "unknown:text.tone"),
        ("include", ["file_search_call.results"], "include[0]"),
        ("stream_options", {"pace": 1}, "unknown:stream_options.pace"),
        ("brand_new", 1, "unknown:brand_new"),
    ],
)
def test_member_without_a_place_elsewhere_is_dropped_and_reported(member: str, value: object, reported: str) -> None:
    """A member that no other shape can say is dropped, and the ledger names its path."""
    _, ledger = decoded(**{member: value})
    assert ledger.dropped == (reported,)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("truncation", "disabled"),
        ("background", False),
        ("background", None),
        ("conversation", None),
        ("prompt", None),
        ("previous_response_id", None),
        ("access_programs", {"cyber": "standard"}),
        ("max_tool_calls", None),
        ("stream_options", {"include_obfuscation": False}),
        ("prompt_cache_options", None),
    ],
)
def test_member_that_asks_for_nothing_is_not_reported(member: str, value: object) -> None:
    """A member that is null, or says what happens anyway, loses nothing and is no loss in the ledger."""
    _, ledger = decoded(**{member: value})
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("member", "value", "param", "code"),
    [
        ("background", True, "background", "unsupported_parameter"),
        ("conversation", "conv_1", "conversation", "unsupported_parameter"),
        ("prompt", {"id": "pmpt_1"}, "prompt", "unsupported_parameter"),
        ("previous_response_id", "resp_1", "previous_response_id", "previous_response_not_found"),
        ("access_programs", {"cyber": "daybreak_red"}, "access_programs.cyber", "unsupported_parameter"),
        (
            "moderation",
            {"model": "m", "policy": {"output": {"mode": "frown"}}},
            "moderation.policy.output.mode",
            "invalid_value",
        ),
        ("stream_options", {"include_obfuscation": "no"}, "stream_options.include_obfuscation", "invalid_type"),
        ("max_tool_calls", "3", "max_tool_calls", "invalid_type"),
        ("prompt_cache_retention", 24, "prompt_cache_retention", "invalid_type"),
        ("prompt_cache_options", {"prewarm": True}, "prompt_cache_options.prewarm", "unsupported_parameter"),
        ("max_output_tokens", 0, "max_output_tokens", "integer_below_min_value"),
        ("truncation", "middle", "truncation", "invalid_value"),
        ("text", {"format": {"type": "yaml"}}, "text.format.type", "invalid_value"),
        ("text", {"format": {"type": "json_schema", "name": "n"}}, "text.format.schema", "missing_required_parameter"),
        ("text", {"verbosity": "loud"}, "text.verbosity", "invalid_value"),
        ("model", 5, "model", "invalid_type"),
        ("input", None, "input", "missing_required_parameter"),
        ("input", 5, "input", "invalid_type"),
        ("input", ["x"], "input[0]", "invalid_type"),
        ("instructions", ["x"], "instructions", "invalid_type"),
        ("max_output_tokens", "9", "max_output_tokens", "invalid_type"),
        ("temperature", True, "temperature", "invalid_type"),
        ("top_logprobs", "3", "top_logprobs", "invalid_type"),
        ("reasoning", "high", "reasoning", "invalid_type"),
        ("reasoning", {"effort": 3}, "reasoning.effort", "invalid_type"),
        ("text", [], "text", "invalid_type"),
        ("include", "x", "include", "invalid_type"),
        ("include", [1], "include[0]", "invalid_type"),
        ("metadata", [], "metadata", "invalid_type"),
        ("tools", {}, "tools", "invalid_type"),
        ("tools", ["add"], "tools[0]", "invalid_type"),
        ("tool_choice", 1, "tool_choice", "invalid_type"),
        ("stream", "yes", "stream", "invalid_type"),
        ("stream_options", 1, "stream_options", "invalid_type"),
        ("moderation", 1, "moderation", "invalid_type"),
        ("access_programs", 1, "access_programs", "invalid_type"),
    ],
)
def test_member_that_cannot_be_served_is_refused_with_its_path(
    member: str, value: object, param: str, code: str
) -> None:
    """What would change the contract, or is malformed, is a refusal that names the member."""
    with pytest.raises(RequestRefused) as refused:
        decoded(**{member: value})
    assert (refused.value.failure.param, refused.value.failure.code) == (param, code)
    assert refused.value.failure.status == 400


@pytest.mark.parametrize(("upstream", "nearest"), [("chat", "fast"), ("messages", "auto")])
def test_service_tier_that_others_do_not_know_becomes_the_nearest(upstream: str, nearest: str) -> None:
    """`ultrafast` becomes the fastest tier of the upstream's wire, and the change is reported once."""
    relay = translation("responses", {"model": "m", "input": "hi", "service_tier": "ultrafast"}, upstream=upstream)
    assert msgspec.json.decode(relay.body)["service_tier"] == nearest
    assert relay.coerced == (f"service_tier=ultrafast>{nearest}",)


def test_missing_model_is_left_to_the_route_table() -> None:
    """A request without a model decodes with an empty name: the default route serves it."""
    assert decode_request({"input": "hi"}, Ledger()).model == ""


def test_string_input_is_one_user_message() -> None:
    """`input` as a string means one message of the user."""
    request, _ = decoded(input="hello")
    assert request.items == (UserItem(parts=(Text(text="hello", at="input"),), at="input"),)


def test_leading_system_and_developer_messages_follow_the_instructions() -> None:
    """The instructions come first, then the leading run of system and developer messages; later ones stay in place."""
    request, _ = decoded(
        instructions="Be kind.",
        input=[
            {"role": "developer", "content": "Be brief."},
            {"role": "system", "content": [{"type": "input_text", "text": "Be exact."}]},
            {"role": "user", "content": "hi"},
            {"role": "developer", "content": "Be slow."},
        ],
    )
    assert [(item.role, item.parts[0].text) for item in request.instructions] == [
        ("system", "Be kind."),
        ("developer", "Be brief."),
        ("system", "Be exact."),
    ]
    assert isinstance(request.items[0], UserItem)
    assert isinstance(request.items[1], SystemItem)
    assert len(request.items) == 2


def test_empty_instructions_are_no_instructions() -> None:
    """An empty string of instructions gives no item."""
    request, _ = decoded(instructions="")
    assert request.instructions == ()


def test_body_is_kept_for_the_reply() -> None:
    """The neutral request keeps the body as it came, which the reply repeats."""
    request, _ = decoded(tools=[CALCULATOR])
    assert request.echo == {"model": "gpt-5", "input": "hi", "tools": [CALCULATOR]}


def test_last_configuration_update_counts_if_the_model_has_not_spoken_since() -> None:
    """A configuration_update item changes effort and format for the coming answer."""
    update = {
        "type": "configuration_update",
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_object"}},
    }
    request, ledger = decoded(reasoning={"effort": "high"}, input=[{"role": "user", "content": "hi"}, update])
    assert (request.effort, request.output_format) == ("low", OutputFormat())
    assert ledger.dropped == ()


def test_configuration_update_may_return_to_plain_text() -> None:
    """An update to plain text takes back the form that the request asks for; what it does not name stays."""
    update = {"type": "configuration_update", "text": {"format": {"type": "text"}}}
    request, _ = decoded(
        reasoning={"effort": "high"}, text={"format": {"type": "json_object"}}, input=[USER_SAYS_HI, update]
    )
    assert (request.effort, request.output_format) == ("high", None)


def test_configuration_update_before_a_model_output_is_dropped() -> None:
    """An update that was for an earlier answer changes nothing, and is reported."""
    update = {"type": "configuration_update", "reasoning": {"effort": "low"}}
    request, ledger = decoded(reasoning={"effort": "high"}, input=[update, {"role": "assistant", "content": "hello"}])
    assert request.effort == "high"
    assert ledger.dropped == ("input[0]",)
