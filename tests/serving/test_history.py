"""What is kept of a reply before its end is told, and what is said if that cannot be done."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from conversations.memory import MemoryResponseStore
from conversations.replayed import replayed
from conversations.turns import MemoryTurnStore
from routing.table import Target, Upstream
from serving.body import parse_body
from serving.calls import Call
from serving.errors import ClientError, GatewayFault
from serving.history import History, take_up
from serving.keeping import Keep, Memory
from serving.outgoing import Outgoing, translated_for
from serving.storage import keep_pruning
from serving.stored import stored_response
from tests.grammar import responses
from tests.serving.kept_streams import stream_told
from tests.serving.wires import CHAT_REPLY, CHAT_STREAM
from tests.translation.answers import ANSWERS, stream_of
from translation.translator import translate_reply

UPSTREAM = Upstream(name="u", provider="p", base_url="http://u", shapes=("chat",), prefer="chat")
TARGET = Target(UPSTREAM, "m")
SEED = "0123456789abcdef01234567"
NO_ROOM = 10


def memory_of(size: int) -> Memory:
    """Return a worker's stores, with room for so many bytes of responses."""
    return Memory(turns=MemoryTurnStore(), responses=MemoryResponseStore(size), days=7.0)


async def prepared(memory: Memory, request: bytes, upstream: str = "chat") -> tuple[Outgoing, Keep | None]:
    """Return what is sent for a request, and how its reply is kept."""
    call = Call(shape="responses", body=request, headers=[], request_id=SEED, project="web")
    body = parse_body(request)
    history = await take_up(call, body, [TARGET], memory)
    outgoing = history.own(translated_for(call, history.read(call, body), TARGET, upstream, "alias"))
    assert outgoing.translation is not None
    return outgoing, history.keep(outgoing.translation, TARGET, call, memory)


async def streamed(memory: Memory, request: bytes) -> bytes:
    """Return the stream that the client gets."""
    outgoing, keep = await prepared(memory, request)
    return await stream_told(outgoing, keep, CHAT_STREAM)


def test_the_stored_response_is_the_one_that_was_told() -> None:
    """What is stored when a stream ends is what its last event says, id and items and all."""

    async def act() -> None:
        memory = memory_of(10**6)
        events = responses.check(await streamed(memory, b'{"model": "m", "input": "Hi", "stream": true}'))
        (record,) = await memory.responses.chain("web", f"resp_{SEED}", 0.0)
        kept = msgspec.json.decode(record.response) | {"output": msgspec.json.decode(record.output)}
        assert kept == events[-1]["response"]
        assert events[0]["response"]["id"] == record.id == f"resp_{SEED}"

    asyncio.run(act())


def test_a_conversation_is_no_longer_than_a_request_may_be() -> None:
    """A follow-up to one that is longer is a 413 which names the limit: each would load all of it again."""

    async def act() -> None:
        memory = replace(memory_of(10**6), most_bytes=2000)
        follow_up = b'{"model": "m", "input": "Hi", "stream": true, "previous_response_id": "resp_%b"}' % SEED.encode()
        await streamed(memory, b'{"model": "m", "input": "Hi", "stream": true}')
        outgoing, _ = await prepared(memory, follow_up)
        assert outgoing.body
        await streamed(memory, b'{"model": "m", "input": "%b", "stream": true}' % (b"Hi " * 1000))
        with pytest.raises(ClientError, match="longer than 2000 bytes") as caught:
            await prepared(memory, follow_up)
        assert (caught.value.failure.status, caught.value.failure.param) == (413, "previous_response_id")

    asyncio.run(act())


def test_a_stream_whose_reply_cannot_be_stored_says_so() -> None:
    """It ends with the error instead of the response: a client that counts on it would be misled by its end."""

    async def act() -> None:
        events = responses.check(await streamed(memory_of(NO_ROOM), b'{"model": "m", "input": "Hi", "stream": true}'))
        assert events[-1]["type"] == "response.failed"
        assert "could not store it" in events[-1]["response"]["error"]["message"]

    asyncio.run(act())


def test_a_whole_reply_that_cannot_be_stored_is_a_503() -> None:
    """The client gets the error, not the reply."""

    async def act() -> None:
        outgoing, keep = await prepared(memory_of(NO_ROOM), b'{"model": "m", "input": "Hi"}')
        assert outgoing.translation is not None
        assert keep is not None
        reply = translate_reply(CHAT_REPLY, outgoing.translation).reply
        with pytest.raises(GatewayFault) as refused:
            await keep(reply, ())
        assert (refused.value.failure.status, refused.value.failure.code) == (503, "state_not_stored")

    asyncio.run(act())


