"""OpenAI Responses, of clients and of upstreams that speak it."""

from __future__ import annotations

from translation.shapes.openai_errors import decode_error, encode_error
from translation.shapes.responses.request import decode_request
from translation.shapes.responses.response import encode_reply
from translation.shapes.responses.stream import ResponsesStreamEncoder
from translation.shapes.responses.tap import ResponsesTap
from translation.shapes.responses.upstream.reply import decode_reply
from translation.shapes.responses.upstream.request import encode_request
from translation.shapes.responses.upstream.stream import ResponsesStreamDecoder
from translation.shapes.responses.upstream.tools import NAME_MAX
from translation.shapes.responses.usage import usage_of
from translation.shapes.shape import ClientSide, Shape, UpstreamSide

SHAPE = Shape(
    name="responses",
    path="/responses",
    encode_error=encode_error,
    decode_error=decode_error,
    tap=ResponsesTap,
    usage_of=usage_of,
    client=ClientSide(
        decode_request=decode_request,
        encode_reply=encode_reply,
        stream_encoder=ResponsesStreamEncoder,
    ),
    upstream=UpstreamSide(
        encode_request=encode_request,
        decode_reply=decode_reply,
        stream_decoder=ResponsesStreamDecoder,
        tool_name_max=NAME_MAX,
    ),
)
