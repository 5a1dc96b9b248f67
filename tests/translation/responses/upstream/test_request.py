"""Requests to responses upstreams, member by member, as clients of the Messages API send them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.grammar.responses_request import check_request
from tests.translation.responses.upstream.asking import asked, translation
from translation.failures import RequestRefused
from translation.hub import OutputFormat, Request, SystemItem, Text, UserItem
from translation.ledger import Ledger
from translation.profiles import Profile, profile_for
from translation.shapes.responses.upstream.request import encode_request

HI = UserItem(parts=(Text(text="hi"),))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def encoded(origin: str = "chat", profile: Profile | None = None, **fields: Any) -> tuple[dict[str, Any], Ledger]:
    """Return the lawful body of a neutral request with these fields, and the ledger."""
    ledger = Ledger()
    fields = {"items": (HI,), "echo": {}, **fields}
    request = Request(origin=origin, model="alias", **fields)
    body = encode_request(request, "up", profile or Profile(), "d", ledger)
    check_request(body)
    return body, ledger


def test_smallest_request() -> None:
    """A request is the model, the input, its limit, and that nothing is stored but the reasoning comes back sealed."""
    body, relay = asked()
    assert body == {
        "model": "m",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "max_output_tokens": 100,
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    assert (relay.dropped, relay.coerced) == ((), ())


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"stream": True}, {"stream": True}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"system": "Be brief."}, {"instructions": "Be brief."}),
        (
            {"system": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
            {"instructions": "One.\n\nTwo."},
        ),
        ({"metadata": {"user_id": "u_1"}}, {"safety_identifier": "u_1", "prompt_cache_key": "u_1"}),
        ({"service_tier": "standard_only"}, {"service_tier": "default"}),
        ({"output_config": {"effort": "high"}}, {"reasoning": {"effort": "high"}}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning": {"summary": "auto"}}),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, {}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 8000}},
            {"reasoning": {"effort": "medium", "summary": "auto"}},
        ),
        ({"thinking": {"type": "disabled"}}, {"reasoning": {"effort": "none"}}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            {"text": {"format": {"type": "json_schema", "name": "output", "schema": SCHEMA, "strict": True}}},
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            {
                "text": {
                    "format": {"type": "json_schema", "name": "output", "schema": {"type": "object"}, "strict": False}
                }
            },
        ),
    ],
)
def test_member_of_a_messages_request(members: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each member has its place, and nothing else changes."""
    body, relay = asked(**members)
    plain, _ = asked()
    assert body == {**plain, **expected}
    assert (relay.dropped, relay.coerced) == ((), ())


@pytest.mark.parametrize("user_id", ["someone@example.com", "x" * 65])
def test_users_that_must_not_be_named_are_hashed(user_id: str) -> None:
    """A mail address, and an id that the field cannot hold, reach the upstream as a hash, always the same."""
    body, _ = asked(metadata={"user_id": user_id})
    assert len(body["safety_identifier"]) == 64
    assert body["safety_identifier"] != user_id
    assert asked(metadata={"user_id": user_id})[0] == body


@pytest.mark.parametrize(
    ("model", "members", "dropped", "coerced"),
    [
        ("m", {"stop_sequences": ["x"], "top_k": 3}, ("stop_sequences", "top_k"), ()),
        ("m", {"max_tokens": 5}, (), ("max_tokens=5>16",)),
        ("o3", {"temperature": 1, "top_p": 1}, ("temperature", "top_p"), ()),
        ("o3", {"output_config": {"effort": "max"}}, (), ("output_config.effort=max>high",)),
        ("o3", {"thinking": {"type": "disabled"}}, (), ("thinking=none>low",)),
        ("m", {"thinking": {"type": "between_tools"}}, (), ("thinking=between_tools>low",)),
        ("gpt-4.1", {"thinking": {"type": "adaptive"}}, ("thinking",), ()),
        ("gpt-4.1", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, ("thinking",), ()),
        ("gpt-4.1", {"thinking": {"type": "disabled"}}, (), ()),
    ],
)
def test_loss_is_reported_by_the_clients_own_names(
    model: str, members: dict[str, Any], dropped: tuple[str, ...], coerced: tuple[str, ...]
) -> None:
    """What the upstream cannot do is dropped or changed, and the client is told."""
    _, relay = asked(model, **members)
    assert (relay.dropped, relay.coerced) == (dropped, coerced)


