"""The `messages` shape: Anthropic Messages, for clients and for upstreams that speak it."""

from __future__ import annotations

from translation.shapes.messages.errors import decode_error, encode_error
from translation.shapes.messages.request import decode_request, refuse_removed_sampling
from translation.shapes.messages.response import encode_reply
from translation.shapes.messages.spelling import reply_with_spellings, with_spellings
from translation.shapes.messages.stream import MessagesEncoder
from translation.shapes.messages.tap import MessagesTap
from translation.shapes.messages.upstream.conversation import NAME_MAX
from translation.shapes.messages.upstream.pauses import MessagePauses, stream_decoder
from translation.shapes.messages.upstream.request import encode_request
from translation.shapes.messages.upstream.response import decode_reply
from translation.shapes.messages.usage import usage_of
from translation.shapes.shape import ClientSide, Shape, UpstreamSide

SHAPE = Shape(
    name="messages",
    path="/messages",
    encode_error=encode_error,
    decode_error=decode_error,
    tap=MessagesTap,
    usage_of=usage_of,
    client=ClientSide(
        decode_request=decode_request,
        encode_reply=encode_reply,
        stream_encoder=MessagesEncoder,
        check_version=refuse_removed_sampling,
        with_spellings=with_spellings,
    ),
    upstream=UpstreamSide(
        encode_request=encode_request,
        decode_reply=decode_reply,
        with_spellings=reply_with_spellings,
        stream_decoder=stream_decoder,
        pauses=MessagePauses(),
        tool_name_max=NAME_MAX,
    ),
)
