"""What the client gets of a relay: a whole body, or a stream that owns the upstream's answer behind it.

Whoever gets an answer closes it. A stream gives back its connection and its place in the pool then; either one writes
the relay's record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from serving.errors import UpstreamError, upstream_failed
from serving.headers import HeaderList
from serving.keeping import Keep
from serving.opening import Opening
from serving.outgoing import Outgoing
from serving.recording import RelayRecord
from serving.rounds import next_round
from serving.streaming import PassedThrough, passed_through, translated
from serving.upstream import UpstreamAnswer, UpstreamPool
from translation.events import Usage
from translation.failures import Failure
from translation.stream import StreamTranslator

DRAIN_BYTES = 64 * 1024
DRAIN_SECONDS = 0.25


class WholeAnswer:
    """A body, all of which is there; `usage_of` counts the tokens of one that was passed through."""

    status = 200

    def __init__(
        self,
        headers: HeaderList,
        body: bytes,
        record: RelayRecord,
        usage_of: Callable[[bytes], Usage | None] | None = None,
    ) -> None:
        self.headers = headers
        self.body = body
        self.record = record
        self._usage_of = usage_of

    async def aclose(self) -> None:
        """Write the record."""
        if self._usage_of is not None:
            # Counted when the answer is on its way, so that the client does not wait for our books.
            self.record.usage = self._usage_of(self.body)
        self.record.close("ended")


class StreamedAnswer:
    """A stream that has begun. It owns the upstream's answer and a place in its pool.

    `outgoing` is what was asked, for the next round of a reply that pauses; `keep` keeps a translated reply.
    """

    status = 200
    content_type = "text/event-stream; charset=utf-8"

    def __init__(
        self,
        headers: HeaderList,
        opening: Opening,
        upstream: UpstreamAnswer,
        pool: UpstreamPool,
        outgoing: Outgoing,
        record: RelayRecord,
        *,
        keep: Keep | None = None,
    ) -> None:
        self.headers = headers
        self.record = record
        self.reader = opening.reader
        self.timeouts = pool.upstream.timeouts
        self._opening = opening
        self._upstream: UpstreamAnswer | None = upstream
        self._pool = pool
        self._outgoing = outgoing
        self._keep = keep

    def time_out(self, why: str) -> bytes:
        """Return the error of a stream that waited too long for its upstream."""
        return self.fail(upstream_failed(504, "upstream_timeout", why).failure)

    def fail(self, failure: Failure) -> bytes:
        """Return the error of a stream that breaks here."""
        return self.reader.fail(failure)

    def stream(self) -> AsyncGenerator[bytes]:
        """Return the bytes for the client; to be iterated once."""
        first, chunks, reader = self._opening.first, self._opening.chunks, self.reader
        credential = self._pool.upstream.credential
        if isinstance(reader, PassedThrough):
            return passed_through(first, chunks, reader, credential)
        return translated(first, chunks, reader, self._go_on, self._keep, credential)

    async def _go_on(self, reader: StreamTranslator) -> AsyncIterator[bytes]:
        """Return the chunks with which a paused reply goes on; raises UpstreamError."""
        paused, outgoing = self._upstream, self._outgoing
        assert paused is not None
        await _drain(paused)
        await paused.aclose()
        self._upstream = await next_round(self._pool, outgoing, reader.go_on(outgoing.body), stream=True)
        return self._upstream.raw_chunks

    async def aclose(self) -> None:
        """Give back what the answer owns and write the record. May be called at any time, and again."""
        upstream, self._upstream = self._upstream, None
        self._opening.close()
        if upstream is None:
            return
        self._record()
        try:
            if self.reader.complete:
                await _drain(upstream)
        finally:
            try:
                await upstream.aclose()
            finally:
                await self._pool.leave()

    def _record(self) -> None:
        reader, record = self.reader, self.record
        failed = reader.failure is not None
        if isinstance(reader, PassedThrough):
            failed = failed or reader.failed_upstream
        record.usage = reader.usage
        record.note_lost(reader.lost)
        if reader.failure is not None:
            record.error = reader.failure.code or reader.failure.kind.value
        record.close("failed" if failed else "ended" if reader.complete else "client_closed")


Answer = WholeAnswer | StreamedAnswer


async def _drain(upstream: UpstreamAnswer) -> None:
    """Read what little may follow the end of the reply, so that the connection can be used again."""
    size = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for chunk in upstream.chunks:
                size += len(chunk)
                if size > DRAIN_BYTES:
                    return
    except (TimeoutError, UpstreamError):
        return
