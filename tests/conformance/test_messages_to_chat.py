"""Replies of upstreams that speak Messages, as chat clients read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.conformance.asking_messages import ROUTES
from tests.grammar.chat import check
from tests.serving.fake_upstream import FakeUpstream
from tests.serving.fake_upstream import whole as answering
from tests.serving.running import RunningGateway
from tests.translation import official_clients
from tests.translation.messages.upstream.asking import OPUS_4_8, begun, block, ended, relay, stream, text
from tests.translation.relaying import DEPLOYMENT, cuts, streamed
from translation.envelope import unseal
from translation.failures import UpstreamProtocolError
from translation.translator import Translation, translate_reply

Wire = dict[str, Any]

WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
WORDS = {"type": "text", "text": "I look."}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"b": 1.0, "a": [1]}}
NO_ARGUMENTS = {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "S"}
HIDDEN = {"type": "redacted_thinking", "data": "D"}
PING = {"type": "ping"}


def asked(**members: Any) -> Translation:
    """Return the relay of a chat client's request."""
    return relay(members, OPUS_4_8, "chat")


def message(*content: Wire, reason: str | None = "end_turn", **members: Any) -> bytes:
    """Return a whole message as the upstream sends it."""
    wire = {
        "id": "msg_12345678",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    return json.dumps({**wire, **members}, separators=(",", ":")).encode()


def completion(*content: Wire, on: Translation | None = None, **members: Any) -> Wire:
    """Return the whole completion that the client reads."""
    wire: Wire = json.loads(translate_reply(message(*content, **members), on or asked()).body)
    return wire


def choice(*content: Wire, on: Translation | None = None, **members: Any) -> Wire:
    """Return the choice of the completion."""
    wire: Wire = completion(*content, on=on, **members)["choices"][0]
    return wire


def chunks(*events: Wire, on: Translation | None = None) -> list[Wire]:
    """Return the chunks that the client reads while the upstream sends these events after the first; all is lawful."""
    return check(streamed(on or asked(stream=True), [stream(begun(), *events)]))


def deltas(told: list[Wire], member: str) -> list[Any]:
    """Return what the chunks add to that member."""
    said = [chunk["choices"][0]["delta"] for chunk in told if chunk.get("choices")]
    return [delta[member] for delta in said if member in delta]


def test_text_and_call() -> None:
    """71. Text and a tool call become a content string and tool_calls, with finish_reason tool_calls."""
    told = choice(WORDS, CALL, reason="tool_use")
    assert told["message"]["content"] == "I look."
    assert told["message"]["tool_calls"] == [
        {"id": "toolu_1", "type": "function", "function": {"name": "add", "arguments": '{"b":1.0,"a":[1]}'}}
    ]
    assert told["finish_reason"] == "tool_calls"
    spaced = message(WORDS, CALL, reason="tool_use").replace(b'{"b":1.0,"a":[1]}', b'{ "b":1e0,"a": [1] }')
    said = json.loads(translate_reply(spaced, asked()).body)["choices"][0]["message"]
    assert said["tool_calls"][0]["function"]["arguments"] == '{ "b":1e0,"a": [1] }'


def test_call_alone() -> None:
    """72. A reply of tool calls alone has null content, in one piece and as a stream."""
    assert choice(CALL, reason="tool_use")["message"]["content"] is None
    told = chunks(*block(0, CALL), *ended("tool_use"))
    assert deltas(told, "content") == [None]


COUNTED = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 5, "output_tokens": 7}


def test_usage() -> None:
    """73. Tokens that are fresh, read from the cache and written to it (10, 100 and 5) all count as the prompt's (115),
    with cached_tokens 100 and cache_write_tokens 5.
    """
    expected = {
        "prompt_tokens": 115,
        "completion_tokens": 7,
        "total_tokens": 122,
        "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
    }
    assert completion(WORDS, usage=COUNTED)["usage"] == expected
    told = streamed(asked(**WITH_USAGE), [stream(begun(**COUNTED), *text(0, "a"), *ended(usage={"output_tokens": 7}))])
    assert check(told)[-1]["usage"] == expected


def test_thinking_tokens() -> None:
    """74. The tokens of thinking are told as reasoning_tokens, and left out where the upstream does not count them."""
    usage = {**COUNTED, "output_tokens_details": {"thinking_tokens": 4}}
    assert completion(WORDS, usage=usage)["usage"]["completion_tokens_details"] == {"reasoning_tokens": 4}
    assert "completion_tokens_details" not in completion(WORDS, usage=COUNTED)["usage"]


