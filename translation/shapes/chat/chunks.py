"""Chat chunks and messages as typed values: only the members that a translation needs, all of them optional.

Decoding straight into these is the fast way. Vendors deviate (`index: null`, arguments as an object, content as a list
of parts), so what does not fit is decoded untyped, brought to the standard form, and converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from translation.failures import UpstreamProtocolError
from translation.hub import Wire


class Called(Struct, gc=False):
    """The function (or custom tool) that is called; `input` is a custom tool's."""

    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class ToolCallPiece(Struct, gc=False):
    """A tool call, or a piece of one; `extra_content` is what its upstream wants to have back with it."""

    index: int | None = None
    id: str | None = None
    function: Called | None = None
    custom: Called | None = None
    extra_content: dict[str, Any] | None = None


class Delta(Struct, gc=False):
    """What a chunk adds to the message, or a whole message.

    Two are no members of the wire: `content_thoughts` are those of an upstream that writes them among the parts of the
    content, where it expects them back, and `tagged_thoughts` those that stood in the text (think_tags.py).
    """

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    content_thoughts: str | None = None
    tagged_thoughts: str | None = None
    tool_calls: list[ToolCallPiece] | None = None
    function_call: Called | None = None
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None
    extra_content: dict[str, Any] | None = None

    def thinks(self) -> bool:
        """Tell whether there are thoughts in it, whatever they are called."""
        said = self.reasoning_content or self.reasoning or self.content_thoughts or self.tagged_thoughts
        return bool(said or self.reasoning_details)


class Logprobs(Struct):
    """Log probabilities of the chunk's tokens."""

    content: list[dict[str, Any]] | None = None


class Choice(Struct, gc=False):
    """One choice; `message` stands where a whole completion has it."""

    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Chunk(Struct, gc=False):
    """One chunk of a stream, or a whole completion."""

    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[Choice] | None = None
    usage: dict[str, Any] | None = None
    service_tier: str | None = None
    error: Any = None
    x_groq: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(Chunk)


def decode_chunk(data: bytes) -> Chunk:
    """Return the chunk that these bytes are; raises UpstreamProtocolError if they are not one."""
    try:
        return _decoder.decode(data)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return _decode_deviating(data)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise UpstreamProtocolError("the upstream sent an event that is not JSON") from exc


def _decode_deviating(data: bytes) -> Chunk:
    try:
        wire = msgspec.json.decode(data.decode("utf-8", "replace"))
    except (msgspec.MsgspecError, RecursionError) as exc:
        raise UpstreamProtocolError("the upstream sent an event that is not JSON") from exc
    return convert_chunk(wire)


def convert_chunk(wire: object) -> Chunk:
    """Return the chunk that an untyped object is, deviations of vendors brought to the standard form."""
    try:
        return msgspec.convert(_standard(wire), Chunk)
    except msgspec.ValidationError as exc:
        raise UpstreamProtocolError(f"the upstream sent an event that is not a chat chunk: {exc}") from exc


def _standard(wire: object) -> object:
    if not isinstance(wire, dict):
        return wire
    choices = wire.get("choices")
    standard = {key: value for key, value in wire.items() if isinstance(value, _EXPECTED.get(key, object))}
    if isinstance(choices, list):
        standard["choices"] = [_standard_choice(choice) for choice in choices if isinstance(choice, dict)]
    return standard


_EXPECTED: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "model": str,
    "created": (int, float),
    "usage": dict,
    "service_tier": str,
    "x_groq": dict,
}


def _standard_choice(choice: Wire) -> Wire:
    standard = _fitting(choice, _EXPECTED_OF_CHOICE)
    for key in ("delta", "message"):
        if key in standard:
            standard[key] = _standard_delta(standard[key])
    if "logprobs" in standard:
        standard["logprobs"] = {"content": _objects(standard["logprobs"].get("content"))}
    return standard


def _standard_delta(delta: Wire) -> Wire:
    standard = _fitting(delta, _EXPECTED_OF_DELTA)
    content = delta.get("content")
    if isinstance(content, list):
        parts = _objects(content)
        standard["content"] = "".join(_words(part.get("text")) for part in parts if part.get("type") != "thinking")
        thoughts = "".join(_words(part.get("thinking")) for part in parts if part.get("type") == "thinking")
        if thoughts:
            standard["content_thoughts"] = thoughts
    for key in ("reasoning_details", "annotations"):
        if key in standard:
            standard[key] = _objects(standard[key])
    if "tool_calls" in standard:
        standard["tool_calls"] = [_standard_call(call) for call in _objects(standard["tool_calls"])]
    if "function_call" in standard:
        standard["function_call"] = _standard_called(standard["function_call"])
    return standard


def _objects(value: object) -> list[Wire]:
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []


def _fitting(wire: Wire, expected: Mapping[str, type]) -> Wire:
    """Return the members that the translation needs, without those of another type than the standard's."""
    return {
        key: wire[key]
        for key, kind in expected.items()
        if isinstance(wire.get(key), kind) and not (kind is int and isinstance(wire[key], bool))
    }


_EXPECTED_OF_CHOICE = {"index": int, "delta": dict, "message": dict, "finish_reason": str, "logprobs": dict}
_EXPECTED_OF_DELTA = {
    "content": str,
    "refusal": str,
    "reasoning_content": str,
    "reasoning": str,
    "reasoning_details": list,
    "tool_calls": list,
    "function_call": dict,
    "annotations": list,
    "audio": dict,
    "extra_content": dict,
}
_EXPECTED_OF_CALL = {"index": int, "id": str, "function": dict, "custom": dict, "extra_content": dict}
_EXPECTED_OF_CALLED = {"name": str, "arguments": str, "input": str}


def _words(value: object) -> str:
    """Return the text of a value that is a string, or a list of text parts."""
    if isinstance(value, list):
        return "".join(_words(part.get("text")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def _standard_call(call: Wire) -> Wire:
    standard = _fitting(call, _EXPECTED_OF_CALL)
    for key in ("function", "custom"):
        if key in standard:
            standard[key] = _standard_called(standard[key])
    return standard


def _standard_called(called: Wire) -> Wire:
    standard = _fitting(called, _EXPECTED_OF_CALLED)
    if isinstance(called.get("arguments"), dict | list):
        standard["arguments"] = msgspec.json.encode(called["arguments"]).decode()
    return standard
