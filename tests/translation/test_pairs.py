"""Every client shape with every other upstream shape: what one side says, the other reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import anthropic
import msgspec
import openai
import pytest

from tests.translation import official_clients
from tests.translation.answers import (
    ANSWERS,
    PARALLEL,
    Answer,
    Counts,
    error_of,
    events_of,
    read_of,
    stream_of,
    thoughts_of,
    whole_of,
)
from tests.translation.conversations import (
    GRAMMARS,
    MODELS,
    REQUEST_RULES,
    answered,
    conversation,
    echoed,
    request,
    user,
)
from tests.translation.relaying import DEPLOYMENT, PAIRS, cuts, streamed, translation
from translation.envelope import Envelope, seal
from translation.failures import UpstreamProtocolError
from translation.translator import Translation, translate_reply

each_pair = pytest.mark.parametrize(("client", "upstream"), PAIRS)
each_answer = pytest.mark.parametrize("name", ANSWERS)
either_form = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])

THOUGHTFUL = ANSWERS["everything"]
MARKS = {"chat": b'"reasoning_content":', "messages": b'"Signed+1="', "responses": b'"Sealed+1="'}
"""What each upstream's thoughts are known by."""

UNSAID = {("responses", "chat"): ("reasoning.summary",)}
"""What of the conversations here one upstream cannot be told: it shows its thoughts unasked, or not at all."""

SECRETS = ("Hm, let me see.", "Signed+1=", "Hidden+1=", "Sealed+1=")
"""What of an upstream's thoughts nobody may read who did not think them."""


def relay(client: str, upstream: str, *history: dict[str, Any], deployment: str = DEPLOYMENT) -> Translation:
    """Return the relay of a conversation, whose body is lawful at the upstream."""
    wire = request(client, history or [user("hi")])
    made = translation(client, wire, MODELS[upstream], deployment, upstream)
    REQUEST_RULES[upstream](msgspec.json.decode(made.body))
    return made


def received(client: str, upstream: str, answer: Answer, *, stream: bool) -> dict[str, Any]:
    """Return the reply that the official client reads."""
    asked = relay(client, upstream)
    if stream:
        return official_clients.of_stream(client, streamed(asked, [stream_of(upstream, answer)]))
    return official_clients.of_whole(client, translate_reply(whole_of(upstream, answer), asked).body)


@each_pair
@each_answer
@pytest.mark.parametrize("size", [1, 7])
def test_cuts_of_the_network_leave_no_trace(client: str, upstream: str, name: str, size: int) -> None:
    """The client reads the same lawful bytes, whether the upstream's come one by one, in sevens or at once."""
    stream = stream_of(upstream, ANSWERS[name])
    at_once = streamed(relay(client, upstream), [stream])
    assert GRAMMARS[client](at_once)
    assert streamed(relay(client, upstream), cuts(stream, size)) == at_once


@each_pair
@each_answer
@either_form
def test_answer_arrives_whole(client: str, upstream: str, name: str, stream: bool) -> None:
    """Text, thoughts, calls, the reason to stop and all counts are what the official client reads, in both forms."""
    assert read_of(client, received(client, upstream, ANSWERS[name], stream=stream)) == (ANSWERS[name], Counts())


@each_pair
@each_answer
def test_answer_in_the_other_form_than_asked_arrives_whole(client: str, upstream: str, name: str) -> None:
    """An upstream that streams unasked, or does not stream although it should, costs the client nothing."""
    collected = translate_reply(stream_of(upstream, ANSWERS[name]), relay(client, upstream), streamed=True).body
    assert read_of(client, official_clients.of_whole(client, collected)) == (ANSWERS[name], Counts())
    told = relay(client, upstream).stream().feed_whole(whole_of(upstream, ANSWERS[name]))
    assert GRAMMARS[client](told)
    assert read_of(client, official_clients.of_stream(client, told)) == (ANSWERS[name], Counts())


@each_pair
@each_answer
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_error_in_mid_stream_raises_in_the_official_client(client: str, upstream: str, name: str, size: int) -> None:
    """After whatever was said, the upstream's own words end the stream lawfully, as an error."""
    said, _ = events_of(upstream, ANSWERS[name])
    told = streamed(relay(client, upstream), cuts(said + error_of(upstream), size))
    assert GRAMMARS[client](told)
    with pytest.raises((anthropic.APIError, openai.APIError), match=r"Overloaded\."):
        official_clients.of_stream(client, told)


