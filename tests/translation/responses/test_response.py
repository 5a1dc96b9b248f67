"""The Response object: what it repeats of the request, its status, its usage."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translation.responses.conversing import NOW, exchange
from tests.translation.responses.sdk import created
from translation.events import Finish, PartKind, Start, StopReason, Usage
from translation.hub import Wire
from translation.reply import Reply, ReplyPart
from translation.shapes.responses.response import encode_reply, encode_usage

TEXT = ReplyPart(kind=PartKind.TEXT, text="hello")
REFUSAL = ReplyPart(kind=PartKind.REFUSAL, text="no")
CALL = ReplyPart(kind=PartKind.TOOL_CALL, text="{}", call_id="c", name="add")
SEARCH = ReplyPart(kind=PartKind.WEB_SEARCH)
THOUGHT = ReplyPart(kind=PartKind.REASONING, text="hm")


def encoded(*parts: ReplyPart, reason: StopReason = StopReason.END, detail: str | None = None, **members: Any) -> Wire:
    """Return the Response object of a reply with these parts to a request with these members."""
    reply = Reply(
        start=Start("chatcmpl-abc123DEF456", "m-1", 1_700_000_000), parts=parts, finish=Finish(reason, detail=detail)
    )
    return encode_reply(reply, exchange(**members))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("instructions", "Be kind."),
        ("max_output_tokens", 99),
        ("max_tool_calls", 3),
        ("metadata", {"a": "b"}),
        ("parallel_tool_calls", False),
        ("temperature", 0),
        ("top_p", 0.5),
        ("top_logprobs", 2),
        ("prompt_cache_key", "k"),
        ("safety_identifier", "s"),
        ("user", "u"),
        ("service_tier", "flex"),
        ("tools", [{"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": False}]),
        ("tool_choice", "none"),
    ],
)
def test_reply_repeats_the_request(member: str, value: object) -> None:
    """The settings of the request come back as the client wrote them."""
    assert encoded(TEXT, **{member: value})[member] == value


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("instructions", None),
        ("metadata", {}),
        ("parallel_tool_calls", True),
        ("temperature", 1.0),
        ("top_p", 1.0),
        ("tool_choice", "auto"),
        ("tools", []),
        ("text", {"format": {"type": "text"}}),
        ("reasoning", {"effort": None, "summary": None}),
        ("truncation", "disabled"),
        ("previous_response_id", None),
        ("error", None),
        ("incomplete_details", None),
        ("usage", None),
        ("object", "response"),
        ("model", "gpt-5"),
        ("id", "resp_abc123DEF456"),
        ("created_at", 1_700_000_000),
        ("completed_at", NOW),
        ("status", "completed"),
    ],
)
def test_member_that_the_request_leaves_open_has_its_default(member: str, value: object) -> None:
    """What the client did not say comes back as what holds for it."""
    assert encoded(TEXT)[member] == value


def test_nested_settings_are_completed() -> None:
    """`text` and `reasoning` come back with what the client left out."""
    wire = encoded(TEXT, text={"verbosity": "low"}, reasoning={"effort": "high"})
    assert wire["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert wire["reasoning"] == {"effort": "high", "summary": None}


@pytest.mark.parametrize(("store", "shown"), [(True, True), (False, False), (None, True)])
def test_store_is_what_was_asked(store: bool | None, shown: bool) -> None:
    """The reply says whether it is kept, which is the case unless the client does not want it."""
    assert encoded(TEXT, store=store)["store"] is shown


@pytest.mark.parametrize(
    ("parts", "reason", "status", "why"),
    [
        ((TEXT,), StopReason.END, "completed", None),
        ((TEXT,), StopReason.STOP_SEQUENCE, "completed", None),
        ((CALL,), StopReason.TOOL_CALLS, "completed", None),
        ((TEXT,), StopReason.PAUSE, "completed", None),
        ((TEXT,), StopReason.UNKNOWN, "completed", None),
        ((TEXT,), StopReason.MAX_TOKENS, "incomplete", "max_output_tokens"),
        ((CALL,), StopReason.MAX_TOKENS, "incomplete", "max_output_tokens"),
        ((TEXT,), StopReason.CONTEXT_WINDOW, "incomplete", "max_output_tokens"),
        ((TEXT,), StopReason.REFUSAL, "incomplete", "content_filter"),
        ((TEXT, REFUSAL), StopReason.REFUSAL, "incomplete", "content_filter"),
        ((CALL,), StopReason.REFUSAL, "incomplete", "content_filter"),
        ((), StopReason.REFUSAL, "incomplete", "content_filter"),
        ((THOUGHT,), StopReason.REFUSAL, "incomplete", "content_filter"),
        ((REFUSAL,), StopReason.REFUSAL, "completed", None),
        ((THOUGHT, REFUSAL), StopReason.REFUSAL, "completed", None),
        ((REFUSAL,), StopReason.END, "completed", None),
    ],
)
def test_stop_reason_gives_status_and_details(
    parts: tuple[ReplyPart, ...], reason: StopReason, status: str, why: str | None
) -> None:
    """Limits and filters make a reply incomplete; a refusal that is the whole answer is complete."""
    wire = encoded(*parts, reason=reason)
    assert wire["status"] == status
    assert wire["incomplete_details"] == (None if why is None else {"reason": why})
    assert (wire["completed_at"] is None) == (status == "incomplete")


def test_turn_that_is_to_be_taken_up_again_is_reported() -> None:
    """The wire cannot say that a turn is paused: the reply is complete, and the loss is in the ledger of the reply."""
    reply = Reply(start=Start(), parts=(TEXT,), finish=Finish(StopReason.PAUSE))
    on = exchange()
    assert encode_reply(reply, on)["status"] == "completed"
    assert on.lost.coerced == ("reply:stop_reason=pause>completed",)


def test_refusal_without_a_word_is_a_refusal_all_the_same() -> None:
    """A model that declines without an explanation is shown as one that refuses."""
    wire = encoded(SEARCH, reason=StopReason.REFUSAL, detail="")
    assert wire["output"][-1]["content"] == [{"type": "refusal", "refusal": "Refused."}]
    assert (wire["status"], wire["incomplete_details"]) == ("completed", None)


@pytest.mark.parametrize(("parts", "shown"), [((), True), ((THOUGHT,), True), ((TEXT,), False), ((REFUSAL,), False)])
def test_explanation_of_a_refusal_is_the_answer_where_there_is_no_other(
    parts: tuple[ReplyPart, ...], shown: bool
) -> None:
    """A refusal's explanation becomes a message only if the model said nothing itself."""
    wire = encoded(*parts, reason=StopReason.REFUSAL, detail="Not that.")
    refusals = [
        part for item in wire["output"] for part in item.get("content", []) if part.get("refusal") == "Not that."
    ]
    assert bool(refusals) == shown


