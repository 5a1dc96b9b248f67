"""Conversations over two workers with the official client, on every database: turn by turn, and many at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

import httpx2
import openai
import psycopg
import pytest

from tests.serving.fake_upstream import FakeUpstream, Step, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.test_configuration import POSTGRESQL, Database
from tests.serving.test_workers import connect_to_each, is_ready, workers_of
from tests.translation.answers import ANSWERS, stream_of, whole_of

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}", name: chat, shapes: [chat],
      prefer: chat}}
  - {{model: anthropic/claude-sonnet-4-5, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", name: messages,
      shapes: [messages], prefer: messages}}
"""
SHAPE_OF = {"chat-model": "chat", "claude-sonnet-4-5": "messages"}
TOOLS: list[Any] = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]
STATE: Any = ["reasoning.encrypted_content"]
ANSWERED = ("everything", "thinking before tools", "text")
AT_ONCE = 12


@dataclass
class Pair:
    """A gateway of two workers, the upstream behind it, and for each worker the official client."""

    gateway: RunningGateway
    upstream: FakeUpstream
    sdks: list[openai.OpenAI]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The two workers; without a PostgreSQL server those on it are skipped, and say so."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield from paired(folder)
        return
    try:
        server = psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip(f"there is no PostgreSQL server at {POSTGRESQL}")
    with server:
        made = Database(server)
        yield from paired(folder, DATABASE_URL=made.url)
        made.drop()


def paired(folder: Any, **environment: str) -> Iterator[Pair]:
    """Start the workers, and connect a client to each."""
    with FakeUpstream() as upstream:
        routes = ROUTES.format(url=upstream.url)
        with RunningGateway(folder, routes, GATEWAY_WORKERS="2", **environment) as gateway:
            wait_until(lambda: len(workers_of(gateway)) == 2, 5)
            clients = list(connect_to_each(gateway).values())
            for client in clients:
                wait_until(partial(is_ready, client), 5)
            yield Pair(gateway, upstream, [sdk_over(client) for client in clients])
            for client in clients:
                client.close()


def sdk_over(client: httpx2.Client) -> openai.OpenAI:
    """Return the official client over the one connection of that one."""
    return openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="any", max_retries=0, http_client=client)


def script(shape: str, answer: str, *, stream: bool) -> list[Step]:
    """Return how the upstream answers."""
    said = ANSWERS[answer]
    return streaming(stream_of(shape, said), cut=50) if stream else whole(whole_of(shape, said))


def asked(sdk: openai.OpenAI, *, stream: bool, **members: Any) -> Any:
    """Return the response; of a stream, as soon as its last event is read and before it is closed."""
    ask: Wire = {"tools": TOOLS, "reasoning": {"effort": "low"}} | members
    if not stream:
        return sdk.responses.create(**ask)
    return next(event.response for event in sdk.responses.create(stream=True, **ask) if is_last(event))


def is_last(event: Any) -> bool:
    """Tell the event after which a client may go on."""
    return bool(event.type == "response.completed")


def results_of(response: Any) -> list[Wire]:
    """Return the results of the response's calls."""
    calls = [item.call_id for item in response.output if item.type == "function_call"]
    return [{"type": "function_call_output", "call_id": call, "output": f"seen {call}"} for call in calls]


@pytest.mark.parametrize("streams", [(True, True, True), (False, False, False), (True, False, True)], ids=str)
@pytest.mark.parametrize("model", SHAPE_OF)
def test_turns_with_tools_go_from_worker_to_worker(pair: Pair, model: str, streams: tuple[bool, ...]) -> None:
    """Each turn is asked of the other worker the moment the one before was read, streamed or not: the upstream gets the
    very bytes that the whole history in the input gives it.
    """
    shape = SHAPE_OF[model]
    turns = [script(shape, answer, stream=stream) for answer, stream in zip(ANSWERED, streams, strict=True)]
    pair.upstream.answer(turns[0], *turns[1:], script(shape, "text", stream=streams[-1]))
    said: list[Any] = [{"role": "user", "content": "?"}]
    history: list[Any] = []
    previous = None
    for sdk, stream in zip(cycle(pair.sdks), streams, strict=False):
        response = asked(sdk, stream=stream, model=model, input=said, previous_response_id=previous, include=STATE)
        told = [item.model_dump(mode="json", exclude_none=True) for item in response.output]
        history, said, previous = [*history, *said, *told], results_of(response), response.id
    asked_last = pair.upstream.last.body
    without_the_answer = history[: len(history) - len(told)]
    asked(pair.sdks[0], stream=streams[-1], model=model, input=without_the_answer, store=False, include=STATE)
    assert pair.upstream.last.body == asked_last
    assert asked_last.count(b"seen call_0") == 2


MANY = """
import time
from conversations import database
from tests.conversations.records import NOW, record
last = None
for hundred in range({many} // 100):
    rows = []
    for number in range(100):
        last = record(f"turn{{hundred * 100 + number}}", last, project="many", output=b" " * 1000)
        rows.append(last)
    database.insert(rows)
took = {{1: [], 100: []}}
for _ in range(5):
    for turns, found in took.items():
        started = time.perf_counter()
        assert len(database.chain("many", f"turn{{turns - 1}}", NOW)) == turns
        assert len(database.get("many", [f"turn{{turns - 1}}"], NOW)) == 1
        found.append(time.perf_counter() - started)
print(*(min(found) for found in took.values()))
"""


def test_a_look_up_takes_no_time_in_a_young_project(pair: Pair) -> None:
    """A database that has no statistics yet of a project with 3,000 responses finds one of them within 5 ms, and a
    conversation of 100 in no more than 20.
    """
    script = MANY.format(many=3_000)
    one, hundred = map(float, pair.gateway.manage("shell", "--verbosity", "0", "--command", script).split())
    assert one < 0.005
    assert hundred < 0.020


def test_many_go_on_from_one_response_at_once(pair: Pair) -> None:
    """Follow-ups of one response at the same time, on both workers, have its history each, and are stored each."""
    pair.upstream.answer(script("chat", "text", stream=False))
    first = asked(pair.sdks[0], stream=False, model="chat-model", input="Hi")
    pair.upstream.answer(script("chat", "text", stream=False))

    def follow(number: int) -> Any:
        sdk = sdk_over(httpx2.Client(base_url=pair.gateway.url, timeout=15))
        with sdk:
            members: Wire = {"model": "chat-model", "previous_response_id": first.id}
            middle = asked(sdk, stream=False, input=f"{number}", **members)
            return asked(sdk, stream=False, input="Why?", **members | {"previous_response_id": middle.id})

    with ThreadPoolExecutor(AT_ONCE) as threads:
        stored = list(threads.map(follow, range(AT_ONCE)))
    assert len({response.id for response in stored}) == AT_ONCE
    bodies = [json.loads(received.body)["messages"] for received in pair.upstream.requests]
    words = sorted([message["content"] for message in body if message["role"] == "user"] for body in bodies)
    branches = [[["Hi", f"{number}"], ["Hi", f"{number}", "Why?"]] for number in range(AT_ONCE)]
    assert words == sorted(branch for pair_of in branches for branch in pair_of)
