"""Effort and thinking: what each kind of model is asked for the efforts of OpenAI's clients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.messages.upstream.asking import DEPLOYMENT, FABLE_5, OTHER, SONNET_4_5, encoded, lost, sent
from translation.envelope import Envelope, seal
from translation.failures import RequestRefused
from translation.hub import Thinking

ADAPTIVE = {"type": "adaptive"}
DISABLED = {"type": "disabled"}
TOOL = {"type": "function", "name": "add"}
ASKED = [
    {"role": "user", "content": "a"},
    {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "3"},
]


def budget(tokens: int) -> dict[str, Any]:
    """Return thinking within a budget."""
    return {"type": "enabled", "budget_tokens": tokens}


def thought() -> dict[str, Any]:
    """Return a thought of the model as the gateway had given it out."""
    native = {"type": "thinking", "thinking": "Hm.", "signature": "sig=="}
    return {
        "type": "reasoning",
        "summary": [],
        "encrypted_content": seal(Envelope("messages", DEPLOYMENT, (native,))),
    }


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "told", "coerced"),
    [
        (SONNET_4_5, "none", DISABLED, None, ()),
        (SONNET_4_5, "minimal", budget(1024), None, ()),
        (SONNET_4_5, "low", budget(2048), None, ()),
        (SONNET_4_5, "medium", budget(8192), None, ()),
        (SONNET_4_5, "high", budget(16384), None, ()),
        (SONNET_4_5, "xhigh", budget(32768), None, ()),
        (SONNET_4_5, "max", budget(32768), None, ()),
        ("claude-opus-4-1", "max", budget(31999), None, ("reasoning.effort",)),
        ("claude-opus-4-6", "none", DISABLED, None, ()),
        ("claude-opus-4-6", "minimal", ADAPTIVE, "low", ("reasoning.effort=minimal>low",)),
        ("claude-opus-4-6", "low", ADAPTIVE, "low", ()),
        ("claude-opus-4-6", "medium", ADAPTIVE, "medium", ()),
        ("claude-opus-4-6", "high", ADAPTIVE, "high", ()),
        ("claude-opus-4-6", "xhigh", ADAPTIVE, "high", ("reasoning.effort=xhigh>high",)),
        ("claude-opus-4-6", "max", ADAPTIVE, "max", ()),
        ("claude-opus-4-8", "none", DISABLED, None, ()),
        ("claude-opus-4-8", "xhigh", ADAPTIVE, "xhigh", ()),
        (FABLE_5, "none", ADAPTIVE, "low", ("reasoning.effort=none>low",)),
        (FABLE_5, "max", ADAPTIVE, "max", ()),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None, ("reasoning.effort=none>between_tools",)),
        ("claude-haiku-5-5", "max", ADAPTIVE, "high", ("reasoning.effort=max>high",)),
        (OTHER, "none", None, None, ()),
    ],
)
def test_effort_is_said_as_the_model_takes_it(
    model: str, effort: str, thinking: dict[str, Any] | None, told: str | None, coerced: tuple[str, ...]
) -> None:
    """An effort becomes a budget, or an effort that is never higher; what is changed is reported."""
    wire = {"reasoning": {"effort": effort}}
    body = sent(wire, model)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == told
    assert lost(wire, model) == ((), coerced)


def test_effort_is_dropped_where_nothing_thinks() -> None:
    """A server of which nothing is known is not asked to think, and the client hears of it."""
    assert lost({"reasoning": {"effort": "high"}}, OTHER) == (("reasoning.effort",), ())


@pytest.mark.parametrize("model", [SONNET_4_5, FABLE_5, OTHER])
def test_no_effort_asks_for_nothing(model: str) -> None:
    """Without a word from the client, the model does as it does."""
    assert not {"thinking", "output_config"} & set(sent({}, model))


def test_word_that_is_no_effort_is_refused() -> None:
    """An effort that no shape knows is refused by its path."""
    with pytest.raises(RequestRefused, match="ultra") as caught:
        sent({"reasoning": {"effort": "ultra"}})
    assert caught.value.failure.param == "reasoning.effort"


@pytest.mark.parametrize(
    ("limit", "thinking", "report"),
    [
        (20000, budget(16384), ((), ())),
        (16384, budget(16383), ((), ("reasoning.effort",))),
        (1025, budget(1024), ((), ("reasoning.effort",))),
        (1024, None, (("reasoning.effort",), ())),
        (1000, None, (("reasoning.effort",), ())),
    ],
)
def test_budget_stays_below_the_limit(limit: int, thinking: Any, report: tuple[tuple[str, ...], ...]) -> None:
    """A budget leaves room under the client's limit; where too little is left to think with, there is none."""
    wire = {"reasoning": {"effort": "high"}, "max_output_tokens": limit}
    assert sent(wire, SONNET_4_5).get("thinking") == thinking
    assert lost(wire, SONNET_4_5) == report