def test_tool_only_reply_has_no_message() -> None:
    """A reply that only calls tools has only calls as output."""
    assert [item["type"] for item in encoded(CALL)["output"]] == ["function_call"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(10, 100, 5, 7, 3), (115, 100, 5, 7, 3, 122)),
        (Usage(10, 0, 0, 7, None), (10, 0, 0, 7, 0, 17)),
        (Usage(), (0, 0, 0, 0, 0, 0)),
    ],
)
def test_usage_counts_cached_tokens_as_input(usage: Usage, expected: tuple[int, ...]) -> None:
    """Input includes both cache counts, the total is the sum, and every detail is an integer."""
    wire = encode_usage(usage)
    assert (
        wire["input_tokens"],
        wire["input_tokens_details"]["cached_tokens"],
        wire["input_tokens_details"]["cache_write_tokens"],
        wire["output_tokens"],
        wire["output_tokens_details"]["reasoning_tokens"],
        wire["total_tokens"],
    ) == expected


def test_web_searches_are_counted_beside_the_usage() -> None:
    """Searches that the upstream ran are in tool_usage, which is absent where there were none."""
    start, finish = Start(), Finish(StopReason.END)
    searched = Reply(start=start, parts=(TEXT,), finish=finish, usage=Usage(1, 0, 0, 1, web_searches=2))
    assert encode_reply(searched, exchange())["tool_usage"]["web_search"] == {"num_requests": 2}
    assert "tool_usage" not in encoded(TEXT)


def test_upstreams_service_tier_wins_over_the_one_asked_for() -> None:
    """The reply says which tier served it."""
    reply = Reply(start=Start(service_tier="default"), parts=(TEXT,), finish=Finish(StopReason.END))
    assert encode_reply(reply, exchange(service_tier="flex"))["service_tier"] == "default"


def test_sdk_reads_the_whole_reply() -> None:
    """The official client reads text, call and usage from the body."""
    reply = Reply(start=Start(), parts=(TEXT, CALL), finish=Finish(StopReason.END), usage=Usage(1, 2, 3, 4, 5))
    response = created(msgspec.json.encode(encode_reply(reply, exchange())))
    assert response.output_text == "hello"
    assert [item.type for item in response.output] == ["message", "function_call"]
    assert response.usage is not None
    assert response.usage.input_tokens_details.cached_tokens == 2
