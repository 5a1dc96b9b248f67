"""The system prompt and the messages of a request, decoded into items of the hub.

Rules kept here, because they are this wire's own: consecutive messages of one role are one turn; the turn after a call
answers every call; results come before the rest of their turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec.structs import replace

from translation import reading
from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    Item,
    Opaque,
    Part,
    Reasoning,
    SystemItem,
    Text,
    ToolCall,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.shapes.messages.blocks import (
    cache_mark,
    compact_json,
    decode_part,
    decode_text,
)
from translation.shapes.messages.searches import search_of, shown_searches
from translation.shapes.messages.spelling import Spelled

ATTRIBUTION_PREFIX = "x-anthropic-billing-header:"
"""How Claude Code begins the system block that differs with every request and would defeat every prompt cache."""

INVALID_JSON = "INVALID_JSON"
"""The member under which arguments that were no JSON object travel, in both directions."""

_USER_PARTS = ("text", "image", "document", "search_result")
_ROLES = ("user", "assistant", "system")


def decode_conversation(wire: Wire, ledger: Ledger) -> tuple[tuple[SystemItem, ...], tuple[Item, ...]]:
    """Return the leading instructions and the items that follow them."""
    instructions = list(_system(wire, "", "system", ledger))
    items = _items(wire, ledger)
    lead = 0
    for item in items:
        if not isinstance(item, SystemItem):
            break
        instructions.append(item)
        lead += 1
    return tuple(instructions), tuple(items[lead:])


def _items(wire: Wire, ledger: Ledger) -> list[Item]:
    messages = reading.elements(wire, "messages", "")
    if not messages:
        raise (
            _refused("messages", "at least one message is required")
            if "messages" in wire
            else reading.missing("messages")
        )
    items: list[Item] = []
    calls: list[ToolCall] = []
    for role, turn in groupby(messages, key=_role):
        if role == "user":
            results, said = _user_turn(turn, ledger)
            _check_paired(calls, results)
            items += [*results, *said]
            calls = []
            continue
        _check_paired(calls, [])
        heard = [item for message, at in turn for item in _heard(role, message, at, ledger)]
        calls = [item for item in heard if isinstance(item, ToolCall)]
        items += heard
    _check_paired(calls, [])
    return items


def _role(message: tuple[Wire, str]) -> str:
    wire, at = message
    role = reading.one_of(wire, "role", _ROLES, at)
    if role is None:
        raise reading.missing(reading.path(at, "role"))
    return role


def _heard(role: str, message: Wire, at: str, ledger: Ledger) -> Iterable[Item]:
    if role == "system":
        reading.note_unknown(message, ("role", "content", "clear_at", "output_config"), at, ledger)
        for key in ("clear_at", "output_config"):
            if message.get(key) is not None:
                ledger.drop(reading.path(at, key))
        return _system(message, at, "content", ledger)
    reading.note_unknown(message, ("role", "content"), at, ledger)
    return _assistant(message, at, ledger)


def _check_paired(calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> None:
    """Refuse a turn that does not answer each of the calls before it exactly once; the wording is the vendor's."""
    if len(calls) == len(results) <= 1 and all(call.call_id == results[0].call_id for call in calls):
        return  # nearly all turns are these
    waiting = Counter(call.call_id for call in calls)
    called = set(waiting)
    for result in results:
        if waiting[result.call_id]:
            waiting[result.call_id] -= 1
        elif result.call_id in called:
            raise _refused(
                result.at,
                "each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{result.call_id[:128]}",
            )
        else:
            raise _refused(
                result.at,
                f"unexpected `tool_use_id` found in `tool_result` blocks: {result.call_id[:128]}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message.",
            )
    missing = [call for call in calls if waiting[call.call_id]]
    if missing:
        raise _refused(
            missing[0].at.partition(".")[0],
            "`tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(call.call_id[:128] for call in missing[:8])}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message.",
        )


