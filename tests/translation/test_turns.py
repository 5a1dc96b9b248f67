"""Turns: what belongs together, and that results follow their calls wherever the client had put them."""

from __future__ import annotations

import pytest

from translation.hub import AssistantText, Item, Opaque, Reasoning, SystemItem, Text, ToolCall, ToolResult, UserItem
from translation.turns import AssistantTurn, ResultTurn, Turn, turns

USER = UserItem(parts=(Text(text="hi"),))
LATER = UserItem(parts=(Text(text="and then?"),))
SYSTEM = SystemItem(role="developer", parts=(Text(text="Be brief."),))
SAID = AssistantText(parts=(Text(text="Let me see."),))
THOUGHT = Reasoning(text="Look it up.")
HOSTED = Opaque(origin="responses", kind="compaction", native={})


def call(call_id: str, name: str = "look") -> ToolCall:
    """Return a call."""
    return ToolCall(call_id=call_id, name=name, arguments="{}")


def result(call_id: str, text: str = "42") -> ToolResult:
    """Return the result of a call."""
    return ToolResult(call_id=call_id, parts=(Text(text=text),))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], [], id="nothing is no turn"),
        pytest.param([USER, LATER, SYSTEM], [USER, LATER, SYSTEM], id="every item of the user's side is a turn"),
        pytest.param(
            [USER, THOUGHT, SAID, call("1"), HOSTED],
            [USER, AssistantTurn((THOUGHT, SAID, call("1"), HOSTED))],
            id="all that the model says in one go is one turn",
        ),
        pytest.param(
            [SAID, USER, SAID],
            [AssistantTurn((SAID,)), USER, AssistantTurn((SAID,))],
            id="the user's words part two turns",
        ),
        pytest.param(
            [call("1"), result("1"), call("2"), result("2")],
            [
                AssistantTurn((call("1"),)),
                ResultTurn((result("1"),)),
                AssistantTurn((call("2"),)),
                ResultTurn((result("2"),)),
            ],
            id="results part two turns",
        ),
        pytest.param(
            [call("1"), call("2"), result("2"), result("1")],
            [AssistantTurn((call("1"), call("2"))), ResultTurn((result("2"), result("1")))],
            id="results keep the client's order",
        ),
        pytest.param(
            [call("1"), LATER, SYSTEM, result("1")],
            [AssistantTurn((call("1"),)), ResultTurn((result("1"),)), LATER, SYSTEM],
            id="a late result moves up to its call",
        ),
        pytest.param(
            [call("1"), result("1", "old"), call("1"), result("1", "new")],
            [
                AssistantTurn((call("1"),)),
                ResultTurn((result("1", "old"),)),
                AssistantTurn((call("1"),)),
                ResultTurn((result("1", "new"),)),
            ],
            id="an id that is used again belongs to the nearest call",
        ),
        pytest.param(
            [call("1", "old"), USER, call("1", "new"), result("1", "b"), result("1", "a")],
            [
                AssistantTurn((call("1", "old"),)),
                ResultTurn((result("1", "a"),)),
                USER,
                AssistantTurn((call("1", "new"),)),
                ResultTurn((result("1", "b"),)),
            ],
            id="of two open calls of one id the nearest is answered first",
        ),
        pytest.param([USER, result("9")], [USER], id="a result without a call is left out"),
    ],
)
def test_items_become_turns(items: list[Item], expected: list[Turn]) -> None:
    """Items become turns in the order of the conversation."""
    assert turns(items) == expected
