"""Whole completions to chat clients; that they agree with the streams is tested with those."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translation.chat.client.conversing import NOW, SEED, exchange, stream_of
from tests.translation.chat.client.scenarios import STATE, scenario
from tests.translation.chat.client.sdk import created
from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.hub import Citation, WebSearch, Wire
from translation.reply import Reply, ReplyPart, collect, tell
from translation.shapes.chat.client.response import encode_reply


def reply(*parts: ReplyPart, start: Start | None = None, usage: Usage | None = None) -> Reply:
    """Return a reply of these parts that ended as it should."""
    return Reply(start=start or Start(), parts=parts, finish=Finish(StopReason.END), usage=usage)


def message_of(*parts: ReplyPart, **members: Any) -> Wire:
    """Return the message that these parts become for a client whose request has these members."""
    message: Wire = encode_reply(reply(*parts), exchange(**members))["choices"][0]["message"]
    return message


TEXT = ReplyPart(kind=PartKind.TEXT, text="Hello")
CALL = ReplyPart(kind=PartKind.TOOL_CALL, call_id="c1", name="add", text='{"a": 1.0}')


def test_completion_as_in_the_reference() -> None:
    """Thoughts, their state, text, calls, reason and counts each have their place."""
    thoughts = ReplyPart(kind=PartKind.REASONING, text="hm", opaque=STATE)
    usage = Usage(input_tokens=10, cache_read_tokens=100, cache_write_tokens=5, output_tokens=7, reasoning_tokens=3)
    start = Start("msg_abc123DEF456", "upstream-model", 1_700_000_000)
    assert encode_reply(reply(thoughts, TEXT, CALL, start=start, usage=usage), exchange()) == {
        "id": "chatcmpl-abc123DEF456",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-5",
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello",
                    "refusal": None,
                    "reasoning_content": "hm",
                    "reasoning_details": [{"type": "reasoning.encrypted", "data": STATE, "index": 0, "format": "gw1"}],
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1.0}'}}
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 115,
            "completion_tokens": 7,
            "total_tokens": 122,
            "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ([], ""),
        ([ReplyPart(kind=PartKind.TEXT)], ""),
        ([TEXT, TEXT], "HelloHello"),
        ([CALL], None),
        ([ReplyPart(kind=PartKind.TEXT), CALL], None),
        ([CALL, TEXT], "Hello"),
        ([ReplyPart(kind=PartKind.REFUSAL, text="no")], None),
        ([ReplyPart(kind=PartKind.REASONING, text="hm")], ""),
    ],
)
def test_text_is_null_only_where_something_else_was_said(parts: list[ReplyPart], content: str | None) -> None:
    """Parts of text are joined without anything between; without text, a call or a refusal makes it null."""
    assert message_of(*parts)["content"] == content


def test_reply_without_a_time_or_an_id_gets_them() -> None:
    """An upstream that gives neither: the id is made of the exchange's seed, the time is its own."""
    wire = encode_reply(reply(TEXT), exchange())
    assert (wire["id"], wire["created"]) == (f"chatcmpl-{SEED}", NOW)


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, None), ("standard", "default"), ("priority", "priority"), ("default", "default"), ("batch", None)],
)
def test_service_tier_is_in_the_wires_words(given: str | None, shown: str | None) -> None:
    """The tier that served the reply is told in OpenAI's words, if there is one."""
    assert encode_reply(reply(TEXT, start=Start(service_tier=given)), exchange()).get("service_tier") == shown


@pytest.mark.parametrize(
    ("source", "place"),
    [(Citation("u", "t", "", 1, 3), (6, 8)), (Citation("u"), (5, 10)), (Citation("u", "", "ell"), (5, 10))],
)
def test_source_stands_where_its_part_stands(source: Citation, place: tuple[int, int]) -> None:
    """A source's place counts from the beginning of the whole text; without one it is about its whole part."""
    cited = ReplyPart(kind=PartKind.TEXT, text="Hello", citations=(source,))
    (annotation,) = message_of(TEXT, cited)["annotations"]
    found = annotation["url_citation"]
    assert (found["url"], found["title"], (found["start_index"], found["end_index"])) == (
        "u",
        source.title or "u",
        place,
    )


@pytest.mark.parametrize(
    ("reason", "dropped", "coerced"),
    [
        (StopReason.END, (), ()),
        (StopReason.STOP_SEQUENCE, ("reply:stop_sequence",), ()),
        (StopReason.PAUSE, (), ("reply:stop_reason=pause>stop",)),
    ],
)
def test_end_that_the_wire_cannot_tell_is_reported(
    reason: StopReason, dropped: tuple[str, ...], coerced: tuple[str, ...]
) -> None:
    """Which stop sequence matched, and that the model only paused, is in the ledger of the reply."""
    ended = Reply(start=Start(), parts=(TEXT,), finish=Finish(reason, "END"))
    whole, streamed = exchange(), exchange()
    assert encode_reply(ended, whole)["choices"][0]["finish_reason"] == "stop"
    assert b'"finish_reason":"stop"' in stream_of(tell(ended), streamed)
    for on in (whole, streamed):
        assert (on.lost.dropped, on.lost.coerced) == (dropped, coerced)


def test_search_of_the_provider_is_not_shown() -> None:
    """The wire has no place for it, and needs none: the text and its sources are there."""
    search = ReplyPart(kind=PartKind.WEB_SEARCH, call_id="s1", search=WebSearch(("q",), (Citation("u", "t"),)))
    on = exchange()
    wire = encode_reply(reply(search, TEXT), on)
    assert wire["choices"][0]["message"] == {"role": "assistant", "content": "Hello", "refusal": None}
    assert (on.lost.dropped, on.lost.coerced) == ((), ())


def test_logprobs_only_for_whoever_asked() -> None:
    """The log probabilities of all parts of text are one list; nobody gets any who did not ask."""
    part = ReplyPart(kind=PartKind.TEXT, text="a", logprobs=({"token": "a", "logprob": -1.0, "top_logprobs": []},))
    asked = encode_reply(reply(part, part), exchange(logprobs=True))["choices"][0]
    assert len(asked["logprobs"]["content"]) == 2
    assert encode_reply(reply(part), exchange())["choices"][0]["logprobs"] is None


def test_official_client_reads_every_member() -> None:
    """The official client finds the text, the calls, the sources and the counts where it looks for them."""
    on, events = scenario("sources")
    parsed = created(msgspec.json.encode(encode_reply(collect(events), on)))
    message = parsed.choices[0].message
    assert message.annotations is not None
    assert [(a.url_citation.title, a.url_citation.start_index) for a in message.annotations] == [
        ("http://whole", 4),
        ("A", 8),
    ]
    assert parsed.usage is not None
    assert parsed.usage.total_tokens == 122


def test_text_of_a_custom_tool_that_nobody_declared_is_an_argument() -> None:
    """A client that declared a function never gets a custom call, whatever the upstream made of it."""
    on, events = scenario("custom text for a function")
    (made,) = encode_reply(collect(events), on)["choices"][0]["message"]["tool_calls"]
    assert made["function"] == {"name": "add", "arguments": '{"input":"raw"}'}
