"""Conversations held by previous_response_id tell the upstream the very bytes that the full history tells it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.memory import MemoryResponseStore
from conversations.turns import MemoryTurnStore
from routing.table import Target, Upstream
from serving.body import parse_body
from serving.calls import Call
from serving.history import take_up
from serving.keeping import Memory
from serving.outgoing import translated_for
from tests.serving.kept_streams import stream_told
from tests.translation.answers import ANSWERS, stream_of, whole_of
from tests.translation.conversations import MODELS
from translation.translator import translate_reply

Wire = dict[str, Any]
PIXEL = "data:image/png;base64,iVBORw0KGgo="
STATE = ["reasoning.encrypted_content"]
COMPLETE = [name for name, answer in ANSWERS.items() if answer.stop in ("end", "calls")]
TOOLS = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]
QUESTION: list[Wire] = [
    {"role": "user", "content": [{"type": "input_text", "text": "?"}, {"type": "input_image", "image_url": PIXEL}]},
    {"role": "developer", "content": "Be brief."},
]


class Round(NamedTuple):
    """What the model answers in one round, and how it comes."""

    answer: str
    streamed: bool


class Client:
    """A client of one upstream, with a store of its own behind it; `sent` is what the upstream got."""

    def __init__(self, upstream: str, *, shows_state: bool) -> None:
        self.sent: list[bytes] = []
        account = Upstream(name="u", provider="p", base_url="http://u", shapes=(upstream,), prefer=upstream)
        self._upstream, self._target = upstream, Target(account, MODELS[upstream])
        self._memory = Memory(turns=MemoryTurnStore(), responses=MemoryResponseStore(), days=7.0)
        self._seeds = (f"{number:024x}" for number in itertools.count())
        self._state: Wire = {"include": STATE} if shows_state else {}

    async def ask(self, said: Sequence[Wire], each: Round, previous: str | None = None) -> Wire:
        """Return the response."""
        members = {"model": "alias", "input": said, "tools": TOOLS, "reasoning": {"effort": "low"}, **self._state}
        if previous is not None:
            members["previous_response_id"] = previous
        wire = msgspec.json.encode(members | {"stream": each.streamed})
        call = Call(shape="responses", body=wire, headers=[], request_id=next(self._seeds), project="web")
        body = parse_body(wire)
        history = await take_up(call, body, [self._target], self._memory)
        outgoing = history.own(translated_for(call, history.read(call, body), self._target, self._upstream, "alias"))
        self.sent.append(outgoing.body)
        relay = outgoing.translation
        assert relay is not None
        keep = history.keep(relay, self._target, call, self._memory)
        assert keep is not None
        answer = ANSWERS[each.answer]
        if not each.streamed:
            told = translate_reply(whole_of(self._upstream, answer), relay)
            await keep(told.reply, ())
            return dict(msgspec.json.decode(told.body))
        stream = await stream_told(outgoing, keep, stream_of(self._upstream, answer))
        response: Wire = msgspec.json.decode(stream.rpartition(b"data: ")[2])["response"]
        return response


def following(response: Wire) -> list[Wire]:
    """Return what the client says next: the results of all calls, or another question."""
    calls = [item["call_id"] for item in response["output"] if item["type"] == "function_call"]
    return [{"type": "function_call_output", "call_id": call, "output": f"seen {call}"} for call in calls] or QUESTION


async def compare(upstream: str, rounds: Sequence[Round]) -> None:
    """Hold the same conversation in two ways, and compare what the upstream got."""
    chained, whole = Client(upstream, shows_state=False), Client(upstream, shows_state=False)
    showing = Client(upstream, shows_state=True)
    said, previous, seen = QUESTION, None, None
    history: list[Wire] = []
    for each in rounds:
        history += said
        response = await chained.ask(said, each, previous)
        with_state = await showing.ask(said, each, seen)
        await whole.ask(history, each)
        assert chained.sent[-1] == whole.sent[-1]
        history += with_state["output"]
        said, previous, seen = following(response), response["id"], with_state["id"]


@pytest.mark.parametrize("upstream", ["chat", "messages", "responses"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=st.lists(st.builds(Round, st.sampled_from(COMPLETE), st.booleans()), min_size=2, max_size=6))
def test_a_chain_is_the_full_history(upstream: str, rounds: list[Round]) -> None:
    """Whatever the model answered, with thoughts and tools, streamed or whole, and whether or not the client was shown
    the model's opaque state: the bytes are the same as if the client had sent everything.
    """
    asyncio.run(compare(upstream, rounds))


@pytest.mark.parametrize("upstream", ["chat", "messages", "responses"])
def test_a_long_chain_is_the_full_history(upstream: str) -> None:
    """A hundred rounds with tools and thoughts are no other case, though each call_id comes again and again."""
    asyncio.run(compare(upstream, [Round("everything", streamed=number % 2 == 0) for number in range(100)]))
