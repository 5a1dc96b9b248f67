"""Replies to chat clients: the message, why it ended, and the whole completion made of them.

The stream encoder takes all of these from here, so that both forms of a reply say the same. The wire has one order:
thoughts, text, calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.exchange import Exchange
from translation.hub import Citation, Item, Wire
from translation.reply import Reply, ReplyPart
from translation.shapes.chat.client.calls import call_object, call_text, restored_call
from translation.shapes.chat.client.conversation import decode_assistant
from translation.shapes.chat.client.request import hides_thoughts
from translation.shapes.chat.client.tools import speaks_functions
from translation.shapes.chat.usage import encode_usage

THOUGHTS_JOINT = "\n"
"""What stands between the thoughts of two parts, which this wire writes as one string."""

_UNEXPLAINED = "Refused."
_KEPT = ("role", "content", "refusal", "tool_calls", "function_call")
_SERVICE_TIERS = {"standard": "default", "standard_only": "default"}
_TIERS_WITHOUT_TWIN = ("batch",)
_REASONS: Mapping[StopReason, str] = {
    StopReason.MAX_TOKENS: "length",
    StopReason.CONTEXT_WINDOW: "length",
    StopReason.REFUSAL: "content_filter",
}


class Said(Struct):
    """What of a reply decides how it ends: whether there was text, a refusal, a call."""

    text: bool = False
    refusal: bool = False
    call: bool = False


def encode_reply(reply: Reply, exchange: Exchange) -> Wire:
    """Return the whole completion of a reply that does not stream."""
    texts, refusals, calls = (
        [part for part in reply.parts if part.kind is kind]
        for kind in (PartKind.TEXT, PartKind.REFUSAL, PartKind.TOOL_CALL)
    )
    text, refusal = "".join(part.text for part in texts), "".join(part.text for part in refusals)
    said = Said(text=bool(text), refusal=bool(refusal), call=bool(calls))
    refusal += unsaid_refusal(reply.finish, said)
    message: Wire = {"role": "assistant", "content": text or ("" if is_silent(said) and not refusal else None)}
    message["refusal"] = refusal or None
    message |= _thoughts(reply.parts, exchange)
    if sources := url_citations([(part.text, part.citations) for part in texts]):
        message["annotations"] = sources
    choice = {
        "index": 0,
        "message": message | _calls(calls, exchange),
        "logprobs": _logprobs(texts, exchange),
        "finish_reason": finish_reason(reply.finish, said, reply.usage, exchange),
    }
    wire = frame(reply.start, "chat.completion", exchange) | {"choices": [choice]}
    return wire if reply.usage is None else wire | {"usage": encode_usage(reply.usage)}


def echoed(reply: Reply, exchange: Exchange) -> Sequence[Item]:
    """Return the reply's items as they come back from a client that keeps only role, text and calls."""
    message = encode_reply(reply, exchange)["choices"][0]["message"]
    kept = {name: value for name, value in message.items() if name in _KEPT}
    return decode_assistant(kept, len(exchange.request.echo["messages"]))


def frame(start: Start, kind: str, exchange: Exchange) -> Wire:
    """Return the members that a completion and every chunk of a stream begin with; `kind` says which it is."""
    wire: Wire = {
        "id": exchange.reply_id("chatcmpl-", start.id),
        "object": kind,
        "created": start.created or exchange.now,
        "model": exchange.model_shown or start.model,
        "system_fingerprint": None,
    }
    if start.service_tier and start.service_tier not in _TIERS_WITHOUT_TWIN:
        wire["service_tier"] = _SERVICE_TIERS.get(start.service_tier, start.service_tier)
    return wire


def is_silent(said: Said) -> bool:
    """Tell whether nothing was said or done: then the text is empty, else without text it is null."""
    return not (said.text or said.refusal or said.call)


def unsaid_refusal(finish: Finish, said: Said) -> str:
    """Return the explanation of a refusal if there is nothing else to read: then it is the answer. Else ""."""
    return finish.detail or _UNEXPLAINED if finish.reason is StopReason.REFUSAL and is_silent(said) else ""


