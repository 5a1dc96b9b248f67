"""A chat stream decoded, for tests: its hub events, and the reply that they tell."""

from __future__ import annotations

from typing import Any

from tests.translation.relaying import chat_stream, translation
from translation.events import Event
from translation.reply import Reply, collect
from translation.shapes.chat.stream import ChatStreamDecoder
from translation.sse import SseDecoder
from translation.stream_state import Phase, after


def events_of(wire: bytes) -> list[Event]:
    """Return the hub events of a stream's bytes; they come in a lawful order, and end it."""
    sse, decoder = SseDecoder(), ChatStreamDecoder(translation("messages").exchange)
    told = [event for part in [*sse.feed(wire), *sse.close()] for event in decoder.decode(part)]
    told.extend(decoder.close())
    phase = Phase.WAITING
    for event in told:
        phase = after(phase, type(event))
    assert phase in (Phase.ENDED, Phase.FAILED)
    return told


def reply_of(*chunks: dict[str, Any]) -> Reply:
    """Return the reply that a complete stream of these chunks tells."""
    return collect(events_of(chat_stream(*chunks)))


def piece(**members: Any) -> dict[str, Any]:
    """Return a chunk with one piece of a tool call; `name` and `arguments` are its function's."""
    function = {key: members.pop(key) for key in ("name", "arguments") if key in members}
    call = {**members, "function": function} if function else members
    return {"id": "chatcmpl-12345678", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def calls_of(*chunks: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return id, name and arguments of each call in a complete stream of these chunks."""
    return [(part.call_id, part.name, part.text) for part in reply_of(*chunks).parts]