@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [
        ("gpt-4.1", None, True),
        ("gpt-5.1", None, True),
        ("gpt-5.4", "none", True),
        ("gpt-5.4", "low", False),
        ("gpt-5.6", None, False),
        ("gpt-5.6", "high", False),
        ("gpt-5.6", "none", True),
        ("o3", "none", False),
        ("m", "low", True),
    ],
)
def test_model_takes_sampling_only_while_it_does_not_reason(model: str, effort: str | None, taken: bool) -> None:
    """Temperature, top_p and log probabilities are refused beside reasoning: then they are dropped and reported."""
    echo = {"temperature": 0.5, "top_p": 0.9, "logprobs": True, "top_logprobs": 2}
    body, ledger = encoded(profile=profile_for(model), effort=effort, echo=echo, **echo)
    assert ("message.output_text.logprobs" in body.get("include", ())) is taken
    assert {name for name in ("temperature", "top_p", "top_logprobs") if name in body} == (
        {"temperature", "top_p", "top_logprobs"} if taken else set()
    )
    assert ledger.dropped == (() if taken else tuple(echo))


def test_no_output_at_all_warms_up_the_cache_of_a_model_that_can() -> None:
    """A limit of 0 means that only the cache is filled; a model that cannot do that refuses."""
    body, ledger = encoded("messages", profile_for("gpt-5.6"), max_tokens=0)
    assert (body["prompt_cache_options"], "max_output_tokens" in body) == ({"prewarm": True}, False)
    assert ledger.coerced == ()
    with pytest.raises(RequestRefused) as caught:
        encoded("messages", profile_for("gpt-5.4"), max_tokens=0)
    assert caught.value.failure.param == "max_tokens"


@pytest.mark.parametrize(
    ("members", "expected", "dropped"),
    [
        ({"trigger": {"type": "input_tokens", "value": 60000}}, {"compact_threshold": 60000}, ()),
        ({}, {}, ()),
        ({"pause_after_compaction": True}, {}, ("context_management.edits[0].pause_after_compaction",)),
    ],
)
def test_conversation_is_shortened_by_a_model_that_can(members: Any, expected: Any, dropped: tuple[str, ...]) -> None:
    """The threshold is kept, and what this provider cannot be told of it is reported; other models do not do it."""
    edit = {"type": "compact_20260112", **members}
    body, relay = asked("gpt-5.6", context_management={"edits": [edit]})
    assert body["context_management"] == [{"type": "compaction", **expected}]
    assert relay.dropped == dropped
    body, relay = asked("gpt-5.2", context_management={"edits": [edit]})
    assert ("context_management" in body, relay.dropped) == (False, (*dropped, "context_management"))


def test_other_edits_of_a_conversation_are_reported() -> None:
    """Nothing else of the conversation is edited here."""
    clearing = {"type": "clear_tool_uses_20250919"}
    _, relay = asked("gpt-5.6", context_management={"edits": [clearing]})
    assert relay.dropped == ("context_management",)
    body, relay = asked("gpt-5.6", context_management={"edits": [clearing, {"type": "compact_20260112"}]})
    assert body["context_management"] == [{"type": "compaction"}]
    assert relay.dropped == ("context_management.edits[0]",)


