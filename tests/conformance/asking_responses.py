"""Requests to upstreams that speak Responses, and their replies, for tests: what arrives there, and what comes back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.grammar import chat, messages
from tests.grammar.responses_request import check_request
from tests.translation import official_clients
from tests.translation.relaying import CIRCUMSTANCES, MINIMAL, streamed
from tests.translation.relaying import translation as translated
from tests.translation.responses.upstream.asking import added, created, delta, done, stream_of
from translation.failures import RequestRefused
from translation.shapes import SHAPES
from translation.translator import Translation, translate_reply

Wire = dict[str, Any]
MODEL = "gpt-5.2"
MARKABLE = "gpt-5.6-sol"
USAGE = {
    "input_tokens": 115,
    "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 124,
}
ROUTES = """
model_providers:
  - {{model: openai/gpt-5.2, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [responses]}}
"""
_GRAMMARS = {"chat": chat.check, "messages": messages.check}
_DELTAS = {
    "output_text": ("output_text", "text"),
    "refusal": ("refusal", "refusal"),
}


def relay(client: str, members: Wire, model: str = MODEL) -> Translation:
    """Return the translation of a client's smallest request with these members."""
    return translated(client, {**MINIMAL[client], **members}, model, upstream="responses")


def sent(client: str, *said: Wire, model: str = MODEL, **members: Any) -> Wire:
    """Return the body that the upstream gets for these messages, which is lawful."""
    body: Wire = msgspec.json.decode(
        relay(client, {**({"messages": list(said)} if said else {}), **members}, model).body
    )
    check_request(body)
    return body


def refused(client: str, model: str = MODEL, **members: Any) -> Wire:
    """Return the error that the client reads, with status 400, instead of a reply."""
    with pytest.raises(RequestRefused) as caught:
        relay(client, members, model)
    status, body = SHAPES[client].encode_error(caught.value.failure, CIRCUMSTANCES.request_id)
    assert status == 400
    error: Wire = body["error"]
    return error


def told(*output: Wire) -> list[Wire]:
    """Return the events of a stream that tells these items piece by piece, up to the last event."""
    events = [created()]
    for index, item in enumerate(output):
        opening = {**item, **{name: [] for name in ("content", "summary") if name in item}}
        opening |= {name: "" for name in ("arguments", "input") if name in item}
        events += [added(index, **opening), *_pieces(index, item), done(index, **item)]
    return events


def _pieces(index: int, item: Wire) -> list[Wire]:
    match item["type"]:
        case "message":
            parts = [(*_DELTAS[part["type"]], place, part) for place, part in enumerate(item["content"])]
            return [delta(of, index, part[member], content_index=place) for of, member, place, part in parts]
        case "reasoning":
            texts = [part["text"] for part in item["summary"]]
            return [delta("reasoning_summary_text", index, text, summary_index=n) for n, text in enumerate(texts)]
        case "function_call":
            return [delta("function_call_arguments", index, piece) for piece in _halves(item["arguments"])]
        case "custom_tool_call":
            return [delta("custom_tool_call_input", index, piece) for piece in _halves(item["input"])]
    return []


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def ending(*output: Wire, status: str = "completed", **members: Any) -> Wire:
    """Return the last event of a stream, which has the whole response."""
    return {"type": f"response.{status}", "response": whole(*output, status=status, **members)}


def whole(*output: Wire, **members: Any) -> Wire:
    """Return a response in one piece."""
    frame = {"id": "resp_12345678", "object": "response", "model": "m-1", "created_at": 1_700_000_000}
    return {**frame, "status": "completed", "output": list(output), "usage": USAGE, **members}


def reads(client: str, *events: Wire, request: Wire | None = None, tail: bytes = b"") -> bytes:
    """Return the stream that a client reads, which is lawful, while the upstream sends these events."""
    usage = {"stream_options": {"include_usage": True}} if client == "chat" else {}
    stream = streamed(relay(client, {"stream": True, **usage, **(request or {})}), [stream_of(*events) + tail])
    assert _GRAMMARS[client](stream)
    return stream


def read(client: str, *output: Wire, request: Wire | None = None, **members: Any) -> list[Wire]:
    """Return what the official client reads of a response: whole, and as a stream."""
    body = translate_reply(msgspec.json.encode(whole(*output, **members)), relay(client, request or {})).body
    status = members.get("status", "completed")
    stream = reads(client, *told(*output), ending(*output, **{**members, "status": status}), request=request)
    return [official_clients.of_whole(client, body), official_clients.of_stream(client, stream)]
