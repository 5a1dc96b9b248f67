"""Counting tokens for clients that ask beforehand: by the upstream where it can, else by an estimate that says so.

A count does not fail because of an upstream's mood: agents give up whole sessions over it. It does fail where the
gateway's own credential is refused, since an estimate would hide that from the operator.
"""

from __future__ import annotations

import random
import time

import msgspec
from msgspec.structs import replace

from routing.table import Target
from serving.answer import WholeAnswer
from serving.body import Body, parse_body
from serving.calls import Call
from serving.errors import ClientError, UpstreamError, upstream_failed
from serving.headers import to_client
from serving.history import take_up
from serving.opening import MAX_REPLY_BYTES
from serving.outgoing import Outgoing, check_credential, passed_on, read, translated_for
from serving.recording import RelayRecord
from serving.snapshot import Snapshot
from serving.verdict import error_of_answer, withhold
from translation.counting import COUNTING, count_in, counted, estimate_tokens
from translation.failures import FailureKind, RequestRefused
from translation.ledger import Ledger
from translation.shapes import SHAPES

ESTIMATED = (b"x-gateway-estimated", b"1")


async def count(call: Call, snapshot: Snapshot, record: RelayRecord) -> WholeAnswer:
    """Return the answer to a count; raises GatewayError for a bad request or a refused credential."""
    body = parse_body(call.body)
    record.model = body.model or ""
    route = snapshot.route_of(body.model)
    record.route = route.name
    if route.strict:
        call = replace(call, strict=True)
    attempts = route.attempts(random.random())  # noqa: S311 - a choice among equals, not a secret
    history = await take_up(call, body, attempts, snapshot.memory)
    target = history.targets(attempts)[0]
    body = history.told(body)
    shape = target.upstream.shape_for(call.shape)
    record.upstream, record.upstream_model, record.upstream_shape = target.upstream.name, target.model, shape
    # An upstream that keeps its own conversations cannot read the opaque state in one of ours.
    if shape in COUNTING and not (history.is_held_here and shape == call.shape):
        try:
            return await _by_upstream(call, body, target, snapshot, record)
        except UpstreamError as exc:
            withhold(target.upstream.credential, exc)
            if exc.failure.code == "upstream_auth" or exc.failure.kind is FailureKind.INVALID_REQUEST:
                raise
    return _estimate(call, body, record)


async def _by_upstream(call: Call, body: Body, target: Target, snapshot: Snapshot, record: RelayRecord) -> WholeAnswer:
    check_credential(target.upstream, call.request_id)
    outgoing = _outgoing(call, body, target, record)
    shape = outgoing.shape
    record.attempts = 1
    record.mark_prepared()
    pool = snapshot.pool(target.upstream)
    pool.enter()
    answered = None
    try:
        answered = await pool.send(COUNTING[shape].path, shape, outgoing.body, outgoing.headers, stream=False)
        record.mark_first_byte()
        if answered.status != 200:
            asked_as_client = target.upstream.passthrough_auth
            raise await error_of_answer(answered, call.shape, shape, asked_as_client=asked_as_client)
        record.status = answered.status
        headers = to_client(answered.headers, shape, call.shape, time.time())
        reply = await answered.read(MAX_REPLY_BYTES)
        tokens = count_in(reply)
        if tokens is None:
            raise upstream_failed(502, "upstream_protocol_error", "the upstream's count is not a JSON object")
        if shape != call.shape:
            reply = msgspec.json.encode(COUNTING[call.shape].encode(tokens))
        return WholeAnswer(headers, reply, record)
    finally:
        if answered is not None:
            await answered.aclose()
        await pool.leave()


def _outgoing(call: Call, body: Body, target: Target, record: RelayRecord) -> Outgoing:
    """Return the count for the target: the client's own, or what its prompt is in the target's shape."""
    shape = record.upstream_shape
    if shape == call.shape:
        outgoing = passed_on(call, body, target)
        record.dropped, record.coerced = outgoing.dropped, outgoing.coerced
        return outgoing
    # What a count may leave out, a request may not; in the count for the target it is left out again.
    whole = replace(body, members={**COUNTING[call.shape].assumed, **body.members})
    outgoing = translated_for(call, read(call, whole), target, shape, body.model or target.model)
    assert outgoing.translation is not None
    record.dropped, record.coerced = outgoing.translation.dropped, outgoing.translation.coerced
    return replace(outgoing, body=counted(shape, outgoing.body))


def _estimate(call: Call, body: Body, record: RelayRecord) -> WholeAnswer:
    counting, client = COUNTING[call.shape], SHAPES[call.shape].client
    assert client is not None
    try:
        request = client.decode_request({**counting.assumed, **body.members}, Ledger())
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc
    record.status = 200
    return WholeAnswer([ESTIMATED], msgspec.json.encode(counting.encode(estimate_tokens(request))), record)