def finish_reason(finish: Finish, said: Said, usage: Usage | None, exchange: Exchange) -> str:
    """Return why the model stopped, in the words of the wire; calls are asked for only if there are any.

    Which of the stop sequences it was has no place in the reply, and neither has the wish to be asked to go on.
    """
    if finish.reason is StopReason.STOP_SEQUENCE:
        exchange.lost.drop("reply:stop_sequence")
    elif finish.reason is StopReason.PAUSE:
        exchange.lost.coerce("reply:stop_reason", finish.reason.value, "stop")
    reason = _REASONS.get(finish.reason)
    if reason is not None:
        return reason
    limit = exchange.request.max_tokens
    if finish.reason is StopReason.UNKNOWN and usage is not None and limit is not None and usage.output_tokens >= limit:
        return "length"  # nobody said so, but half a call must not be taken for a whole one
    if not said.call:
        return "stop"
    return "function_call" if speaks_functions(exchange.request.echo) else "tool_calls"


def url_citations(texts: Sequence[tuple[str, Sequence[Citation]]]) -> list[Wire]:
    """Return the web sources of the parts of text; their places are in the text of all parts.

    A source without a place is one of its whole part, and one without a title is called by its URL.
    """
    told: list[Wire] = []
    before = 0
    for text, citations in texts:
        for source in citations:
            start, end = (source.start, source.end) if source.end else (0, len(text))
            place = {"start_index": before + start, "end_index": before + end}
            citation = {"url": source.url, "title": source.title or source.url, **place}
            told.append({"type": "url_citation", "url_citation": citation})
        before += len(text)
    return told


def thought_detail(opaque: str, number: int, text_before: int, calls_before: int) -> Wire:
    """Return the `number`-th entry of `reasoning_details`: an upstream's state, which the client sends back.

    Thoughts that came after text or calls say after how many characters and calls: their maker may take them back only
    in their place, and the message has none for them.
    """
    wire: Wire = {"type": "reasoning.encrypted", "data": opaque, "index": number, "format": "gw1"}
    place = {"text_before": text_before, "calls_before": calls_before}
    return wire | {name: count for name, count in place.items() if count}


def shows_thoughts(exchange: Exchange) -> bool:
    """Tell whether the client gets to read what the model thought."""
    return not hides_thoughts(exchange.request.echo)


def _thoughts(parts: Sequence[ReplyPart], exchange: Exchange) -> Wire:
    words: list[str] = []
    details: list[Wire] = []
    text_before = calls_before = 0
    for part in parts:
        if part.kind is PartKind.TEXT:
            text_before += len(part.text)
        elif part.kind is PartKind.TOOL_CALL:
            calls_before += 1
        elif part.kind is PartKind.REASONING:
            words += [part.text] if part.text else []
            if part.opaque:
                details.append(thought_detail(part.opaque, len(details), text_before, calls_before))
    wire: Wire = {"reasoning_details": details} if details else {}
    return wire | {"reasoning_content": THOUGHTS_JOINT.join(words)} if words and shows_thoughts(exchange) else wire


def _calls(parts: Sequence[ReplyPart], exchange: Exchange) -> Wire:
    told: list[Wire] = []
    for number, part in enumerate(parts):
        call = restored_call(part.call_id, part.name, part.tool, number, exchange)
        told.append(call_object(call, call_text(call, part.text)))
    if not told or not speaks_functions(exchange.request.echo):
        return {"tool_calls": told} if told else {}
    for number in range(1, len(told)):
        exchange.lost.drop(surplus_call(number))
    return {"function_call": told[0]["function"]}


def surplus_call(number: int) -> str:
    """Return the path, for reports, of a call beyond the first, where the client's wire has room for that one only."""
    return f"reply:tool_calls[{number}]"


def _logprobs(texts: Sequence[ReplyPart], exchange: Exchange) -> Wire | None:
    entries = [entry for part in texts for entry in part.logprobs]
    return {"content": entries, "refusal": None} if entries and exchange.request.logprobs else None