@each_pair
@each_answer
@pytest.mark.parametrize("missing", [0, 1, 30])
def test_cut_stream_raises_in_the_official_client(client: str, upstream: str, name: str, missing: int) -> None:
    """A stream without the upstream's word that it is complete ends lawfully, as an error, never as a short answer."""
    said, _ = events_of(upstream, ANSWERS[name])
    told = streamed(relay(client, upstream), [said[: len(said) - missing]])
    assert GRAMMARS[client](told)
    with pytest.raises((anthropic.APIError, openai.APIError), match="before the reply was complete"):
        official_clients.of_stream(client, told)


@each_pair
@pytest.mark.parametrize("missing", [0, 1, 30])
def test_cut_stream_is_never_collected(client: str, upstream: str, missing: int) -> None:
    """Nor does it become a short reply in one piece."""
    said, _ = events_of(upstream, THOUGHTFUL)
    with pytest.raises(UpstreamProtocolError, match="before the reply was complete") as caught:
        translate_reply(said[: len(said) - missing], relay(client, upstream), streamed=True)
    assert caught.value.failure.code == "upstream_truncated"


WITH_A_LAST_WORD = {"chat": b"[DONE]\n\n", "messages": b'"message_stop"}\n\n'}
"""What upstreams write after the reason to stop and the usage."""


@pytest.mark.parametrize(("client", "upstream"), [pair for pair in PAIRS if pair[1] in WITH_A_LAST_WORD])
@pytest.mark.parametrize("missing", [1, 2, 4])
def test_last_word_may_be_cut(client: str, upstream: str, missing: int) -> None:
    """Once the reason and the usage have come, a stream that breaks off inside its last word is complete."""
    stream = stream_of(upstream, THOUGHTFUL)
    assert stream.endswith(WITH_A_LAST_WORD[upstream])
    told = streamed(relay(client, upstream), cuts(stream[:-missing], 7))
    assert told == streamed(relay(client, upstream), [stream])