@pytest.mark.parametrize(
    ("choice", "thinking", "report"),
    [
        ("auto", budget(2048), ((), ())),
        ("required", None, (("reasoning.effort",), ())),
        ({"type": "function", "name": "add"}, None, (("reasoning.effort",), ())),
    ],
)
def test_forced_tool_goes_before_a_budget(choice: Any, thinking: Any, report: tuple[tuple[str, ...], ...]) -> None:
    """A forced tool is a promise, thinking only quality: where both cannot be, the model does not think."""
    wire = {"reasoning": {"effort": "low"}, "tools": [TOOL], "tool_choice": choice}
    body = sent(wire, SONNET_4_5)
    assert body.get("thinking") == thinking
    assert body["tool_choice"]["type"] == {"auto": "auto", "required": "any"}.get(str(choice), "tool")
    assert lost(wire, SONNET_4_5) == report


@pytest.mark.parametrize(
    ("items", "thinks"),
    [
        (ASKED, False),
        ([ASKED[0], thought(), *ASKED[1:]], True),
        ([*ASKED, {"role": "user", "content": "b"}], False),
        ([*ASKED, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}], True),
        ([ASKED[0], thought(), *ASKED[1:], *ASKED[1:]], True),
    ],
)
def test_budget_is_left_out_in_a_use_of_tools_without_thoughts(items: list[Any], thinks: bool) -> None:
    """The wire wants a turn that uses tools to begin with the thoughts: where they are lost, it goes on without."""
    wire = {"reasoning": {"effort": "low"}, "input": items}
    assert ("thinking" in sent(wire, SONNET_4_5)) is thinks
    assert lost(wire, SONNET_4_5)[0] == (() if thinks else ("reasoning.effort",))


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking", "dropped"),
    [
        (SONNET_4_5, {"effort": "low", "summary": "auto"}, {**budget(2048), "display": "summarized"}, ()),
        ("claude-opus-4-7", {"effort": "low", "summary": "auto"}, {**ADAPTIVE, "display": "summarized"}, ()),
        (FABLE_5, {"summary": "auto"}, {**ADAPTIVE, "display": "summarized"}, ()),
        (SONNET_4_5, {"summary": "auto"}, None, ("reasoning.summary",)),
    ],
)
def test_summary_shows_the_thoughts(
    model: str, reasoning: dict[str, str], thinking: Any, dropped: tuple[str, ...]
) -> None:
    """A wish for a summary makes the thoughts readable where there are any, and does not by itself start thinking."""
    assert sent({"reasoning": reasoning}, model).get("thinking") == thinking
    assert lost({"reasoning": reasoning}, model) == (dropped, ())


@pytest.mark.parametrize(
    ("model", "wanted", "thinking", "effort"),
    [
        (SONNET_4_5, Thinking(mode="enabled", budget=3000), budget(3000), None),
        (SONNET_4_5, Thinking(mode="enabled", budget=10), budget(1024), None),
        (SONNET_4_5, Thinking(mode="disabled"), DISABLED, None),
        ("claude-opus-4-7", Thinking(mode="enabled", budget=3000), ADAPTIVE, "medium"),
        ("claude-opus-4-7", Thinking(mode="adaptive", display="omitted"), {**ADAPTIVE, "display": "omitted"}, None),
    ],
)
def test_thinking_in_the_wires_own_words_is_kept(
    model: str, wanted: Thinking, thinking: dict[str, Any], effort: str | None
) -> None:
    """A client that names a budget gets it, or the effort that it stands for."""
    body, _ = encoded(model, thinking=wanted)
    assert body["thinking"] == thinking
    assert body.get("output_config", {}).get("effort") == effort
