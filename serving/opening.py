"""The opening of a stream: reading until there is something to say, so that a failure before it is still a real status.

An upstream that says nothing for too long is taken at its word that a stream will come: the client gets its headers,
and company while it waits (watch.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator

from serving.calls import Call
from serving.errors import UpstreamError, upstream_failed
from serving.headers import to_client
from serving.outgoing import Outgoing, retold
from serving.streaming import PassedOnFiltered, PassedThrough, Reader
from serving.upstream import FOREIGN, UpstreamAnswer, mapped
from serving.verdict import RETRYABLE_STATUSES, error_of_answer, error_of_first_event
from translation.failures import RequestRefused
from translation.reply import ReplyCollector
from translation.shapes import SHAPES
from translation.sse import EventTooLarge, SseDecoder
from translation.stream import StreamTranslator
from translation.translator import error_inside

MAX_OPENING_BYTES = 64 * 1024
MAX_REPLY_BYTES = 64 * 1024 * 1024
JSON_TYPE, PAGE_TYPE = "application/json", "text/html"


class Opening:
    """A stream that has begun: its reader, what the client gets first, and the chunks that follow."""

    def __init__(
        self,
        reader: Reader,
        first: bytes,
        chunks: AsyncIterator[bytes],
        coming: asyncio.Future[bytes | None] | None = None,
    ) -> None:
        """Take the chunks that follow; `coming` is the next one where it is still awaited."""
        self.reader = reader
        self.first = first
        self.chunks = chunks if coming is None else _resumed(coming, chunks)
        self._coming = coming

    def close(self) -> None:
        """Await nothing any more."""
        if self._coming is not None:
            self._coming.cancel()


async def _resumed(coming: asyncio.Future[bytes | None], rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    chunk = await coming
    while chunk is not None:
        yield chunk
        chunk = await anext(rest, None)


async def open_stream(answered: UpstreamAnswer, outgoing: Outgoing, call: Call, *, collects: bool) -> Opening:
    """Return the stream's opening; raises UpstreamError if it fails before there is anything to say.

    `collects`: a translated reply is gathered along the way, and its end held back until it is kept.
    """
    try:
        return await _opened(answered, outgoing, call, collects=collects)
    except UpstreamError as exc:
        # What the head said of limits and of another try goes along with the status that takes its place.
        exc.headers = exc.headers or tuple(to_client(answered.headers, outgoing.shape, call.shape, time.time()))
        raise


async def _opened(answered: UpstreamAnswer, outgoing: Outgoing, call: Call, *, collects: bool) -> Opening:
    translator = None
    if outgoing.translation is not None:
        translator = outgoing.translation.stream(ReplyCollector() if collects else None)
    if answered.content_type in (JSON_TYPE, PAGE_TYPE):
        return await _from_whole(answered, outgoing, call, translator)
    chunks = _Chunks(answered, call.patience)
    if translator is not None:
        return await _translated(chunks, translator)
    return await _passed_through(chunks, outgoing, call.request_id)


async def _from_whole(
    answered: UpstreamAnswer, outgoing: Outgoing, call: Call, translator: StreamTranslator | None
) -> Opening:
    """Return the stream of a reply that came as one JSON object although a stream was asked for."""
    if answered.content_type == PAGE_TYPE:
        raise upstream_failed(502, "upstream_protocol_error", "the upstream answered with a web page")
    reply = await answered.read(MAX_REPLY_BYTES)
    if error_inside(reply):
        raise await error_of_answer(answered, call.shape, outgoing.shape, reply)
    if translator is None:
        translator = _told_in_its_own_shape(call, outgoing)
    first = translator.feed_whole(reply)
    _refuse_if_failed(translator)
    return Opening(translator, first, answered.raw_chunks)


def _told_in_its_own_shape(call: Call, outgoing: Outgoing) -> StreamTranslator:
    try:
        return retold(call, outgoing).stream()
    except RequestRefused as exc:
        # What the request asks for is this upstream's alone, and so is what a stream of its reply would be.
        raise upstream_failed(502, "upstream_protocol_error", "the upstream did not answer with a stream") from exc


async def _translated(chunks: _Chunks, translator: StreamTranslator) -> Opening:
    first = b""
    while not (first or translator.over or translator.paused):
        chunk = await chunks.next()
        if chunk is None:
            break
        first = translator.feed(chunk)
    if chunks.is_late:
        return chunks.late(translator, first)
    if chunks.ended and not translator.over:
        first += translator.close()
    _refuse_if_failed(translator)
    return Opening(translator, first, chunks.rest)


def _refuse_if_failed(translator: StreamTranslator) -> None:
    failure = translator.failure
    if failure is not None and not translator.started:
        raise UpstreamError(failure, retryable=failure.status in RETRYABLE_STATUSES)


async def _passed_through(chunks: _Chunks, outgoing: Outgoing, request_id: str) -> Opening:
    """Read up to the end of the first event, since it may be an error; comments before it are no event."""
    shape = SHAPES[outgoing.shape]
    reader = PassedThrough(shape.tap(), request_id)
    if outgoing.unasked is not None and shape.usage_asked is not None:
        reader = PassedOnFiltered(shape.usage_asked.tap(), request_id)
    events, said = SseDecoder(), b""
    while len(said) < MAX_OPENING_BYTES:
        chunk = await chunks.next()
        if chunk is None:
            break
        said += reader.feed(chunk)
        if _completes_an_event(events, chunk):
            break
    if chunks.is_late:
        return chunks.late(reader, said)
    if reader.failed_upstream and not reader.complete:
        raise error_of_first_event(said, outgoing.shape)
    if said.lstrip()[:1] == b"<":
        raise upstream_failed(502, "upstream_protocol_error", "the upstream answered with a web page")
    if chunks.ended and not said:
        raise upstream_failed(502, "upstream_truncated", "the upstream ended its stream before it began")
    return Opening(reader, said, chunks.rest)


def _completes_an_event(events: SseDecoder, chunk: bytes) -> bool:
    try:
        return bool(events.feed(chunk))
    except EventTooLarge:
        return True


class _Chunks:
    """An upstream's chunks with a deadline for the opening; a chunk that is late stays awaited."""

    def __init__(self, answered: UpstreamAnswer, patience: float) -> None:
        self.ended = False
        self.rest = answered.raw_chunks
        self._deadline = asyncio.get_running_loop().time() + patience
        self._coming: asyncio.Future[bytes | None] | None = None

    @property
    def is_late(self) -> bool:
        """Whether a chunk did not come in time."""
        return self._coming is not None

    def late(self, reader: Reader, first: bytes) -> Opening:
        """Return the opening that goes on waiting for the late chunk."""
        return Opening(reader, first, self.rest, self._coming)

    async def next(self) -> bytes | None:
        """Return the next chunk; None at the end or when it is late."""
        coming = asyncio.ensure_future(anext(self.rest, None))
        try:
            await asyncio.wait({coming}, timeout=self._deadline - asyncio.get_running_loop().time())
        except BaseException:
            coming.cancel()
            raise
        if not coming.done():
            self._coming = coming
            return None
        try:
            chunk = coming.result()
        except FOREIGN as exc:
            raise mapped(exc) from exc
        self.ended = chunk is None
        return chunk