@pytest.mark.parametrize(
    ("reason", "finish", "dropped", "coerced"),
    [
        ("end_turn", "stop", (), ()),
        ("stop_sequence", "stop", ("reply:stop_sequence",), ()),
        ("tool_use", "tool_calls", (), ()),
        ("max_tokens", "length", (), ()),
        ("model_context_window_exceeded", "length", (), ()),
        ("refusal", "content_filter", (), ()),
        ("pause_turn", "stop", (), ("reply:stop_reason=pause>stop",)),
        ("compaction", "stop", (), ()),
    ],
)
def test_stop_reasons(reason: str, finish: str, dropped: tuple[str, ...], coerced: tuple[str, ...]) -> None:
    """75. Each stop reason becomes a finish_reason: end_turn, stop_sequence, compaction and a pause that nobody
    continues stop, tool_use tool_calls, max_tokens and model_context_window_exceeded length, refusal content_filter;
    what stop cannot say is reported.
    """
    content = [WORDS, CALL] if reason == "tool_use" else [WORDS]
    whole, flowing = asked(), asked(stream=True)
    assert choice(*content, on=whole, reason=reason)["finish_reason"] == finish
    events = [event for at, opening in enumerate(content) for event in block(at, opening)]
    assert chunks(*events, *ended(reason), on=flowing)[-1]["choices"][0]["finish_reason"] == finish
    for on in (whole, flowing):
        assert (on.exchange.lost.dropped, on.exchange.lost.coerced) == (dropped, coerced)


@pytest.mark.parametrize(("explanation", "words"), [("I may not.", "I may not."), (None, "Refused.")])
def test_refusal(explanation: str | None, words: str) -> None:
    """76. A refusal without text becomes message.refusal with its explanation, or "Refused.", and finish_reason
    content_filter; one with text keeps the text.
    """
    details = {"type": "refusal", "category": None, "explanation": explanation}
    told = choice(reason="refusal", stop_details=details)
    assert (told["message"]["content"], told["message"]["refusal"]) == (None, words)
    assert told["finish_reason"] == "content_filter"
    flowing = chunks(*ended("refusal", stop_details=details))
    assert (deltas(flowing, "refusal")[-1], deltas(flowing, "content")) == (words, [None])
    assert flowing[-1]["choices"][0]["finish_reason"] == "content_filter"
    partial = choice(WORDS, reason="refusal", stop_details=details)
    assert (partial["message"]["content"], partial["message"]["refusal"]) == ("I look.", None)
    assert partial["finish_reason"] == "content_filter"


def test_thinking() -> None:
    """78. Thinking becomes reasoning_content, and an entry of reasoning_details that holds the blocks themselves; a
    redacted block stands in the entry only.
    """
    second = {**THOUGHT, "thinking": "So.", "signature": "T"}
    said = choice(THOUGHT, HIDDEN, second, WORDS)["message"]
    (entry,) = said["reasoning_details"]
    envelope = unseal(entry["data"])
    assert envelope is not None
    assert (envelope.origin, envelope.deployment) == ("messages", DEPLOYMENT)
    assert envelope.blocks == (THOUGHT, HIDDEN, second)
    assert (said["reasoning_content"], said["content"]) == ("Hm.\nSo.", "I look.")
    apart = choice(THOUGHT, WORDS, second)["message"]
    assert (apart["reasoning_content"], len(apart["reasoning_details"])) == ("Hm.\nSo.", 2)
    hidden = choice(HIDDEN, WORDS)["message"]
    assert ("reasoning_content" in hidden, len(hidden["reasoning_details"])) == (False, 1)
    opening = {"type": "thinking", "thinking": "", "signature": ""}
    signed = [{"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta", "signature": "S"}]
    told = chunks(*block(0, opening, *signed), *text(1, "a"), *ended())
    assert deltas(told, "reasoning_content") == ["Hm."]
    ((flowing,),) = deltas(told, "reasoning_details")
    assert unseal(flowing["data"]) == unseal(choice(THOUGHT)["message"]["reasoning_details"][0]["data"])


def source(url: str, title: str | None) -> Wire:
    """Return a citation of a page of the web."""
    return {
        "type": "web_search_result_location",
        "url": url,
        "title": title,
        "cited_text": "…",
        "encrypted_index": "E",
    }


CITED = [
    {"type": "text", "text": "👩 says: "},
    {"type": "text", "text": "naïve 東京", "citations": [source("http://a", "A"), source("http://b", None)]},
    {"type": "text", "text": "."},
]
CITED_STREAM = [
    *text(0, "👩 says: "),
    *block(
        1,
        {"type": "text", "text": "", "citations": []},
        {"type": "text_delta", "text": "naïve "},
        {"type": "citations_delta", "citation": source("http://a", "A")},
        {"type": "text_delta", "text": "東京"},
        {"type": "citations_delta", "citation": source("http://b", None)},
    ),
    *text(2, "."),
    *ended(),
]


