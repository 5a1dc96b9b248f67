"""Events of a responses stream as typed values: only the members that a translation needs, all of them optional.

Decoding straight into these is the fast way. What does not fit, since vendors deviate, is decoded untyped and loses the
members of another type.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from translation.failures import UpstreamProtocolError
from translation.hub import Wire


class StreamEvent(Struct, gc=False):
    """One event. `text`, `refusal`, `arguments` and `input` are the whole of what the deltas before brought."""

    type: str | None = None
    output_index: int | None = None
    item_id: str | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    logprobs: list[Any] | None = None
    annotation: dict[str, Any] | None = None
    part: dict[str, Any] | None = None
    item: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(StreamEvent)

_TYPES: dict[str, type] = {
    **dict.fromkeys(("output_index", "content_index", "summary_index"), int),
    **dict.fromkeys(("type", "item_id", "delta", "text", "refusal", "arguments", "input"), str),
    **dict.fromkeys(("annotation", "part", "item", "response"), dict),
    "logprobs": list,
    "error": object,
}


def decode_event(data: bytes) -> StreamEvent:
    """Return the event that these bytes are; raises UpstreamProtocolError if they are none."""
    try:
        return _decoder.decode(data)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return _decode_deviating(data)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise UpstreamProtocolError("the upstream sent an event that is not JSON") from exc


def _decode_deviating(data: bytes) -> StreamEvent:
    try:
        wire = msgspec.json.decode(data.decode("utf-8", "replace"))
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise UpstreamProtocolError("the upstream sent an event that is not JSON") from exc
    if not isinstance(wire, dict):
        raise UpstreamProtocolError("the upstream sent an event that is not a JSON object")
    if isinstance(wire.get("arguments"), dict | list):
        wire["arguments"] = msgspec.json.encode(wire["arguments"]).decode()
    return StreamEvent(
        **{name: wire[name] for name, kind in _TYPES.items() if name in wire and _is_a(wire[name], kind)}
    )


def _is_a(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def words(wire: Wire, name: str) -> str:
    """Return a string member of an item or a part, "" if it is absent or of another type."""
    value = wire.get(name)
    return value if isinstance(value, str) else ""


def objects(wire: Wire, name: str) -> list[Wire]:
    """Return the objects of an array member, [] if it is absent or no array."""
    value = wire.get(name)
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []
