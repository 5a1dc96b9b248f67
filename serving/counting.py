"""Counting tokens for clients that ask beforehand: by the upstream where it can, else by an estimate that says so.

A count does not fail because of an upstream's mood: agents give up whole sessions over it. It does fail where the
gateway's own credential is refused, since an estimate would hide that from the operator.
"""

from __future__ import annotations

import random

import msgspec

from routing.table import Target
from serving.body import Body, parse_body
from serving.calls import Call
from serving.errors import ClientError, UpstreamError, upstream_failed
from serving.headers import to_client
from serving.opening import JSON_TYPE, MAX_REPLY_BYTES
from serving.outgoing import check_credential, passed_on
from serving.recording import RelayRecord
from serving.relay import Answer, route_of
from serving.snapshot import Snapshot
from serving.verdict import error_of_answer, looks_like_json
from translation.counting import COUNTING, estimate_tokens
from translation.failures import FailureKind, RequestRefused
from translation.ledger import Ledger
from translation.shapes import SHAPES

ESTIMATED = (b"x-gateway-estimated", b"1")


async def count(call: Call, snapshot: Snapshot, record: RelayRecord) -> Answer:
    """Return the answer to a count; raises GatewayError for a bad request or a refused credential."""
    body = parse_body(call.body)
    record.model = body.model or ""
    route = route_of(body, snapshot)
    record.route = route.name
    target = route.attempts(random.random())[0]  # noqa: S311 - a choice among equals, not a secret
    shape = target.upstream.shape_for(call.shape)
    record.upstream, record.upstream_model, record.upstream_shape = target.upstream.name, target.model, shape
    if shape == call.shape:
        try:
            return await _by_upstream(call, body, target, snapshot, record)
        except UpstreamError as exc:
            if exc.failure.code == "upstream_auth" or exc.failure.kind is FailureKind.INVALID_REQUEST:
                raise
    return _estimate(call, body, record)


async def _by_upstream(call: Call, body: Body, target: Target, snapshot: Snapshot, record: RelayRecord) -> Answer:
    check_credential(target.upstream, call.request_id)
    outgoing = passed_on(call, body, target)
    record.attempts = 1
    record.mark_prepared()
    pool = snapshot.pool(target.upstream)
    pool.enter()
    answered = None
    try:
        path = COUNTING[call.shape].path
        answered = await pool.send(path, call.shape, outgoing.body, outgoing.headers, stream=False)
        record.mark_first_byte()
        if answered.status != 200:
            raise await error_of_answer(answered, call.shape, call.shape)
        answer = Answer(200, to_client(answered.headers), JSON_TYPE, record)
        answer.body = await answered.read(MAX_REPLY_BYTES)
        if not looks_like_json(answer.body):
            raise upstream_failed(502, "upstream_protocol_error", "the upstream's count is not a JSON object")
        return answer
    finally:
        if answered is not None:
            await answered.aclose()
        await pool.leave()


def _estimate(call: Call, body: Body, record: RelayRecord) -> Answer:
    counting, client = COUNTING[call.shape], SHAPES[call.shape].client
    assert client is not None
    try:
        request = client.decode_request({**counting.assumed, **body.members}, Ledger())
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc
    answer = Answer(200, [ESTIMATED], JSON_TYPE, record)
    answer.body = msgspec.json.encode(counting.encode(estimate_tokens(request)))
    return answer
