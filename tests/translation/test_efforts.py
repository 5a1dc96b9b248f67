"""How much a model shall think, where a client says it twice."""

from __future__ import annotations

from typing import Any

import pytest

from translation.efforts import asked_effort, overruled_member
from translation.hub import Request, Thinking

ENABLED = Thinking(mode="enabled", budget=2000)
DISABLED = Thinking(mode="disabled")


@pytest.mark.parametrize(
    ("echo", "effort", "thinking", "member"),
    [
        ({"thinking": {}}, None, ENABLED, None),
        ({"thinking": {}}, "low", None, None),
        ({"thinking": {}}, "low", Thinking(mode="adaptive"), None),
        ({"thinking": {}}, "low", ENABLED, "thinking.budget_tokens"),
        ({"reasoning": {"max_tokens": 2000}}, "low", ENABLED, "reasoning.max_tokens"),
        ({"thinking": {"type": "disabled"}}, "low", DISABLED, "thinking"),
        ({"thinking": {"type": "disabled"}}, "none", DISABLED, None),
    ],
)
def test_thinking_that_the_effort_overrules_is_known(
    echo: dict[str, Any], effort: str | None, thinking: Thinking | None, member: str | None
) -> None:
    """An effort counts before a budget, and before a wish not to think; what it overrules is told."""
    request = Request(origin="chat", model="m", echo=echo, effort=effort, thinking=thinking)
    assert overruled_member(request) == member


@pytest.mark.parametrize(
    ("origin", "echo", "member"),
    [
        ("chat", {"reasoning_effort": "low"}, "reasoning_effort"),
        ("chat", {"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ("messages", {"output_config": {"effort": "low"}}, "output_config.effort"),
        ("responses", {"reasoning": {"effort": "low"}}, "reasoning.effort"),
    ],
)
def test_effort_is_told_by_the_clients_name(origin: str, echo: dict[str, Any], member: str) -> None:
    """The member that says the effort is the one that the client wrote."""
    assert asked_effort(Request(origin=origin, model="m", echo=echo, effort="low")) == ("low", member)
