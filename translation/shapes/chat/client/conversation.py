"""The messages of a chat client, decoded into items of the hub.

Rules kept here, because they are this wire's own: the results of all calls of a message follow it at once, in any
order, and nothing else is a result. The deprecated `function_call` and its answer have no id; theirs is made from the
place of the call.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from translation import reading
from translation.envelope import is_sealed
from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    Citation,
    Item,
    Part,
    Reasoning,
    Refusal,
    SystemItem,
    Text,
    ToolCall,
    ToolKind,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.shapes.chat.client.parts import (
    ASSISTANT_PARTS,
    RESULT_PARTS,
    SYSTEM_PARTS,
    USER_PARTS,
    decode_content,
)
from translation.shapes.chat.conversation import TOOL_ERROR_MARK

_LEGACY_ID = "call_fn_"
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")

# `parsed`, `parsed_arguments` and `index` are what the official client adds to a reply that it hands out.
_ASSISTANT_MEMBERS = frozenset(
    {
        "role",
        "content",
        "name",
        "refusal",
        "audio",
        "annotations",
        "tool_calls",
        "function_call",
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "thinking_blocks",
        "parsed",
    }
)


def decode_conversation(wire: Wire, ledger: Ledger) -> tuple[tuple[SystemItem, ...], tuple[Item, ...]]:
    """Return the leading instructions and the items that follow them."""
    messages = reading.elements(wire, "messages", "")
    if not messages:
        raise reading.missing("messages") if wire.get("messages") is None else _no_messages()
    conversation = _Conversation(ledger)
    for index, (message, at) in enumerate(messages):
        conversation.take(message, at, index)
    conversation.check_answered()
    instructions: list[SystemItem] = []
    for item in conversation.items:
        if not isinstance(item, SystemItem):
            break
        instructions.append(item)
    return tuple(instructions), tuple(conversation.items[len(instructions) :])


def decode_assistant(message: Wire, index: int) -> list[Item]:
    """Return the items of one of our own messages, the `index`-th of a conversation."""
    return _assistant(message, f"messages[{index}]", index, Ledger())


def _no_messages() -> RequestRefused:
    return RequestRefused(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        param="messages",
        code="empty_array",
    )


class _Conversation:
    """The messages as far as they have been read; `_unanswered` are, by id, the calls that only results may follow."""

    def __init__(self, ledger: Ledger) -> None:
        self.items: list[Item] = []
        self._ledger = ledger
        self._unanswered: dict[str, list[ToolCall]] = {}

    def take(self, message: Wire, at: str, index: int) -> None:
        """Read one message."""
        role = reading.one_of(message, "role", _ROLES, at)
        if role is None:
            raise reading.missing(reading.path(at, "role"))
        if role in ("tool", "function"):
            self.items.append(self._result(message, role, at))
            return
        self.check_answered()
        if message.get("name") is not None:
            self._ledger.drop(reading.path(at, "name"))
        if role == "assistant":
            said = _assistant(message, at, index, self._ledger)
            for call in said:
                if isinstance(call, ToolCall):
                    self._unanswered.setdefault(call.call_id, []).append(call)
            self.items += said
            return
        reading.note_unknown(message, ("role", "content", "name"), at, self._ledger)
        self.items.append(_heard(message, role, at, self._ledger))

    def check_answered(self) -> None:
        """Refuse a message with calls, in the vendor's words, that is not followed by the results of all of them."""
        if not self._unanswered:
            return
        calls = [call for calls in self._unanswered.values() for call in calls]
        raise RequestRefused(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(call.call_id[:128] for call in calls[:8]),
            param=calls[0].at,
        )

    def _result(self, message: Wire, role: str, at: str) -> ToolResult:
        if role == "tool":
            reading.note_unknown(message, ("role", "content", "name", "tool_call_id"), at, self._ledger)
            if message.get("name") is not None:
                self._ledger.drop(reading.path(at, "name"))
            call = self._answered(reading.required_text(message, "tool_call_id", at))
        else:
            reading.note_unknown(message, ("role", "content", "name"), at, self._ledger)
            reading.required_text(message, "name", at)
            call = self._answered(next((name for name in self._unanswered if name.startswith(_LEGACY_ID)), ""))
        if call is None:
            called_by = "tool_calls" if role == "tool" else "function_call"
            raise RequestRefused(
                f"Invalid parameter: messages with role '{role}' must be a response to a preceeding message with "
                f"'{called_by}'.",
                param=reading.path(at, "role"),
            )
        return _marked(decode_content(message, at, RESULT_PARTS, self._ledger), call, at)

    def _answered(self, call_id: str) -> ToolCall | None:
        """Return the call that a result with that id answers, which is then no more waiting for one."""
        calls = self._unanswered.get(call_id)
        if not calls:
            return None
        call = calls.pop(0)
        if not calls:
            del self._unanswered[call_id]
        return call


