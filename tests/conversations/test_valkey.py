"""The store of kept turns on a real server: VALKEY_URL, by default the one on this machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest

from conversations.turns import MemoryTurnStore, turn_store
from conversations.valkey import KEY_PREFIX, ValkeyTurnStore

URL = os.environ.get("VALKEY_URL", "valkey://127.0.0.1:6379/0")


def server_is_there() -> bool:
    """Tell whether the server takes connections."""
    parts = urlsplit(URL)
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 6379)) == 0


pytestmark = pytest.mark.skipif(not server_is_there(), reason=f"no server at {URL}: start one or set VALKEY_URL")


def with_store(test: Callable[[ValkeyTurnStore], Awaitable[None]], **options: float) -> None:
    """Run the test with a store, which is closed after it."""

    async def run() -> None:
        store = ValkeyTurnStore(URL, **options)
        try:
            await test(store)
        finally:
            await store.aclose()

    asyncio.run(run())


def test_record_is_found_by_another_worker() -> None:
    """What one process keeps, another finds; a key that is not there is left out, and an empty record is there."""
    key = secrets.token_hex(20)

    async def keep(store: ValkeyTurnStore) -> None:
        await store.put(key, b"\x00turn\xff")
        await store.put(key + "1", b"")

    async def find(store: ValkeyTurnStore) -> None:
        assert await store.get([key, key + "1", key + "2"]) == {key: b"\x00turn\xff", key + "1": b""}

    with_store(keep)
    with_store(find)


def test_record_leaves_by_itself() -> None:
    """A record has a time to live on the server, so that nobody has to clean up."""
    key = secrets.token_hex(20)

    async def leaves(store: ValkeyTurnStore) -> None:
        await store.put(key, b"turn")
        left = await store._server.pttl(KEY_PREFIX + key)
        assert 0 < left <= 60_000

    with_store(leaves, ttl_seconds=60)


def test_server_that_is_away_costs_one_refused_connection() -> None:
    """Without the server nothing is found and nothing raises, and the next relays do not even ask."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"valkey://:secret@127.0.0.1:{unused.getsockname()[1]}/0"

        async def run() -> tuple[object, float]:
            store = ValkeyTurnStore(url)
            assert await store.get(["a"]) == {}
            started = asyncio.get_running_loop().time()
            await store.put("a", b"turn")
            assert await store.get(["a"]) == {}
            took = asyncio.get_running_loop().time() - started
            await store.aclose()
            return store, took

        _, took = asyncio.run(run())
    assert took < 0.01


def test_server_that_is_silent_costs_no_more_than_the_timeout() -> None:
    """A server that accepts and never answers holds a relay up for the timeout, once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:

        async def run() -> float:
            store = ValkeyTurnStore(f"valkey://127.0.0.1:{silent.getsockname()[1]}/0")
            started = asyncio.get_running_loop().time()
            assert await store.get(["a"]) == {}
            took = asyncio.get_running_loop().time() - started
            await store.aclose()
            return took

        assert asyncio.run(run()) < 2


@pytest.mark.parametrize("answer", [b":5", b"*0", b"_", b"*1\r\n$abc", b"HTTP/1.1 400 Bad"])
def test_server_that_talks_nonsense_is_away(answer: bytes) -> None:
    """Whatever a server says that is no list of records, nothing is found and nothing raises."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(4096):
            greeting = b"%1\r\n+proto\r\n:3\r\n" * command.count(b"HELLO") + b"+OK\r\n" * command.count(b"CLIENT")
            writer.write(greeting + (answer + b"\r\n") * command.count(b"MGET"))
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        store = ValkeyTurnStore(f"valkey://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        assert await store.get(["a"]) == {}
        assert store._is_away()
        await store.aclose()
        server.close()

    asyncio.run(run())


def test_store_is_the_configured_one() -> None:
    """Without a URL turns are kept in the worker's own memory, with one on that server."""
    assert isinstance(turn_store(""), MemoryTurnStore)
    assert isinstance(turn_store(URL), ValkeyTurnStore)
