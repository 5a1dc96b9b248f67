"""OpenAI Responses: so far the side of clients that speak it."""

from __future__ import annotations

from translation.shapes.openai_errors import decode_error, encode_error
from translation.shapes.responses.request import decode_request
from translation.shapes.responses.response import encode_reply
from translation.shapes.responses.stream import ResponsesStreamEncoder
from translation.shapes.responses.tap import ResponsesTap
from translation.shapes.responses.usage import usage_of
from translation.shapes.shape import ClientSide, Shape

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
)