def _system(wire: Wire, at: str, key: str, ledger: Ledger) -> Iterable[SystemItem]:
    where = reading.path(at, key)
    content = wire.get(key)
    if isinstance(content, str):
        texts = [Text(text=content, at=where)]
    elif content is None or isinstance(content, list):
        texts = [
            text for block, place in reading.elements(wire, key, at) for text in _instruction(block, place, ledger)
        ]
    else:
        raise reading.wrong_type(where, "a string or an array", content)
    kept = []
    for text in texts:
        if text.text.startswith(ATTRIBUTION_PREFIX):
            ledger.drop(text.at)
        elif text.text:
            kept.append(text)
    return [SystemItem(role="system", parts=tuple(kept), at=where)] if kept else []


def _instruction(block: Wire, at: str, ledger: Ledger) -> Iterable[Text]:
    match reading.required_text(block, "type", at):
        case "text":
            return [decode_text(block, at, ledger)]
        case "tool_addition" if (reading.mapping(block, "tool", at) or {}).get("type") != "tool_definition":
            # It names a tool that is declared, and declared tools are all sent from the start.
            ledger.drop(at)
            return []
        case "tool_addition" | "tool_removal":
            raise reading.unsupported(
                at, "The list of tools cannot change within the messages.", "Change 'tools' instead."
            )
        case kind:
            raise reading.unsupported_value(reading.path(at, "type"), kind, ("text",))


def _user_turn(turn: Iterable[tuple[Wire, str]], ledger: Ledger) -> tuple[list[ToolResult], list[UserItem]]:
    results: list[ToolResult] = []
    said: list[UserItem] = []
    for message, at in turn:
        reading.note_unknown(message, ("role", "content"), at, ledger)
        where = reading.path(at, "content")
        content = message.get("content")
        if not content and isinstance(content, str | list):
            raise _refused(at, "user messages must have non-empty content")
        if isinstance(content, str):
            said.append(UserItem(parts=(Text(text=content, at=where),), at=at))
            continue
        parts: list[Part] = []
        for block, place in _blocks(message, at):
            if block.get("type") == "tool_result":
                results.append(_tool_result(block, place, ledger))
            else:
                parts += _user_block(block, place, ledger)
        if parts:
            said.append(UserItem(parts=tuple(parts), at=at))
    return results, said


def _blocks(message: Wire, at: str) -> list[tuple[Wire, str]]:
    content = message.get("content")
    if content is None:
        raise reading.missing(reading.path(at, "content"))
    if not isinstance(content, list):
        raise reading.wrong_type(reading.path(at, "content"), "a string or an array", content)
    return reading.elements(message, "content", at)


def _user_block(block: Wire, at: str, ledger: Ledger) -> tuple[Part, ...]:
    if block.get("type") in ("tool_use", "thinking", "redacted_thinking"):
        raise _refused(at, f"`{block['type']}` blocks can only be in `assistant` messages")
    _refuse_upload(block, at)
    return decode_part(block, at, ledger, (*_USER_PARTS, "tool_result"))


def _tool_result(block: Wire, at: str, ledger: Ledger) -> ToolResult:
    reading.note_unknown(
        block, ("type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"), at, ledger
    )
    _refuse_toolset(block, at)
    parts = _result_parts(block, at, ledger)
    mark = cache_mark(block, at)
    if mark and parts and isinstance(parts[-1], Text) and parts[-1].cache is None:
        parts[-1] = replace(parts[-1], cache=mark)
    return ToolResult(
        call_id=reading.required_text(block, "tool_use_id", at),
        parts=tuple(parts),
        is_error=bool(reading.boolean(block, "is_error", at)),
        at=at,
    )


def _result_parts(block: Wire, at: str, ledger: Ledger) -> list[Part]:
    content = block.get("content")
    if isinstance(content, str):
        return [Text(text=content, at=reading.path(at, "content"))] if content else []
    if content is not None and not isinstance(content, list):
        raise reading.wrong_type(reading.path(at, "content"), "a string or an array", content)
    parts: list[Part] = []
    for inner, where in reading.elements(block, "content", at):
        if inner.get("type") == "tool_reference":
            ledger.drop(where)
        else:
            parts += decode_part(inner, where, ledger, _USER_PARTS)
    return parts


