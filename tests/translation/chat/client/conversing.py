"""One exchange with a chat client, for tests: its request decoded, and the stream of a reply to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from translation.events import Event
from translation.exchange import Exchange
from translation.hub import Request
from translation.ledger import Ledger
from translation.shapes.chat.client.request import decode_request
from translation.shapes.chat.client.stream import ChatStreamEncoder

SEED = "0123456789abcdefghijABCD"
NOW = 1_800_000_000
HELLO = [{"role": "user", "content": "hi"}]


def decoded(ledger: Ledger | None = None, **members: Any) -> Request:
    """Return what a request with these members asks for; it says hello unless it has other messages."""
    return decode_request({"model": "gpt-5", "messages": HELLO, **members}, ledger or Ledger())


def exchange(sent_names: Mapping[str, tuple[str | None, str]] | None = None, **members: Any) -> Exchange:
    """Return the exchange of a request that has these members besides model and messages."""
    request = decoded(**members)
    return Exchange(request=request, model_shown="gpt-5", seed=SEED, now=NOW, sent_names=sent_names or {})


def stream_of(events: Iterable[Event], on: Exchange) -> bytes:
    """Return the stream that the events become."""
    encoder = ChatStreamEncoder(on)
    return b"".join(encoder.encode(event) for event in events)