def test_pages_that_a_search_found_are_asked_for() -> None:
    """A messages client shows what was found, so that the upstream must say it."""
    body, _ = asked(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert body["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]


def test_model_that_does_not_reason_is_not_asked_for_reasoning() -> None:
    """Such models refuse to encrypt what they do not have."""
    body, _ = asked("gpt-4.1")
    assert not {"include", "reasoning"} & set(body)
    assert body["store"] is False


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"store": True}, {"store": True}),
        ({"store": False}, {"store": False}),
        (
            {"user": "u", "safety_identifier": "s", "prompt_cache_key": "p"},
            {"user": "u", "safety_identifier": "s", "prompt_cache_key": "p"},
        ),
        ({"metadata": {"a": "b"}, "service_tier": "flex"}, {"metadata": {"a": "b"}, "service_tier": "flex"}),
        (
            {"prompt_cache_options": {"mode": "explicit", "ttl": "12h"}, "prompt_cache_retention": "24h"},
            {"prompt_cache_options": {"mode": "explicit", "ttl": "12h"}, "prompt_cache_retention": "24h"},
        ),
        (
            {"moderation": {"model": "omni-moderation-latest"}, "max_tool_calls": 3},
            {"moderation": {"model": "omni-moderation-latest"}, "max_tool_calls": 3},
        ),
        ({"include_obfuscation": True}, {}),
        (
            {"include_obfuscation": False, "stream": True},
            {"stream": True, "stream_options": {"include_obfuscation": False}},
        ),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"effort": "low"}, {"reasoning": {"effort": "low"}}),
        ({"output_format": OutputFormat()}, {"text": {"format": {"type": "json_object"}}}),
        (
            {"output_format": OutputFormat(schema=SCHEMA, name="n", description="d", strict=False)},
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "description": "d",
                        "schema": SCHEMA,
                        "strict": False,
                    }
                }
            },
        ),
        (
            {"logprobs": True, "top_logprobs": 2},
            {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"], "top_logprobs": 2},
        ),
    ],
)
def test_field_that_only_openais_clients_have(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each field of a chat request has its place."""
    body, ledger = encoded(**fields)
    plain, _ = encoded()
    assert body == {**plain, **expected}
    assert (ledger.dropped, ledger.coerced) == ((), ())


@pytest.mark.parametrize(
    ("origin", "echo", "fields", "dropped", "coerced"),
    [
        ("chat", {"max_tokens": 5}, {"max_tokens": 5}, (), ("max_tokens=5>16",)),
        ("chat", {"max_completion_tokens": 5}, {"max_tokens": 5}, (), ("max_completion_tokens=5>16",)),
        (
            "chat",
            {"logprobs": True},
            {"stop": ("x",), "logprobs": True, "verbosity": "low"},
            ("stop", "logprobs", "verbosity"),
            (),
        ),
        ("chat", {}, {"effort": "none"}, (), ("reasoning_effort=none>low",)),
        ("chat", {}, {"service_tier": "on_demand"}, ("service_tier",), ()),
        ("responses", {}, {"max_tokens": 5, "verbosity": "low"}, ("text.verbosity",), ("max_output_tokens=5>16",)),
    ],
)
def test_loss_is_reported_by_openais_names(
    origin: str, echo: dict[str, Any], fields: dict[str, Any], dropped: tuple[str, ...], coerced: tuple[str, ...]
) -> None:
    """The names in a report are those of the client's own shape."""
    limited = Profile(sampling=False, verbosity=False, efforts=("low", "medium"))
    _, ledger = encoded(origin, limited, echo=echo, **fields)
    assert (ledger.dropped, ledger.coerced) == (dropped, coerced)


def test_conversation_of_instructions_only_is_told_as_items() -> None:
    """The input may not be empty; instructions without anything else become it."""
    body, _ = encoded(items=(), instructions=(SystemItem(role="system", parts=(Text(text="Say hi."),)),))
    assert "instructions" not in body
    assert body["input"] == [
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Say hi."}]}
    ]


def test_same_request_gives_the_same_bytes() -> None:
    """Nothing in a translated request depends on anything but the request."""
    wire = {"model": "a", "max_tokens": 9, "system": "s", "messages": [{"role": "user", "content": "hi"}]}
    assert translation("messages", wire).body == translation("messages", wire).body


def test_profile_of_a_model_decides_its_efforts() -> None:
    """A model that takes no `max` gets the most that it takes."""
    body, _ = encoded(profile=profile_for("gpt-5.2"), effort="max")
    assert body["reasoning"]["effort"] == "xhigh"
