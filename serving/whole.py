"""Whole replies: read to their end, judged, and brought into the client's shape."""

from __future__ import annotations

from serving.errors import UpstreamError, upstream_failed
from serving.keeping import Keep
from serving.opening import MAX_REPLY_BYTES, PAGE_TYPE
from serving.outgoing import Outgoing
from serving.recording import RelayRecord
from serving.rounds import all_rounds
from serving.upstream import UpstreamAnswer, UpstreamPool
from serving.verdict import RETRYABLE_STATUSES, error_of_answer, looks_like_json
from translation.failures import UpstreamProtocolError
from translation.translator import error_inside, translate_reply


async def whole_reply(
    answered: UpstreamAnswer, pool: UpstreamPool, outgoing: Outgoing, record: RelayRecord, keep: Keep | None
) -> bytes:
    """Return the whole reply in the client's shape, kept already; raises GatewayError if there is none."""
    reply = await answered.read(MAX_REPLY_BYTES)
    if answered.content_type == PAGE_TYPE or error_inside(reply):
        raise await error_of_answer(answered, outgoing.client_shape, outgoing.shape, reply)
    if outgoing.translation is None:
        if not looks_like_json(reply):
            raise upstream_failed(502, "upstream_protocol_error", "the upstream's reply is not a JSON object")
        return reply
    try:
        streamed = answered.content_type == "text/event-stream"
        reply = reply if streamed else await all_rounds(reply, pool, outgoing)
        translated = translate_reply(reply, outgoing.translation, streamed=streamed)
    except UpstreamProtocolError as exc:
        raise UpstreamError(exc.failure, retryable=exc.failure.status in RETRYABLE_STATUSES) from exc
    record.usage = translated.reply.usage
    record.note_lost(outgoing.translation.exchange.lost)
    if keep is not None:
        await keep(translated.reply, ())
    return translated.body
