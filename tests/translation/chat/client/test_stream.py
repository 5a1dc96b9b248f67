"""Streams to chat clients: the grammar, the official client, and agreement with the whole reply."""

from __future__ import annotations

from typing import Any

import msgspec
import openai
import pytest

from tests.grammar.chat import check
from tests.translation.chat.client.conversing import exchange, stream_of
from tests.translation.chat.client.scenarios import (
    CUSTOM_SCENARIOS,
    ENDED,
    SCENARIOS,
    START,
    TOOLS,
    USAGE,
    call,
    part,
    scenario,
    text,
    thoughts,
)
from tests.translation.chat.client.sdk import created, iterated, streamed
from translation.events import End, Event, Finish, PartDelta, PartEnd, PartKind, PartStart, Start, StopReason, Usage
from translation.failures import Failure, FailureKind
from translation.hub import Wire
from translation.reply import collect, tell
from translation.shapes.chat.client.response import encode_reply
from translation.shapes.chat.client.stream import ChatStreamEncoder
from translation.stream_state import OutOfOrder

BROKEN = Failure(status=502, kind=FailureKind.SERVER, message="cut off", code="upstream_truncated", param="messages[0]")


def accumulated(stream: bytes) -> Wire:
    """Return the completion that the chunks of a lawful stream add up to, worked out without any client."""
    chunks = check(stream)
    message: Wire = {}
    logprobs: list[Any] = []
    for choice in [choice for chunk in chunks for choice in chunk["choices"]]:
        _add(message, choice["delta"])
        logprobs += (choice["logprobs"] or {"content": []})["content"]
    for opened in message.get("tool_calls", []):
        del opened["index"]
    counted = {"usage": chunks[-1]["usage"]} if chunks[-1].get("usage") else {}
    choice = {
        "index": 0,
        "message": message,
        "logprobs": {"content": logprobs, "refusal": None} if logprobs else None,
        "finish_reason": [choice for chunk in chunks for choice in chunk["choices"]][-1]["finish_reason"],
    }
    frame = {name: chunks[0][name] for name in ("id", "created", "model", "system_fingerprint")}
    return {**frame, "object": "chat.completion", "choices": [choice], **counted}


def _add(message: Wire, delta: Wire) -> None:
    for name, value in delta.items():
        if isinstance(value, str) and message.get(name) is not None:
            message[name] += value
        elif name == "tool_calls":
            _add_call(message.setdefault(name, []), *value)
        elif isinstance(value, list):
            message[name] = [*message.get(name, []), *value]
        elif name == "function_call" and name in message:
            message[name]["arguments"] += value["arguments"]
        elif value is not None or name not in message:
            message[name] = value


def _add_call(calls: list[Wire], piece: Wire) -> None:
    if piece["index"] == len(calls):
        calls.append(piece)
        return
    kind = calls[-1]["type"]
    for name, value in piece[kind].items():
        calls[-1][kind][name] += value


def deltas(stream: bytes) -> list[Wire]:
    """Return the deltas of a lawful stream."""
    return [choice["delta"] for chunk in check(stream) for choice in chunk["choices"]]


def uncounted(completion: Wire, on: Any) -> Wire:
    """Return a completion without the usage, if the client does not want it in streams."""
    return completion if on.request.include_usage else {k: v for k, v in completion.items() if k != "usage"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_stream_keeps_the_grammar_and_adds_up_to_the_whole_reply(name: str) -> None:
    """Every stream is lawful, and its chunks add up to what the same reply without a stream would be."""
    on, events = scenario(name)
    assert accumulated(stream_of(events, on)) == uncounted(encode_reply(collect(events), on), on)


@pytest.mark.parametrize("name", SCENARIOS)
def test_sdk_makes_the_same_of_both_forms(name: str) -> None:
    """The official client accumulates the stream to the reply that it parses from the whole body."""
    on, events = scenario(name)
    whole = created(msgspec.json.encode(uncounted(encode_reply(collect(events), on), on))).to_dict(exclude_none=True)
    from_stream = streamed(stream_of(events, on)).to_dict(exclude_none=True)
    for piece in from_stream["choices"][0]["message"].get("tool_calls", []):
        del piece["index"]
    assert from_stream == whole


@pytest.mark.parametrize("name", SCENARIOS)
def test_reply_told_as_a_stream_adds_up_to_the_same_completion(name: str) -> None:
    """An upstream that did not stream gives the client the same completion."""
    on, events = scenario(name)
    assert accumulated(stream_of(tell(collect(events)), on)) == uncounted(encode_reply(collect(events), on), on)


@pytest.mark.parametrize("name", SCENARIOS)
def test_usage_comes_only_to_whoever_asked(name: str) -> None:
    """With `include_usage` the last chunk has the counts and no choice, and all others say null; else no word of it."""
    on, events = scenario(name)
    *said, last = iterated(stream_of(events, on))
    if on.request.include_usage:
        assert last.choices == []
        assert last.usage is not None
        assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (115, 7, 122)
        assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in said)
    else:
        assert not any("usage" in chunk.model_fields_set for chunk in [*said, last])