@pytest.mark.parametrize("request_body", [b'{"model": "m", "input": "Hi", "store": false}'])
def test_what_is_not_to_be_stored_costs_nothing(request_body: bytes) -> None:
    """With store false nothing is gathered along the stream and nothing is kept."""

    async def act() -> None:
        _, keep = await prepared(memory_of(10**6), request_body)
        assert keep is None

    asyncio.run(act())


def test_other_clients_have_no_stored_responses() -> None:
    """A request of another shape takes up nothing, whatever it has in a member of that name."""

    async def act() -> None:
        request = b'{"model": "m", "messages": [], "previous_response_id": "resp_1"}'
        call = Call(shape="chat", body=request, headers=[], request_id=SEED)
        assert await take_up(call, parse_body(request), [TARGET], memory_of(NO_ROOM)) == History()

    asyncio.run(act())


def test_a_conversation_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account that made the last response is asked first, since only it can read its own thoughts."""

    async def act() -> None:
        memory = memory_of(10**6)
        await streamed(memory, b'{"model": "m", "input": "Hi", "stream": true}')
        other = Target(msgspec.structs.replace(UPSTREAM, name="v", base_url="http://v"), "m")
        request = b'{"model": "m", "input": "Why?", "previous_response_id": "resp_%b"}' % SEED.encode()
        call = Call(shape="responses", body=request, headers=[], request_id=SEED, project="web")
        history = await take_up(call, parse_body(request), [other, TARGET], memory)
        assert history.targets([other, TARGET]) == (TARGET, other)

    asyncio.run(act())


def test_pruning_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails once is pruned again the next time."""
    monkeypatch.setattr("serving.storage.PRUNE_SECONDS", 0.001)
    pruned: list[float] = []
    done = asyncio.Event()

    class Failing(MemoryResponseStore):
        async def prune(self, now: float) -> bool:
            pruned.append(now)
            if len(pruned) == 1:
                raise OSError("disk")
            done.set()
            return False

    async def act() -> None:
        pruning = asyncio.create_task(keep_pruning(Failing()))
        async with asyncio.timeout(5):
            await done.wait()
        pruning.cancel()

    asyncio.run(act())
    assert len(pruned) >= 2


def test_what_was_left_is_pruned_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a step does not find the end of it the next one does not wait its minute: no traffic outgrows the share."""
    monkeypatch.setattr("serving.storage.PRUNE_SECONDS", 0.1)
    monkeypatch.setattr("serving.storage.PRUNE_MORE_SECONDS", 0.0)
    pruned: list[float] = []
    done = asyncio.Event()

    class Full(MemoryResponseStore):
        async def prune(self, now: float) -> bool:
            pruned.append(asyncio.get_running_loop().time())
            if len(pruned) == 20:
                done.set()
            return True

    async def act() -> None:
        pruning = asyncio.create_task(keep_pruning(Full()))
        async with asyncio.timeout(5):
            await done.wait()
        pruning.cancel()

    asyncio.run(act())
    assert pruned[19] - pruned[0] < 0.5


@pytest.mark.parametrize("shows_state", [True, False])
@pytest.mark.parametrize("upstream", ["chat", "messages"])
@pytest.mark.parametrize("said", ANSWERS)
def test_a_replay_is_the_stream_that_was_told(said: str, upstream: str, shows_state: bool) -> None:
    """A stored stream is told again event by event, in the same pieces and with the same numbers.

    Calls that were written side by side come one after the other: then it is the same events in another order.
    """

    async def act() -> None:
        memory = memory_of(10**6)
        include = ["reasoning.encrypted_content"] if shows_state else []
        request = msgspec.json.encode({"model": "m", "input": "Hi", "stream": True, "include": include})
        outgoing, keep = await prepared(memory, request, upstream)
        told = events_of(await stream_told(outgoing, keep, stream_of(upstream, ANSWERS[said])))
        (record,) = await memory.responses.get("web", [f"resp_{SEED}"], 0.0)
        shown = stored_response(record, thoughts=record.shows_thoughts)
        again = events_of(b"".join(replayed(shown, -1, msgspec.json.decode(record.pieces))))
        assert [event["sequence_number"] for event in again] == list(range(len(told)))
        if len(ANSWERS[said].calls) > 1:
            told, again = unordered(told), unordered(again)
        assert again == told

    asyncio.run(act())


def events_of(stream: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    return [msgspec.json.decode(line[6:]) for line in stream.split(b"\n") if line.startswith(b"data: ")]


def unordered(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events without their numbers, in an order that says nothing."""
    return sorted(({**event, "sequence_number": 0} for event in events), key=repr)
