"""A stream translated on its way: bytes of the upstream's shape in, bytes of the client's shape out.

The way of one event: server-sent event -> the upstream shape's decoder -> hub events -> the client shape's encoder. The
phase (stream_state.py) decides what the end of the bytes means: after the upstream's own end it is an end; before, a
failure. Where somebody keeps the reply, its end is held back until `end` is called, so that the client does not take
for complete what is not kept yet.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from translation.events import End, Event, Start, Usage
from translation.exchange import Exchange
from translation.failures import Failure, UpstreamProtocolError
from translation.ledger import Ledger
from translation.reply import Pieces, Reply, ReplyCollector, tell
from translation.shapes.shape import ClientSide, ResumableDecoder, StreamDecoder, UpstreamSide
from translation.sse import EventTooLarge, ServerSentEvent, SseDecoder
from translation.stream_state import Phase, after

MAX_STREAM_BYTES = 256 * 1024 * 1024
"""How long a stream may be: about a million tokens. Encoders keep what was said, to repeat it where an item ends."""


class StreamTranslator:
    """Translates one stream. `failure` is what broke it; `usage` what the upstream counted.

    `collector` gathers the reply along the way, for whoever keeps it; then the end is told by `end` alone.
    """

    def __init__(
        self, upstream: UpstreamSide, client: ClientSide, exchange: Exchange, collector: ReplyCollector | None = None
    ) -> None:
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.started = False
        self.complete = False
        # Whether there is nothing to read from the upstream now: the reply is over, or paused. Asked for every chunk.
        self.resting = False
        self._phase = Phase.WAITING
        self._exchange = exchange
        self._collector = collector
        self._decode_reply = upstream.decode_reply
        self._with_spellings = upstream.with_spellings
        self._read = 0
        self._sse = SseDecoder()
        self._decoder = upstream.stream_decoder(exchange)
        self._pausing = self._decoder if isinstance(self._decoder, ResumableDecoder) else None
        self._encoder = client.stream_encoder(exchange)

    @property
    def lost(self) -> Ledger:
        """The ledger of the reply."""
        return self._exchange.lost

    @property
    def reply(self) -> Reply | None:
        """The reply, if it is gathered and complete."""
        return self._collector.reply() if self._collector is not None and self.complete else None

    @property
    def pieces(self) -> Pieces:
        """The lengths of the pieces in which the parts of the reply came, if it is gathered."""
        return () if self._collector is None else self._collector.pieces()

    @property
    def over(self) -> bool:
        """Tell whether the reply has ended or failed, so that nothing more will be emitted, but for the end."""
        return self.complete or self._phase is Phase.FAILED

    @property
    def paused(self) -> bool:
        """Tell whether the upstream's stream is over and the reply is not: it goes on when it is asked to."""
        return self._pausing is not None and self._pausing.paused and not self.over

    def go_on(self, body: bytes) -> bytes:
        """Return the request by which a paused reply goes on, made of the first one; its stream is fed next."""
        assert self._pausing is not None
        self._sse = SseDecoder()
        self.resting = False
        return self._pausing.go_on(body)

    def feed(self, chunk: bytes) -> bytes:
        """Return what these bytes become; b"" if they complete no event, or come after the end."""
        told: list[bytes] = []
        if not self.resting:
            self._read += len(chunk)
            try:
                if self._read > MAX_STREAM_BYTES:
                    raise EventTooLarge(f"it is longer than {MAX_STREAM_BYTES} bytes")
                self._translate(self._sse.feed(chunk), told)
            except EventTooLarge as exc:
                told.append(self.fail(UpstreamProtocolError(f"the upstream's stream: {exc}").failure))
        return b"".join(told)

    def feed_whole(self, body: bytes) -> bytes:
        """Return the stream of a reply that the upstream sent as one JSON object although a stream was asked for."""
        try:
            wire = msgspec.json.decode(body, type=dict)
            if self._with_spellings is not None:
                wire = self._with_spellings(wire, body)
            reply = self._decode_reply(wire, self._exchange)
        except UpstreamProtocolError as exc:
            return self.fail(exc.failure)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            return self.fail(UpstreamProtocolError(f"the upstream's reply is not a JSON object: {exc}").failure)
        told: list[bytes] = []
        self._tell(tell(reply), told)
        return b"".join(told)

    def close(self) -> bytes:
        """Return what is left to say when the upstream's bytes have ended: the end of the reply, or an error."""
        told: list[bytes] = []
        if not self.over:
            self._tell(told_at_the_end(self._sse, self._decoder), told)
        if not self.over and not self.paused:
            self._tell(self._decoder.close(), told)
        self._rest_if_paused()
        return b"".join(told)

    def end(self) -> bytes:
        """Return the end of a reply that is `complete`; b"" if it was told already."""
        if not self.complete or self._phase is not Phase.FINISHED:
            return b""
        self._phase = after(self._phase, End)
        return self._encoder.encode(End())

    def fail(self, failure: Failure) -> bytes:
        """Return the client shape's error for a stream that breaks here; b"" if its end was told."""
        told: list[bytes] = []
        if self._phase not in (Phase.ENDED, Phase.FAILED):
            self.complete = False
            self._tell((failure,), told)
        return b"".join(told)

    def keep_alive(self) -> bytes:
        """Return bytes that keep an idle client waiting."""
        return self._encoder.keep_alive()

    def _translate(self, events: Iterable[ServerSentEvent], told: list[bytes]) -> None:
        """Add to `told` what the upstream's events become; a broken one fails the stream, and ends it."""
        try:
            for event in events:
                self._tell(self._decoder.decode(event), told)
        except UpstreamProtocolError as exc:
            told.append(self.fail(exc.failure))
        self._rest_if_paused()

    def _rest_if_paused(self) -> None:
        if self._pausing is not None and self._pausing.paused:
            self.resting = True

    def _tell(self, events: Iterable[Event], told: list[bytes]) -> None:
        for event in events:
            if isinstance(event, End):
                self.complete = self.resting = True
                if self._collector is not None:
                    return
            self._phase = after(self._phase, type(event))
            if isinstance(event, Start):
                self.started = True
            elif isinstance(event, Usage):
                self.usage = event
            elif isinstance(event, Failure):
                self.failure = event
                self.resting = True
            if self._collector is not None:
                self._collector.take(event)
            told.append(self._encoder.encode(event))


def told_at_the_end(sse: SseDecoder, decoder: StreamDecoder) -> list[Event]:
    """Return what the last event tells if the blank line after it is missing; nothing if it cannot be read."""
    try:
        return [told for event in sse.close() for told in decoder.decode(event)]
    except UpstreamProtocolError:
        # The stream broke off inside the event. The decoder knows whether the reply was complete without it.
        return []
