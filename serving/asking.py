"""Asking a target: once, and once more in the client's own words where the upstream refuses what the gateway added."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from serving.outgoing import Outgoing
from serving.upstream import UpstreamAnswer, UpstreamPool
from translation.shapes import SHAPES

logger = logging.getLogger("serving.usage")

_REFUSALS = frozenset({400, 422})
MAX_MODELS = 1000


async def ask(pool: UpstreamPool, outgoing: Outgoing, model: str, *, stream: bool) -> tuple[UpstreamAnswer, Outgoing]:
    """Return the upstream's answer and what was asked; raises UpstreamError. Whoever calls closes the answer.

    An upstream that has not taken `stream_options` before may refuse the whole request for it, in words that differ
    from one to the next: then it is asked without, and from now on.
    """
    if pool.takes_usage_asked.get(model) is False:
        outgoing = _unasked(outgoing)
    answered = await _send(pool, outgoing, stream)
    if outgoing.unasked is None:
        return answered, outgoing
    if answered.status == 200:
        _note(pool, model, takes=True)
    if answered.status not in _REFUSALS or pool.takes_usage_asked.get(model):
        return answered, outgoing
    await answered.aclose()
    outgoing = _unasked(outgoing)
    answered = await _send(pool, outgoing, stream)
    if answered.status == 200:
        _note(pool, model, takes=False)
        fields = {"upstream": pool.upstream.name, "advice": "switch asks_usage off for this upstream"}
        logger.warning("the upstream refuses to be asked for usage", extra={"fields": fields})
    return answered, outgoing


def _note(pool: UpstreamPool, model: str, *, takes: bool) -> None:
    # Behind a wildcard clients name the models, and may name any number of them.
    if len(pool.takes_usage_asked) >= MAX_MODELS:
        pool.takes_usage_asked.clear()
    pool.takes_usage_asked[model] = takes


def _unasked(outgoing: Outgoing) -> Outgoing:
    return outgoing if outgoing.unasked is None else replace(outgoing, body=outgoing.unasked, unasked=None)


async def _send(pool: UpstreamPool, outgoing: Outgoing, stream: bool) -> UpstreamAnswer:
    path = SHAPES[outgoing.shape].path
    return await pool.send(path, outgoing.shape, outgoing.body, outgoing.headers, stream=stream)