def _assistant(message: Wire, at: str, ledger: Ledger) -> list[Item]:
    content = message.get("content")
    if isinstance(content, str):
        where = reading.path(at, "content")
        return [AssistantText(parts=(Text(text=content, at=where),), at=where)] if content else []
    items: list[Item] = []
    blocks = _blocks(message, at)
    if shown := shown_searches(block for block, _ in blocks):
        blocks = [(block, where) for block, where in blocks if search_of(block) not in shown]
    texts: list[Text] = []
    for block, where in blocks:
        if block.get("type") == "text":
            texts.append(decode_text(block, where, ledger))
            continue
        if texts:
            items.append(AssistantText(parts=tuple(texts), at=texts[0].at))
            texts = []
        items += _assistant_block(block, where, ledger)
    return [*items, AssistantText(parts=tuple(texts), at=texts[0].at)] if texts else items


def _assistant_block(block: Wire, at: str, ledger: Ledger) -> Iterable[Item]:
    match reading.required_text(block, "type", at):
        case "tool_use":
            return [_tool_call(block, at, ledger)]
        case "thinking":
            reading.note_unknown(block, ("type", "thinking", "signature"), at, ledger)
            text = reading.required_text(block, "thinking", at)
            return [Reasoning(text=text, opaque=reading.text(block, "signature", at) or "", at=at)]
        case "redacted_thinking":
            reading.note_unknown(block, ("type", "data"), at, ledger)
            return [Reasoning(opaque=reading.required_text(block, "data", at), at=at)]
        case "tool_result":
            raise _refused(at, "`tool_result` blocks can only be in `user` messages")
        case "compaction":
            return [_summary(block, at, ledger)]
        case "fallback":
            ledger.drop(at)
            return []
        case kind if kind in ("server_tool_use", "mcp_tool_use", "mcp_tool_listing") or kind.endswith("_tool_result"):
            return [Opaque(origin="messages", kind=kind, native=block, at=at)]
        case kind:
            _refuse_upload(block, at)
            allowed = ("text", "tool_use", "thinking", "redacted_thinking")
            raise reading.unsupported_value(reading.path(at, "type"), kind, allowed)


def _tool_call(block: Wire, at: str, ledger: Ledger) -> ToolCall:
    reading.note_unknown(block, ("type", "id", "name", "input", "caller", "cache_control", "toolset_name"), at, ledger)
    _refuse_toolset(block, at)
    if block.get("cache_control") is not None:
        ledger.drop(reading.path(at, "cache_control"))
    given = reading.mapping(block, "input", at)
    if given is None:
        raise reading.missing(reading.path(at, "input"))
    call_id, name = reading.required_text(block, "id", at), reading.required_text(block, "name", at)
    return ToolCall(call_id=call_id, name=name, arguments=_arguments(given, at), at=at)


def _arguments(given: Wire, at: str) -> str:
    bare = given.get(INVALID_JSON)
    if len(given) == 1 and isinstance(bare, str):
        return bare
    return given.spelling if isinstance(given, Spelled) else compact_json(given, reading.path(at, "input"))


def _summary(block: Wire, at: str, ledger: Ledger) -> UserItem:
    content = reading.text(block, "content", at)
    if not content:
        raise reading.unsupported(
            at,
            "This model cannot read an encrypted compaction.",
            "Send one with 'content', or the messages that it replaced.",
        )
    ledger.coerce(at)
    return UserItem(parts=(Text(text=f"<conversation-summary>{content}</conversation-summary>", at=at),), at=at)


def _refuse_toolset(block: Wire, at: str) -> None:
    if block.get("toolset_name") is not None:
        raise reading.unsupported(
            reading.path(at, "toolset_name"), "This model cannot use a toolset of the vendor.", "Leave its calls out."
        )


def _refuse_upload(block: Wire, at: str) -> None:
    if block.get("type") == "container_upload":
        raise reading.unsupported(at, "This model has no container to upload to.", "Send the file as a document block.")


def _refused(at: str, message: str) -> RequestRefused:
    return RequestRefused(message, param=at, code="invalid_value")
