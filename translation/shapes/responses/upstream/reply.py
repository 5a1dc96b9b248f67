"""A whole Response object from an upstream, decoded.

It is taken as the last event of a stream that told nothing before, so that there is one implementation of both.
"""

from __future__ import annotations

from translation.exchange import Exchange
from translation.failures import Failure, UpstreamProtocolError
from translation.hub import Wire
from translation.reply import Reply, collect
from translation.shapes.openai_errors import failure_of
from translation.shapes.responses.upstream.stream import ResponsesStreamDecoder

_UNFINISHED = ("queued", "in_progress")


def decode_reply(wire: Wire, exchange: Exchange) -> Reply:
    """Return the reply that a Response object is; raises UpstreamProtocolError if it is none, or a failed one."""
    status = wire.get("status")
    if status is None and wire.get("error"):
        told = failure_of(wire)
        raise UpstreamProtocolError(told.message, told)
    if status in _UNFINISHED:
        raise UpstreamProtocolError(f"the upstream's response is {status}, and not a reply yet")
    if status not in ("failed", "cancelled") and not isinstance(wire.get("output"), list):
        raise UpstreamProtocolError("the upstream's body is no response: it has no output")
    events = list(ResponsesStreamDecoder(exchange).end(wire, "completed"))
    if failure := next((event for event in events if isinstance(event, Failure)), None):
        raise UpstreamProtocolError(failure.message, failure)
    return collect(events)
