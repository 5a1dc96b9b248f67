"""The main line of a relay: body -> route -> attempts -> answer.

Decides what to send, asks the route's targets one after the other until one answers, and hands back an Answer. A
failure before the first byte is an exception here and a real HTTP status for the client; after it, an event inside the
stream. Whoever gets an Answer closes it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable

from msgspec import Struct

from routing.table import NoModel, Route, Target, Timeouts, UnknownModel
from serving.body import Body, parse_body
from serving.errors import ClientError, UpstreamError, invalid_request, unknown_model, upstream_failed
from serving.headers import MESSAGES_VERSION, HeaderList, credentials, to_client, to_upstream
from serving.opening import JSON_TYPE, MAX_REPLY_BYTES, Opening, open_stream
from serving.recording import RelayRecord
from serving.snapshot import Snapshot
from serving.streaming import PassedThrough, Reader, passed_through, translated
from serving.upstream import UpstreamAnswer, UpstreamPool, mapped
from serving.verdict import RETRYABLE_STATUSES, error_of_answer, looks_like_json
from translation.envelope import deployment_tag
from translation.events import Usage
from translation.failures import Failure, RequestRefused, UpstreamProtocolError
from translation.shapes import SHAPES
from translation.translator import (
    Circumstances,
    Destination,
    Translation,
    error_inside,
    translate_reply,
    translate_request,
)

logger = logging.getLogger("serving.credentials")

MAX_ATTEMPTS = 3
DRAIN_BYTES = 64 * 1024
DRAIN_SECONDS = 0.25


class Call(Struct, frozen=True, kw_only=True):
    """One request of a client: the shape of the endpoint, the body, the headers as they came (names in lower case).

    `patience` is how many seconds the client waits for a stream's headers while the upstream says nothing.
    """

    shape: str
    body: bytes
    headers: HeaderList
    request_id: str
    strict: bool = False
    patience: float = 15.0


class Outgoing(Struct, frozen=True):
    """What is sent to one target. `translation` is None for a passthrough."""

    shape: str
    body: bytes
    headers: HeaderList
    translation: Translation | None


class Answer:
    """What the client gets: a status and headers, and a whole body or a stream."""

    def __init__(self, status: int, headers: HeaderList, content_type: str, record: RelayRecord) -> None:
        self.status = record.status = status
        self.headers = headers
        self.content_type = content_type
        self.record = record
        self.body = b""
        self.reader: Reader | None = None
        self.usage_of: Callable[[bytes], Usage | None] | None = None
        self._opening: Opening | None = None
        self._upstream: UpstreamAnswer | None = None
        self._pool: UpstreamPool | None = None
        self.timeouts = Timeouts()

    def carry(self, opening: Opening, upstream: UpstreamAnswer, pool: UpstreamPool) -> None:
        """Become a stream; from now on the answer owns the upstream's answer and a place in its pool."""
        self.reader, self._opening, self._upstream, self._pool = opening.reader, opening, upstream, pool
        self.timeouts = pool.upstream.timeouts

    def time_out(self, why: str) -> bytes:
        """Return the error of a stream that waited too long for its upstream."""
        return self.fail(upstream_failed(504, "upstream_timeout", why).failure)

    def fail(self, failure: Failure) -> bytes:
        """Return the error of a stream that breaks here."""
        return b"" if self.reader is None else self.reader.fail(failure)

    def stream(self) -> AsyncGenerator[bytes]:
        """Return the bytes for the client; to be iterated once."""
        assert self._opening is not None
        first, chunks, reader = self._opening.first, self._opening.chunks, self._opening.reader
        if isinstance(reader, PassedThrough):
            return passed_through(first, chunks, reader)
        return translated(first, chunks, reader)

    async def aclose(self) -> None:
        """Give back what the answer owns and write the record. May be called at any time, and again."""
        reader, upstream, pool = self.reader, self._upstream, self._pool
        self._upstream = self._pool = None
        if self._opening is not None:
            self._opening.close()
        if reader is not None:
            self.record.usage = reader.usage
            if reader.failure is not None:
                self.record.error = reader.failure.code or reader.failure.kind.value
            failed = reader.failure is not None or (isinstance(reader, PassedThrough) and reader.failed_upstream)
            self.record.close("failed" if failed else "ended" if reader.complete else "client_closed")
        if upstream is not None and pool is not None:
            try:
                if reader is not None and reader.complete:
                    await _drain(upstream)
            finally:
                try:
                    await upstream.aclose()
                finally:
                    await pool.leave()
        if self.usage_of is not None:
            # Counted when the answer is on its way, so that the client does not wait for our books.
            self.record.usage = self.usage_of(self.body)
        self.record.close("ended")


async def relay(call: Call, snapshot: Snapshot, record: RelayRecord) -> Answer:
    """Return the answer to the client's request; raises GatewayError if there is none."""
    body = parse_body(call.body)
    record.model, record.stream = body.model or "", body.stream
    route = route_of(body, snapshot)
    record.route = route.name
    targets = route.attempts(random.random())[:MAX_ATTEMPTS]  # noqa: S311 - a choice among equals, not a secret
    for number, target in enumerate(targets, 1):
        record.attempts = number
        try:
            return await _attempt(call, body, target, snapshot, record)
        except UpstreamError as exc:
            if not exc.retryable or number == len(targets):
                raise
    raise unknown_model(route.name)


