"""Replies to clients that speak Messages: the blocks, stop reasons and numbers, and the whole message made of them.

The stream encoder takes blocks and endings from here, so that both forms of a reply say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from translation.events import Finish, PartKind, Start, StopReason
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, Wire
from translation.reply import Reply, ReplyPart
from translation.shapes.messages.conversation import INVALID_JSON
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


class Emitted(Struct):
    """What of a reply decides its stop reason: whether a tool was called, and the words of a refusal."""

    tool_call: bool = False
    refusal: str | None = None


def encode_reply(reply: Reply, exchange: Exchange) -> Wire:
    """Return the whole message of a reply that does not stream."""
    emitted = Emitted()
    content: list[Wire] = []
    for part in reply.parts:
        block = _block(part, len(content), exchange)
        if block is not None:
            content.append(block)
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


def _block(part: ReplyPart, number: int, exchange: Exchange) -> Wire | None:
    match part.kind:
        case PartKind.TOOL_CALL:
            block = tool_use(part.call_id, part.name, number, exchange)
            return block | {"input": _input(arguments_of(part.tool, part.text))}
        case PartKind.REASONING:
            if not part.text and not part.opaque:
                return None
            return {"type": "thinking", "thinking": part.text, "signature": part.opaque}
        case PartKind.TEXT | PartKind.REFUSAL:
            return _text(part.text, part.citations)
        case PartKind.WEB_SEARCH:
            return None


def _text(text: str, citations: Iterable[Citation]) -> Wire | None:
    if not text:
        return None
    block: Wire = {"type": "text", "text": text}
    sources = [citation(source, text) for source in citations]
    return block | {"citations": sources} if sources else block


def _input(arguments: str) -> Wire:
    """Return the arguments as an object; what is none is handed over whole under a name that says so."""
    if not arguments.strip():
        return {}
    try:
        given = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        given = None
    return given if isinstance(given, dict) else {INVALID_JSON: arguments}
