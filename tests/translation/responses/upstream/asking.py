"""One relay to a responses upstream, for tests: the request on its way there, and what the upstream's stream tells."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.grammar.responses_request import check_request
from tests.translation.relaying import CIRCUMSTANCES, DEPLOYMENT, MINIMAL
from translation.envelope import Envelope, seal
from translation.events import End, Event
from translation.reply import Reply, collect
from translation.shapes.responses.upstream.stream import ResponsesStreamDecoder
from translation.sse import SseDecoder
from translation.stream_state import Phase, after
from translation.translator import Destination, Translation, translate_request


def translation(client: str = "messages", wire: dict[str, Any] | None = None, model: str = "m") -> Translation:
    """Return the translation of a request, the smallest one if none is given, to a responses upstream."""
    destination = Destination(shape="responses", model=model, deployment=DEPLOYMENT)
    return translate_request(wire or MINIMAL[client], client, destination, CIRCUMSTANCES, "alias")


def asked(model: str = "m", **members: Any) -> tuple[dict[str, Any], Translation]:
    """Return the lawful body that the upstream gets from a messages client with these members, and the translation."""
    relay = translation("messages", {**MINIMAL["messages"], **members}, model)
    body = msgspec.json.decode(relay.body)
    check_request(body)
    return body, relay


def sent(*messages: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    """Return the input that the upstream gets for the messages of a messages client."""
    items: list[dict[str, Any]] = asked(messages=list(messages), **members)[0]["input"]
    return items


def envelope(*natives: dict[str, Any], origin: str = "responses", deployment: str = DEPLOYMENT) -> str:
    """Return the envelope that a client got with a reply."""
    return seal(Envelope(origin, deployment, natives))


def stream_of(*events: dict[str, Any]) -> bytes:
    """Return events as most upstreams write them."""
    lines = [(event["type"], msgspec.json.encode(event)) for event in events]
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), data) for name, data in lines)


def events_of(stream: bytes, size: int = 1 << 20) -> list[Event]:
    """Return the hub events of a stream in reads of `size` bytes; they come in a lawful order, and end it."""
    sse, decoder = SseDecoder(), ResponsesStreamDecoder(translation().exchange)
    reads = [stream[at : at + size] for at in range(0, len(stream), size)]
    cut = [event for read in reads for event in sse.feed(read)]
    told = [event for part in [*cut, *sse.close()] for event in decoder.decode(part)]
    told.extend(decoder.close())
    phase = Phase.WAITING
    for event in told:
        phase = after(phase, type(event))
    assert phase in (Phase.ENDED, Phase.FAILED)
    return told


def reply_of(*events: dict[str, Any]) -> Reply:
    """Return the reply that a complete stream of these events tells."""
    return collect(events_of(stream_of(*events)))


def added(index: int, **item: Any) -> dict[str, Any]:
    """Return the announcement of an item."""
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, **item: Any) -> dict[str, Any]:
    """Return the event that repeats a whole item."""
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def delta(of: str, index: int, text: str, **members: Any) -> dict[str, Any]:
    """Return a piece of the item at an index; `of` is what it is a piece of."""
    return {"type": f"response.{of}.delta", "output_index": index, "delta": text, **members}


def created(**response: Any) -> dict[str, Any]:
    """Return the first event."""
    response = {"id": "resp_1", "model": "m-1", "created_at": 1_700_000_000, "status": "in_progress", **response}
    return {"type": "response.created", "response": response}


def completed(*output: dict[str, Any], **response: Any) -> dict[str, Any]:
    """Return the last event of a reply."""
    return {"type": "response.completed", "response": {"status": "completed", "output": list(output), **response}}


def message(*texts: str, **members: Any) -> dict[str, Any]:
    """Return a message item."""
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "role": "assistant", "content": content, **members}


def call(call_id: str, name: str, arguments: str, **members: Any) -> dict[str, Any]:
    """Return a call of a function."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **members}


def rs(**members: Any) -> dict[str, Any]:
    """Return a reasoning item."""
    return {"type": "reasoning", "id": "rs_1", "summary": [], **members}


def lost_by(*events: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the ledger of a reply says: the paths that were dropped, and those that were changed."""
    exchange = translation().exchange
    sse, decoder = SseDecoder(), ResponsesStreamDecoder(exchange)
    told = [event for part in sse.feed(stream_of(*events)) for event in decoder.decode(part)]
    assert told[-1] == End()
    return exchange.lost.dropped, exchange.lost.coerced
