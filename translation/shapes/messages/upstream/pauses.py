"""Turns that the vendor pauses: a long one with tools of its own stops with `pause_turn`, and goes on when it gets back
what it has said so far. The client notices nothing of it: content and counts of all rounds are those of one reply.

Source: Messages reference, "Handling stop reasons", November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from translation.events import End, Event, Finish, PartStart, Start, StopReason, Usage
from translation.exchange import Exchange
from translation.failures import UpstreamProtocolError
from translation.hub import ToolKind, Wire
from translation.shapes.messages.upstream.stream import MessagesStreamDecoder
from translation.shapes.messages.upstream.turn import NativeTurn
from translation.shapes.shape import StreamDecoder
from translation.sse import ServerSentEvent

_PAUSED = msgspec.Raw(b'"pause_turn"')
MAX_ROUNDS = 5
"""How often one reply is asked to go on. A vendor that pauses once more has its word: the reply ends there."""


def stream_decoder(exchange: Exchange) -> StreamDecoder:
    """Return the decoder of a reply's stream; one that goes on after a pause where there may be any."""
    return PausingDecoder(exchange) if may_pause(exchange) else MessagesStreamDecoder(exchange)


def may_pause(exchange: Exchange) -> bool:
    """Tell whether the vendor runs tools of its own for this request: only such a turn is ever paused."""
    return any(tool.kind is ToolKind.WEB_SEARCH for tool in exchange.request.tools)


class PausingDecoder:
    """Decodes the streams of all rounds as one. `paused` after a round that is to go on."""

    def __init__(self, exchange: Exchange) -> None:
        self.paused = False
        self._exchange = exchange
        self._decoder = MessagesStreamDecoder(exchange)
        self._turn = NativeTurn()
        self._said: list[Wire] = []
        self._spent = Usage()
        self._rounds = 0
        self._first_key = self._next_key = 0
        self._pausing = False

    def decode(self, event: ServerSentEvent) -> Iterable[Event]:
        """Return the hub events that one server-sent event brings."""
        self._turn.see(event)
        return self._told(self._decoder.decode(event))

    def close(self) -> Iterable[Event]:
        """Return what is left when a round's stream has ended."""
        return () if self.paused else self._told(self._decoder.close())

    def go_on(self, body: bytes) -> bytes:
        """Return the request by which a paused turn goes on, made of the first one, and expect its stream."""
        self._said += self._turn.content
        self._turn, self._decoder = NativeTurn(), MessagesStreamDecoder(self._exchange)
        self._rounds += 1
        self._first_key = self._next_key
        self.paused = self._pausing = False
        return continued(body, self._said)

    def _told(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            match event:
                case Start() if self._rounds:
                    pass
                case Finish(StopReason.PAUSE) if self._rounds < MAX_ROUNDS:
                    self._pausing = True
                case Usage():
                    self._spent = _sum(self._spent, event)
                    if not self._pausing:
                        yield self._spent
                case End() if self._pausing:
                    self.paused = True
                case _:
                    yield self._renumbered(event)

    def _renumbered(self, event: Event) -> Event:
        """Return an event of a part under a key that no earlier round had."""
        if isinstance(event, PartStart):
            self._next_key = max(self._next_key, self._first_key + event.key + 1)
        key = getattr(event, "key", None)
        return event if key is None or not self._first_key else replace(event, key=self._first_key + key)


class MessagePauses:
    """Pauses of replies that do not stream."""

    def is_paused(self, reply: bytes, rounds: int, exchange: Exchange) -> bool:
        """Tell whether a reply, after so many earlier ones, is a turn that is to go on."""
        return rounds < MAX_ROUNDS and may_pause(exchange) and _message(reply).get("stop_reason") == _PAUSED

    def go_on(self, body: bytes, replies: Sequence[bytes]) -> bytes:
        """Return the request by which the turn goes on, made of the first one."""
        return continued(body, _content(replies))

    def merged(self, replies: Sequence[bytes]) -> bytes:
        """Return the replies of all rounds as one: all that was said and spent, and the last one's end."""
        usage: Wire = {}
        for reply in replies:
            for name, count in _usage(reply).items():
                both_count = isinstance(count, int) and isinstance(usage.get(name, 0), int)
                usage[name] = usage.get(name, 0) + count if both_count else count
        return msgspec.json.encode({**_message(replies[-1]), "content": _content(replies), "usage": usage})


def continued(body: bytes, content: Sequence[Wire | msgspec.Raw]) -> bytes:
    """Return the request with what the model has said so far as its last message."""
    wire = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    messages = msgspec.json.decode(wire["messages"], type=list[msgspec.Raw])
    said = msgspec.Raw(msgspec.json.encode({"role": "assistant", "content": content}))
    return msgspec.json.encode({**wire, "messages": [*messages, said]})


def _content(replies: Sequence[bytes]) -> list[msgspec.Raw]:
    """Return the blocks of all the replies; raises UpstreamProtocolError."""
    try:
        contents = [
            msgspec.json.decode(_message(reply).get("content", b"[]"), type=list[msgspec.Raw]) for reply in replies
        ]
    except msgspec.ValidationError as exc:
        raise UpstreamProtocolError(f"the content of a paused message: {exc}") from exc
    return [block for content in contents for block in content]


def _usage(reply: bytes) -> Wire:
    """Return the counts of a reply; raises UpstreamProtocolError."""
    try:
        return msgspec.json.decode(_message(reply).get("usage", b"{}"), type=dict[str, Any])
    except msgspec.ValidationError as exc:
        raise UpstreamProtocolError(f"the usage of a paused message: {exc}") from exc


def _message(reply: bytes) -> dict[str, msgspec.Raw]:
    """Return the message, an empty one if it is none: who decodes it says so."""
    try:
        return msgspec.json.decode(reply, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _sum(spent: Usage, more: Usage) -> Usage:
    reasoning = [count for count in (spent.reasoning_tokens, more.reasoning_tokens) if count is not None]
    return Usage(
        input_tokens=spent.input_tokens + more.input_tokens,
        cache_read_tokens=spent.cache_read_tokens + more.cache_read_tokens,
        cache_write_tokens=spent.cache_write_tokens + more.cache_write_tokens,
        output_tokens=spent.output_tokens + more.output_tokens,
        reasoning_tokens=sum(reasoning) if reasoning else None,
        web_searches=spent.web_searches + more.web_searches,
    )
