"""OpenAI Chat Completions."""

from __future__ import annotations

from translation.shapes.chat.client.request import decode_request
from translation.shapes.chat.client.response import echoed, encode_reply
from translation.shapes.chat.client.stream import ChatStreamEncoder
from translation.shapes.chat.request import encode_request
from translation.shapes.chat.response import decode_reply
from translation.shapes.chat.stream import ChatStreamDecoder
from translation.shapes.chat.tap import ChatTap, usage_of
from translation.shapes.chat.tools import NAME_MAX
from translation.shapes.chat.usage_asked import UsageTakingTap, ask_for_usage
from translation.shapes.openai_errors import decode_error, encode_error
from translation.shapes.shape import ClientSide, Shape, UpstreamSide, UsageAsked

SHAPE = Shape(
    name="chat",
    path="/chat/completions",
    encode_error=encode_error,
    decode_error=decode_error,
    tap=ChatTap,
    usage_of=usage_of,
    usage_asked=UsageAsked(ask=ask_for_usage, tap=UsageTakingTap),
    client=ClientSide(
        decode_request=decode_request,
        encode_reply=encode_reply,
        stream_encoder=ChatStreamEncoder,
        echoed=echoed,
    ),
    upstream=UpstreamSide(
        encode_request=encode_request,
        decode_reply=decode_reply,
        stream_decoder=ChatStreamDecoder,
        tool_name_max=NAME_MAX,
    ),
)
