"""Events and messages of the wire as typed values: only the members that a translation needs, all of them optional.

Decoding straight into these is the fast way. Other servers that speak Messages deviate (counts as text, a delta that is
null): where something does not fit, the members of another type than the standard's are left out.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args, get_origin

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import fields

from translation.failures import UpstreamProtocolError
from translation.hub import Wire
from translation.shapes.messages.usage import UsageWire


class StopDetails(Struct, gc=False):
    """Why the model declined."""

    explanation: str | None = None


class Delta(Struct, gc=False):
    """What an event adds to a block, or says of the message's end."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: dict[str, Any] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Block(Struct):
    """A content block, empty where its stream begins; `input` is the exact bytes of a call's arguments.

    `tool_use_id` and `content` are of the result of a tool that the provider runs; `caller` says which tool ran it.
    """

    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    input: Raw = Raw(b"")
    citations: list[dict[str, Any]] | None = None
    tool_use_id: str | None = None
    content: Any = None
    caller: Any = None


class Message(Struct):
    """A whole message, or the one that a stream begins with."""

    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: UsageWire | None = None


class StreamEvent(Struct, gc=False):
    """One event of a stream."""

    type: str = ""
    index: int | None = None
    delta: Delta | None = None
    content_block: Block | None = None
    message: Message | None = None
    usage: UsageWire | None = None
    error: Any = None


Decoded = TypeVar("Decoded", bound=Struct)

_event_decoder = msgspec.json.Decoder(StreamEvent)
_message_decoder = msgspec.json.Decoder(Message)


def decode_event(data: bytes) -> StreamEvent:
    """Return the event that these bytes are; raises UpstreamProtocolError if they are none."""
    return _decoded(data, _event_decoder)


def convert_message(wire: Wire) -> Message:
    """Return the message that an untyped object is, the exact bytes of its calls' arguments as good as new."""
    try:
        return _decoded(msgspec.json.encode(wire), _message_decoder)
    except RecursionError as exc:
        raise UpstreamProtocolError("the upstream's reply is nested too deeply") from exc


def _decoded(data: bytes, decoder: msgspec.json.Decoder[Decoded]) -> Decoded:
    """Return what fits of an object; raises UpstreamProtocolError if it is none."""
    try:
        return decoder.decode(data)
    except (msgspec.ValidationError, UnicodeDecodeError):
        pass  # some server deviates
    except (msgspec.DecodeError, RecursionError) as exc:
        raise UpstreamProtocolError("the upstream sent an event that is not JSON") from exc
    try:
        return _fitting(data.decode("utf-8", "replace").encode(), decoder.type)
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise UpstreamProtocolError("the upstream sent an event that is not of the messages shape") from exc


def _fitting(data: bytes | Raw, kind: type[Decoded]) -> Decoded:
    """Return the object without the members that are of another type than the standard's."""
    members = msgspec.json.decode(data, type=dict[str, Raw])
    read = {}
    for field in fields(kind):
        if field.encode_name in members:
            value = _member(members[field.encode_name], field.type)
            if value is not None:
                read[field.name] = value
    return kind(**read)


def _member(data: Raw, hint: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=hint)
    except msgspec.ValidationError:
        pass
    for option in get_args(hint):
        try:
            if get_origin(option) is list and get_args(option) == (Block,):
                return [_fitting(item, Block) for item in msgspec.json.decode(data, type=list[Raw])]
            if isinstance(option, type) and issubclass(option, Struct):
                return _fitting(data, option)
        except msgspec.ValidationError:
            continue
    return None
