"""The items of a conversation as messages.

The laws of this wire: user and model take turns, so that what the user side says in a row is one message; the message
after a model's calls begins with their results, in the order of the calls; no id of a call comes twice; an instruction
among the messages stands between the user's turn and the model's; thoughts go back as they came, or not at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from translation.envelope import unseal
from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    Opaque,
    Reasoning,
    Request,
    SystemItem,
    Text,
    ToolCall,
    ToolResult,
    UserItem,
    Wire,
)
from translation.names import sent_call_id, sent_name
from translation.reading import unsupported
from translation.shapes.messages.conversation import INVALID_JSON
from translation.shapes.messages.upstream.blocks import Writing, encode_parts, keeps_sources
from translation.shapes.messages.upstream.members import member
from translation.turns import AssistantItem, AssistantTurn, ResultTurn, turns
from translation.wrappers import arguments

NAME_MAX = 128

THOUGHTS = ("thinking", "redacted_thinking")

_SEARCH = "web_search_call"
_OWN_BLOCKS = {_SEARCH: ("server_tool_use", "web_search_tool_result"), "compaction": ("compaction",)}
"""Kinds of items that only their maker reads, and the blocks that they are there."""

Message = tuple[str, list[Wire]]
"""A role and the blocks."""


def encode_system(request: Request, writing: Writing) -> list[Wire]:
    """Return the blocks of the leading instructions."""
    return [block for item in request.instructions for block in encode_parts(item.parts, writing)]


def encode_messages(request: Request, writing: Writing) -> list[Wire]:
    """Return the `messages` of the body; raises RequestRefused if there is nothing to answer."""
    conversation = _Conversation(writing)
    said = _merged(message for turn in turns(request.items) for message in conversation.messages_of(turn))
    placed = list(_merged(_placed(list(said), may_instruct=writing.profile.system_messages)))
    if not placed:
        at = member(request.origin, "conversation")
        raise RequestRefused("at least one message is required", param=at, code="invalid_value")
    if placed[-1][0] == "assistant":
        placed[-1] = ("assistant", _prefill(placed[-1][1], writing))
    return [{"role": role, "content": blocks} for role, blocks in placed if blocks]


class _Conversation:
    """A conversation as far as it has been written: the ids of its calls, how often each, and if thoughts were lost."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._used: set[str] = set()
        self._times: dict[str, int] = {}
        self._calls: list[tuple[str, str]] = []
        self._thoughts_lost = False

    def messages_of(self, turn: AssistantTurn | ResultTurn | UserItem | SystemItem) -> Iterator[Message]:
        """Yield what a turn becomes."""
        match turn:
            case AssistantTurn(items):
                yield "assistant", self._assistant(items)
            case ResultTurn(results):
                yield "user", self._results(results)
            case SystemItem():
                yield "system", encode_parts(turn.parts, self._writing)
            case UserItem():
                blocks = encode_parts(turn.parts, self._writing)
                if not blocks:
                    raise RequestRefused(
                        f"{turn.at}: text content blocks must be non-empty", param=turn.at, code="invalid_value"
                    )
                yield "user", blocks

    def _assistant(self, items: Sequence[AssistantItem]) -> list[Wire]:
        self._calls = []
        if self._writing.profile.bound_thinking and any(self._goes_back_smaller(item) for item in items):
            self._thoughts_lost = True
        thoughts = iter(self._thoughts([item for item in items if isinstance(item, Reasoning)]))
        blocks: list[Wire] = []
        for item in items:
            match item:
                case AssistantText():
                    blocks += encode_parts(item.parts, self._writing)
                case ToolCall():
                    blocks.append(self._call(item))
                case Reasoning():
                    blocks += next(thoughts, ())
                case Opaque():
                    blocks += self._own_blocks(item)
        return blocks

    def _own_blocks(self, item: Opaque) -> tuple[Wire, ...]:
        """Return the vendor's own form of a search, or of what was said before, which only their maker can read."""
        blocks = self._unsealed(str(item.native.get("encrypted_content")), _OWN_BLOCKS.get(item.kind, ()))
        if not blocks and item.kind != _SEARCH:
            what = f"An item of type '{item.kind}' cannot be sent to this model."
            raise unsupported(item.at, what, "Send the conversation in full.")
        if not blocks:
            self._writing.ledger.drop(item.at)
        return blocks

    def _goes_back_smaller(self, item: AssistantItem) -> bool:
        """Tell a search, of which the client has no more than its words, and a text that loses its sources."""
        if isinstance(item, AssistantText):
            texts = [part for part in item.parts if isinstance(part, Text)]
            return any(text.annotations and not keeps_sources(text) for text in texts)
        sealed = str(item.native.get("encrypted_content")) if isinstance(item, Opaque) else ""
        return isinstance(item, Opaque) and item.kind == _SEARCH and not self._unsealed(sealed, _OWN_BLOCKS[_SEARCH])

    def _unsealed(self, sealed: str, kinds: Sequence[str]) -> tuple[Wire, ...]:
        """Return the blocks in an envelope, if they are of these kinds and the same account is asked; else nothing."""
        envelope = unseal(sealed)
        if envelope is None or (envelope.origin, envelope.deployment) != ("messages", self._writing.deployment):
            return ()
        return envelope.blocks if all(block.get("type") in kinds for block in envelope.blocks) else ()

    def _thoughts(self, items: Sequence[Reasoning]) -> list[tuple[Wire, ...]]:
        """Return the native blocks of a turn's thoughts, of each item; nothing from the first loss on.

        The vendor checks thoughts against all that was said before them: some without the others are refused.
        """
        native = [self._unsealed(item.opaque, THOUGHTS) for item in items]
        self._thoughts_lost = self._thoughts_lost or not all(native)
        if not self._thoughts_lost:
            return native
        for item in items:
            self._writing.ledger.drop(item.at)
        return []

    def _call(self, call: ToolCall) -> Wire:
        sent = unused = sent_call_id(call.call_id)
        number = self._times.get(sent, 1)
        while unused in self._used:
            number += 1
            unused = f"{sent}_r{number}"
        self._used.add(unused)
        self._times[sent] = number
        self._calls.append((call.call_id, unused))
        name = sent_name(call.namespace, call.name, NAME_MAX)
        return {"type": "tool_use", "id": unused, "name": name, "input": self._input(call)}

    def _input(self, call: ToolCall) -> Any:
        """Return the arguments as an object, with numbers and the order of members as the model wrote them."""
        text = arguments(call)
        if not text.strip():
            return {}
        try:
            msgspec.json.decode(text, type=dict)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self._writing.ledger.coerce(call.at)
            return {INVALID_JSON: text}
        return msgspec.Raw(text)

    def _results(self, results: Iterable[ToolResult]) -> list[Wire]:
        """Return the results in the order of the calls before them; of equal ids, the first call has the first."""
        waiting: dict[str, deque[ToolResult]] = {}
        for result in results:
            waiting.setdefault(result.call_id, deque()).append(result)
        return [self._result(waiting[call_id].popleft(), sent) for call_id, sent in self._calls if waiting.get(call_id)]

    def _result(self, result: ToolResult, sent_id: str) -> Wire:
        wire: Wire = {"type": "tool_result", "tool_use_id": sent_id}
        content = encode_parts(result.parts, self._writing)
        if len(content) == 1 and set(content[0]) == {"type", "text"}:
            wire["content"] = content[0]["text"]
        elif content:
            wire["content"] = content
        if result.is_error:
            wire["is_error"] = True
        return wire