@each_pair
def test_upstream_is_asked_to_stream_and_to_think(client: str, upstream: str) -> None:
    """The stream, the tool and the wish to think reach the upstream in its own words."""
    body = msgspec.json.decode(relay(client, upstream).body)
    thinking: dict[str, dict[str, Any]] = {
        "chat": {"reasoning_effort": "low"},
        "messages": {"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}},
        "responses": {"reasoning": {"effort": "low", "summary": "auto"}},
    }
    (tool,) = body["tools"]
    assert body["stream"] is True
    assert tool.get("function", tool)["name"] == "look"
    assert thinking[upstream] == {name: body[name] for name in thinking[upstream]}


def calls_sent(upstream: str, body: dict[str, Any]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the calls (id, arguments) and the results (id, words) in a body, in their order."""
    said = conversation(upstream, body)
    if upstream == "chat":
        made = [call for message in said for call in message.get("tool_calls", [])]
        results = [(message["tool_call_id"], message["content"]) for message in said if message["role"] == "tool"]
        return [(call["id"], call["function"]["arguments"]) for call in made], results
    items = said if upstream == "responses" else [block for message in said for block in message["content"]]
    if upstream == "responses":
        made = [item for item in items if item["type"] == "function_call"]
        results = [(item["call_id"], item["output"]) for item in items if item["type"] == "function_call_output"]
        return [(call["call_id"], call["arguments"]) for call in made], results
    made = [block for block in items if block["type"] == "tool_use"]
    results = [(block["tool_use_id"], block["content"]) for block in items if block["type"] == "tool_result"]
    return [(call["id"], msgspec.json.encode(call["input"]).decode()) for call in made], results


@each_pair
@either_form
def test_calls_and_results_go_back_in_order(client: str, upstream: str, stream: bool) -> None:
    """Three calls at once and their results reach the upstream again with their ids and arguments, once each."""
    reply = received(client, upstream, ANSWERS["text before tools"], stream=stream)
    results = answered(client, [call.call_id for call in PARALLEL], "seen")
    body = msgspec.json.decode(relay(client, upstream, user("hi"), *echoed(client, reply), *results).body)
    calls = [(call.call_id, call.arguments) for call in PARALLEL]
    assert calls_sent(upstream, body) == (calls, [(call.call_id, "seen") for call in PARALLEL])


def played_back(client: str, upstream: str, *, stream: bool) -> list[dict[str, Any]]:
    """Return a conversation in which the client sends back an answer with thoughts, text and calls."""
    reply = received(client, upstream, THOUGHTFUL, stream=stream)
    results = answered(client, [call.call_id for call in PARALLEL], "seen")
    return [user("hi"), *echoed(client, reply), *results]


@each_pair
@either_form
def test_thoughts_come_back_to_their_maker_unchanged(client: str, upstream: str, stream: bool) -> None:
    """The upstream reads its own reasoning objects again, byte for byte, ahead of what they led to."""
    made = relay(client, upstream, *played_back(client, upstream, stream=stream))
    natives = [msgspec.json.encode(native) for native in thoughts_of(upstream, THOUGHTFUL.thoughts)]
    own = b",".join(natives) if upstream != "chat" else natives[0][1:-1]
    assert made.body.count(own) == 1
    assert made.dropped == UNSAID.get((client, upstream), ())
    assert made.body.index(own) < made.body.index(b"call_0")


@each_pair
def test_session_keeps_its_beginning(client: str, upstream: str) -> None:
    """Turn by turn, what the upstream was sent stays as it was, with all thoughts in their places."""
    history, before = [user("hi")], list[dict[str, Any]]()
    for turn in range(1, 4):
        calls = tuple(call._replace(call_id=f"call_{turn}{number}") for number, call in enumerate(PARALLEL))
        made = relay(client, upstream, *history)
        assert made.dropped == UNSAID.get((client, upstream), ())
        sent = conversation(upstream, msgspec.json.decode(made.body))
        assert sent[: len(before)] == before
        assert made.body.count(MARKS[upstream]) == turn - 1
        told = streamed(made, [stream_of(upstream, THOUGHTFUL._replace(calls=calls))])
        results = answered(client, [call.call_id for call in calls], "seen")
        history = [*history, *echoed(client, official_clients.of_stream(client, told)), *results]
        before = sent


ENVELOPE = re.compile(rb"gw1\.[A-Za-z0-9_-]+")
SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda sealed: sealed[:-9],
    "edited": lambda sealed: sealed[:30] + b"A" + sealed[31:],
    "of the prefix only": lambda sealed: b"gw1.",
    "of another version": lambda sealed: b"gw2." + sealed[4:],
    "another vendor's": lambda sealed: b"EooCCkYICxgCKkDYW6Ka",
    "of a shape that there is not": lambda sealed: seal(Envelope("toy", DEPLOYMENT, ({"x": "Signed+1="},))).encode(),
    "empty": lambda sealed: seal(Envelope("messages", DEPLOYMENT, ())).encode(),
}


@each_pair
@pytest.mark.parametrize("how", SPOILT)
def test_spoilt_envelope_is_dropped(client: str, upstream: str, how: str) -> None:
    """An envelope that was cut, edited or is foreign is left out and told; nothing of it is sent, not even as text."""
    history = msgspec.json.encode(played_back(client, upstream, stream=True))
    spoilt, number = ENVELOPE.subn(lambda found: SPOILT[how](found[0]), history)
    assert number == 1
    made = relay(client, upstream, *msgspec.json.decode(spoilt))
    assert_thoughtless(made, upstream)
    assert SPOILT[how](ENVELOPE.findall(history)[0]) not in made.body


@each_pair
def test_thoughts_reach_no_other_account(client: str, upstream: str) -> None:
    """An envelope that another account's upstream made is left out and told."""
    made = relay(client, upstream, *played_back(client, upstream, stream=True), deployment="another")
    assert_thoughtless(made, upstream)


@pytest.mark.parametrize(
    ("client", "upstream", "thinker"),
    [
        (client, upstream, thinker)
        for client, upstream in PAIRS
        for _, thinker in PAIRS
        if thinker not in (client, upstream)
    ],
)
def test_thoughts_reach_no_other_shape(client: str, upstream: str, thinker: str) -> None:
    """After a change of the model, the thoughts of the one before are left out and told."""
    assert_thoughtless(relay(client, upstream, *played_back(client, thinker, stream=True)), upstream)


def assert_thoughtless(made: Translation, upstream: str) -> None:
    """Assert that a body has the text and the calls of the answer and nothing of its thoughts."""
    assert made.dropped
    assert b"gw1." not in made.body
    assert [secret for secret in SECRETS if secret.encode() in made.body] == []
    assert THOUGHTFUL.text.encode() in made.body
    assert len(calls_sent(upstream, msgspec.json.decode(made.body))[0]) == len(PARALLEL)
