"""What a wire shape consists of: the functions that its folder provides, as one record.

A shape has two sides. Clients speak it to us: requests are decoded, replies encoded. Upstreams speak it: requests are
encoded, replies decoded. Errors and the tap of same-shape relays belong to both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from translation.events import Event, Usage
from translation.exchange import Exchange
from translation.failures import Failure
from translation.hub import Item, Request, Wire
from translation.ledger import Ledger
from translation.profiles import Profile
from translation.reply import Reply
from translation.sse import ServerSentEvent


class StreamDecoder(Protocol):
    """Turns an upstream's stream into hub events."""

    def decode(self, event: ServerSentEvent) -> Iterable[Event]:
        """Return the hub events that one server-sent event brings."""

    def close(self) -> Iterable[Event]:
        """Return what is left when the upstream's stream has ended; a Failure if it ended too early."""


class StreamEncoder(Protocol):
    """Turns hub events into a client's stream."""

    def encode(self, event: Event) -> bytes:
        """Return the bytes that one hub event becomes; b"" if none."""

    def keep_alive(self) -> bytes:
        """Return bytes that keep an idle client waiting, legal at this point of the stream."""


class Tap(Protocol):
    """Reads along with a same-shape stream, of which not a byte is changed."""

    usage: Usage | None
    ended: bool
    failed: bool
    at_boundary: bool
    """`ended`: the upstream said that the reply is complete. `failed`: it failed. `at_boundary`: between events."""

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes."""

    def failure_event(self, failure: Failure, request_id: str) -> bytes:
        """Return the shape's error event for a stream that breaks here."""

    def keep_alive(self) -> bytes:
        """Return bytes that keep an idle client waiting; b"" in the middle of an event."""


class FilteringTap(Tap, Protocol):
    """A tap that stands in the way of a same-shape stream, and takes out what only the gateway asked for."""

    def pass_on(self, chunk: bytes) -> bytes:
        """Read the next bytes and return what of them the client gets now."""

    def rest(self) -> bytes:
        """Return what was held back of a stream that has ended."""


class UsageAsked(Struct, frozen=True, kw_only=True):
    """How same-shape streams come to count their tokens where the client did not ask for it.

    `ask` returns a request that asks, the same object where that is not ours to do; `tap` takes the answer out again.
    """

    ask: Callable[[Wire], Wire]
    tap: Callable[[], FilteringTap]


class ClientSide(Struct, frozen=True, kw_only=True):
    """What it takes to serve clients of the shape.

    `check_version(wire, version)` raises RequestRefused for members that the client's version of the API has no more.
    `with_spellings(wire, raw)` is for shapes that have the arguments of calls as objects: the body with these as they
    are written in `raw`. `echoed(reply, exchange)` is for shapes whose clients send back words and calls only: the
    items of a reply as they come back from such a client (replay.py).
    """

    decode_request: Callable[[Wire, Ledger], Request]
    encode_reply: Callable[[Reply, Exchange], Wire]
    stream_encoder: Callable[[Exchange], StreamEncoder]
    check_version: Callable[[Wire, str], None] | None = None
    with_spellings: Callable[[Wire, bytes], Wire] | None = None
    echoed: Callable[[Reply, Exchange], Sequence[Item]] | None = None


@runtime_checkable
class ResumableDecoder(StreamDecoder, Protocol):
    """A decoder of a reply that comes in several rounds; `paused` after one that is to go on."""

    paused: bool

    def go_on(self, body: bytes) -> bytes:
        """Return the request by which a paused reply goes on, made of the first one, and expect its stream."""


class WholePauses(Protocol):
    """What to do with replies that do not stream and come in several rounds."""

    def is_paused(self, reply: bytes, rounds: int, exchange: Exchange) -> bool:
        """Tell whether a reply, after so many earlier ones, is to go on."""

    def go_on(self, body: bytes, replies: Sequence[bytes]) -> bytes:
        """Return the request by which it goes on, made of the first one and the replies so far."""

    def merged(self, replies: Sequence[bytes]) -> bytes:
        """Return the replies of all rounds as one."""


class UpstreamSide(Struct, frozen=True, kw_only=True):
    """What it takes to ask upstreams of the shape. `encode_request(request, model, profile, deployment, ledger)`.

    `tool_name_max`: how many characters a tool's name may have. `with_spellings` is like that of a client's side, for
    whole replies. `pauses` is for shapes whose replies may come in several rounds; their streams' decoders are then
    ResumableDecoders.
    """

    encode_request: Callable[[Request, str, Profile, str, Ledger], Wire]
    decode_reply: Callable[[Wire, Exchange], Reply]
    stream_decoder: Callable[[Exchange], StreamDecoder]
    tool_name_max: int
    pauses: WholePauses | None = None
    with_spellings: Callable[[Wire, bytes], Wire] | None = None


class Shape(Struct, frozen=True, kw_only=True):
    """One wire shape. `path` follows the base URL's prefix (`/chat/completions`).

    `usage_asked` is for shapes whose streams count their tokens only for whoever asks.
    """

    name: str
    path: str
    encode_error: Callable[[Failure, str], tuple[int, Wire]]
    decode_error: Callable[[int, bytes], Failure]
    tap: Callable[[], Tap]
    usage_of: Callable[[bytes], Usage | None]
    usage_asked: UsageAsked | None = None
    client: ClientSide | None = None
    upstream: UpstreamSide | None = None
