"""One relay to an upstream that speaks Messages, for tests: the body that it gets, and what its answers become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tests.grammar.messages_request import check_request
from tests.translation.relaying import CIRCUMSTANCES, DEPLOYMENT
from translation.events import Event
from translation.hub import Item, Request, Text, UserItem
from translation.ledger import Ledger
from translation.profiles import profile_for
from translation.shapes.messages.upstream.request import encode_request
from translation.shapes.messages.upstream.stream import MessagesStreamDecoder
from translation.sse import SseDecoder
from translation.stream_state import Phase, after
from translation.translator import Destination, Translation, translate_request

SONNET_4_5 = "claude-sonnet-4-5"
OPUS_4_8 = "claude-opus-4-8"
FABLE_5 = "claude-fable-5"
OTHER = "qwen3-coder"

USER = {"role": "user", "content": "hi"}
MINIMAL: dict[str, dict[str, Any]] = {
    "chat": {"model": "alias", "messages": [USER]},
    "responses": {"model": "alias", "input": "hi"},
}
"""The smallest request of each client shape."""


def relay(wire: dict[str, Any], model: str = OPUS_4_8, client: str = "responses") -> Translation:
    """Return the translation of a client's request, which lacks nothing but a model's name."""
    destination = Destination(shape="messages", model=model, deployment=DEPLOYMENT)
    return translate_request({**MINIMAL[client], **wire}, client, destination, CIRCUMSTANCES, "alias")


def sent(wire: dict[str, Any], model: str = OPUS_4_8, client: str = "responses") -> dict[str, Any]:
    """Return the body that the upstream gets for a client's request; it is lawful."""
    body: dict[str, Any] = msgspec.json.decode(relay(wire, model, client).body)
    check_request(body)
    return body


def lost(wire: dict[str, Any], model: str = OPUS_4_8) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is dropped and what is changed of a client's request."""
    translation = relay(wire, model)
    return translation.dropped, translation.coerced


def encoded(model: str, *items: Item, **fields: Any) -> tuple[dict[str, Any], Ledger]:
    """Return the body for a neutral request of a chat client, which is lawful, and the ledger."""
    ledger = Ledger()
    said = items or (UserItem(parts=(Text(text="hi", at="messages[0].content"),), at="messages[0]"),)
    request = Request(**{"origin": "chat", "model": "alias", "echo": fields, "items": said, **fields})
    wire = encode_request(request, model, profile_for(model), DEPLOYMENT, ledger)
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(wire))
    check_request(body)
    return body, ledger


def stream(*events: Mapping[str, Any]) -> bytes:
    """Return events as the upstream writes them."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event)) for event in events
    )


def begun(**usage: Any) -> dict[str, Any]:
    """Return the first event of a stream, which has counted this much."""
    message = {"id": "msg_12345678", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    return {"type": "message_start", "message": {**message, "usage": {"input_tokens": 10, "output_tokens": 1, **usage}}}


def block(index: int, opening: Mapping[str, Any], *deltas: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events of one whole block."""
    told = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    start = {"type": "content_block_start", "index": index, "content_block": opening}
    return [start, *told, {"type": "content_block_stop", "index": index}]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    """Return the events of a block of text."""
    return block(index, {"type": "text", "text": ""}, *[{"type": "text_delta", "text": piece} for piece in pieces])


def ended(reason: str | None = "end_turn", **members: Any) -> list[dict[str, Any]]:
    """Return the last two events of a stream; `usage` and what `delta` says besides the reason are among `members`."""
    usage = members.pop("usage", {"output_tokens": 5})
    delta = {"stop_reason": reason, "stop_sequence": None, **members}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def events_of(wire: bytes, request: dict[str, Any] | None = None) -> list[Event]:
    """Return the hub events of a stream's bytes; they come in a lawful order, and end it."""
    sse, decoder = SseDecoder(), MessagesStreamDecoder(relay(request or {}).exchange)
    told = [event for part in [*sse.feed(wire), *sse.close()] for event in decoder.decode(part)]
    told.extend(decoder.close())
    phase = Phase.WAITING
    for event in told:
        phase = after(phase, type(event))
    assert phase in (Phase.ENDED, Phase.FAILED)
    return told
