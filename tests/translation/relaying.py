"""One relay, for tests: the request on its way to an upstream, by default a chat one, and the bytes on the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any

import msgspec

from translation.translator import Circumstances, Destination, Translation, translate_request

CIRCUMSTANCES = Circumstances(request_id="req_1", seed="0123456789abcdefghijABCD", now=1_800_000_000)
DEPLOYMENT = "0123456789ab"
MINIMAL: dict[str, dict[str, Any]] = {
    "messages": {"model": "alias", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]},
    "responses": {"model": "alias", "input": "hi"},
    "chat": {"model": "alias", "messages": [{"role": "user", "content": "hi"}]},
}
"""The smallest request of each client shape."""

CLIENTS = ("messages", "responses")
"""The clients whose requests are translated for a chat upstream."""

PAIRS = tuple(permutations(MINIMAL, 2))
"""The shapes of client and upstream, wherever they are not the same."""


def translation(
    client: str,
    wire: dict[str, Any] | None = None,
    model: str = "upstream-model",
    deployment: str = DEPLOYMENT,
    upstream: str = "chat",
) -> Translation:
    """Return the translation of a request, the smallest one if none is given, to the upstream's `model`."""
    destination = Destination(shape=upstream, model=model, deployment=deployment)
    return translate_request(wire or MINIMAL[client], client, destination, CIRCUMSTANCES, "alias")


def sent(client: str, wire: dict[str, Any], model: str = "upstream-model", upstream: str = "chat") -> Any:
    """Return the body that the upstream gets, decoded."""
    return msgspec.json.decode(translation(client, wire, model, upstream=upstream).body)


def cuts(stream: bytes, size: int) -> Iterator[bytes]:
    """Yield the stream in reads of `size` bytes."""
    return (stream[at : at + size] for at in range(0, len(stream), size))


def streamed(relay: Translation, reads: Iterable[bytes]) -> bytes:
    """Return what the client reads while the upstream sends these reads and then closes."""
    stream = relay.stream()
    return b"".join([*[stream.feed(read) for read in reads], stream.close()])


def chat_stream(*chunks: object, done: bool = True) -> bytes:
    """Return chunks as the upstream writes them, with the `[DONE]` of a complete stream."""
    events = [b"data: %b\n\n" % msgspec.json.encode(chunk) for chunk in chunks]
    return b"".join([*events, b"data: [DONE]\n\n" if done else b""])


def chunk(finish_reason: str | None = None, /, **delta: object) -> dict[str, Any]:
    """Return a chunk that adds `delta` to the message."""
    return {"id": "chatcmpl-12345678", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}
