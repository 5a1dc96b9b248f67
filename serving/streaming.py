"""The two ways of a stream: passed through byte for byte with a tap, or translated on its way.

Both end with the client shape's own error when the upstream goes away before it said that the reply is complete: a cut
stream never looks finished. Nothing here runs per event but the event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from serving.errors import GatewayError
from serving.keeping import Keep
from serving.upstream import FOREIGN, mapped
from translation.events import Usage
from translation.failures import TRUNCATED, Failure
from translation.ledger import Ledger
from translation.reply import Pieces, Reply
from translation.shapes.shape import FilteringTap, Tap
from translation.stream import StreamTranslator


class PassedThrough:
    """A same-shape stream: what comes goes out as it came, read along by the shape's tap."""

    over = False
    """Whether the rest can be left unread: never, since every byte is forwarded."""
    lost = None
    """What the client does not get of the reply: nothing."""

    def __init__(self, tap: Tap, request_id: str) -> None:
        self.failure: Failure | None = None
        self.tap = tap
        self._request_id = request_id

    @property
    def usage(self) -> Usage | None:
        """The tokens that the upstream counted."""
        return self.tap.usage

    @property
    def complete(self) -> bool:
        """Whether the upstream said that the reply is complete."""
        return self.tap.ended

    @property
    def failed_upstream(self) -> bool:
        """Whether the upstream said, inside the stream, that it failed."""
        return self.tap.failed

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes as they came."""
        self.tap.feed(chunk)
        return chunk

    def close(self) -> bytes:
        """Return the error event of a stream that was cut, b"" for a complete one."""
        return self.fail(TRUNCATED)

    def fail(self, failure: Failure) -> bytes:
        """Return the shape's error event, unless the upstream had already said how the reply ends."""
        if self.tap.ended or self.tap.failed:
            return b""
        self.failure = failure
        return self.tap.failure_event(failure, self._request_id)

    def keep_alive(self) -> bytes:
        """Return the shape's keep-alive where it is legal."""
        return self.tap.keep_alive()


class PassedOnFiltered(PassedThrough):
    """A same-shape stream out of which the tap takes what only the gateway asked for; the rest goes out as it came."""

    def __init__(self, tap: FilteringTap, request_id: str) -> None:
        super().__init__(tap, request_id)
        self.feed = tap.pass_on  # type: ignore[method-assign]  # one call less for every event
        self._rest = tap.rest

    def close(self) -> bytes:
        """Return what was held back and, of a stream that was cut, the error event."""
        return self._rest() + super().close()


class Translated:
    """A stream of another shape, translated on its way."""

    def __init__(self, translator: StreamTranslator) -> None:
        self.translator = translator
        self.feed = translator.feed
        self.end = translator.end
        self.go_on = translator.go_on
        self.close = translator.close
        self.fail = translator.fail
        self.keep_alive = translator.keep_alive

    @property
    def usage(self) -> Usage | None:
        """The tokens that the upstream counted."""
        return self.translator.usage

    @property
    def failure(self) -> Failure | None:
        """What broke the stream."""
        return self.translator.failure

    @property
    def lost(self) -> Ledger:
        """What the client does not get of the reply."""
        return self.translator.lost

    @property
    def pieces(self) -> Pieces:
        """The lengths of the pieces in which the reply came, if it was gathered."""
        return self.translator.pieces

    @property
    def reply(self) -> Reply | None:
        """The reply, if it was gathered and its end is held back."""
        return self.translator.reply

    @property
    def complete(self) -> bool:
        """Whether the upstream said that the reply is complete."""
        return self.translator.complete

    @property
    def over(self) -> bool:
        """Whether the rest can be left unread."""
        return self.translator.over

    @property
    def paused(self) -> bool:
        """Whether the upstream waits to be asked to go on with the reply."""
        return self.translator.paused


Reader = PassedThrough | Translated


async def passed_through(first: bytes, chunks: AsyncIterator[bytes], reader: PassedThrough) -> AsyncGenerator[bytes]:
    """Yield `first`, which was read already, then the upstream's raw chunks as they come."""
    if first:
        yield first
    read, feed = reader.tap.feed, reader.feed
    try:
        if isinstance(reader, PassedOnFiltered):
            async for chunk in chunks:
                yield feed(chunk)
        else:
            async for chunk in chunks:
                read(chunk)
                yield chunk
    except FOREIGN as exc:
        yield reader.fail(mapped(exc).failure)
        return
    if left := reader.close():
        yield left


async def translated(
    first: bytes,
    chunks: AsyncIterator[bytes],
    reader: Translated,
    go_on: Callable[[Translated], Awaitable[AsyncIterator[bytes]]],
    keep: Keep | None = None,
) -> AsyncGenerator[bytes]:
    """Yield `first`, translated already, then what the upstream's raw chunks become, up to the end of the reply.

    What becomes nothing for the client is told as b"": the upstream is not silent. `go_on` returns the chunks with
    which a paused reply goes on. The end waits until the reply is kept.
    """
    if first:
        yield first
    feed, translator = reader.feed, reader.translator
    try:
        if reader.paused:
            chunks = await go_on(reader)
        while not translator.resting:
            async for chunk in chunks:
                yield feed(chunk)
                if translator.resting:
                    break
            else:
                yield reader.close()
            if reader.paused:
                chunks = await go_on(reader)
    except GatewayError as exc:
        yield reader.fail(exc.failure)
    except FOREIGN as exc:
        yield reader.fail(mapped(exc).failure)
    if keep is not None and reader.reply is not None:
        try:
            told = await keep(reader.reply, reader.pieces)
        except GatewayError as exc:
            yield reader.fail(exc.failure)
            return
        yield told + reader.end()
