"""Inputs of calls as the client spelled them: the text of the JSON, beside what it says.

The other shapes carry a call's arguments as text. A model that reads its own call again in other words (a number
written otherwise, blanks gone) finds nothing of it in its cache.
"""

from __future__ import annotations

from typing import Any

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


class _Body(Struct):
    messages: list[_Message]


_BODY = msgspec.json.Decoder(_Body)


def with_spellings(wire: Wire, raw: bytes) -> Wire:
    """Return the body `wire`, decoded from `raw`, with the input of each call as Spelled; what is malformed stays."""
    if b'"tool_use"' not in raw:
        return wire
    try:
        messages = _BODY.decode(raw).messages
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return wire  # whoever reads the body says what is wrong with it
    decoded = zip(wire["messages"], messages, strict=True)
    return {**wire, "messages": [_message(message, as_written) for message, as_written in decoded]}


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
