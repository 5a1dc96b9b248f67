"""Top-level fields of a Messages request: each is read, dropped with a report, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from translation.failures import RequestRefused
from translation.hub import OutputFormat, Request, Thinking
from translation.ledger import Ledger
from translation.shapes.messages.request import decode_request, refuse_removed_sampling

MINIMAL: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def decoded(**fields: Any) -> tuple[Request, Ledger]:
    """Decode the smallest request with these fields added."""
    ledger = Ledger()
    return decode_request(MINIMAL | fields, ledger), ledger


def refusal(**fields: Any) -> RequestRefused:
    """Return why the smallest request with these fields added is refused."""
    with pytest.raises(RequestRefused) as caught:
        decoded(**fields)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "member", "value"),
    [
        ({}, "origin", "messages"),
        ({}, "model", "claude-sonnet-5"),
        ({}, "max_tokens", 100),
        ({}, "stream", False),
        ({}, "wants_reasoning_state", True),
        ({"max_tokens": 32000.0}, "max_tokens", 32000),
        ({"stream": True}, "stream", True),
        ({"temperature": 0}, "temperature", 0),
        ({"temperature": 0.5}, "temperature", 0.5),
        ({"top_p": 0.9}, "top_p", 0.9),
        ({"top_k": 40}, "top_k", 40),
        ({"stop_sequences": ["END", "\n\n"]}, "stop", ("END", "\n\n")),
        ({"metadata": {"user_id": "u-1"}}, "user_id", "u-1"),
        ({"service_tier": "auto"}, "service_tier", "auto"),
        ({"service_tier": "standard_only"}, "service_tier", "default"),
        ({"output_config": {"effort": "xhigh"}}, "effort", "xhigh"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "thinking", Thinking(mode="enabled", budget=2048)),
        (
            {"thinking": {"type": "adaptive", "display": "omitted"}},
            "thinking",
            Thinking(mode="adaptive", display="omitted"),
        ),
        ({"thinking": {"type": "between_tools"}}, "thinking", Thinking(mode="between_tools")),
        ({"thinking": {"type": "disabled"}}, "thinking", Thinking(mode="disabled")),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "output_format",
            OutputFormat(schema=SCHEMA),
        ),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, "output_format", OutputFormat(schema=SCHEMA)),
    ],
)
def test_field_is_read(fields: dict[str, Any], member: str, value: object) -> None:
    """A field with a twin in the hub arrives there, and nothing is reported."""
    request, ledger = decoded(**fields)
    assert getattr(request, member) == value
    assert ledger.dropped == ledger.coerced == ()


def test_body_is_kept_as_it_came() -> None:
    """The request carries the client's own body."""
    request, _ = decoded()
    assert request.echo == MINIMAL


@pytest.mark.parametrize(
    ("fields", "report"),
    [
        ({"cache_control": {"type": "ephemeral"}}, "cache_control"),
        ({"container": "container_1"}, "container"),
        ({"container": {"id": "container_1", "skills": []}}, "container"),
        ({"context_management": {"edits": []}}, "context_management"),
        ({"diagnostics": {"previous_message_id": "msg_1"}}, "diagnostics"),
        ({"fallbacks": [{"model": "x"}]}, "fallbacks"),
        ({"fallback_credit_token": "t"}, "fallback_credit_token"),
        ({"output_config": {"task_budget": {"tokens": 1}}}, "output_config.task_budget"),
        ({"speed": "fast"}, "speed"),
        ({"new_field": 1}, "unknown:new_field"),
        ({"metadata": {"session": "s"}}, "unknown:metadata.session"),
        ({"output_config": {"tone": "dry"}}, "unknown:output_config.tone"),
        ({"thinking": {"type": "adaptive", "depth": 3}}, "unknown:thinking.depth"),
        ({"tool_choice": {"type": "auto", "reason": "x"}}, "unknown:tool_choice.reason"),
    ],
)
def test_field_is_dropped_with_a_report(fields: dict[str, Any], report: str) -> None:
    """A field that has no twin and may be lost is named in the ledger, and so is a field that no table knows."""
    _, ledger = decoded(**fields)
    assert ledger.dropped == (report,)


