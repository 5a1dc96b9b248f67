"""Replies to clients that speak Messages: the blocks, stop reasons and numbers, and the whole message made of them.

The stream encoder takes blocks and endings from here, so that both forms of a reply say the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from translation.events import Finish, PartKind, Start, StopReason
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, WebSearch, Wire
from translation.reply import Reply, ReplyPart
from translation.shapes.messages.conversation import INVALID_JSON
from translation.shapes.messages.searches import search_input, search_result, server_tool_use
from translation.shapes.messages.usage import encode_usage

_STOP_REASONS: Mapping[StopReason, str] = {
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.MAX_TOKENS: "max_tokens",
    StopReason.CONTEXT_WINDOW: "model_context_window_exceeded",
    StopReason.REFUSAL: "refusal",
    StopReason.PAUSE: "pause_turn",
}
_SERVICE_TIERS = {
    "default": "standard",
    "standard": "standard",
    "flex": "standard",
    "priority": "priority",
    "batch": "batch",
}

LOST_LOGPROBS = "reply:logprobs"
"""How the ledger calls log probabilities, which no block has a place for."""


class Emitted(Struct):
    """What of a reply decides its stop reason: whether a tool was called, and the words of a refusal."""

    tool_call: bool = False
    refusal: str | None = None


def encode_reply(reply: Reply, exchange: Exchange) -> Wire:
    """Return the whole message of a reply that does not stream."""
    emitted = Emitted()
    content: list[Wire] = []
    for part in reply.parts:
        content += _blocks(part, len(content), exchange)
        emitted.tool_call |= part.kind is PartKind.TOOL_CALL
        if part.kind is PartKind.REFUSAL:
            emitted.refusal = (emitted.refusal or "") + part.text
    usage = encode_usage(reply.usage)
    usage["cache_creation"] = {
        "ephemeral_5m_input_tokens": usage["cache_creation_input_tokens"],
        "ephemeral_1h_input_tokens": 0,
    }
    wire = message(reply.start, exchange)
    wire["usage"] |= usage
    return wire | {"content": content} | ending(reply.finish, emitted)


def message(start: Start, exchange: Exchange) -> Wire:
    """Return the message as it is before it has content: that of `message_start`."""
    usage: Wire = {"input_tokens": 0, "output_tokens": 0}
    if start.service_tier in _SERVICE_TIERS:
        usage["service_tier"] = _SERVICE_TIERS[start.service_tier]
    return {
        "id": exchange.reply_id("msg_", start.id),
        "type": "message",
        "role": "assistant",
        "model": exchange.model_shown,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def ending(finish: Finish, emitted: Emitted) -> Wire:
    """Return the members that say why the model stopped; `tool_use` only if there is a call to answer."""
    reason = _STOP_REASONS.get(finish.reason)
    if reason is None:
        reason = "tool_use" if emitted.tool_call else "end_turn" if emitted.refusal is None else "refusal"
    wire: Wire = {"stop_reason": reason, "stop_sequence": finish.stop_sequence if reason == "stop_sequence" else None}
    if reason == "refusal":
        wire["stop_details"] = {"type": "refusal", "category": None, "explanation": finish.detail or emitted.refusal}
    return wire


def tool_use(call_id: str, name: str, number: int, exchange: Exchange) -> Wire:
    """Return the block that opens a tool call, under the name that the client declared."""
    _, declared = exchange.sent_names.get(name, (None, name))
    return {"type": "tool_use", "id": call_id or exchange.item_id("toolu_", number), "name": declared, "input": {}}


def citation(source: Citation, text: str) -> Wire:
    """Return a web source; unless it brings the words that it supports, they are those of `text` at its offsets."""
    return {
        "type": "web_search_result_location",
        "url": source.url,
        "title": source.title or source.url,
        "cited_text": source.cited_text or text[source.start : source.end],
        "encrypted_index": "",
    }


def arguments_of(tool: ToolKind, text: str) -> str:
    """Return a call's arguments as JSON; the free text of a custom tool becomes the one member of an object."""
    return msgspec.json.encode({"input": text}).decode() if tool is ToolKind.CUSTOM else text


def lost_at(number: int | None, member: str) -> str:
    """Return the path, for the ledger, of a member of the `number`-th block; of the reply's if no block was told."""
    return f"reply:{member}" if number is None else f"reply:content[{number}].{member}"


def _blocks(part: ReplyPart, number: int, exchange: Exchange) -> list[Wire]:
    """Return the blocks of a part, the first of which is the `number`-th of the message."""
    if part.logprobs:
        exchange.lost.drop(LOST_LOGPROBS)
    match part.kind:
        case PartKind.TOOL_CALL:
            block = tool_use(part.call_id, part.name, number, exchange)
            return [block | {"input": _input(arguments_of(part.tool, part.text), number, exchange)}]
        case PartKind.REASONING:
            thought = {"type": "thinking", "thinking": part.text, "signature": part.opaque}
            return [thought] if part.text or part.opaque else []
        case PartKind.TEXT | PartKind.REFUSAL:
            return _text(part, exchange)
        case PartKind.WEB_SEARCH:
            return _search(part, number, exchange)


def _text(part: ReplyPart, exchange: Exchange) -> list[Wire]:
    if not part.text:
        if part.citations:
            exchange.lost.drop(lost_at(None, "citations"))
        return []
    block: Wire = {"type": "text", "text": part.text}
    sources = [citation(source, part.text) for source in part.citations]
    return [block | {"citations": sources} if sources else block]


def _search(part: ReplyPart, number: int, exchange: Exchange) -> list[Wire]:
    search = part.search
    if search is None or search == WebSearch():
        return []
    opening = server_tool_use(part.call_id, number, exchange)
    return [opening | {"input": search_input(search)}, search_result(opening, search)]


def _input(arguments: str, number: int, exchange: Exchange) -> Wire:
    """Return the arguments as an object; what is none is handed over whole under a name that says so."""
    if not arguments.strip():
        return {}
    try:
        given = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        given = None
    if isinstance(given, dict):
        return given
    exchange.lost.coerce(lost_at(number, "input"))
    return {INVALID_JSON: arguments}
