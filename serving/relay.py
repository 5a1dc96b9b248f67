"""The main line of a relay: body -> route -> history -> attempts -> answer.

Asks the route's targets one after the other until one answers. A failure before the first byte is an exception here and
a real HTTP status for the client; after it, an event inside the stream.
"""

from __future__ import annotations

import asyncio
import random
import time

from msgspec.structs import replace

from routing.table import Target
from serving.answer import Answer, StreamedAnswer, WholeAnswer
from serving.asking import ask
from serving.body import Body, parse_body
from serving.calls import Call
from serving.errors import UpstreamError, unknown_model
from serving.headers import to_client
from serving.history import History, take_up
from serving.keeping import Keep, recall, scope_of
from serving.noting import noted
from serving.opening import open_stream
from serving.outgoing import Outgoing, check_credential, deployment_of, passed_on, translated_for
from serving.recording import RelayRecord
from serving.snapshot import Snapshot
from serving.upstream import UpstreamAnswer, mapped
from serving.verdict import error_of_answer, withhold
from serving.whole import whole_reply
from translation.shapes import SHAPES

MAX_ATTEMPTS = 3


async def relay(call: Call, snapshot: Snapshot, record: RelayRecord) -> Answer:
    """Return the answer to the client's request; raises GatewayError if there is none."""
    body = parse_body(call.body)
    record.model, record.stream = body.model or "", body.stream
    route = snapshot.route_of(body.model)
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
            record.note_next(exc)
    raise unknown_model(route.name)


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
    answered: UpstreamAnswer | None = None
    handed_over = False
    try:
        answered, outgoing = await ask(pool, outgoing, target.model, stream=body.stream)
        record.mark_first_byte()
        if answered.status != 200:
            record.upstream_status = answered.status
            asked_as_client = upstream.passthrough_auth
            raise await error_of_answer(answered, call.shape, shape, asked_as_client=asked_as_client)
        record.status = answered.status
        headers = to_client(answered.headers, shape, call.shape, time.time())
        if body.stream:
            async with asyncio.timeout(upstream.timeouts.idle or None):
                opening = await open_stream(answered, outgoing, call, collects=keep is not None)
            if seen is not None:
                seen.see_stream(opening.first, opening.reader)
            handed_over = True
            return StreamedAnswer(headers, opening, answered, pool, outgoing, record, keep=keep)
        with pool.overdue.within(upstream.timeouts.total):
            reply = await whole_reply(answered, pool, outgoing, record, keep)
        if seen is not None:
            await seen.see_reply(reply)
        usage_of = SHAPES[shape].usage_of if outgoing.translation is None else None
        return WholeAnswer(headers, reply, record, usage_of)
    except TimeoutError as exc:
        raise mapped(exc) from exc
    finally:
        if not handed_over:
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
