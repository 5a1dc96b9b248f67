"""The two ways of a stream: passed through byte for byte with a tap, or translated on its way.

Both end with the client shape's own error when the upstream goes away before it said that the reply is complete: a cut
stream never looks finished. Nothing here runs per event but the event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from routing.table import Credential
from serving.errors import GatewayError
from serving.keeping import Keep
from serving.upstream import FOREIGN, mapped
from serving.verdict import withheld
from translation.events import Usage
from translation.failures import TRUNCATED, Failure
from translation.shapes.shape import FilteringTap, Tap
from translation.stream import StreamTranslator


class PassedThrough:
    """A same-shape stream: what comes goes out as it came, read along by the shape's tap."""

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


Reader = PassedThrough | StreamTranslator
"""What turns the upstream's chunks into the client's: the stream of its own shape, or one of another."""


async def passed_through(
    first: bytes, chunks: AsyncIterator[bytes], reader: PassedThrough, credential: Credential | None
) -> AsyncGenerator[bytes]:
    """Yield `first`, which was read already, then the upstream's raw chunks as they come.

    Only an error of the upstream's is looked through for the credential that it was asked with.
    """
    if first:
        yield withheld(first, credential)
    tap, read, feed = reader.tap, reader.tap.feed, reader.feed
    try:
        if isinstance(reader, PassedOnFiltered):
            async for chunk in chunks:
                told = feed(chunk)
                yield withheld(told, credential) if tap.failed else told
        else:
            async for chunk in chunks:
                read(chunk)
                yield withheld(chunk, credential) if tap.failed else chunk
    except FOREIGN as exc:
        yield reader.fail(mapped(exc).failure)
        return
    if left := reader.close():
        yield left


async def translated(
    first: bytes,
    chunks: AsyncIterator[bytes],
    reader: StreamTranslator,
    go_on: Callable[[StreamTranslator], Awaitable[AsyncIterator[bytes]]],
    keep: Keep | None = None,
    credential: Credential | None = None,
) -> AsyncGenerator[bytes]:
    """Yield `first`, translated already, then what the upstream's raw chunks become, up to the end of the reply.

    What becomes nothing for the client is told as b"": the upstream is not silent. `go_on` returns the chunks with
    which a paused reply goes on. The end waits until the reply is kept.
    """
    if first:
        yield withheld(first, credential)
    feed = reader.feed
    try:
        if reader.paused:
            chunks = await go_on(reader)
        while not reader.resting:
            async for chunk in chunks:
                told = feed(chunk)
                if reader.resting:
                    yield withheld(told, credential)
                    break
                yield told
            else:
                yield withheld(reader.close(), credential)
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