def test_call_streams_as_in_the_reference() -> None:
    """The role with null text, the call's head, its arguments piece by piece, the reason, the end."""
    stream = stream_of([START, *call(0, "add", '{"a"', ":1}"), *ENDED], exchange())
    assert deltas(stream) == [
        {"role": "assistant", "content": None, "refusal": None},
        {
            "tool_calls": [
                {"index": 0, "id": "call_0", "type": "function", "function": {"name": "add", "arguments": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {},
    ]
    assert stream.endswith(b'"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n')


def test_text_begins_with_the_empty_string() -> None:
    """A reply that begins with text has the text "" in its first chunk, and each delta as one chunk after it."""
    said = deltas(stream_of([START, *text(0, "a", "b"), *ENDED], exchange()))
    assert said == [{"role": "assistant", "content": "", "refusal": None}, {"content": "a"}, {"content": "b"}, {}]


def test_every_delta_is_told_at_once() -> None:
    """Words, thoughts and arguments leave with the event that brought them."""
    encoder = ChatStreamEncoder(exchange())
    encoder.encode(START)
    told = [encoder.encode(event) for event in [*thoughts(0, "hm"), *text(1, "a", "b"), *call(2, "add", "{", "}")]]
    assert [word in chunk for word, chunk in zip((b'"hm"', b'"gw1.'), (told[1], told[3]), strict=True)] == [True, True]
    assert [b'"a"' in told[5], b'"b"' in told[6], b'"{"' in told[9], b'"}"' in told[10]] == [True] * 4


def test_thoughts_end_with_their_state() -> None:
    """Each part of reasoning ends with one numbered entry that holds its sealed state; the words are joined."""
    said = deltas(
        stream_of([START, *thoughts(0, "a", state="gw1.A"), *thoughts(1, "b", state="gw1.B"), *ENDED], exchange())
    )
    detail = {"type": "reasoning.encrypted", "format": "gw1"}
    assert said[1:5] == [
        {"reasoning_content": "a"},
        {"reasoning_details": [{**detail, "data": "gw1.A", "index": 0}]},
        {"reasoning_content": "\nb"},
        {"reasoning_details": [{**detail, "data": "gw1.B", "index": 1}]},
    ]


def test_calls_that_interleave_come_one_after_the_other() -> None:
    """The pieces of a later call wait for the end of the earlier one; the numbers never go back."""
    on, events = scenario("three calls interleaved")
    calls = [piece for delta in deltas(stream_of(events, on)) for piece in delta.get("tool_calls", [])]
    assert [piece["index"] for piece in calls] == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_sources_come_once_and_slice_the_whole_text() -> None:
    """All sources come in one chunk before the finish; their places are code points of the text of all parts."""
    on, events = scenario("sources")
    said = deltas(stream_of(events, on))
    cited = [source["url_citation"] for source in said[-2]["annotations"]]
    whole = "".join(delta.get("content") or "" for delta in said)
    assert [(source["title"], whole[source["start_index"] : source["end_index"]]) for source in cited] == [
        ("http://whole", "an \U0001f989owl"),
        ("A", "owl"),
    ]


def test_logprobs_come_with_their_tokens() -> None:
    """A delta and the log probabilities of its tokens are one chunk; a delta without any has null."""
    on, events = scenario("logprobs asked for")
    choices = [chunk.choices[0] for chunk in iterated(stream_of(events, on))]
    told = [(choice.delta.content, len((choice.logprobs and choice.logprobs.content) or ())) for choice in choices]
    assert told == [("", 0), ("Hi", 1), (" there", 0), ("!", 2), (None, 0)]


@pytest.mark.parametrize("name", CUSTOM_SCENARIOS)
def test_custom_call_comes_back_as_its_input(name: str) -> None:
    """A tool that was declared custom is called natively, with the input that the model meant, in both forms."""
    events, expected = CUSTOM_SCENARIOS[name]
    on = exchange(tools=TOOLS)
    stream = stream_of([START, *events, *ENDED], on)
    whole = encode_reply(collect([START, *events, *ENDED]), on)
    assert accumulated(stream) == uncounted(whole, on)
    assert whole["choices"][0]["message"]["tool_calls"] == [
        {"id": "call_0", "type": "custom", "custom": {"name": "patch", "input": expected}}
    ]
    assert iterated(stream)[-1].choices[0].finish_reason == "tool_calls"


def test_tool_name_is_the_declared_one() -> None:
    """A name that had to be rewritten for the upstream reaches the client as it was declared."""
    on = exchange({"long_12345678": (None, "a tool with a very long name")})
    (opened,) = (
        delta["tool_calls"][0] for delta in deltas(stream_of([START, *call(0, "long_12345678"), *ENDED], on))[1:2]
    )
    assert opened["function"]["name"] == "a tool with a very long name"


def test_call_without_an_id_gets_one() -> None:
    """An upstream that names no call still gives the client ids to answer to, different and the same in both forms."""
    nameless = [
        PartStart(0, PartKind.TOOL_CALL, "", "add"),
        PartEnd(0),
        PartStart(1, PartKind.TOOL_CALL, "", "add"),
        PartEnd(1),
    ]
    events: list[Event] = [START, *nameless, *ENDED]
    whole = encode_reply(collect(events), exchange())
    assert accumulated(stream_of(events, exchange())) == uncounted(whole, exchange())
    assert len({made["id"] for made in whole["choices"][0]["message"]["tool_calls"]}) == 2


def test_client_of_functions_reads_function_call() -> None:
    """Whoever declares the deprecated `functions` gets the first call in `function_call`; others are reported."""
    on, other = exchange(functions=[{"name": "add"}]), exchange(functions=[{"name": "add"}])
    events = [START, *call(0, "add", '{"a"', ":1}"), *call(1, "add", "{}"), *ENDED]
    stream = stream_of(events, on)
    whole = encode_reply(collect(events), other)
    assert on.lost.dropped == other.lost.dropped == ("reply:tool_calls[1]",)
    assert accumulated(stream) == uncounted(whole, on)
    assert streamed(stream).choices[0].message.function_call is not None
    assert whole["choices"][0]["message"]["function_call"] == {"name": "add", "arguments": '{"a":1}'}
    assert whole["choices"][0]["finish_reason"] == "function_call"


REASONS = [
    (StopReason.END, [], "stop"),
    (StopReason.END, call(0, "add"), "tool_calls"),
    (StopReason.STOP_SEQUENCE, text(0, "a"), "stop"),
    (StopReason.TOOL_CALLS, call(0, "add"), "tool_calls"),
    (StopReason.TOOL_CALLS, text(0, "a"), "stop"),
    (StopReason.MAX_TOKENS, call(0, "add", '{"a'), "length"),
    (StopReason.CONTEXT_WINDOW, text(0, "a"), "length"),
    (StopReason.REFUSAL, text(0, "a"), "content_filter"),
    (StopReason.PAUSE, text(0, "a"), "stop"),
    (StopReason.UNKNOWN, text(0, "a"), "stop"),
]


@pytest.mark.parametrize(("reason", "said", "expected"), REASONS)
def test_stop_reason_becomes_the_wires_word(reason: StopReason, said: list[Event], expected: str) -> None:
    """Every reason has its word; calls are announced only where there are any, and never when they may be cut."""
    events = [START, *said, Finish(reason), USAGE, End()]
    assert streamed(stream_of(events, exchange())).choices[0].finish_reason == expected
    assert encode_reply(collect(events), exchange())["choices"][0]["finish_reason"] == expected


def test_unknown_reason_at_the_limit_is_length() -> None:
    """If nobody says why the model stopped and it used up its tokens, the reply counts as cut."""
    events = [START, *call(0, "add", '{"a'), Finish(StopReason.UNKNOWN), Usage(output_tokens=50), End()]
    assert streamed(stream_of(events, exchange(max_completion_tokens=50))).choices[0].finish_reason == "length"
    assert streamed(stream_of(events, exchange(max_completion_tokens=51))).choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(("detail", "expected"), [("It is unsafe.", "It is unsafe."), (None, "Refused.")])
def test_refusal_without_words_is_explained(detail: str | None, expected: str) -> None:
    """A model that declined and said nothing gives the client the explanation as its refusal, in both forms."""
    events = [START, *thoughts(0), Finish(StopReason.REFUSAL, detail=detail), USAGE, End()]
    message = streamed(stream_of(events, exchange())).choices[0].message
    assert (message.refusal, message.content) == (expected, None)
    assert accumulated(stream_of(events, exchange())) == uncounted(
        encode_reply(collect(events), exchange()), exchange()
    )


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([], id="before the start"),
        pytest.param([START], id="before the role"),
        pytest.param([START, *text(0, "a")], id="after text"),
        pytest.param([START, PartStart(0, PartKind.TOOL_CALL, "c", "add"), PartDelta(0, '{"a')], id="inside a call"),
        pytest.param([START, *text(0, "a"), Finish(StopReason.END)], id="after the finish"),
    ],
)
def test_failure_ends_the_stream_without_an_end(events: list[Event]) -> None:
    """An error is told once and is the last: no reason for an end, no `[DONE]`, no path of a body never seen."""
    stream = stream_of([*events, BROKEN, BROKEN, Finish(StopReason.END), End()], exchange())
    *said, error = check(stream)
    assert error == {
        "error": {"message": "cut off", "type": "server_error", "param": None, "code": "upstream_truncated"}
    }
    assert all(choice["finish_reason"] is None for chunk in said for choice in chunk["choices"])
    with pytest.raises(openai.APIError, match="cut off"):
        iterated(stream)


def test_held_words_come_before_the_failure() -> None:
    """A delta that waits for its log probabilities is not lost when the stream breaks."""
    events = [START, PartStart(0, PartKind.TEXT), PartDelta(0, "Hi"), BROKEN]
    said = check(stream_of(events, exchange(logprobs=True)))
    assert said[1]["choices"][0]["delta"] == {"content": "Hi"}


def test_keep_alive_is_a_comment_that_clients_ignore() -> None:
    """At any point of the stream a comment may come, and the official client does not see it."""
    encoder = ChatStreamEncoder(exchange())
    pieces = [encoder.keep_alive()]
    for event in [START, *text(0, "a"), *call(1, "add", "{}"), *ENDED]:
        pieces += [encoder.encode(event), b"" if isinstance(event, End) else encoder.keep_alive()]
    stream = b"".join(pieces)
    assert stream.startswith(b": keep-alive\n\n")
    assert len(iterated(stream)) == len(check(stream)) == 5


def test_frame_is_made_once() -> None:
    """Every chunk has the id, made of the upstream's, the time, and the model that the client asked for."""
    chunks = check(stream_of([START, *text(0, "a"), *ENDED], exchange()))
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-abc123DEF456", 1_700_000_000, "gpt-5")
    }


def test_unknown_usage_is_left_out() -> None:
    """If the upstream did not count, nothing is invented: no usage chunk, and no usage in the whole reply."""
    on = exchange(stream_options={"include_usage": True})
    events: list[Event] = [START, *text(0, "a"), Finish(StopReason.END), End()]
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in check(stream_of(events, on)))
    assert "usage" not in encode_reply(collect(events), on)


def test_refusal_words_are_not_text() -> None:
    """A refusal arrives in its own member and leaves the text null."""
    message = streamed(stream_of([START, *part(0, PartKind.REFUSAL, "no"), *ENDED], exchange())).choices[0].message
    assert (message.content, message.refusal) == (None, "no")


@pytest.mark.parametrize(
    "events", [[Finish(StopReason.END)], [START, Start()], [START, End()]], ids=["finish", "start twice", "end"]
)
def test_event_out_of_order_is_a_defect(events: list[Event]) -> None:
    """An event that may not come is never written."""
    with pytest.raises(OutOfOrder):
        stream_of(events, exchange())
