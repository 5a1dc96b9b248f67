"""Turns: the item list grouped the way that chat and messages need it, results right behind their calls.

An assistant turn is a maximal run of assistant-side items. The results of its calls follow it at once, wherever the
client had put them; everything else keeps its place. A result belongs to the nearest preceding unanswered call with its
id.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from translation.hub import AssistantText, Item, Opaque, Reasoning, SystemItem, ToolCall, ToolResult, UserItem

AssistantItem = AssistantText | Reasoning | ToolCall | Opaque


class AssistantTurn(Struct, frozen=True):
    """What the model said and did in one go."""

    items: tuple[AssistantItem, ...]


class ResultTurn(Struct, frozen=True):
    """The results of the calls of the turn before, in the client's order."""

    results: tuple[ToolResult, ...]


Turn = AssistantTurn | ResultTurn | UserItem | SystemItem


def turns(items: Sequence[Item]) -> list[Turn]:
    """Return the items as turns, in conversation order. Results without a call are left out."""
    runs, results_of = _runs(items)
    grouped: list[Turn] = []
    for number, run in enumerate(runs):
        if isinstance(run, list):
            grouped.append(AssistantTurn(tuple(run)))
            if results_of.get(number):
                grouped.append(ResultTurn(tuple(results_of[number])))
        else:
            grouped.append(run)
    return grouped


_Run = list[AssistantItem] | UserItem | SystemItem


def _runs(items: Sequence[Item]) -> tuple[list[_Run], dict[int, list[ToolResult]]]:
    """Return the runs of items without the results, and the results by the number of their call's run."""
    runs: list[_Run] = []
    open_calls: dict[str, list[int]] = {}
    results_of: dict[int, list[ToolResult]] = {}
    current: list[AssistantItem] | None = None
    for item in items:
        match item:
            case ToolResult():
                current = None
                waiting = open_calls.get(item.call_id)
                if waiting:
                    results_of.setdefault(waiting.pop(), []).append(item)
            case UserItem() | SystemItem():
                current = None
                runs.append(item)
            case AssistantText() | Reasoning() | ToolCall() | Opaque():
                if current is None:
                    current = []
                    runs.append(current)
                current.append(item)
                if isinstance(item, ToolCall):
                    open_calls.setdefault(item.call_id, []).append(len(runs) - 1)
    return runs, results_of