def _marked(parts: Sequence[Part], call: ToolCall, at: str) -> ToolResult:
    """Return a call's result; one that begins with the mark of a failure has failed, and loses the mark."""
    failed = bool(parts) and isinstance(parts[0], Text) and parts[0].text.startswith(TOOL_ERROR_MARK)
    if failed and isinstance(parts[0], Text):
        parts = (replace(parts[0], text=parts[0].text.removeprefix(TOOL_ERROR_MARK)), *parts[1:])
    return ToolResult(call_id=call.call_id, parts=tuple(parts), is_error=failed, kind=call.kind, at=at)


def _heard(message: Wire, role: str, at: str, ledger: Ledger) -> Item:
    if role != "user":
        parts = decode_content(message, at, SYSTEM_PARTS, ledger)
        return SystemItem(role=role, parts=tuple(part for part in parts if isinstance(part, Text)), at=at)
    parts = decode_content(message, at, USER_PARTS, ledger)
    if not parts:
        where = reading.path(at, "content")
        raise RequestRefused(
            f"Invalid '{where}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param=where,
            code="empty_array",
        )
    return UserItem(parts=parts, at=at)


def _assistant(message: Wire, at: str, index: int, ledger: Ledger) -> list[Item]:
    """Return what the model thought, said and did."""
    reading.note_unknown(message, _ASSISTANT_MEMBERS, at, ledger)
    if message.get("audio") is not None:
        raise reading.unsupported(
            reading.path(at, "audio"), "This model cannot hear what was said.", "Send the words as 'content'."
        )
    thoughts, said = _thoughts(message, at, ledger), _said(message, at, ledger)
    calls = _calls(message, at, index, ledger)
    if not (thoughts or said or calls) and message.get("content") is None:
        raise reading.wrong_type(reading.path(at, "content"), "a string or an array", None)
    return _in_order(thoughts, said, calls, at)


class _Thought(Struct, frozen=True):
    """A thought, and how many characters of the text and how many calls came before it."""

    item: Reasoning
    text_before: int = 0
    calls_before: int = 0


def _in_order(
    thoughts: Sequence[_Thought], said: Sequence[Text | Refusal], calls: Sequence[ToolCall], at: str
) -> list[Item]:
    """Return the items of a message in the order in which the model made them, as far as its thoughts tell it."""
    items: list[Item] = []
    parts, told, made = list(said), 0, 0
    for thought in thoughts:
        first, place = parts[0] if parts else None, thought.text_before - told
        if place > 0 and isinstance(first, Text):
            before, rest = _cut(first, place)
            items.append(AssistantText(parts=(before,), at=at))
            parts[:1] = [rest] if rest.text else []
            told += len(before.text)
        upto = max(made, thought.calls_before)
        items += calls[made:upto]
        made = upto
        items.append(thought.item)
    return [*items, *([AssistantText(parts=tuple(parts), at=at)] if parts else []), *calls[made:]]


def _cut(text: Text, place: int) -> tuple[Text, Text]:
    """Return the text before a place and after it, each with the sources that begin there."""
    moved = [replace(source, start=source.start - place, end=source.end - place) for source in text.annotations]
    before = tuple(source for source in text.annotations if source.start < place)
    after = tuple(source for source in moved if source.start >= 0)
    return replace(text, text=text.text[:place], annotations=before), replace(
        text, text=text.text[place:], annotations=after
    )