def test_citations() -> None:
    """79. Citations of the web become url_citation annotations whose code-point offsets slice the text of the block
    that they support; a source without a title is named by its URL, and one in a document is reported.
    """
    said = choice(*CITED)["message"]
    found = [annotation["url_citation"] for annotation in said["annotations"]]
    assert [(each["url"], each["title"]) for each in found] == [("http://a", "A"), ("http://b", "http://b")]
    assert {said["content"][each["start_index"] : each["end_index"]] for each in found} == {"naïve 東京"}
    assert [annotation["type"] for annotation in said["annotations"]] == ["url_citation"] * 2
    paged = {**CITED[1], "citations": [{"type": "page_location", "document_index": 0, "cited_text": "x"}]}
    on = asked()
    assert "annotations" not in choice(WORDS, paged, on=on)["message"]
    assert on.exchange.lost.dropped == ("reply:content[1].citations",)


def test_news(tmp_path: Path) -> None:
    """80. A block of an unknown type is ignored and reported, in one piece and as a stream, and an unknown stop reason
    becomes stop; headers of the reply in one piece say so.
    """
    news = {"type": "brand_new", "words": "x"}
    whole, flowing = asked(), asked(stream=True)
    told = choice(WORDS, news, on=whole, reason="brand_new")
    assert told["message"] == {"role": "assistant", "content": "I look.", "refusal": None}
    assert told["finish_reason"] == "stop"
    unknown = block(1, news, {"type": "brand_new_delta", "words": "y"})
    said = chunks(*text(0, "I look."), *unknown, *ended("brand_new"), on=flowing)
    assert "".join(deltas(said, "content")) == "I look."
    assert said[-1]["choices"][0]["finish_reason"] == "stop"
    for on in (whole, flowing):
        assert (on.exchange.lost.dropped, on.exchange.lost.coerced) == (("reply:content[1]",), ("reply:stop_reason",))
    with FakeUpstream() as upstream, RunningGateway(tmp_path, ROUTES.format(url=upstream.url)) as gateway:
        upstream.answer(answering(message(WORDS, news, reason="brand_new")))
        asking = {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": "hi"}]}
        answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json=asking, timeout=15)
    assert answer.headers["x-gateway-dropped"] == "reply:content[1]"
    assert answer.headers["x-gateway-coerced"] == "reply:stop_reason"


EVERYTHING = [
    *block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hm"},
        {"type": "thinking_delta", "thinking": "."},
        {"type": "signature_delta", "signature": "S"},
    ),
    *text(1, "I ", "look."),
    *block(
        2,
        {**CALL, "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"b":1.0,'},
        {"type": "input_json_delta", "partial_json": '"a":[1]}'},
    ),
    *block(3, NO_ARGUMENTS),
    *block(4, {**CALL, "id": "toolu_3", "input": {}}, {"type": "input_json_delta", "partial_json": '{"b":2}'}),
    *ended("tool_use", usage={"output_tokens": 5}),
]


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_stream_of_everything(size: int) -> None:
    """81. In a stream the role comes once, each call is named once and has its own number from 0 on, and the official
    OpenAI client makes of it exactly what it makes of the reply in one piece.
    """
    on = asked(**WITH_USAGE)
    told = streamed(on, cuts(stream(begun(), *EVERYTHING), size))
    said = check(told)
    assert deltas(said, "role") == ["assistant"]
    calls = [call for calls in deltas(said, "tool_calls") for call in calls]
    assert [call["index"] for call in calls if "id" in call] == [0, 1, 2]
    assert [call["function"]["name"] for call in calls if "name" in call["function"]] == ["add", "now", "add"]
    third = {**CALL, "id": "toolu_3", "input": {"b": 2}}
    whole = translate_reply(message(THOUGHT, WORDS, CALL, NO_ARGUMENTS, third, reason="tool_use"), on).body
    assert present(official_clients.of_stream("chat", told)) == present(official_clients.of_whole("chat", whole))


def present(reply: Wire) -> Wire:
    """Return what the official client made of a reply, without what it adds to one form of it only."""
    (told,) = reply["choices"]
    said = {name: value for name, value in told["message"].items() if value is not None}
    said["tool_calls"] = [
        {"id": call["id"], "type": call["type"], "function": {"name": made["name"], "arguments": made["arguments"]}}
        for call in said["tool_calls"]
        for made in [call["function"]]
    ]
    return {**reply, "object": "", "choices": [{**told, "message": said}]}


def test_calls_in_a_row() -> None:
    """82. Parallel calls keep their arguments apart, and a tool block that brings no argument bytes ends as {}."""
    said = chunks(*EVERYTHING)
    arguments = ["", "", ""]
    for calls in deltas(said, "tool_calls"):
        for call in calls:
            arguments[call["index"]] += call["function"]["arguments"]
    assert arguments == ['{"b":1.0,"a":[1]}', "{}", '{"b":2}']


