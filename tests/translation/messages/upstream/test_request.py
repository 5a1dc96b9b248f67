"""The top-level members of a body for an upstream that speaks Messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.messages.upstream.asking import FABLE_5, OPUS_4_8, OTHER, SONNET_4_5, encoded, lost, relay, sent
from translation.failures import RequestRefused
from translation.hub import OutputFormat

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
CUT = {
    "type": "object",
    "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
    "additionalProperties": False,
}


def test_smallest_request() -> None:
    """What the client does not ask for is not said, except the limit that the wire wants."""
    assert sent({}, OPUS_4_8) == {
        "model": OPUS_4_8,
        "max_tokens": 128_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


@pytest.mark.parametrize(
    ("model", "wire", "limit"),
    [
        (SONNET_4_5, {}, 64_000),
        ("claude-opus-4-1", {}, 32_000),
        (OTHER, {}, 4096),
        (OTHER, {"max_output_tokens": 5}, 5),
    ],
)
def test_limit_is_the_clients_or_the_models(model: str, wire: dict[str, Any], limit: int) -> None:
    """Without a limit of the client's, the model may write as much as it can."""
    assert sent(wire, model)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("model", "asked", "told", "report"),
    [
        ("claude-opus-4-6", {"temperature": 1.6}, {"temperature": 1.0}, ((), ("temperature=1.6>1.0",))),
        (SONNET_4_5, {"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5}, (("top_p",), ())),
        (SONNET_4_5, {"top_p": 0.9}, {"top_p": 0.9}, ((), ())),
        (OTHER, {"temperature": 0, "top_p": 0.9}, {"temperature": 0, "top_p": 0.9}, ((), ())),
        (OPUS_4_8, {"temperature": 1, "top_p": 1}, {}, (("temperature", "top_p"), ())),
        (FABLE_5, {"temperature": 0.5}, {}, (("temperature",), ())),
        (SONNET_4_5, {"temperature": 0.5, "reasoning": {"effort": "low"}}, {}, (("temperature",), ())),
        (SONNET_4_5, {"temperature": 1, "reasoning": {"effort": "low"}}, {"temperature": 1}, ((), ())),
        (SONNET_4_5, {"top_p": 0.9, "reasoning": {"effort": "low"}}, {}, (("top_p",), ())),
        (SONNET_4_5, {"top_p": 0.95, "reasoning": {"effort": "low"}}, {"top_p": 0.95}, ((), ())),
        (SONNET_4_5, {"temperature": 0.5, "reasoning": {"effort": "none"}}, {"temperature": 0.5}, ((), ())),
    ],
)
def test_sampling_is_what_the_model_takes(
    model: str, asked: dict[str, Any], told: dict[str, Any], report: tuple[tuple[str, ...], ...]
) -> None:
    """Sampling is kept where the model takes it, beside thinking and each other; the rest is reported."""
    body = sent(asked, model)
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == told
    assert lost(asked, model) == report


def test_negative_temperature_is_refused() -> None:
    """A temperature below zero is refused by its path."""
    with pytest.raises(RequestRefused, match="-1") as caught:
        sent({"temperature": -1}, SONNET_4_5)
    assert caught.value.failure.param == "temperature"


@pytest.mark.parametrize(
    ("model", "fields", "told", "dropped"),
    [
        (OTHER, {"top_k": 5}, {"top_k": 5}, ()),
        (OPUS_4_8, {"top_k": 5}, {}, ("top_k",)),
        (SONNET_4_5, {"top_k": 5, "effort": "low"}, {}, ("top_k",)),
        (OTHER, {"stop": ("a", " \n", "b")}, {"stop_sequences": ["a", "b"]}, ("stop",)),
        (OTHER, {"stop": (" ",)}, {}, ("stop",)),
        (OTHER, {"logprobs": True}, {}, ("logprobs",)),
        (
            OTHER,
            {"verbosity": "low", "prompt_cache_key": "k", "metadata": {"a": "b"}, "store": True},
            {},
            (
                "metadata",
                "prompt_cache_key",
                "verbosity",
                "store",
            ),
        ),
        (OTHER, {"store": False, "metadata": {}}, {}, ()),
        (OTHER, {"logprobs": True, "top_logprobs": 1}, {}, ("logprobs", "top_logprobs")),
        (OTHER, {"prompt_cache_options": {"mode": "explicit"}}, {}, ("prompt_cache_options",)),
        (OTHER, {"prompt_cache_retention": "24h"}, {}, ("prompt_cache_retention",)),
        (OTHER, {"moderation": {"model": "m", "policy": {"input": {"mode": "score"}}}}, {}, ("moderation",)),
        (OTHER, {"include_obfuscation": True}, {}, ("stream_options.include_obfuscation",)),
        (OTHER, {"include_obfuscation": False}, {}, ()),
        (OTHER, {"user": "u1"}, {"metadata": {"user_id": "u1"}}, ()),
        (OTHER, {"user": "u1", "safety_identifier": "s1"}, {"metadata": {"user_id": "s1"}}, ("user",)),
        (
            OTHER,
            {"user": "u" * 257},
            {"metadata": {"user_id": "36868c95693f7961e19205254a6e613547eeb4375b384159e91a462f70e8af26"}},
            (),
        ),
        (OTHER, {"user": "u" * 256}, {"metadata": {"user_id": "u" * 256}}, ()),
    ],
)
def test_members_of_chat_clients_have_their_fate(
    model: str, fields: dict[str, Any], told: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    """What has a twin is kept, and what has none is reported by the name that the client knows."""
    body, ledger = encoded(model, **fields)
    rest = {name: value for name, value in body.items() if name not in ("model", "max_tokens", "messages", "thinking")}
    assert rest == told
    assert ledger.dropped == dropped


@pytest.mark.parametrize(
    ("asked", "told", "report"),
    [
        ("auto", "auto", ((), ())),
        ("default", "standard_only", ((), ())),
        ("priority", "auto", ((), ("service_tier=priority>auto",))),
        ("fast", "auto", ((), ("service_tier=fast>auto",))),
        ("flex", None, (("service_tier",), ())),
        ("scale", None, (("service_tier",), ())),
    ],
)
def test_service_tier_is_said_in_the_wires_words(asked: str, told: str | None, report: tuple[Any, ...]) -> None:
    """Of the tiers, the wire knows bought capacity and none."""
    assert sent({"service_tier": asked}).get("service_tier") == told
    assert lost({"service_tier": asked}) == report


@pytest.mark.parametrize("side", ["input", "output"])
def test_moderation_that_blocks_is_refused(side: str) -> None:
    """Nobody here would block what the client wants blocked."""
    with pytest.raises(RequestRefused, match="cannot block") as caught:
        encoded(OTHER, moderation={"model": "m", "policy": {side: {"mode": "block"}}})
    assert caught.value.failure.param == f"moderation.policy.{side}.mode"


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_hashed_user_is_reported(name: str) -> None:
    """An end user whose id is too long for the wire is known there by a hash, and the report says so."""
    _, ledger = encoded(OTHER, **{name: "u" * 257})
    assert (ledger.dropped, ledger.coerced) == ((), (name,))
    _, ledger = encoded(OTHER, **{name: "u" * 256})
    assert ledger.coerced == ()


def form(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the member that asks for an answer of this schema."""
    return {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": schema}}}


def test_schema_of_the_answer_is_held_where_the_model_can_be() -> None:
    """The schema goes into the wire's own member, cut down to what can be held, with a report if that changed it."""
    body = sent(form(SCHEMA))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CUT}}
    assert "system" not in body
    assert lost(form(SCHEMA)) == ((), ("text.format",))
    assert lost(form(CUT)) == ((), ())


def test_description_of_the_schema_is_reported() -> None:
    """The wire has a place for the schema alone; its name says nothing, and it is always held strictly."""
    _, ledger = encoded(OPUS_4_8, output_format=OutputFormat(schema=CUT, name="n", description="d", strict=True))
    assert ledger.dropped == ("response_format.json_schema.description",)
    assert ledger.coerced == ()


def test_schema_stands_beside_the_effort() -> None:
    """Form and effort share a member."""
    config = sent({**form(CUT), "reasoning": {"effort": "low"}})["output_config"]
    assert config == {"effort": "low", "format": {"type": "json_schema", "schema": CUT}}


def test_schema_is_told_in_words_elsewhere() -> None:
    """A server that cannot be held to a schema reads it, whole, as its last instruction."""
    body = sent({"instructions": "Be brief.", **form(CUT)}, OTHER)
    assert "output_config" not in body
    assert body["system"][0]["text"] == "Be brief."
    assert body["system"][1]["text"] == (
        "Respond with a single JSON object and nothing else. It must fit this JSON Schema:\n"
        '{"type":"object","properties":{"a":{"type":"integer","description":"{minimum: 1}"}},'
        '"additionalProperties":false}'
    )
    assert lost(form(CUT), OTHER) == ((), ("text.format",))


def test_any_object_is_asked_for_in_words() -> None:
    """The wire has no member for an answer that is any JSON."""
    wire = {"text": {"format": {"type": "json_object"}}}
    told = {"type": "text", "text": "Respond with a single JSON object and nothing else."}
    assert sent(wire)["system"] == [told]
    assert lost(wire) == ((), ("text.format",))
    _, ledger = encoded(OPUS_4_8, output_format=OutputFormat())
    assert ledger.coerced == ("response_format",)


def test_stream_is_asked_for() -> None:
    """A stream is asked for with one member; its usage comes unasked."""
    assert sent({"stream": True})["stream"] is True
    assert "stream" not in sent({"stream": False})


def test_same_request_is_the_same_body() -> None:
    """Nothing but the request decides what is sent: caches and thoughts depend on it."""
    wire = {"tools": [{"type": "function", "name": "a"}], "reasoning": {"effort": "low"}, **form(SCHEMA)}
    assert relay(wire).body == relay(wire).body


def test_request_is_left_as_it_was() -> None:
    """A translation changes nothing that it was given."""
    wire = {"input": "hi", "tools": [{"type": "function", "name": "a", "strict": True, "parameters": SCHEMA}]}
    before = repr(wire)
    relay(wire)
    assert repr(wire) == before