def _merged(messages: Iterable[Message]) -> Iterator[Message]:
    """Yield the messages, those of one role in a row as one; what says nothing is left out."""
    role, blocks = "", list[Wire]()
    for next_role, more in messages:
        if not more:
            continue
        if next_role != role:
            if blocks:
                yield role, blocks
            role, blocks = next_role, []
        blocks.extend(more)
    if blocks:
        yield role, blocks


def _placed(messages: Sequence[Message], *, may_instruct: bool) -> Iterator[Message]:
    """Yield the messages with each instruction as one, or as a reminder of the user's where it may not be one.

    It stays where it is: an instruction that moved to the front would undo the cache of everything behind it.
    """
    for index, (role, blocks) in enumerate(messages):
        if role != "system":
            yield role, blocks
            continue
        after_user = index > 0 and messages[index - 1][0] == "user"
        before_model = index + 1 == len(messages) or messages[index + 1][0] == "assistant"
        if may_instruct and after_user and before_model:
            yield role, blocks
        else:
            yield "user", [_reminder(block) for block in blocks]


def _reminder(block: Wire) -> Wire:
    return {**block, "text": f"<system-reminder>{block['text']}</system-reminder>"}


def _prefill(blocks: Sequence[Wire], writing: Writing) -> list[Wire]:
    """Return the blocks of the words that the model shall go on from; they may not end with white space."""
    if not writing.profile.prefill:
        writing.ledger.coerce("prefill")
    *before, last = blocks
    if last["type"] == "text":
        last = {**last, "text": last["text"].rstrip()}
    return [*before, last]
