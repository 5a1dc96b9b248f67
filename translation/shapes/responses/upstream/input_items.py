"""The items of a conversation as the `input` of a responses upstream.

This wire's laws: results follow the turn of their calls; reasoning stands directly before the item that it led to, and
never last. Items carry no ids, since nothing is stored, but reasoning, whose id belongs to its state.

Reasoning goes back only to the account that made it, and only while nothing before it is missing: from the first turn
whose reasoning cannot be restored, none is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translation.hub import (
    AssistantText,
    Item,
    Opaque,
    Reasoning,
    SystemItem,
    ToolCall,
    ToolKind,
    ToolResult,
    UserItem,
    Wire,
)
from translation.shapes.responses.upstream.content_parts import Writing, encode_parts, encode_spoken
from translation.shapes.responses.upstream.thoughts import Thought, restored_thought
from translation.shapes.responses.upstream.tool_calls import encode_call, encode_result
from translation.turns import AssistantItem, AssistantTurn, ResultTurn, Turn, turns


def encode_input(items: Sequence[Item], writing: Writing) -> list[Wire]:
    """Return the items as the `input` of the body."""
    conversation = _Conversation(writing)
    return [wire for turn in turns(items) for wire in conversation.write(turn)]


def instruction_items(item: SystemItem, role: str, writing: Writing) -> list[Wire]:
    """Return an instruction as a message of that role; nothing if it has no words."""
    content = encode_parts([part for part in item.parts if part.text], writing)
    return [{"type": "message", "role": role, "content": content}] if content else []


class _Conversation:
    """The input as far as it has been written."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._ledger = writing.ledger
        self._kinds: dict[str, ToolKind] = {}
        self._restoring = True

    def write(self, turn: Turn) -> list[Wire]:
        """Return the items of one turn."""
        match turn:
            case SystemItem():
                return self._system(turn)
            case UserItem():
                content = encode_parts(turn.parts, self._writing)
                return [{"type": "message", "role": "user", "content": content or ""}]
            case AssistantTurn(items):
                return self._assistant(items)
            case ResultTurn(results):
                return [self._result(result) for result in results]

    def _system(self, item: SystemItem) -> list[Wire]:
        # The Messages API has one word for what the two others call developer, next to the system prompt proper.
        return instruction_items(item, "developer" if self._writing.origin == "messages" else item.role, self._writing)

    def _result(self, result: ToolResult) -> Wire:
        kind = self._kinds.get(result.call_id, result.kind)
        return encode_result(result, kind, self._writing)

    def _assistant(self, items: Sequence[AssistantItem]) -> list[Wire]:
        thoughts = self._thoughts(items)
        if not thoughts:
            said = [self._said(item, ()) for item in items if not isinstance(item, Reasoning)]
            return [wire for wire in said if wire is not None]
        calls = {item.call_id for item in items if isinstance(item, ToolCall)}
        written: list[Wire] = []
        waiting: list[Thought] = []
        for number, item in enumerate(items):
            if number in thoughts:
                waiting.append(thoughts[number])
            elif not isinstance(item, Reasoning):
                due = [thought for thought in waiting if thought.led_to(item, calls)]
                wire = self._said(item, due)
                if wire is not None:
                    waiting = [thought for thought in waiting if thought not in due]
                    written += [native for thought in due for native in thought.natives]
                    written.append(wire)
        for thought in waiting:
            self._ledger.drop(thought.at)
        return written

    def _thoughts(self, items: Sequence[AssistantItem]) -> dict[int, Thought]:
        """Return the turn's reasoning by the number of its item: all of it, or none if some cannot be restored."""
        reasoning = {number: item for number, item in enumerate(items) if isinstance(item, Reasoning)}
        if not reasoning:
            return {}
        found = {number: restored_thought(item, self._writing.deployment) for number, item in reasoning.items()}
        thoughts = {number: thought for number, thought in found.items() if thought is not None}
        self._restoring = self._restoring and len(thoughts) == len(reasoning)
        if self._restoring:
            return thoughts
        for item in reasoning.values():
            self._ledger.drop(item.at)
        return {}

    def _said(self, item: AssistantText | ToolCall | Opaque, due: Iterable[Thought]) -> Wire | None:
        match item:
            case AssistantText():
                return _message(item, due)
            case ToolCall():
                self._kinds[item.call_id] = item.kind
                return encode_call(item)
            case Opaque():
                self._ledger.drop(item.at)
                return None


def _message(item: AssistantText, due: Iterable[Thought]) -> Wire | None:
    content = encode_spoken(item.parts)
    if not content:
        return None
    phase = item.phase or next((thought.phase for thought in due if thought.phase), None)
    wire: Wire = {"type": "message", "role": "assistant", "content": content}
    return {**wire, "phase": phase} if phase else wire
