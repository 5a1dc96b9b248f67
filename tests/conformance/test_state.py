"""Opaque state on its way through clients that have no place for it: envelopes, and turns that are put back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, streaming
from tests.serving.running import RunningGateway
from tests.translation import official_clients
from tests.translation.answers import ANSWERS, read_of, stream_of, thoughts_of
from tests.translation.conversations import MODELS, answered, conversation, echoed, request, user
from tests.translation.relaying import DEPLOYMENT, streamed, translation
from tests.translation.test_replay import THINKING, WORDS, Session, native

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: anthropic/claude-sonnet-4-5, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", shapes: [messages]}}
"""
CARRIED = [("messages", "responses"), ("responses", "messages"), ("messages", "chat"), ("responses", "chat")]


def first_turn(client: str, upstream: str) -> tuple[list[Wire], Wire]:
    """Return the question, and the reply as the official client has it after a stream with thoughts and calls."""
    relay = translation(client, request(client, [user("hi")]), MODELS[upstream], upstream=upstream)
    return [user("hi")], official_clients.of_stream(client, streamed(relay, [stream_of(upstream, THINKING)]))


def second_turn(
    client: str, upstream: str, said: list[Wire], reply: Wire, deployment: str = DEPLOYMENT
) -> tuple[list[Wire], Any]:
    """Return what the upstream gets when the client sends everything back with the results, and the translation."""
    calls = [call.call_id for call in read_of(client, reply)[0].calls]
    history = [*said, *echoed(client, reply), *answered(client, calls, "done")]
    relay = translation(client, request(client, history), MODELS[upstream], deployment, upstream)
    return conversation(upstream, json.loads(relay.body)), relay


def without_ids(thoughts: list[Wire]) -> list[Wire]:
    """Return the thoughts without ids, which an upstream without a store of its own must not get back."""
    return [{name: value for name, value in thought.items() if name != "id"} for thought in thoughts]


@pytest.mark.parametrize(("client", "upstream"), CARRIED)
def test_envelope_brings_thoughts_back_byte_for_byte(client: str, upstream: str) -> None:
    """17. Reasoning goes through a client of another shape and comes back to its upstream byte for byte: that of a
    responses upstream through a messages client, that of a messages upstream through a responses client, that of a chat
    upstream through both.
    """
    sent, relay = second_turn(client, upstream, *first_turn(client, upstream))
    assert without_ids(native(upstream, sent)) == without_ids(thoughts_of(upstream, THINKING.thoughts))
    for thought in without_ids(thoughts_of(upstream, THINKING.thoughts)):
        for value in thought.values():
            assert json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() in relay.body


def spoilt(text: str) -> Iterator[str]:
    """Yield what may become of an envelope: cut, edited, lengthened, replaced by a provider's own string."""
    yield from (text[: len(text) // 2], text[:-1], text[:20] + "A" + text[21:], text + "A", "gw1.", "EooCCkYICxgCKkDY")


@pytest.mark.parametrize(("client", "upstream"), CARRIED)
def test_spoilt_envelope_is_dropped(client: str, upstream: str) -> None:
    """18. An envelope that is foreign, cut short or edited is dropped with a report: nothing of it is sent to the
    upstream, and the thoughts are never shown as text.
    """
    said, reply = first_turn(client, upstream)
    texts = json.dumps(reply)
    whole = next(piece for piece in texts.split('"') if piece.startswith("gw1."))
    for edit in spoilt(whole):
        sent, relay = second_turn(client, upstream, said, json.loads(texts.replace(whole, edit)))
        assert native(upstream, sent) == []
        assert relay.dropped
        assert edit.encode() not in relay.body
        assert THINKING.thoughts.encode() not in relay.body


@pytest.mark.parametrize(("client", "upstream"), CARRIED)
def test_envelope_of_another_account_stays_here(client: str, upstream: str) -> None:
    """19. An envelope that one provider account made is not sent to another one."""
    said, reply = first_turn(client, upstream)
    sent, relay = second_turn(client, upstream, said, reply, deployment="ffffffffffff")
    assert native(upstream, sent) == []
    assert relay.dropped
    assert b"Sealed" not in relay.body
    assert b"Signed" not in relay.body


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway that asks for keys, before it."""
    folder = tmp_path_factory.mktemp("gateway")
    running = RunningGateway(folder, ROUTES.format(url=upstream.url), GATEWAY_CLIENT_AUTH="required")
    running.manage("migrate")
    for project in KEYS:
        KEYS[project] = running.manage("create_key", "key", "--project", project).split()[-1]
    with running:
        yield running


KEYS = dict.fromkeys(("acme", "north", "south"), "")
"""A key of each project."""


def client_of(gateway: RunningGateway, project: str) -> openai.OpenAI:
    """Return the official client with the project's key."""
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEYS[project], max_retries=0)


def asked(sdk: openai.OpenAI, upstream: FakeUpstream, history: list[Any], answer: bytes) -> Any:
    """Let the official client stream a reply, and return the message as it accumulates it."""
    upstream.answer(streaming(answer))
    body = {**request("chat", history), "model": "claude-sonnet-4-5"}
    del body["stream"]
    with sdk.chat.completions.stream(**body) as stream:
        return stream.get_final_completion().choices[0].message


def minimal(message: Any) -> Wire:
    """Return the message as most chat clients keep it."""
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
        for c in message.tool_calls
    ]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def replayed(gateway: RunningGateway, upstream: FakeUpstream, first: str, second: str) -> list[Wire]:
    """Return the thoughts that the upstream gets in the second turn; the turns are asked by these projects."""
    said = minimal(asked(client_of(gateway, first), upstream, [user("hi")], stream_of("messages", THINKING)))
    history = [user("hi"), said, *answered("chat", [call["id"] for call in said["tool_calls"]], "done")]
    asked(client_of(gateway, second), upstream, history, stream_of("messages", WORDS))
    return native("messages", json.loads(upstream.last.body)["messages"])


def test_client_that_keeps_words_and_calls_only_gets_its_thoughts_put_back(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    """20. A chat client that keeps only role, content and tool_calls of a reply still has its thinking blocks sent back
    to the upstream, with their signatures.
    """
    assert replayed(gateway, upstream, "acme", "acme") == thoughts_of("messages", THINKING.thoughts)
    assert '"restored_turns": 1' in gateway.log() or "restored_turns=1" in gateway.log()


def test_missing_turn_removes_all_thoughts_from_there_on() -> None:
    """21. Where the thoughts of a turn are not kept any more, neither they nor those of any later turn are sent; those
    of earlier turns are.
    """
    session = Session("messages")
    session.ask(user("hi"), answer=THINKING)
    known = set(session.store)
    session.ask(*session.answer_calls(), answer=THINKING._replace(thoughts="Second."))
    second = next(iter(set(session.store) - known))
    session.ask(*session.answer_calls(), answer=THINKING._replace(thoughts="Third."))
    assert len(session.store) == 3
    del session.store[second]
    sent = session.ask(*session.answer_calls(), answer=ANSWERS["text"])
    assert native("messages", sent) == thoughts_of("messages", THINKING.thoughts)


def test_tenants_do_not_share_turns(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """22. The same conversation of two tenants does not mix: what was kept for one is never put back for the other."""
    assert replayed(gateway, upstream, "north", "south") == []
    assert replayed(gateway, upstream, "north", "north") == thoughts_of("messages", THINKING.thoughts)
