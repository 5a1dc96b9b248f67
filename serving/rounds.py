"""Replies that come in several rounds: the upstream pauses, and goes on when it is asked to."""

from __future__ import annotations

from serving.opening import MAX_REPLY_BYTES
from serving.outgoing import Outgoing
from serving.upstream import UpstreamAnswer, UpstreamPool
from serving.verdict import error_of_answer
from translation.shapes import SHAPES
from translation.translator import error_inside


async def next_round(pool: UpstreamPool, outgoing: Outgoing, body: bytes, *, stream: bool) -> UpstreamAnswer:
    """Return the answer of the next round; raises UpstreamError. Whoever calls closes it."""
    path = SHAPES[outgoing.shape].path
    answered = await pool.send(path, outgoing.shape, body, outgoing.headers, stream=stream)
    if answered.status == 200:
        return answered
    try:
        raise await error_of_answer(answered, outgoing.client_shape, outgoing.shape)
    finally:
        await answered.aclose()


async def all_rounds(first: bytes, pool: UpstreamPool, outgoing: Outgoing) -> bytes:
    """Return the whole reply, of whose rounds `first` is the first; that one itself where it is the only one."""
    side, translation = SHAPES[outgoing.shape].upstream, outgoing.translation
    if translation is None or side is None or side.pauses is None:
        return first
    pauses, replies = side.pauses, [first]
    while pauses.is_paused(replies[-1], len(replies) - 1, translation.exchange):
        body = pauses.go_on(outgoing.body, replies)
        replies.append(await _reply(await next_round(pool, outgoing, body, stream=False), outgoing))
    return first if len(replies) == 1 else pauses.merged(replies)


async def _reply(answered: UpstreamAnswer, outgoing: Outgoing) -> bytes:
    try:
        reply = await answered.read(MAX_REPLY_BYTES)
        if error_inside(reply):
            raise await error_of_answer(answered, outgoing.client_shape, outgoing.shape, reply)
        return reply
    finally:
        await answered.aclose()
