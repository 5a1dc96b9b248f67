"""What holds for every stream and every conversation, tried on random ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.translation import official_clients
from tests.translation.answers import Answer, Called, Counts, read_of, stream_of
from tests.translation.chat_streams import ARGUMENTS, ODD_CHUNKS, WORDS, ChatStream, chat_streams, reads
from tests.translation.conversations import GRAMMARS, MODELS, REQUEST_RULES, conversation, request, user
from tests.translation.relaying import CLIENTS, DEPLOYMENT, PAIRS, chat_stream, streamed, translation
from translation.translator import Translation

bounded = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
each_client = pytest.mark.parametrize("client", CLIENTS)
each_pair = pytest.mark.parametrize(("client", "upstream"), PAIRS)


def told_by_messages(events: list[dict[str, Any]]) -> tuple[str, str, list[tuple[str, str, str]]]:
    """Return the text, the thoughts and the calls of a Messages stream."""
    said = {"text_delta": "", "thinking_delta": ""}
    calls: list[list[str]] = []
    for event in events:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            calls.append([event["content_block"]["id"], event["content_block"]["name"], ""])
        delta = event.get("delta", {})
        if delta.get("type") == "input_json_delta":
            calls[-1][2] += delta["partial_json"]
        elif delta.get("type") in said:
            said[delta["type"]] += delta[delta["type"].removesuffix("_delta")]
    return said["text_delta"], said["thinking_delta"], [(call[0], call[1], call[2]) for call in calls]


def told_by_responses(events: list[dict[str, Any]]) -> tuple[str, str, list[tuple[str, str, str]]]:
    """Return the text, the thoughts and the calls of a Responses stream, as its last event has them."""
    output = events[-1]["response"]["output"]
    said = {"message": "", "reasoning": ""}
    for item in output:
        if item["type"] in said:
            said[item["type"]] += "".join(part["text"] for part in item.get("content", []))
    calls = [(item["call_id"], item["name"], item["arguments"]) for item in output if item["type"] == "function_call"]
    return said["message"], said["reasoning"], calls


TOLD: dict[str, Callable[[list[dict[str, Any]]], tuple[str, str, list[tuple[str, str, str]]]]] = {
    "messages": told_by_messages,
    "responses": told_by_responses,
}


@each_client
@bounded
@given(stream=chat_streams())
def test_every_stream_is_lawful_and_complete(client: str, stream: ChatStream) -> None:
    """Whatever the interleaving: the client's stream keeps its grammar, and no word and no argument is missing."""
    text, thoughts, calls = TOLD[client](GRAMMARS[client](streamed(translation(client), [stream.wire])))
    assert (text, thoughts) == (stream.text, stream.thoughts)
    assert calls == [tuple(call) for call in stream.calls]


@each_client
@bounded
@given(data=st.data(), stream=chat_streams())
def test_cuts_of_the_network_leave_no_trace(client: str, data: st.DataObject, stream: ChatStream) -> None:
    """The same stream gives the same bytes, every time and however the network cuts it."""
    whole = streamed(translation(client), [stream.wire])
    assert streamed(translation(client), data.draw(reads(stream.wire))) == whole


@each_client
@bounded
@given(data=st.data(), stream=chat_streams())
def test_stream_that_ends_anywhere_ends_lawfully(client: str, data: st.DataObject, stream: ChatStream) -> None:
    """A stream that is cut before its finish ends with an error and is lawful up to there."""
    finish = stream.wire.rfind(b'"finish_reason":"')
    part = stream.wire[: data.draw(st.integers(0, finish))]
    events = GRAMMARS[client](streamed(translation(client), [part]))
    assert events[-1]["type"] in ("error", "response.failed")


