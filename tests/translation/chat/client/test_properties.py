"""What holds for every request of a chat client and for every stream to one, tried on random ones."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.grammar.chat import check
from tests.translation.chat_streams import ODD_CHUNKS, ChatStream, chat_streams, reads
from tests.translation.relaying import CIRCUMSTANCES, chat_stream, streamed
from translation.failures import Failure, RequestRefused
from translation.ledger import Ledger
from translation.shapes.chat.client.request import decode_request
from translation.translator import Destination, Translation, translate_request

bounded = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
PATCH = {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "x"}}
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
SOURCE = {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
EVERYTHING: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"ttl": "12h"}}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png,%00", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:text/plain;base64,YQ==", "filename": "a"}},
            ],
        },
        {
            "role": "assistant",
            "content": "a",
            "refusal": "no",
            "annotations": [SOURCE],
            "reasoning_content": "hm",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "gw1.x", "index": 0, "calls_before": 1}],
            "tool_calls": [CALL, PATCH],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "[tool_error] no"},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "yes"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "a"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}},
        {"type": "custom", "custom": {"name": "patch", "format": GRAMMAR}},
    ],
    "functions": [{"name": "f"}],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"function": {"name": "f"}}]}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
    "stop": ["a"],
    "stream_options": {"include_usage": True},
    "moderation": {"policy": {"input": {"mode": "score"}}},
    "web_search_options": {"user_location": {"approximate": {"city": "Basel"}}},
    "reasoning": {"effort": "low", "max_tokens": 5, "exclude": False},
    "thinking": {"type": "enabled", "budget_tokens": 5},
    "modalities": ["text"],
    "metadata": {"a": "b"},
    "max_tokens": 5,
    "n": 1,
}
"""A request with a member of every kind."""

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "name"]), inner),
    max_leaves=4,
)


def places(value: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every member and element in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, member in inner for path in [(*at, key), *places(member, (*at, key))]]


PLACES = places(EVERYTHING)


def test_request_with_everything_is_read() -> None:
    """The request that the next test damages is a lawful one."""
    assert len(decode_request(EVERYTHING, Ledger()).items) == 9


@settings(bounded, max_examples=300)
@given(place=st.sampled_from(PLACES), odd=ODD, left_out=st.booleans())
def test_damaged_request_is_read_or_refused(place: tuple[Any, ...], odd: object, left_out: bool) -> None:
    """Whatever stands in a place of a request, or nothing: it is read, or refused with a path; nothing else happens."""
    wire = copy.deepcopy(EVERYTHING)
    *way, last = place
    holder: Any = wire
    for key in way:
        holder = holder[key]
    if left_out:
        del holder[last]
    else:
        holder[last] = odd
    model, refusal = outcome(wire)
    assert model == wire["model"] if refusal is None else refusal.param and refusal.status == 400


def outcome(wire: dict[str, Any]) -> tuple[str, Failure | None]:
    """Return the model of the request that the body is, or why it is refused."""
    try:
        return decode_request(wire, Ledger()).model, None
    except RequestRefused as refused:
        return "", refused.failure


def relay(**members: Any) -> Translation:
    """Return the relay of a chat client's request to an upstream whose streams are drawn at random."""
    wire = {"model": "alias", "messages": [{"role": "user", "content": "hi"}], **members}
    return translate_request(wire, "chat", Destination(shape="chat", model="m"), CIRCUMSTANCES, "alias")


@bounded
@given(stream=chat_streams(), include_usage=st.booleans())
def test_every_stream_is_lawful_and_complete(stream: ChatStream, include_usage: bool) -> None:
    """Whatever the interleaving: the stream keeps its grammar, and no word and no argument is missing."""
    chunks = check(streamed(relay(stream_options={"include_usage": include_usage}), [stream.wire]))
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == stream.text
    assert "".join(delta.get("reasoning_content", "") for delta in deltas).replace("\n", "") == stream.thoughts.replace(
        "\n", ""
    )
    calls: list[list[str]] = []
    for piece in [piece for delta in deltas for piece in delta.get("tool_calls", [])]:
        if "id" in piece:
            calls.append([piece["id"], piece["function"]["name"], ""])
        calls[-1][2] += piece["function"]["arguments"]
    assert calls == [list(call) for call in stream.calls]
    assert bool(chunks[-1].get("usage")) is include_usage


@bounded
@given(data=st.data(), stream=chat_streams())
def test_stream_that_ends_anywhere_ends_lawfully(data: st.DataObject, stream: ChatStream) -> None:
    """A stream that is cut before its finish ends with an error and is lawful up to there."""
    part = stream.wire[: data.draw(st.integers(0, stream.wire.rfind(b'"finish_reason":"')))]
    assert "error" in check(streamed(relay(), data.draw(reads(part))))[-1]


@bounded
@given(chunks=st.lists(ODD_CHUNKS, max_size=4), done=st.booleans())
def test_odd_chunks_never_break_the_stream(chunks: list[Any], done: bool) -> None:
    """Members of any type, anywhere in a chunk: the client still reads a lawful stream, or a lawful error."""
    assert check(streamed(relay(logprobs=True), [chat_stream(*chunks, done=done)]))


@bounded
@given(stream=chat_streams())
def test_same_request_gives_the_same_bytes(stream: ChatStream) -> None:
    """The translation of a request and of its reply depends on nothing but them."""
    again = msgspec.json.decode(msgspec.json.encode(EVERYTHING))
    assert decode_request(again, Ledger()) == decode_request(EVERYTHING, Ledger())
    assert streamed(relay(), [stream.wire]) == streamed(relay(), [stream.wire])
