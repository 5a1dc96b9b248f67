"""The main line of a relay: body -> route -> attempts -> answer.

Decides what to send, asks the route's targets one after the other until one answers, and hands back an Answer. A
failure before the first byte is an exception here and a real HTTP status for the client; after it, an event inside the
stream. Whoever gets an Answer closes it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from msgspec.structs import replace

from routing.table import NoModel, Route, Target, Timeouts, UnknownModel
from serving.asking import ask
from serving.body import Body, parse_body
from serving.calls import Call
from serving.errors import UpstreamError, invalid_request, unknown_model, upstream_failed
from serving.headers import HeaderList, to_client
from serving.history import History, take_up
from serving.keeping import Keep, recall, scope_of
from serving.noting import Noted, noted, response_id_of
from serving.opening import JSON_TYPE, MAX_REPLY_BYTES, Opening, open_stream
from serving.outgoing import Outgoing, check_credential, deployment_of, passed_on, translated_for
from serving.recording import RelayRecord
from serving.rounds import all_rounds, next_round
from serving.snapshot import Snapshot
from serving.streaming import PassedThrough, Reader, Translated, passed_through, translated
from serving.upstream import UpstreamAnswer, UpstreamPool, mapped
from serving.verdict import RETRYABLE_STATUSES, error_of_answer, looks_like_json, withhold
from translation.events import Usage
from translation.failures import Failure, UpstreamProtocolError
from translation.shapes import SHAPES
from translation.translator import error_inside, translate_reply

MAX_ATTEMPTS = 3
DRAIN_BYTES = 64 * 1024
DRAIN_SECONDS = 0.25


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
        self._outgoing: Outgoing | None = None
        self._keep: Keep | None = None
        self.noted: Noted | None = None
        self._upstream: UpstreamAnswer | None = None
        self._pool: UpstreamPool | None = None
        self.timeouts = Timeouts()

    def carry(
        self,
        opening: Opening,
        upstream: UpstreamAnswer,
        pool: UpstreamPool,
        outgoing: Outgoing | None = None,
        keep: Keep | None = None,
    ) -> None:
        """Become a stream; from now on the answer owns the upstream's answer and a place in its pool.

        `outgoing` is what was asked, of a stream that is translated.
        """
        self.reader, self._opening, self._upstream, self._pool = opening.reader, opening, upstream, pool
        self._outgoing, self._keep = outgoing, keep
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
        return translated(first, chunks, reader, self._go_on, self._keep)

    async def _go_on(self, reader: Translated) -> AsyncIterator[bytes]:
        """Return the chunks with which a paused reply goes on; raises UpstreamError."""
        pool, outgoing, paused = self._pool, self._outgoing, self._upstream
        assert pool is not None
        assert outgoing is not None
        assert paused is not None
        await _drain(paused)
        await paused.aclose()
        self._upstream = await next_round(pool, outgoing, reader.go_on(outgoing.body), stream=True)
        return self._upstream.raw_chunks

    async def aclose(self) -> None:
        """Give back what the answer owns and write the record. May be called at any time, and again."""
        reader, upstream, pool = self.reader, self._upstream, self._pool
        self._upstream = self._pool = None
        if self._opening is not None:
            self._opening.close()
        if reader is not None:
            if self.noted is not None and isinstance(reader, PassedThrough):
                self.noted.see(response_id_of(reader.tap))
            self.record.usage = reader.usage
            self.record.note_lost(reader.lost)
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
    if route.strict:
        call = replace(call, strict=True)
    attempts = route.attempts(random.random())  # noqa: S311 - a choice among equals, not a secret
    history = await take_up(call, body, attempts, snapshot.memory)
    targets = history.targets(attempts)[:MAX_ATTEMPTS]
    for number, target in enumerate(targets, 1):
        record.attempts = number
        try:
            return await _attempt(call, body, target, history, snapshot, record)
        except UpstreamError as exc:
            if not exc.retryable or number == len(targets):
                withhold(target.upstream.credential, exc)
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


async def _attempt(
    call: Call, body: Body, target: Target, history: History, snapshot: Snapshot, record: RelayRecord
) -> Answer:
    upstream = target.upstream
    shape = upstream.shape_for(call.shape)
    record.upstream, record.upstream_model, record.upstream_shape = upstream.name, target.model, shape
    outgoing, keep = await _prepared(call, body, target, history, snapshot, record)
    seen = noted(call, body, target, snapshot.memory) if outgoing.translation is None else None
    record.mark_prepared()
    pool = snapshot.pool(upstream)
    pool.enter()
    answered = None
    kept = False
    try:
        answered, outgoing = await ask(pool, outgoing, stream=body.stream)
        record.mark_first_byte()
        if answered.status != 200:
            asked_as_client = upstream.passthrough_auth
            raise await error_of_answer(answered, call.shape, shape, asked_as_client=asked_as_client)
        headers = to_client(answered.headers, shape, call.shape, time.time())
        if body.stream:
            answer = Answer(200, headers, "text/event-stream; charset=utf-8", record)
            async with asyncio.timeout(upstream.timeouts.idle or None):
                opening = await open_stream(answered, outgoing, call, collects=keep is not None)
            answer.carry(opening, answered, pool, outgoing, keep)
            kept = True
            answer.noted = seen
            if seen is not None:
                seen.see_stream(opening.first)
        else:
            answer = Answer(200, headers, JSON_TYPE, record)
            with pool.overdue.within(upstream.timeouts.total):
                answer.body = await _whole(answered, pool, outgoing, record, keep)
            answer.usage_of = SHAPES[shape].usage_of if outgoing.translation is None else None
            if seen is not None:
                await seen.see_reply(answer.body)
        return answer
    except TimeoutError as exc:
        raise mapped(exc) from exc
    finally:
        if not kept:
            if answered is not None:
                await answered.aclose()
            await pool.leave()


async def _prepared(
    call: Call, body: Body, target: Target, history: History, snapshot: Snapshot, record: RelayRecord
) -> tuple[Outgoing, Keep | None]:
    """Decide what is sent to the target, and how its reply is kept; raises ClientError if it cannot be asked."""
    upstream = target.upstream
    check_credential(upstream, call.request_id)
    shape = upstream.shape_for(call.shape)
    if shape == call.shape and not history.is_held_here:
        outgoing = passed_on(call, body, target)
        record.dropped, record.coerced = outgoing.dropped, outgoing.coerced
        record.translated = False
        return outgoing, None
    scope = scope_of(call.project, deployment_of(upstream), target)
    with history.own_paths():
        recalled = await recall(history.read(call, body), scope, snapshot.memory, record)
        outgoing = history.own(translated_for(call, recalled.reading, target, shape, body.model or target.model))
    assert outgoing.translation is not None
    record.dropped, record.coerced = outgoing.translation.dropped, outgoing.translation.coerced
    record.translated = True
    stored = history.keep(outgoing.translation, target, call, snapshot.memory)
    return outgoing, stored or recalled.keep(outgoing.translation, snapshot.memory)


async def _whole(
    answered: UpstreamAnswer, pool: UpstreamPool, outgoing: Outgoing, record: RelayRecord, keep: Keep | None
) -> bytes:
    """Return the whole reply in the client's shape, and keep it before."""
    reply = await answered.read(MAX_REPLY_BYTES)
    if answered.content_type == "text/html" or error_inside(reply):
        raise await error_of_answer(answered, outgoing.client_shape, outgoing.shape, reply)
    if outgoing.translation is None:
        if not looks_like_json(reply):
            raise upstream_failed(502, "upstream_protocol_error", "the upstream's reply is not a JSON object")
        return reply
    try:
        streamed_reply = answered.content_type == "text/event-stream"
        reply = reply if streamed_reply else await all_rounds(reply, pool, outgoing)
        translated = translate_reply(reply, outgoing.translation, streamed=streamed_reply)
    except UpstreamProtocolError as exc:
        raise UpstreamError(exc.failure, retryable=exc.failure.status in RETRYABLE_STATUSES) from exc
    record.usage = translated.reply.usage
    record.note_lost(outgoing.translation.exchange.lost)
    if keep is not None:
        await keep(translated.reply, ())
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