@each_client
@bounded
@given(chunks=st.lists(ODD_CHUNKS, max_size=4), done=st.booleans())
def test_odd_chunks_never_break_the_gateway(client: str, chunks: list[Any], done: bool) -> None:
    """Members of any type, anywhere in a chunk: the client still reads a lawful stream, or a lawful error."""
    assert GRAMMARS[client](streamed(translation(client), [chat_stream(*chunks, done=done)]))


@each_client
@bounded
@given(data=st.data(), stream=chat_streams(), noise=st.binary(min_size=1, max_size=8))
def test_damaged_bytes_never_break_the_gateway(
    client: str, data: st.DataObject, stream: ChatStream, noise: bytes
) -> None:
    """Bytes that were damaged on their way give a lawful stream, in which at worst an error is told."""
    at = data.draw(st.integers(0, len(stream.wire)))
    damaged = stream.wire[:at] + noise + stream.wire[at + len(noise) :]
    assert GRAMMARS[client](streamed(translation(client), data.draw(reads(damaged))))


ANSWERS = st.builds(
    Answer,
    text=st.text(alphabet=st.sampled_from('ab \n"\\{}é東👩'), max_size=12).filter(
        lambda text: not text or text.strip()
    ),
    thoughts=st.just("") | WORDS,
    calls=st.lists(ARGUMENTS, max_size=3).map(
        lambda given: tuple(
            Called(f"call_{number}", f"tool_{number}", compact(arguments)) for number, arguments in enumerate(given)
        )
    ),
    stop=st.sampled_from(["end", "length", "refusal"]),
).map(lambda answer: answer._replace(stop="calls") if answer.calls else answer)
"""Answers as they end in all shapes alike: one with calls asks for them."""


def compact(arguments: str) -> str:
    """Return JSON without blanks."""
    return json.dumps(json.loads(arguments), ensure_ascii=False, separators=(",", ":"))


def asked(client: str, upstream: str, history: list[dict[str, Any]] | None = None) -> Translation:
    """Return the relay of a conversation, whose body is lawful at the upstream."""
    made = translation(client, request(client, history or [user("hi")]), MODELS[upstream], DEPLOYMENT, upstream)
    REQUEST_RULES[upstream](json.loads(made.body))
    return made


@each_pair
@bounded
@given(data=st.data(), answer=ANSWERS)
def test_random_answer_arrives_whole_in_random_reads(
    client: str, upstream: str, data: st.DataObject, answer: Answer
) -> None:
    """Whatever the answer and the cuts of the network: the bytes are the same and lawful, and nothing is missing."""
    wire = stream_of(upstream, answer)
    told = streamed(asked(client, upstream), data.draw(reads(wire)))
    assert told == streamed(asked(client, upstream), [wire])
    assert GRAMMARS[client](told)
    assert read_of(client, official_clients.of_stream(client, told)) == (answer, Counts())


RESULTS = st.tuples(WORDS, st.booleans(), st.booleans())
ROUNDS = st.lists(
    st.tuples(WORDS.filter(str.strip), st.none() | WORDS, st.lists(RESULTS, max_size=2), st.booleans()),
    min_size=2,
    max_size=4,
)
"""Rounds of a conversation: the user's words, the model's, the results of its calls (words, failed, with an image).

The user's words are not blank, since not every upstream takes blank ones.
"""

PIXEL = "iVBORw0KGgo="


def messages_history(rounds: list[Any]) -> list[list[dict[str, Any]]]:
    """Return the conversation as messages, once for every point at which the user's side has just spoken."""
    history: list[dict[str, Any]] = []
    points = []
    for number, (asked, answered, results, _) in enumerate(rounds):
        history = [*history, {"role": "user", "content": asked}]
        points.append(history)
        said = [{"type": "text", "text": answered}] if answered else []
        calls = [
            {"type": "tool_use", "id": f"t{number}{place}", "name": "look", "input": {"at": word}}
            for place, (word, _, _) in enumerate(results)
        ]
        if said or calls:
            history = [*history, {"role": "assistant", "content": [*said, *calls]}]
        if results:
            answers = [_messages_result(f"t{number}{place}", *result) for place, result in enumerate(results)]
            history = [*history, {"role": "user", "content": answers}]
            points.append(history)
    return points


