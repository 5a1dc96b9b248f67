"""Inputs of calls as they were spelled, by a client or by an upstream: the text of the JSON, not only what it says.

The other shapes carry a call's arguments as text. A model that reads its own call again in other words (a number
written otherwise, blanks gone) finds nothing of it in its cache.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from translation.hub import Wire


class Spelled(dict[str, Any]):
    """A JSON object that knows how it was written."""

    def __init__(self, members: Wire, spelling: str) -> None:
        super().__init__(members)
        self.spelling = spelling


class _Block(Struct):
    type: str | None = None
    input: Raw = Raw(b"")


class _Message(Struct):
    content: str | list[_Block] | None = None


class _Request(Struct):
    messages: list[_Message]


class _Reply(Struct):
    content: list[_Block]


_Written = TypeVar("_Written", _Request, _Reply)
_request = msgspec.json.Decoder(_Request)
_reply = msgspec.json.Decoder(_Reply)


def with_spellings(wire: Wire, raw: bytes) -> Wire:
    """Return the request `wire`, decoded from `raw`, with the input of each call as Spelled."""
    written = _as_written(raw, _request)
    if written is None:
        return wire
    messages = zip(wire["messages"], written.messages, strict=True)
    return {**wire, "messages": [_message(message, as_written) for message, as_written in messages]}


def reply_with_spellings(wire: Wire, raw: bytes) -> Wire:
    """Return the message `wire`, decoded from `raw`, with the input of each call as the bytes that it is there."""
    written = _as_written(raw, _reply)
    if written is None:
        return wire
    blocks = [
        {**block, "input": as_written.input} if as_written.type == "tool_use" and "input" in block else block
        for block, as_written in zip(wire["content"], written.content, strict=True)
    ]
    return {**wire, "content": blocks}


def _as_written(raw: bytes, decoder: msgspec.json.Decoder[_Written]) -> _Written | None:
    """Return the calls as they are written; None where there are none, or what is malformed: its reader says so."""
    if b'"tool_use"' not in raw:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _message(message: Wire, as_written: _Message) -> Wire:
    if not isinstance(as_written.content, list) or not any(block.type == "tool_use" for block in as_written.content):
        return message
    blocks = zip(message["content"], as_written.content, strict=True)
    return {**message, "content": [_block(block, written) for block, written in blocks]}


def _block(block: Wire, as_written: _Block) -> Wire:
    given = block.get("input")
    if as_written.type != "tool_use" or not isinstance(given, dict):
        return block
    return {**block, "input": Spelled(given, bytes(as_written.input).decode())}
