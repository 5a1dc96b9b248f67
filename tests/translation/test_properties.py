"""What holds for every stream and every conversation, tried on random ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.grammar import messages, responses
from tests.grammar.chat import check_request
from tests.translation.chat_streams import ODD_CHUNKS, WORDS, ChatStream, chat_streams, reads
from tests.translation.relaying import CLIENTS, chat_stream, sent, streamed, translation

bounded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
each_client = pytest.mark.parametrize("client", CLIENTS)

GRAMMARS = {"messages": messages.check, "responses": responses.check}


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


RESULTS = st.tuples(WORDS, st.booleans(), st.booleans())
ROUNDS = st.lists(
    st.tuples(WORDS, st.none() | WORDS, st.lists(RESULTS, max_size=2), st.booleans()), min_size=2, max_size=4
)
"""Rounds of a conversation: the user's words, the model's, the results of its calls (words, failed, with an image)."""

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


def messages_request(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the Messages request that asks for the next turn."""
    return {"model": "alias", "max_tokens": 9, "system": "Be brief.", "messages": history}


def responses_request(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the Responses request that asks for the next turn."""
    return {"model": "alias", "instructions": "Be brief.", "input": history}


CONVERSATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "messages": (messages_history, messages_request),
    "responses": (responses_history, responses_request),
}


@each_client
@bounded
@given(rounds=ROUNDS)
def test_longer_conversation_begins_with_the_shorter_one(client: str, rounds: list[Any]) -> None:
    """What was sent before is sent again unchanged, but that the last user message may gain parts at its end.

    The upstream's prompt cache and its signed thoughts depend on it.
    """
    history, request = CONVERSATIONS[client]
    bodies = [sent(client, request(point)) for point in history(rounds)]
    for shorter, longer in pairwise(bodies):
        check_request(longer)
        *before, last = shorter["messages"]
        assert longer["messages"][: len(before)] == before
        assert begins_with(longer["messages"][len(before)], last)


def begins_with(longer: dict[str, Any], shorter: dict[str, Any]) -> bool:
    """Tell whether a message is the other one, or a user message with further parts."""
    if longer == shorter or shorter["role"] != "user" or not isinstance(shorter["content"], list):
        return longer == shorter
    return bool(longer["role"] == "user" and longer["content"][: len(shorter["content"])] == shorter["content"])


@each_client
@bounded
@given(rounds=ROUNDS)
def test_same_request_gives_the_same_bytes(client: str, rounds: list[Any]) -> None:
    """The translation of a request depends on nothing but the request."""
    history, request = CONVERSATIONS[client]
    wire = request(history(rounds)[-1])
    assert translation(client, wire).body == translation(client, json.loads(json.dumps(wire))).body
