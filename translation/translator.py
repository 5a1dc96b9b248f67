"""A request and its reply, translated between two shapes: the door through which serving enters this room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from translation.capabilities import corrected
from translation.efforts import overruled_member
from translation.exchange import Exchange
from translation.failures import Failure, RequestRefused, UpstreamProtocolError
from translation.hub import Request, Wire
from translation.ledger import Ledger
from translation.names import sent_names
from translation.profiles import profile_for
from translation.quirks import apply_quirks, with_quirks
from translation.reply import Reply, ReplyCollector, collect
from translation.shapes import SHAPES
from translation.shapes.shape import ClientSide, UpstreamSide
from translation.sse import EventTooLarge, SseDecoder
from translation.stream import StreamTranslator, told_at_the_end


class Destination(Struct, frozen=True, kw_only=True):
    """Where a request goes: the upstream's shape and model name, its quirks, the account's tag (envelope.py).

    `capabilities` are corrections of the model's profile (capabilities.py).
    """

    shape: str
    model: str
    quirks: tuple[str, ...] = ()
    deployment: str = ""
    capabilities: Mapping[str, Any] = {}


class Circumstances(Struct, frozen=True, kw_only=True):
    """What pure functions may not find out: the request's id, 24 random characters [A-Za-z0-9], and Unix seconds."""

    request_id: str
    seed: str
    now: int


class Translation(Struct, frozen=True, kw_only=True):
    """A translated request: the body for the upstream, what was lost, and what the reply's way back needs."""

    body: bytes
    client: str
    upstream: str
    exchange: Exchange
    dropped: tuple[str, ...]
    coerced: tuple[str, ...]

    def stream(self, collector: ReplyCollector | None = None) -> StreamTranslator:
        """Return the translator of the reply's stream; `collector` is for whoever keeps the reply."""
        client, upstream = _sides(self.client, self.upstream)
        return StreamTranslator(upstream, client, self.exchange, collector)


class TranslatedReply(Struct, frozen=True):
    """A whole reply: the body in the client's shape, and the neutral reply that it was made of."""

    body: bytes
    reply: Reply


class Reading(Struct, frozen=True):
    """A client's request, read: its shape, the neutral request, and what of it no upstream of another shape gets."""

    client: str
    request: Request
    ledger: Ledger


def translate_request(
    wire: Wire, client: str, to: Destination, circumstances: Circumstances, model_shown: str
) -> Translation:
    """Return the request for an upstream of another shape; raises RequestRefused, before anything is sent."""
    _sides(client, to.shape)
    return translate(read_request(wire, client), to, circumstances, model_shown)


def read_request(wire: Wire, client: str, api_version: str = "", raw: bytes = b"") -> Reading:
    """Return the client's request, read; raises RequestRefused for what is malformed or can never be translated.

    `api_version` is what the client says of its shape's version, "" if nothing. `raw` is the text that `wire` was
    decoded from, where that is known.
    """
    side = SHAPES[client].client
    if side is None:
        raise RequestRefused(f"Requests of the shape '{client}' cannot be translated.", code="unsupported_shape")
    ledger = Ledger()
    try:
        if side.check_version is not None:
            side.check_version(wire, api_version)
        if side.with_spellings is not None and raw:
            wire = side.with_spellings(wire, raw)
        request = side.decode_request(wire, ledger)
        if overruled := overruled_member(request):
            ledger.drop(overruled)
        return Reading(client, request, ledger)
    except RecursionError as exc:
        raise RequestRefused("The request is nested too deeply.", code="invalid_value") from exc


def translate(reading: Reading, to: Destination, circumstances: Circumstances, model_shown: str) -> Translation:
    """Return what was read as the request for an upstream of another shape; raises RequestRefused."""
    try:
        return _translated(reading, to, circumstances, model_shown)
    except RecursionError as exc:
        raise RequestRefused("The request is nested too deeply.", code="invalid_value") from exc


def _translated(reading: Reading, to: Destination, circumstances: Circumstances, model_shown: str) -> Translation:
    client, request, ledger = reading.client, reading.request, reading.ledger.copy()
    _, upstream_side = _sides(client, to.shape)
    profile = corrected(with_quirks(to.quirks, to.shape, profile_for(to.model)), to.capabilities)
    body = upstream_side.encode_request(request, to.model, profile, to.deployment, ledger)
    exchange = Exchange(
        request=request,
        model_shown=model_shown,
        seed=circumstances.seed,
        now=circumstances.now,
        request_id=circumstances.request_id,
        deployment=to.deployment,
        profile=profile,
        sent_names=sent_names(request.tools, upstream_side.tool_name_max),
    )
    return Translation(
        body=msgspec.json.encode(apply_quirks(to.quirks, to.shape, body)),
        client=client,
        upstream=to.shape,
        exchange=exchange,
        dropped=ledger.dropped,
        coerced=ledger.coerced,
    )


def translate_reply(body: bytes, translation: Translation, *, streamed: bool = False) -> TranslatedReply:
    """Return the upstream's reply in the client's shape; raises UpstreamProtocolError.

    `streamed`: the upstream sent a stream although none was asked for; it is collected.
    """
    client, upstream = _sides(translation.client, translation.upstream)
    if streamed:
        reply = _collected(body, upstream, translation.exchange)
    else:
        wire = _object(body)
        if upstream.with_spellings is not None:
            wire = upstream.with_spellings(wire, body)
        reply = upstream.decode_reply(wire, translation.exchange)
    return TranslatedReply(msgspec.json.encode(client.encode_reply(reply, translation.exchange)), reply)


def error_inside(body: bytes) -> bool:
    """Tell whether a body that came with a success status is an error all the same."""
    if b'"error"' not in body:
        return False
    try:
        wire = msgspec.json.decode(body, type=_Suspect)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return bool(wire.error) or wire.type == "error"


class _Suspect(Struct):
    error: Any = None
    type: Any = None


def _collected(body: bytes, upstream: UpstreamSide, exchange: Exchange) -> Reply:
    sse, decoder = SseDecoder(), upstream.stream_decoder(exchange)
    try:
        events = [told for event in sse.feed(body) for told in decoder.decode(event)]
    except EventTooLarge as exc:
        raise UpstreamProtocolError(f"the upstream's stream: {exc}") from exc
    events.extend(told_at_the_end(sse, decoder))
    events.extend(decoder.close())
    for event in events:
        if isinstance(event, Failure):
            raise UpstreamProtocolError(event.message, event)
    return collect(events)


def _object(body: bytes) -> Wire:
    try:
        wire = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UpstreamProtocolError(f"the upstream's reply is not JSON: {exc}") from exc
    if not isinstance(wire, Mapping):
        raise UpstreamProtocolError("the upstream's reply is not a JSON object")
    return dict(wire)


def _sides(client: str, upstream: str) -> tuple[ClientSide, UpstreamSide]:
    client_side, upstream_side = SHAPES[client].client, SHAPES[upstream].upstream
    if client_side is None or upstream_side is None:
        raise RequestRefused(
            f"This model's provider speaks '{upstream}' only, and '{client}' requests cannot be translated to it. "
            f"Ask for the model with the '{upstream}' API.",
            code="unsupported_shape",
        )
    return client_side, upstream_side
