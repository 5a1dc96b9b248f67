"""Resources that an upstream keeps: each is asked of the very account that has it, byte for byte."""

from __future__ import annotations

import asyncio
import time

from msgspec import Struct

from conversations.stored import StoredResponse
from routing.table import Upstream
from serving.answer import Answer, StreamedAnswer, WholeAnswer
from serving.body import parse_body
from serving.calls import Call
from serving.errors import ClientError, UpstreamError, invalid_request
from serving.headers import credentials, to_client, to_upstream
from serving.history import check_references, take_up
from serving.noting import Noted
from serving.opening import MAX_REPLY_BYTES, open_stream
from serving.outgoing import Outgoing, check_credential, deployment_of
from serving.recording import RelayRecord
from serving.snapshot import Snapshot
from serving.upstream import mapped
from serving.verdict import error_of_answer, withhold
from translation.failures import Failure, FailureKind

SHAPE = "responses"


class Resource(Struct, frozen=True):
    """What is asked of an upstream: a method, the path and query behind its prefix, and for a POST the body."""

    method: str
    path: str
    call: Call
    body: bytes = b""


async def ask_for(
    resource: Resource, kept: StoredResponse, snapshot: Snapshot, record: RelayRecord, *, streams: bool = False
) -> Answer:
    """Return the answer of the account that has the resource; raises GatewayError, a 404 if it is gone for good."""
    upstream = _account(kept, snapshot)
    if upstream is None:
        message = f"The account that keeps '{kept.id}' is not configured any more."
        raise ClientError(Failure(status=404, kind=FailureKind.NOT_FOUND, message=message))
    if resource.method == "POST" and resource.body:
        await check_references(parse_body(resource.body), resource.call.project, snapshot.memory)
    seen = Noted(resource.call.project, upstream, snapshot.memory, kept.id)
    return await _ask(resource, upstream, snapshot, record, seen, streams=streams)


async def ask_anew(path: str, call: Call, snapshot: Snapshot, record: RelayRecord) -> Answer:
    """Return the answer to a request that only an upstream of this shape can serve, and remember what it makes."""
    body = parse_body(call.body)
    route = snapshot.route_of(body.model)
    native = [target for target in route.targets if target.upstream.shape_for(SHAPE) == SHAPE]
    history = await take_up(call, body, native, snapshot.memory)
    if history.is_held_here or not native:
        raise invalid_request(
            f"The provider of the model '{route.name}' has no '{path.rpartition('/')[2]}'.",
            param="model",
            code="unsupported_endpoint",
        )
    await check_references(body, call.project, snapshot.memory)
    target = history.targets(native)[0]
    sent = body.with_members({**body.members, "model": target.model}) if "model" in body.members else body.raw
    seen = Noted(call.project, target.upstream, snapshot.memory)
    return await _ask(Resource("POST", path, call, sent), target.upstream, snapshot, record, seen, streams=False)


def _account(kept: StoredResponse, snapshot: Snapshot) -> Upstream | None:
    """Return the upstream that is the account, or else has its name: its key may have been changed."""
    known = snapshot.table.upstreams
    same = (upstream for upstream in known.values() if deployment_of(upstream) == kept.deployment)
    return next(same, known.get(kept.upstream))


async def _ask(
    resource: Resource, upstream: Upstream, snapshot: Snapshot, record: RelayRecord, seen: Noted, *, streams: bool
) -> Answer:
    call = resource.call
    check_credential(upstream, call.request_id)
    record.upstream, record.upstream_shape, record.attempts = upstream.name, SHAPE, 1
    headers, _ = to_upstream(call.headers, upstream.betas)
    if upstream.passthrough_auth:
        headers += credentials(call.headers)
    record.mark_prepared()
    pool = snapshot.pool(upstream)
    pool.enter()
    answered, kept = None, False
    try:
        sent = (resource.path, SHAPE, resource.body, headers)
        answered = await pool.send(*sent, stream=streams, method=resource.method)
        record.mark_first_byte()
        if answered.status != 200:
            raise await error_of_answer(answered, SHAPE, SHAPE, asked_as_client=upstream.passthrough_auth)
        record.status = answered.status
        client_headers = to_client(answered.headers, SHAPE, SHAPE, time.time())
        if streams and answered.content_type == "text/event-stream":
            outgoing = Outgoing(SHAPE, b"", headers, None)
            async with asyncio.timeout(upstream.timeouts.idle or None):
                opening = await open_stream(answered, outgoing, call, collects=False)
            seen.see_stream(opening.first, opening.reader)
            kept = True
            return StreamedAnswer(client_headers, opening, answered, pool, outgoing, record)
        body = await answered.read(MAX_REPLY_BYTES)
        await seen.see_reply(body)
        return WholeAnswer(client_headers, body, record)
    except TimeoutError as exc:
        raise mapped(exc) from exc
    except UpstreamError as exc:
        withhold(upstream.credential, exc)
        raise
    finally:
        if not kept:
            if answered is not None:
                await answered.aclose()
            await pool.leave()
