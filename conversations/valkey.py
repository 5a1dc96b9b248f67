"""Kept turns in Valkey or Redis, shared by every worker and every machine.

A server that does not answer costs a relay at most the timeout, and for a while after that nothing: the conversation
goes on without what was kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from conversations.turns import DEFAULT_TTL_SECONDS, MAX_RECORD_BYTES

logger = logging.getLogger("conversations.valkey")

KEY_PREFIX = "switchyard:turn:"
TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 2.0
MAX_CONNECTIONS = 32
# What asyncio and the operating system raise beside the client's own errors, and what a server's nonsense does.
_AWAY = (RedisError, OSError, TimeoutError, ValueError, TypeError)


class ValkeyTurnStore:
    """Records on a server; how much it keeps is bounded by their age and by its own `maxmemory`."""

    def __init__(self, url: str, ttl_seconds: float = DEFAULT_TTL_SECONDS) -> None:
        """Connect at first use; `url` is valkey://, redis://, rediss:// or unix://."""
        scheme, colon, rest = url.partition(":")
        known = {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme)
        pool = BlockingConnectionPool.from_url(
            known + colon + rest,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._server = Redis(connection_pool=pool)
        self._ttl_milliseconds = int(ttl_seconds * 1000)
        self._away_until = 0.0

    async def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return the records that are there, by key; none if the server does not answer."""
        if self._is_away():
            return {}
        try:
            records = await self._server.mget([KEY_PREFIX + key for key in keys])
            return {key: record for key, record in zip(keys, records, strict=True) if isinstance(record, bytes)}
        except _AWAY as exc:
            self._note_away(exc)
            return {}

    async def put(self, key: str, record: bytes) -> None:
        """Keep a record for a while; not if the server does not answer, or the record is larger than 4 MiB."""
        if self._is_away() or len(record) > MAX_RECORD_BYTES:
            return
        try:
            await self._server.set(KEY_PREFIX + key, record, px=self._ttl_milliseconds)
        except _AWAY as exc:
            self._note_away(exc)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._server.aclose()
        await self._server.connection_pool.disconnect()

    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    def _note_away(self, exc: Exception) -> None:
        self._away_until = time.monotonic() + PAUSE_SECONDS
        # Its own text may hold the address with the password.
        logger.warning("the turn store does not answer (%s): turns are not put back", type(exc).__name__)
