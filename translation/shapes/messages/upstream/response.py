"""A whole message from an upstream, decoded.

The message is told as the stream that it would have been, so that there is one implementation of parts, stop reasons
and usage.
"""

from __future__ import annotations

import msgspec

from translation.exchange import Exchange
from translation.failures import UpstreamProtocolError
from translation.hub import Wire
from translation.reply import Reply, collect
from translation.shapes.messages.errors import decode_error
from translation.shapes.messages.upstream.stream import MessagesStreamDecoder
from translation.shapes.messages.upstream.stream_events import convert_message


def decode_reply(wire: Wire, exchange: Exchange) -> Reply:
    """Return the reply that a message is; raises UpstreamProtocolError if it is none."""
    if wire.get("error") or wire.get("type") == "error":
        told = decode_error(200, msgspec.json.encode({"error": wire.get("error")}))
        raise UpstreamProtocolError(told.message, told)
    message = convert_message(wire)
    if message.content is None:
        raise UpstreamProtocolError("the upstream's message has no content")
    return collect(MessagesStreamDecoder(exchange).take_whole(message))