def test_annotations_of_a_stream() -> None:
    """83. A stream tells all its annotations in one chunk, after the text and before the finish, and they are those of
    the reply in one piece.
    """
    said = chunks(*CITED_STREAM)
    (annotations,) = deltas(said, "annotations")
    assert annotations == choice(*CITED)["message"]["annotations"]
    assert said[-2]["choices"][0]["delta"] == {"annotations": annotations}
    assert said[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_of_a_stream() -> None:
    """84. A stream tells its usage only if the client asked for it with include_usage: in the last chunk, whose choices
    are empty, while every earlier chunk has usage null.
    """
    *before, last = chunks(*text(0, "a", "b"), *ended(), on=asked(**WITH_USAGE))
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 15)
    assert [chunk["usage"] for chunk in before] == [None] * len(before)
    assert not any("usage" in chunk for chunk in chunks(*text(0, "a", "b"), *ended()))


def test_pings() -> None:
    """85. Pings of the upstream are swallowed, wherever they come, and [DONE] is the last line."""
    pinged = [event for told in (*text(0, "a"), *ended()) for event in (PING, told)]
    bytes_told = streamed(asked(stream=True), [stream(begun(), *pinged)])
    assert bytes_told == streamed(asked(stream=True), [stream(begun(), *text(0, "a"), *ended())])
    assert b"ping" not in bytes_told
    assert bytes_told.endswith(b"}\n\ndata: [DONE]\n\n")


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def test_error_in_a_stream() -> None:
    """86. An error of the upstream's after the first words becomes an error chunk and no [DONE], and the official
    OpenAI client raises APIError.
    """
    told = streamed(asked(stream=True), [stream(begun(), *text(0, "a"), OVERLOADED)])
    said = check(told)
    assert deltas(said[:-1], "content")[-1] == "a"
    assert said[-1]["error"]["message"] == "Overloaded"
    assert b"[DONE]" not in told
    with pytest.raises(openai.APIError, match="Overloaded"):
        official_clients.of_stream("chat", told)


@pytest.mark.parametrize("events", [[], text(0, "a"), text(0, "a")[:-1], block(0, NO_ARGUMENTS)])
def test_stream_that_breaks_off(events: list[Wire]) -> None:
    """87. A stream that ends before the upstream said why it stopped is an error to the client, never a short reply."""
    told = streamed(asked(stream=True), [stream(begun(), *events)])
    assert "before the reply was complete" in check(told)[-1]["error"]["message"]
    assert b'finish_reason":"' not in told
    with pytest.raises(openai.APIError):
        official_clients.of_stream("chat", told)


def test_second_beginning() -> None:
    """88. A message_start that is repeated is passed over, and another message in the same stream is an error."""
    once = streamed(asked(stream=True), [stream(begun(), *text(0, "a"), *ended())])
    repeated = stream(begun(), begun(), *text(0, "a")[:1], begun(), *text(0, "a")[1:], *ended())
    assert streamed(asked(stream=True), [repeated]) == once
    other = {"type": "message_start", "message": {**begun()["message"], "id": "msg_87654321"}}
    spliced = check(streamed(asked(stream=True), [stream(begun(), *text(0, "a"), other, *text(0, "b"), *ended())]))
    assert "second message" in spliced[-1]["error"]["message"]
    assert deltas(spliced[:-1], "content")[-1] == "a"
    with pytest.raises(UpstreamProtocolError, match="second message"):
        translate_reply(stream(begun(), other, *ended()), asked(), streamed=True)


def test_counts_of_a_stream() -> None:
    """89. Counts that message_delta does not repeat keep the value of message_start; those that it repeats are new."""
    last = {"output_tokens": 9, "cache_read_input_tokens": 30}
    first = begun(input_tokens=11, cache_read_input_tokens=20, output_tokens=1)
    (*_, told) = check(streamed(asked(**WITH_USAGE), [stream(first, *text(0, "a"), *ended(usage=last))]))
    assert (told["usage"]["prompt_tokens"], told["usage"]["completion_tokens"]) == (11 + 30, 9)
    assert told["usage"]["prompt_tokens_details"]["cached_tokens"] == 30


def test_text_of_several_blocks() -> None:
    """90. The texts of several blocks are joined exactly, with nothing between them and nothing taken away."""
    words = ["a", " b", "\n", "", "c\n\n", "\t", "d "]
    said = choice(*[{"type": "text", "text": each} for each in words])
    assert said["message"]["content"] == "a b\nc\n\n\td "
    blocks = [event for at, each in enumerate(words) for event in text(at, each)]
    assert "".join(deltas(chunks(*blocks, *ended()), "content")) == "a b\nc\n\n\td "