def _said(message: Wire, at: str, ledger: Ledger) -> tuple[Text | Refusal, ...]:
    content = message.get("content")
    parts = () if content is None else decode_content(message, at, ASSISTANT_PARTS, ledger)
    said = [part for part in parts if isinstance(part, Text | Refusal)]
    if isinstance(content, str):
        citations = _citations(message, content, at, ledger)
        said = [Text(text=content, annotations=citations, at=reading.path(at, "content"))] if content else []
    elif message.get("annotations"):
        ledger.drop(reading.path(at, "annotations"))
    if refusal := reading.text(message, "refusal", at):
        said.append(Refusal(text=refusal, at=reading.path(at, "refusal")))
    return tuple(said)


def _citations(message: Wire, content: str, at: str, ledger: Ledger) -> tuple[Citation, ...]:
    found = []
    for annotation, where in reading.elements(message, "annotations", at):
        source, source_at = reading.mapping(annotation, "url_citation", where), reading.path(where, "url_citation")
        if source is None:
            ledger.drop(where)
            continue
        start = reading.integer(source, "start_index", source_at) or 0
        end = reading.integer(source, "end_index", source_at) or 0
        url, title = reading.required_text(source, "url", source_at), reading.text(source, "title", source_at) or ""
        found.append(Citation(url, title, content[start:end], start, end))
    return tuple(found)


def _thoughts(message: Wire, at: str, ledger: Ledger) -> list[_Thought]:
    """Return what the model thought: one item for each state that the gateway gave out, the readable text in the first.

    States of others are reported: they mean something only to who made them, and that is not who is asked.
    """
    member = "reasoning_content" if message.get("reasoning_content") is not None else "reasoning"
    text = reading.text(message, member, at) or ""
    if message.get("thinking_blocks") is not None:
        ledger.drop(reading.path(at, "thinking_blocks"))
    thoughts: list[_Thought] = []
    for entry, where in reading.elements(message, "reasoning_details", at):
        opaque = entry.get("data")
        if isinstance(opaque, str) and is_sealed(opaque):
            item = Reasoning(text="" if thoughts else text, opaque=opaque, at=where)
            text_before = reading.integer(entry, "text_before", where) or 0
            thoughts.append(_Thought(item, text_before, reading.integer(entry, "calls_before", where) or 0))
        else:
            ledger.drop(where)
    return thoughts or ([_Thought(Reasoning(text=text, at=reading.path(at, member)))] if text else [])


def _calls(message: Wire, at: str, index: int, ledger: Ledger) -> list[ToolCall]:
    calls = [_call(call, where, ledger) for call, where in reading.elements(message, "tool_calls", at)]
    legacy, where = reading.mapping(message, "function_call", at), reading.path(at, "function_call")
    if legacy is not None:
        reading.note_unknown(legacy, ("name", "arguments"), where, ledger)
        calls.append(_function_call(legacy, f"{_LEGACY_ID}{index}", where, where))
    return calls


def _call(wire: Wire, at: str, ledger: Ledger) -> ToolCall:
    kind = reading.one_of(wire, "type", ("function", "custom"), at) or "function"
    reading.note_unknown(wire, ("type", "id", "index", kind), at, ledger)
    call_id = reading.required_text(wire, "id", at)
    called, where = reading.mapping(wire, kind, at), reading.path(at, kind)
    if called is None:
        raise reading.missing(where)
    if kind == "function":
        reading.note_unknown(called, ("name", "arguments", "parsed_arguments"), where, ledger)
        return _function_call(called, call_id, at, where)
    reading.note_unknown(called, ("name", "input"), where, ledger)
    return ToolCall(
        call_id=call_id,
        name=reading.required_text(called, "name", where),
        arguments=reading.required_text(called, "input", where),
        kind=ToolKind.CUSTOM,
        at=at,
    )


def _function_call(called: Wire, call_id: str, at: str, where: str) -> ToolCall:
    return ToolCall(
        call_id=call_id,
        name=reading.required_text(called, "name", where),
        arguments=reading.required_text(called, "arguments", where),
        at=at,
    )
