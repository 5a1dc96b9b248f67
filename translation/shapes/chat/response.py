"""A whole chat completion from an upstream, decoded.

The message is taken as one big chunk, so that there is one implementation of parts, stop reasons and usage.
"""

from __future__ import annotations

from translation.exchange import Exchange
from translation.failures import Failure, UpstreamProtocolError
from translation.hub import Wire
from translation.reply import Reply, collect
from translation.shapes.chat.chunks import Delta, convert_chunk
from translation.shapes.chat.stream import ChatStreamDecoder
from translation.shapes.openai_errors import failure_of


def decode_reply(wire: Wire, exchange: Exchange) -> Reply:
    """Return the reply that a chat completion is; raises UpstreamProtocolError if it is none."""
    chunk = convert_chunk(wire)
    if chunk.error:
        told = failure_of({"error": chunk.error})
        raise UpstreamProtocolError(told.message, told)
    choice = next((c for c in chunk.choices or () if not c.index), None)
    if choice is None or choice.message is None:
        raise UpstreamProtocolError("the upstream's completion has no choice with a message")
    _number_calls(choice.message)
    choice.finish_reason = choice.finish_reason or "stop"
    decoder = ChatStreamDecoder(exchange)
    events = [*decoder.take(chunk), *decoder.close()]
    if failure := next((event for event in events if isinstance(event, Failure)), None):
        raise UpstreamProtocolError(failure.message, failure)
    return collect(events)


def _number_calls(message: Delta) -> None:
    """Give each call its place as its index: whole messages have none, and some vendors leave the ids empty."""
    for number, call in enumerate(message.tool_calls or ()):
        call.index = number