def _messages_result(call_id: str, words: str, failed: bool, pictured: bool) -> dict[str, Any]:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    content = [{"type": "text", "text": words}, *([image] if pictured else [])]
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": failed}


def responses_history(rounds: list[Any]) -> list[list[dict[str, Any]]]:
    """Return the conversation as input items, once for every point at which the user's side has just spoken."""
    history: list[dict[str, Any]] = []
    points = []
    for number, (asked, answered, results, late) in enumerate(rounds):
        history = [*history, {"role": "developer" if late and number else "user", "content": asked}]
        points.append(history)
        if answered:
            history = [*history, {"role": "assistant", "content": answered}]
        for place, (word, _, _) in enumerate(results):
            call = {"type": "function_call", "call_id": f"t{number}{place}", "name": "look"}
            history = [*history, {**call, "arguments": json.dumps({"at": word})}]
        for place, (word, _, pictured) in enumerate(results):
            image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
            output = [{"type": "input_text", "text": word}, *([image] if pictured else [])]
            item = {"type": "function_call_output", "call_id": f"t{number}{place}", "output": output}
            history = [*history, item]
        if results:
            points.append(history)
    return points


def chat_history(rounds: list[Any]) -> list[list[dict[str, Any]]]:
    """Return the conversation as chat messages, once for every point at which the user's side has just spoken."""
    history: list[dict[str, Any]] = []
    points = []
    for number, (asked, answered, results, late) in enumerate(rounds):
        history = [*history, {"role": "developer" if late and number else "user", "content": asked}]
        points.append(history)
        calls = [
            {
                "id": f"t{number}{place}",
                "type": "function",
                "function": {"name": "look", "arguments": json.dumps({"at": word})},
            }
            for place, (word, _, _) in enumerate(results)
        ]
        if answered or calls:
            said = {"role": "assistant", "content": answered}
            history = [*history, {**said, "tool_calls": calls} if calls else said]
        for place, (word, _, _) in enumerate(results):
            history = [*history, {"role": "tool", "tool_call_id": f"t{number}{place}", "content": word}]
        if results:
            points.append(history)
    return points


HISTORIES: dict[str, Callable[[list[Any]], list[list[dict[str, Any]]]]] = {
    "messages": messages_history,
    "responses": responses_history,
    "chat": chat_history,
}


@each_pair
@bounded
@given(rounds=ROUNDS)
def test_longer_conversation_begins_with_the_shorter_one(client: str, upstream: str, rounds: list[Any]) -> None:
    """What was sent before is sent again unchanged, but that the last user message may gain parts at its end.

    The upstream's prompt cache and its signed thoughts depend on it.
    """
    bodies = [json.loads(asked(client, upstream, point).body) for point in HISTORIES[client](rounds)]
    for shorter, longer in pairwise(bodies):
        *before, last = conversation(upstream, shorter)
        after = conversation(upstream, longer)
        assert after[: len(before)] == before
        assert begins_with(after[len(before)], last)


def begins_with(longer: dict[str, Any], shorter: dict[str, Any]) -> bool:
    """Tell whether a message is the other one, or a user message with further parts."""
    if longer == shorter or shorter.get("role") != "user" or not isinstance(shorter["content"], list):
        return longer == shorter
    return bool(longer["role"] == "user" and longer["content"][: len(shorter["content"])] == shorter["content"])


@each_pair
@bounded
@given(rounds=ROUNDS)
def test_same_request_gives_the_same_bytes(client: str, upstream: str, rounds: list[Any]) -> None:
    """The translation of a request depends on nothing but the request."""
    history = HISTORIES[client](rounds)[-1]
    assert asked(client, upstream, history).body == asked(client, upstream, json.loads(json.dumps(history))).body
