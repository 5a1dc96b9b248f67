"""Quirks: each one's edit of a body, on well-formed bodies and on those that the upstream will refuse anyway."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from tests.translation.relaying import CIRCUMSTANCES, MINIMAL
from translation.failures import RequestRefused
from translation.quirks import QUIRKS, apply_quirks
from translation.translator import Destination, translate_request

USER = {"role": "user", "content": "hi"}
SYSTEM = {"role": "system", "content": "Be kind."}
DEVELOPER = {"role": "developer", "content": "Be brief."}
NAMED = {"type": "function", "function": {"name": "add"}}


def allowed(mode: str) -> dict[str, Any]:
    """Return the choice among a set of tools."""
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [NAMED]}}


def called(*call_ids: str) -> list[dict[str, Any]]:
    """Return a message that calls, and the results of its calls."""
    calls = [{"id": call_id, "type": "function", "function": {"name": "add"}} for call_id in call_ids]
    results = [{"role": "tool", "tool_call_id": call_id, "content": "3"} for call_id in call_ids]
    return [{"role": "assistant", "tool_calls": calls}, *results]


@pytest.mark.parametrize(
    ("quirk", "body", "edited"),
    [
        ("old_max_tokens", {"max_completion_tokens": 5, "n": 1}, {"max_tokens": 5, "n": 1}),
        ("old_max_tokens", {"max_tokens": 5}, {"max_tokens": 5}),
        ("old_max_tokens", {"max_completion_tokens": 5, "max_tokens": 7}, {"max_tokens": 5}),
        ("old_max_tokens", {"max_tokens": 7, "max_completion_tokens": 5}, {"max_tokens": 5}),
        (
            "no_developer_role",
            {"messages": [DEVELOPER, USER]},
            {"messages": [{"role": "system", "content": "Be brief."}, USER]},
        ),
        ("no_developer_role", {"messages": [USER]}, {"messages": [USER]}),
        ("no_developer_role", {"messages": "hi"}, {"messages": "hi"}),
        ("no_developer_role", {"messages": [None, USER]}, {"messages": [None, USER]}),
        ("no_developer_role", {}, {}),
        ("no_stream_options", {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ("no_stream_options", {"stream": True}, {"stream": True}),
        (
            "leading_system_only",
            {"messages": [SYSTEM, DEVELOPER, USER, {"role": "system", "content": [{"type": "text", "text": "Now."}]}]},
            {
                "messages": [
                    {"role": "system", "content": "Be kind.\n\nBe brief."},
                    USER,
                    {"role": "user", "content": "<system-reminder>Now.</system-reminder>"},
                ]
            },
        ),
        ("leading_system_only", {"messages": [SYSTEM, USER]}, {"messages": [SYSTEM, USER]}),
        ("leading_system_only", {"messages": [USER, None]}, {"messages": [USER, None]}),
        ("leading_system_only", {"messages": "hi"}, {"messages": "hi"}),
        ("no_message_names", {"messages": [{**USER, "name": "ann"}, None]}, {"messages": [USER, None]}),
        (
            "no_openai_bookkeeping",
            {"n": 1, "user": "u", "metadata": {}, "prompt_cache_key": "k", "store": True, "service_tier": "auto"},
            {"n": 1},
        ),
        ("no_reasoning_effort", {"reasoning_effort": "low", "n": 1}, {"n": 1}),
        ("no_logprobs", {"logprobs": True, "top_logprobs": 2, "n": 1}, {"n": 1}),
        ("takes_top_k", {"top_k": 5}, {"top_k": 5}),
        ("think_tags", {"n": 1}, {"n": 1}),
        ("thinking_switch", {"reasoning_effort": "none", "n": 1}, {"thinking": {"type": "disabled"}, "n": 1}),
        ("thinking_switch", {"reasoning_effort": "low"}, {"thinking": {"type": "enabled"}}),
        (
            "thinking_switch",
            {"reasoning_effort": "low", "thinking": {"type": "disabled"}},
            {"reasoning_effort": "low", "thinking": {"type": "disabled"}},
        ),
        ("thinking_switch", {"n": 1}, {"n": 1}),
        ("any_tool_choice", {"tool_choice": "required"}, {"tool_choice": "any"}),
        ("any_tool_choice", {"tool_choice": "auto"}, {"tool_choice": "auto"}),
        ("any_tool_choice", {"tool_choice": NAMED}, {"tool_choice": NAMED}),
        ("no_tool_choice_required", {"tool_choice": "required"}, {"tool_choice": "auto"}),
        ("no_tool_choice_required", {"tool_choice": NAMED}, {"tool_choice": NAMED}),
        ("no_forced_tool_choice", {"tool_choice": "required"}, {"tool_choice": "auto"}),
        ("no_forced_tool_choice", {"tool_choice": NAMED}, {"tool_choice": "auto"}),
        ("no_forced_tool_choice", {"tool_choice": "none"}, {"tool_choice": "none"}),
        ("no_forced_tool_choice", {}, {}),
        ("no_forced_tool_choice", {"tool_choice": allowed("required")}, {"tool_choice": allowed("auto")}),
        ("no_forced_tool_choice", {"tool_choice": allowed("auto")}, {"tool_choice": allowed("auto")}),
        ("no_tool_choice_required", {"tool_choice": allowed("required")}, {"tool_choice": allowed("auto")}),
        (
            "nine_character_call_ids",
            {"messages": [USER, *called("call_1", "call_2"), *called("abcDEF123"), None]},
            {"messages": [USER, *called("bu2hul5E5", "ndmQER1as"), *called("abcDEF123"), None]},
        ),
        (
            "nine_character_call_ids",
            {"messages": [{"role": "assistant", "tool_calls": [None, {"id": 7}]}]},
            {"messages": [{"role": "assistant", "tool_calls": [None, {"id": 7}]}]},
        ),
        (
            "reasoning_with_calls",
            {"messages": [USER, *called("1"), {"role": "assistant", "content": "So."}]},
            {
                "messages": [
                    USER,
                    called("1")[0] | {"reasoning_content": " "},
                    called("1")[1],
                    {"role": "assistant", "content": "So."},
                ]
            },
        ),
        (
            "reasoning_with_calls",
            {"messages": [called("1")[0] | {"reasoning_content": "Hm."}]},
            {"messages": [called("1")[0] | {"reasoning_content": "Hm."}]},
        ),
    ],
)
def test_quirk_edits_the_body(quirk: str, body: dict[str, Any], edited: dict[str, Any]) -> None:
    """The quirk changes what it is about and leaves the body that it was given alone."""
    before = deepcopy(body)
    assert apply_quirks((quirk,), "chat", body) == edited
    assert body == before


def test_edit_keeps_the_order_of_the_members() -> None:
    """A renamed member stands where it stood, so that the upstream's prompt cache sees the same beginning."""
    body = {"model": "m", "max_completion_tokens": 5, "messages": []}
    assert list(apply_quirks(("old_max_tokens",), "chat", body)) == ["model", "max_tokens", "messages"]


