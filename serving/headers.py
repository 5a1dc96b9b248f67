"""Which headers travel, from the client to the upstream and back. What is not listed stays here."""

from __future__ import annotations

import re
from collections.abc import Iterable

HeaderList = list[tuple[bytes, bytes]]

# Same shape only: a translated request is ours, and so are its headers.
_TO_UPSTREAM = frozenset({b"anthropic-version", b"anthropic-beta", b"openai-beta", b"idempotency-key"})
_CREDENTIALS = frozenset({b"authorization", b"x-api-key"})

_TO_CLIENT = frozenset(
    {b"retry-after", b"retry-after-ms", b"x-should-retry", b"openai-processing-ms", b"openai-version"}
)
_TO_CLIENT_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")
_REQUEST_IDS = frozenset({b"x-request-id", b"request-id"})

# A translated request says the oldest version that every server of the Messages shape knows.
MESSAGES_VERSION = (b"anthropic-version", b"2023-06-01")

HEADER_VALUE_MAX = 1024
_UNPRINTABLE = re.compile(rb"[^ -~]")


def to_upstream(client: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """Return the client's headers that a same-shape request takes along."""
    return [(name, value) for name, value in client if name in _TO_UPSTREAM]


def credentials(client: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """Return the client's own credentials, for upstreams that are asked in the client's name."""
    return [(name, value) for name, value in client if name in _CREDENTIALS]


def to_client(upstream: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """Return the upstream's headers that the client gets; the upstream's request id under a name of its own."""
    kept = []
    for name, value in upstream:
        lower = name.lower()
        if lower in _TO_CLIENT or lower.startswith(_TO_CLIENT_PREFIXES):
            kept.append((lower, printable(value)))
        elif lower in _REQUEST_IDS:
            kept.append((b"x-gateway-upstream-request-id", printable(value)))
    return kept


def printable(value: bytes) -> bytes:
    """Return a header value without the bytes that a header may not have, at most 1 KiB of it."""
    return _UNPRINTABLE.sub(b"?", value[:HEADER_VALUE_MAX])


def credential_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the client's key; `x-api-key` wins over a bearer token, as at Anthropic."""
    bearer = None
    for name, value in headers:
        if name == b"x-api-key":
            return value.decode("latin-1")
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = value[7:].strip().decode("latin-1")
    return bearer