@pytest.mark.parametrize(
    "fields",
    [
        {"speed": "standard"},
        {"billing_policy": {"type": "billing_policy", "bill_to": "self"}},
        {"mcp_servers": []},
        {"inference_geo": None},
        {"thread": None},
        {"new_field": None},
        {"cache_control": None},
    ],
)
def test_field_that_says_nothing_is_not_reported(fields: dict[str, Any]) -> None:
    """A null, an empty list or a default asks for nothing, so nothing is lost."""
    _, ledger = decoded(**fields)
    assert ledger.dropped == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"container": {"skills": [{"skill_id": "pdf"}]}}, "container.skills"),
        ({"mcp_servers": {"name": "m"}}, "mcp_servers"),
        ({"compaction": {"type": "auto"}}, "compaction"),
        ({"billing_policy": {"bill_to": "user_profile"}}, "billing_policy.bill_to"),
        ({"thread": {"type": "create"}}, "thread"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"model": 3}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_k": 1.5}, "top_k"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"stop_sequences": ["END", 3]}, "stop_sequences[1]"),
        ({"metadata": "u"}, "metadata"),
        ({"metadata": {"user_id": 3}}, "metadata.user_id"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"speed": "slow"}, "speed"),
        ({"output_config": []}, "output_config"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"output_format": {"schema": {}}}, "output_format.type"),
        ({"thinking": "on"}, "thinking"),
        ({"thinking": {"budget_tokens": 1024}}, "thinking.type"),
        ({"thinking": {"type": "deep"}}, "thinking.type"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "adaptive", "display": "all"}}, "thinking.display"),
        ({"system": 3}, "system"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {"role": "user"}}, "messages"),
        ({"tools": {}}, "tools"),
    ],
)
def test_field_is_refused_by_its_path(fields: dict[str, Any], param: str) -> None:
    """What cannot be read, or whose loss would break a promise, is a 400 that names the field."""
    failure = refusal(**fields).failure
    assert (failure.status, failure.param) == (400, param)
    assert failure.message


@pytest.mark.parametrize("field", ["model", "max_tokens", "messages"])
def test_required_field_is_missed(field: str) -> None:
    """A body without a required field is refused by its name."""
    body = {key: value for key, value in MINIMAL.items() if key != field}
    with pytest.raises(RequestRefused) as caught:
        decode_request(body, Ledger())
    assert caught.value.failure.param == field


def test_thread_is_refused_with_the_word_that_tool_runners_know() -> None:
    """The vendor's tool runners replay the whole history by themselves when they read this error code."""
    assert refusal(thread={"type": "continue", "thread_id": "t"}).failure.details == "thread_unsupported_request"


@pytest.mark.parametrize("field", ["temperature", "top_p", "top_k"])
def test_removed_sampling_is_refused_in_the_vendors_words(field: str) -> None:
    """From version 2026-10-21 on a sampling field is an extra input, even at its default."""
    with pytest.raises(RequestRefused) as caught:
        refuse_removed_sampling({field: 1}, "2026-10-21")
    assert str(caught.value) == f"{field}: Extra inputs are not permitted"
    assert caught.value.failure.param == field


@pytest.mark.parametrize("version", ["2023-06-01", ""])
def test_older_version_takes_sampling(version: str) -> None:
    """Before that version, and without the header, sampling fields are taken."""
    refuse_removed_sampling({"temperature": 1, "top_p": 1, "top_k": 1}, version)


def test_newer_version_without_sampling_is_taken() -> None:
    """The version alone refuses nothing."""
    refuse_removed_sampling(MINIMAL, "2026-10-21")