@pytest.mark.parametrize(("names", "shape"), [(("no_such_quirk",), "chat"), (("no_stream_options",), "messages")])
def test_quirk_of_no_name_or_of_another_shape_changes_nothing(names: tuple[str, ...], shape: str) -> None:
    """A name that is no quirk, or one of another shape, leaves the body as it is."""
    body = {"stream_options": {"include_usage": True}}
    assert apply_quirks(names, shape, body) == body


def test_quirks_add_up() -> None:
    """Several quirks are applied one after another."""
    body = {"max_completion_tokens": 5, "stream_options": {}, "messages": [DEVELOPER]}
    edited = apply_quirks(tuple(QUIRKS), "chat", body)
    assert edited == {"max_tokens": 5, "messages": [{"role": "system", "content": "Be brief."}]}


ADD = {"name": "add", "input_schema": {"type": "object"}}
TRANSLATED = [
    ("takes_top_k", {"top_k": 5}, {"top_k": 5}, (), ()),
    ("no_reasoning_effort", {"output_config": {"effort": "low"}}, {}, ("output_config.effort",), ()),
    ("no_reasoning_effort", {"thinking": {"type": "disabled"}}, {}, (), ()),
    (
        "no_openai_bookkeeping",
        {"metadata": {"user_id": "u"}, "service_tier": "auto"},
        {},
        ("service_tier", "metadata.user_id"),
        (),
    ),
    (
        "no_tool_choice_required",
        {"tool_choice": {"type": "any"}},
        {"tool_choice": "auto"},
        (),
        ("tool_choice=required>auto",),
    ),
    (
        "no_tool_choice_required",
        {"tool_choice": {"type": "tool", "name": "add"}},
        {"tool_choice": NAMED},
        (),
        (),
    ),
    (
        "no_forced_tool_choice",
        {"tool_choice": {"type": "tool", "name": "add"}},
        {"tool_choice": "auto"},
        (),
        ("tool_choice=named>auto",),
    ),
    ("any_tool_choice", {"tool_choice": {"type": "any"}}, {"tool_choice": "any"}, (), ()),
]