def route_of(body: Body, snapshot: Snapshot) -> Route:
    """Return the route for the model that the body names, or for none; raises ClientError if there is none."""
    try:
        return snapshot.table.resolve(body.model)
    except UnknownModel as exc:
        raise unknown_model(exc.model) from exc
    except NoModel as exc:
        raise invalid_request("You must provide a 'model' parameter.", param="model", code="missing_model") from exc


async def _attempt(call: Call, body: Body, target: Target, snapshot: Snapshot, record: RelayRecord) -> Answer:
    upstream = target.upstream
    shape = upstream.shape_for(call.shape)
    record.upstream, record.upstream_model, record.upstream_shape = upstream.name, target.model, shape
    outgoing = prepare(call, body, target, shape)
    if outgoing.translation is not None:
        record.dropped, record.coerced = outgoing.translation.dropped, outgoing.translation.coerced
    record.mark_prepared()
    pool = snapshot.pool(upstream)
    pool.enter()
    answered = None
    kept = False
    try:
        sent = (SHAPES[shape].path, shape, outgoing.body, outgoing.headers)
        answered = await pool.send(*sent, stream=body.stream)
        record.mark_first_byte()
        if answered.status != 200:
            raise await error_of_answer(answered, call.shape, shape)
        headers = to_client(answered.headers)
        if body.stream:
            answer = Answer(200, headers, "text/event-stream; charset=utf-8", record)
            async with asyncio.timeout(upstream.timeouts.idle or None):
                opening = await open_stream(answered, shape, outgoing.translation, call.request_id, call.patience)
            answer.carry(opening, answered, pool)
            kept = True
        else:
            answer = Answer(200, headers, JSON_TYPE, record)
            with pool.overdue.within(upstream.timeouts.total):
                answer.body = await _whole(answered, outgoing, record)
            answer.usage_of = SHAPES[shape].usage_of if outgoing.translation is None else None
        return answer
    except TimeoutError as exc:
        raise mapped(exc) from exc
    finally:
        if not kept:
            if answered is not None:
                await answered.aclose()
            await pool.leave()


def prepare(call: Call, body: Body, target: Target, shape: str) -> Outgoing:
    """Decide what is sent to the target; raises ClientError if its shape cannot serve the request."""
    upstream = target.upstream
    if upstream.credential is not None and upstream.credential.missing is not None and not upstream.passthrough_auth:
        fields = {"id": call.request_id, "upstream": upstream.name, "missing": upstream.credential.missing}
        logger.error("a credential is not there", extra={"fields": fields})
        raise upstream_failed(502, "upstream_auth", "the upstream's credential is not configured")
    if shape == call.shape:
        headers = to_upstream(call.headers)
        if upstream.passthrough_auth:
            headers += credentials(call.headers)
        if shape == "messages" and not any(name == b"anthropic-version" for name, _ in headers):
            headers.append(MESSAGES_VERSION)
        sent = body.raw if body.model == target.model else body.with_model(target.model)
        return Outgoing(shape, sent, headers, None)
    headers = [MESSAGES_VERSION] if shape == "messages" else []
    if upstream.passthrough_auth:
        headers += credentials(call.headers)
    translation = _translated(call, body, target, shape)
    return Outgoing(shape, translation.body, headers, translation)


def _translated(call: Call, body: Body, target: Target, shape: str) -> Translation:
    upstream = target.upstream
    account = upstream.credential.fingerprint if upstream.credential is not None else ""
    to = Destination(
        shape=shape,
        model=target.model,
        quirks=upstream.quirks,
        deployment=deployment_tag(upstream.provider, f"{upstream.base_url} {account}"),
    )
    now = Circumstances(
        request_id=call.request_id,
        seed=call.request_id,
        now=int(time.time()),
        api_version=next((v.decode("latin-1") for n, v in call.headers if n == b"anthropic-version"), ""),
    )
    try:
        translation = translate_request(body.members, call.shape, to, now, body.model or target.model)
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc
    lost = (*translation.dropped, *translation.coerced)
    if call.strict and lost:
        message = f"Strict mode: {', '.join(lost[:8])} cannot reach this model's provider unchanged."
        raise invalid_request(message, param=lost[0].partition("=")[0], code="unsupported_parameter")
    return translation


async def _whole(answered: UpstreamAnswer, outgoing: Outgoing, record: RelayRecord) -> bytes:
    """Return the whole reply in the client's shape."""
    reply = await answered.read(MAX_REPLY_BYTES)
    if answered.content_type == "text/html" or error_inside(reply):
        raise await error_of_answer(answered, "", outgoing.shape, reply)
    if outgoing.translation is None:
        if not looks_like_json(reply):
            raise upstream_failed(502, "upstream_protocol_error", "the upstream's reply is not a JSON object")
        return reply
    try:
        streamed_reply = answered.content_type == "text/event-stream"
        translated = translate_reply(reply, outgoing.translation, streamed=streamed_reply)
    except UpstreamProtocolError as exc:
        raise UpstreamError(exc.failure, retryable=exc.failure.status in RETRYABLE_STATUSES) from exc
    record.usage = translated.usage
    return translated.body


async def _drain(upstream: UpstreamAnswer) -> None:
    """Read what little may follow the end of the reply, so that the connection can be used again."""
    size = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for chunk in upstream.chunks:
                size += len(chunk)
                if size > DRAIN_BYTES:
                    return
    except (TimeoutError, UpstreamError):
        return
