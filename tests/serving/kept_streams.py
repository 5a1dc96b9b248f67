"""A translated stream whose reply is kept, without a gateway around it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from serving.keeping import Keep
from serving.outgoing import Outgoing
from serving.streaming import translated
from translation.reply import ReplyCollector
from translation.stream import StreamTranslator


async def stream_told(outgoing: Outgoing, keep: Keep | None, stream: bytes) -> bytes:
    """Return what the client gets of the upstream's stream."""
    assert outgoing.translation is not None
    reader = outgoing.translation.stream(ReplyCollector())

    async def chunks() -> AsyncIterator[bytes]:
        yield stream

    async def go_on(_: StreamTranslator) -> AsyncIterator[bytes]:
        raise AssertionError("no reply here is paused")

    return b"".join([piece async for piece in translated(b"", chunks(), reader, go_on, keep)])