@pytest.mark.parametrize(("quirk", "fields", "members", "dropped", "coerced"), TRANSLATED)
def test_translated_request_says_what_the_quirk_costs(
    quirk: str, fields: dict[str, Any], members: dict[str, Any], dropped: tuple[str, ...], coerced: tuple[str, ...]
) -> None:
    """What the upstream does not take is left out and reported by the client's name; another spelling costs nothing."""
    wire = {**MINIMAL["messages"], "tools": [ADD], **fields}
    to = Destination(shape="chat", model="upstream-model", quirks=(quirk,))
    made = translate_request(wire, "messages", to, CIRCUMSTANCES, "alias")
    body = msgspec.json.decode(made.body)
    plain = {"model", "messages", "tools", "max_completion_tokens"}
    assert {name: value for name, value in body.items() if name not in plain} == members
    assert (made.dropped, made.coerced) == (dropped, coerced)


def test_moderation_that_blocks_is_no_bookkeeping() -> None:
    """A client that counts on a block is refused where the upstream has none; a mere score is dropped and reported."""
    to = Destination(shape="chat", model="upstream-model", quirks=("no_openai_bookkeeping",))
    scoring = {**MINIMAL["responses"], "moderation": {"model": "m", "policy": {"input": {"mode": "score"}}}}
    assert translate_request(scoring, "responses", to, CIRCUMSTANCES, "alias").dropped == ("moderation",)
    blocking = {**MINIMAL["responses"], "moderation": {"model": "m", "policy": {"input": {"mode": "block"}}}}
    with pytest.raises(RequestRefused) as caught:
        translate_request(blocking, "responses", to, CIRCUMSTANCES, "alias")
    assert caught.value.failure.param == "moderation.policy.input.mode"


def test_allowed_tools_are_allowed_where_none_can_be_required() -> None:
    """Of a set of tools of which one must be used, any may be used, or none; the change is reported."""
    to = Destination(shape="chat", model="upstream-model", quirks=("no_forced_tool_choice",))
    tool = {"type": "function", "name": "add", "parameters": {"type": "object"}}
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "add"}]}
    wire = {**MINIMAL["responses"], "tools": [tool], "tool_choice": choice}
    made = translate_request(wire, "responses", to, CIRCUMSTANCES, "alias")
    sent = msgspec.json.decode(made.body)["tool_choice"]
    assert sent == allowed("auto")
    assert made.coerced == ("tool_choice.mode=required>auto",)


def test_log_probabilities_are_reported_where_they_are_refused() -> None:
    """A client that asked for log probabilities hears that it gets none."""
    to = Destination(shape="chat", model="upstream-model", quirks=("no_logprobs",))
    made = translate_request({**MINIMAL["responses"], "top_logprobs": 2}, "responses", to, CIRCUMSTANCES, "alias")
    assert b"logprobs" not in made.body
    assert made.dropped == ("top_logprobs",)


@pytest.mark.parametrize("name", QUIRKS)
def test_quirk_says_what_it_does_and_where_it_was_seen(name: str) -> None:
    """Operators choose quirks by their help and their evidence, so that each has both."""
    quirk = QUIRKS[name]
    assert quirk.name == name
    assert quirk.help.endswith(".")
    assert quirk.evidence
