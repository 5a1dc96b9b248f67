"""Which headers travel, from the client to the upstream and back. What is not listed stays here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from routing.table import EVERY_BETA
from serving.rate_limits import PREFIXES, rate_limit

HeaderList = list[tuple[bytes, bytes]]

# Same shape only: a translated request is ours, and so are its headers.
_BETAS = b"anthropic-beta"
_TO_UPSTREAM = frozenset({b"anthropic-version", _BETAS, b"openai-beta", b"idempotency-key"})
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})

_TO_CLIENT = frozenset(
    {b"retry-after", b"retry-after-ms", b"x-should-retry", b"openai-processing-ms", b"openai-version"}
)
_REQUEST_IDS = frozenset({b"x-request-id", b"request-id"})

# A translated request says the oldest version that every server of the Messages shape knows.
MESSAGES_VERSION = (b"anthropic-version", b"2023-06-01")

HEADER_VALUE_MAX = 1024
LONGEST_BETA = 64
_UNPRINTABLE = re.compile(rb"[^ -~]")


def to_upstream(
    client: Iterable[tuple[bytes, bytes]], betas: tuple[str, ...] = EVERY_BETA
) -> tuple[HeaderList, tuple[str, ...]]:
    """Return the client's headers that a same-shape request takes along, and the paths of the betas left behind.

    `betas` are those that the upstream takes: an unknown one makes most servers refuse the whole request.
    """
    taken, left = [], []
    for name, value in client:
        if name == _BETAS and betas != EVERY_BETA:
            asked = [beta.strip() for beta in value.decode("latin-1").split(",")]
            left += [f"anthropic-beta:{beta[:LONGEST_BETA]}" for beta in asked if beta and beta not in betas]
            if known := [beta for beta in asked if beta in betas]:
                taken.append((name, ",".join(known).encode("latin-1")))
        elif name in _TO_UPSTREAM:
            taken.append((name, value))
    return taken, tuple(dict.fromkeys(left))


def credentials(client: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """Return the client's own credentials, for upstreams that are asked in the client's name."""
    return [(name, value) for name, value in client if name in _CREDENTIALS]


def to_client(upstream: Iterable[tuple[bytes, bytes]], shape: str, client_shape: str, now: float) -> HeaderList:
    """Return the upstream's headers that the client gets; the upstream's request id under a name of its own.

    `shape` is the upstream's; limits that the client's shape writes in another way are told in that way. `now` is in
    Unix seconds.
    """
    kept = []
    identified = False
    for name, value in upstream:
        lower = name.lower()
        if lower in _TO_CLIENT:
            kept.append((lower, printable(value)))
        elif lower.startswith(PREFIXES):
            limit = rate_limit(lower, printable(value), shape, client_shape, now)
            if limit is not None:
                kept.append(limit)
        elif lower in _REQUEST_IDS and not identified:
            identified = True
            kept.append((b"x-gateway-upstream-request-id", printable(value)))
    return kept


def printable(value: bytes) -> bytes:
    """Return a header value without the bytes that a header may not have, at most 1 KiB of it."""
    return _UNPRINTABLE.sub(b"?", value[:HEADER_VALUE_MAX])


def report(paths: tuple[str, ...]) -> bytes:
    """Return the paths as one header value of at most 1 KiB, ending in `,+N` where N more did not fit."""
    kept: list[bytes] = []
    size = 0
    for path in paths:
        word = printable(path[:HEADER_VALUE_MAX].encode("ascii", "backslashreplace"))
        size += len(word) + 1
        if size > HEADER_VALUE_MAX - 16:
            kept.append(b"+%d" % (len(paths) - len(kept)))
            break
        kept.append(word)
    return b",".join(kept)


def credential_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the client's key; `x-api-key` wins over a bearer token, as at Anthropic."""
    bearer = None
    for name, value in headers:
        if name == b"x-api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = value[7:].strip().decode("latin-1")
    return bearer
