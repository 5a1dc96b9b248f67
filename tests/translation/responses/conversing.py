"""One exchange with a client of the responses shape, for tests: its request, and the stream of a reply to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from translation.events import Event
from translation.exchange import Exchange
from translation.ledger import Ledger
from translation.shapes.responses.request import decode_request
from translation.shapes.responses.stream import ResponsesStreamEncoder

SEED = "0123456789abcdefghijABCD"
NOW = 1_800_000_000


def exchange(sent_names: Mapping[str, tuple[str | None, str]] | None = None, **members: Any) -> Exchange:
    """Return the exchange of a request that has these members besides model and input."""
    request = decode_request({"model": "gpt-5", "input": "hi", **members}, Ledger())
    return Exchange(request=request, model_shown="gpt-5", seed=SEED, now=NOW, sent_names=sent_names or {})


def stream_of(events: Iterable[Event], on: Exchange) -> bytes:
    """Return the stream that the events become."""
    encoder = ResponsesStreamEncoder(on)
    return b"".join(encoder.encode(event) for event in events)
