"""Streams to clients of the responses shape: the grammar, the official SDK, and agreement with the whole reply."""

from __future__ import annotations

from typing import Any

import msgspec
import openai
import pytest
from msgspec.structs import replace

from tests.grammar.responses import check
from tests.translation.responses.conversing import exchange, stream_of
from tests.translation.responses.scenarios import (
    ENDED,
    FOUND,
    FREEFORM,
    SCENARIOS,
    START,
    USAGE,
    call,
    part,
    scenario,
    search,
    text,
)
from tests.translation.responses.sdk import created, iterated, streamed
from translation.events import (
    End,
    Event,
    Finish,
    PartDelta,
    PartEnd,
    PartKind,
    PartOpaque,
    PartSearch,
    PartStart,
    StopReason,
)
from translation.failures import Failure, FailureKind
from translation.hub import Wire
from translation.reply import collect, tell
from translation.shapes.responses.response import encode_reply
from translation.shapes.responses.stream import ResponsesStreamEncoder
from translation.stream_state import OutOfOrder

BROKEN = Failure(status=502, kind=FailureKind.SERVER, message="cut off", code="upstream_truncated")


def final(stream: bytes) -> Wire:
    """Return the response of the terminal event of a lawful stream."""
    return dict(check(stream)[-1]["response"])


def names(stream: bytes) -> list[str]:
    """Return the names of the events of a lawful stream, without `response.`."""
    return [event["type"].removeprefix("response.") for event in check(stream)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_stream_keeps_the_grammar_and_ends_with_the_whole_reply(name: str) -> None:
    """Every stream is lawful, and its last event holds what the same reply without a stream would be."""
    on, events = scenario(name)
    assert final(stream_of(events, on)) == encode_reply(collect(events), on)


@pytest.mark.parametrize("name", SCENARIOS)
def test_sdk_makes_the_same_of_both_forms(name: str) -> None:
    """The official client accumulates the stream to the reply that it parses from the whole body."""
    on, events = scenario(name)
    whole = created(msgspec.json.encode(encode_reply(collect(events), on)))
    from_stream = streamed(stream_of(events, on))
    assert from_stream.output_text == whole.output_text
    assert [item.to_dict(exclude_none=True) for item in from_stream.output] == [
        item.to_dict(exclude_none=True) for item in whole.output
    ]
    assert from_stream.usage == whole.usage


@pytest.mark.parametrize("name", SCENARIOS)
def test_reply_told_as_a_stream_gives_the_same_response(name: str) -> None:
    """An upstream that did not stream gives the client the same final response."""
    on, events = scenario(name)
    assert final(stream_of(tell(collect(events)), on)) == final(stream_of(events, on))


def test_call_streams_as_in_the_specification() -> None:
    """One call: announced, its arguments piece by piece, completed; then the terminal event with all of it."""
    stream = stream_of([START, *call(0, "add", '{"a"', ":1}"), *ENDED], exchange())
    assert names(stream) == [
        "created",
        "in_progress",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    response = final(stream)
    assert response["output"] == [
        {
            "type": "function_call",
            "id": "fc_0123456789abcdefghijABCD00",
            "status": "completed",
            "call_id": "call_0",
            "name": "add",
            "arguments": '{"a":1}',
        }
    ]
    assert response["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 25,
    }


def test_first_events_come_with_the_start() -> None:
    """The client learns at once that its reply has begun, before there is any content."""
    encoder = ResponsesStreamEncoder(exchange())
    first = encoder.encode(START)
    assert first.startswith(b'event: response.created\ndata: {"type":"response.created","sequence_number":0,')
    assert first.count(b"\n\n") == 2
    assert b"event: response.in_progress\n" in first


def test_text_delta_is_this_on_the_wire() -> None:
    """A delta holds its place, its text and its number, and nothing else."""
    encoder = ResponsesStreamEncoder(exchange())
    for event in (START, PartStart(0, PartKind.TEXT), PartDelta(0, "a")):
        encoder.encode(event)
    assert encoder.encode(PartDelta(0, '100% "é"')) == (
        b"event: response.output_text.delta\n"
        b'data: {"type":"response.output_text.delta","item_id":"msg_0123456789abcdefghijABCD00","output_index":0,'
        b'"content_index":0,"delta":"100% \\"\xc3\xa9\\"","logprobs":[],"sequence_number":5}\n\n'
    )


def test_each_delta_goes_out_when_it_comes() -> None:
    """No text waits for later events: every delta gives bytes at once."""
    encoder = ResponsesStreamEncoder(exchange())
    for event in (START, PartStart(0, PartKind.TEXT)):
        encoder.encode(event)
    assert all(word in encoder.encode(PartDelta(0, word.decode())) for word in (b"one", b"two", b"three"))


def test_message_after_a_call_has_a_new_index_and_id() -> None:
    """Text after a tool call is another item, with another place and another id."""
    output = final(stream_of([START, *text(0, "a"), *call(1, "add"), *text(2, "b"), *ENDED], exchange()))["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]
    assert len({item["id"] for item in output}) == 3


def test_open_items_are_completed_in_order_before_the_terminal_event() -> None:
    """What is still open at the finish is completed in the order of output_index."""
    events = [
        START,
        PartStart(0, PartKind.REASONING),
        PartDelta(0, "hm"),
        PartStart(1, PartKind.TEXT),
        PartDelta(1, "a"),
        PartStart(2, PartKind.TOOL_CALL, "c2", "add"),
        *ENDED,
    ]
    events_seen = check(stream_of(events, exchange()))
    done = [event["output_index"] for event in events_seen if event["type"] == "response.output_item.done"]
    assert done == [0, 1, 2]


def test_message_is_completed_as_soon_as_something_else_begins() -> None:
    """A message does not stay open beside the call that follows it."""
    seen = names(stream_of([START, *text(0, "a"), *call(1, "add"), *ENDED], exchange()))
    assert seen.index("output_item.done") < len(seen) - 1 - seen[::-1].index("output_item.added")


def test_message_that_a_call_overtook_is_completed_with_its_last_part() -> None:
    """Text that goes on beside a call belongs to its message, which is complete once the text is."""
    encoder = ResponsesStreamEncoder(exchange())
    before = (PartDelta(0, "a"), PartStart(1, PartKind.TOOL_CALL, "c", "add"), PartDelta(0, "b"))
    for event in (START, PartStart(0, PartKind.TEXT), *before):
        encoder.encode(event)
    assert b"event: response.output_item.done\n" in encoder.encode(PartEnd(0))


def test_delta_of_an_ended_part_is_not_sent() -> None:
    """Nothing is added to a text that the client was told is complete."""
    encoder = ResponsesStreamEncoder(exchange())
    for event in (START, *text(0, "a")):
        encoder.encode(event)
    assert encoder.encode(PartDelta(0, "b")) == b""


def test_delta_after_the_finish_is_a_defect() -> None:
    """A decoder that goes on after the finish is not hidden."""
    encoder = ResponsesStreamEncoder(exchange())
    for event in (START, PartStart(0, PartKind.TEXT), PartDelta(0, "a"), Finish(StopReason.END)):
        encoder.encode(event)
    with pytest.raises(OutOfOrder):
        encoder.encode(PartDelta(0, "b"))


def test_custom_input_comes_in_one_delta() -> None:
    """The wrapper of a custom tool's input is never seen by the client, whole or in part."""
    stream = stream_of([START, *call(0, "patch", '{"in', 'put":"x', 'y"}'), *ENDED], exchange(tools=FREEFORM))
    deltas = [event["delta"] for event in check(stream) if event["type"].endswith("input.delta")]
    assert deltas == ["xy"]


@pytest.mark.parametrize(
    ("name", "item_type"),
    [
        ("patch", "custom_tool_call"),
        ("shell", "shell_call"),
        ("local_shell", "local_shell_call"),
        ("apply_patch", "apply_patch_call"),
        ("unheard_of", "function_call"),
    ],
)
def test_call_is_the_kind_of_item_that_the_client_declared(name: str, item_type: str) -> None:
    """A function that the upstream called comes back as the tool that it stood for."""
    (item,) = final(stream_of([START, *call(0, name, "{}"), *ENDED], exchange(tools=FREEFORM)))["output"]
    assert item["type"] == item_type


@pytest.mark.parametrize(
    ("name", "arguments", "lost"),
    [
        ("shell", '{"commands":["ls"],"timeout_ms":5}', ()),
        ("shell", '{"commands":"ls"}', ("reply:output[0].action",)),
        ("shell", '{"commands":["ls"],"sudo":true}', ("reply:output[0].action",)),
        ("shell", "ls", ("reply:output[0].action",)),
        ("local_shell", '{"command":["ls"]}', ()),
        ("local_shell", '{"command":["ls"],"env":[]}', ("reply:output[0].action",)),
        ("apply_patch", '{"operation":{"type":"delete_file","path":"a"}}', ()),
        ("apply_patch", '{"type":"delete_file","path":"a"}', ()),
        ("apply_patch", '{"operation":{"type":"delete_file","path":1}}', ("reply:output[0].operation",)),
        ("patch", "*** Begin", ()),
        ("add", "no object", ()),
    ],
)
def test_arguments_that_an_action_cannot_say_are_reported(name: str, arguments: str, lost: tuple[str, ...]) -> None:
    """What the model wrote in another form than the tool's is in the ledger of the reply, in both forms of it."""
    events = [START, *call(0, name, arguments), *ENDED]
    on = exchange(tools=FREEFORM)
    stream_of(events, on)
    assert on.lost.coerced == lost
    on = exchange(tools=FREEFORM)
    encode_reply(collect(events), on)
    assert on.lost.coerced == lost


def test_namespace_and_name_are_the_clients_own() -> None:
    """A name that was rewritten for the upstream is taken back, with the namespace on the item."""
    tools = [{"type": "namespace", "name": "math", "tools": [{"type": "custom", "name": "prove"}]}]
    on = exchange({"math__prove": ("math", "prove")}, tools=tools)
    (item,) = final(stream_of([START, *call(0, "math__prove", '{"input":"x"}'), *ENDED], on))["output"]
    assert (item["type"], item["namespace"], item["name"], item["input"]) == ("custom_tool_call", "math", "prove", "x")


def test_one_name_in_two_namespaces_keeps_each_kind() -> None:
    """The namespace decides which of two tools of one name was called."""
    tools = [
        {"type": "namespace", "name": "math", "tools": [{"type": "custom", "name": "prove"}]},
        {"type": "function", "name": "prove"},
    ]
    on = exchange({"math__prove": ("math", "prove")}, tools=tools)
    output = final(stream_of([START, *call(0, "prove"), *call(1, "math__prove"), *ENDED], on))["output"]
    assert [item["type"] for item in output] == ["function_call", "custom_tool_call"]


def test_summary_streams_in_events_of_its_own() -> None:
    """A summary of thoughts is announced with its first word, and is in the item's `summary`, not its `content`."""
    events = part(0, PartKind.REASONING, "let ", "me", summary=True)
    stream = stream_of([START, *events, *ENDED], exchange())
    assert names(stream) == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "completed",
    ]
    (item,) = final(stream)["output"]
    assert item["summary"] == [{"type": "summary_text", "text": "let me"}]
    assert "content" not in item


def test_search_streams_as_a_call_of_the_web() -> None:
    """A search has its item and the three events of its progress; what it asked for is in the complete item."""
    stream = stream_of([START, *search(0), *ENDED], exchange())
    assert names(stream) == [
        "created",
        "in_progress",
        "output_item.added",
        "web_search_call.in_progress",
        "web_search_call.searching",
        "web_search_call.completed",
        "output_item.done",
        "completed",
    ]
    assert final(stream)["output"] == [
        {
            "type": "web_search_call",
            "id": "ws_0123456789abcdefghijABCD00",
            "status": "completed",
            "action": {"type": "search", "query": "owls", "queries": ["owls", "barn owls"]},
        }
    ]


def test_sources_of_a_search_go_to_clients_that_ask_for_them() -> None:
    """The pages that were found are in the item iff the request includes them."""
    on = exchange(include=["web_search_call.action.sources"])
    (item,) = final(stream_of([START, *search(0), *ENDED], on))["output"]
    assert item["action"]["sources"] == [{"type": "url", "url": "http://a"}, {"type": "url", "url": "http://b"}]


@pytest.mark.parametrize("store", [True, False])
def test_native_search_goes_to_clients_that_keep_the_state(store: bool) -> None:
    """What only the provider reads of its search is in the complete item, iff the client keeps what it is given."""
    events = [PartStart(0, PartKind.WEB_SEARCH), PartSearch(0, replace(FOUND, opaque="gw1.state")), PartEnd(0)]
    seen = check(stream_of([START, *events, *ENDED], exchange(store=store)))
    items = [event["item"] for event in seen if "item" in event] + seen[-1]["response"]["output"]
    assert [item.get("encrypted_content") for item in items] == [None, *([None] * 2 if store else ["gw1.state"] * 2)]


def test_search_that_broke_off_is_incomplete() -> None:
    """A failure in the middle of a search leaves an incomplete item."""
    stream = stream_of([START, PartStart(0, PartKind.WEB_SEARCH), BROKEN], exchange())
    assert [item["status"] for item in final(stream)["output"]] == ["incomplete"]


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({}, None),
        ({"include": ["reasoning.encrypted_content"]}, "gw1.state"),
        ({"store": False}, "gw1.state"),
        ({"store": True}, None),
    ],
)
def test_reasoning_state_goes_to_clients_that_keep_it(members: dict[str, Any], shown: str | None) -> None:
    """encrypted_content comes with the complete item and the terminal event, iff included or nothing is stored."""
    events = [PartStart(0, PartKind.REASONING), PartDelta(0, "hm"), PartOpaque(0, "gw1.state"), PartEnd(0)]
    seen = check(stream_of([START, *events, *ENDED], exchange(**members)))
    added, done = (
        next(event["item"] for event in seen if event["type"] == f"response.output_item.{what}")
        for what in ("added", "done")
    )
    assert "encrypted_content" not in added
    assert done.get("encrypted_content") == shown
    assert seen[-1]["response"]["output"][0].get("encrypted_content") == shown


@pytest.mark.parametrize(
    ("reason", "reported"),
    [
        (StopReason.MAX_TOKENS, "max_output_tokens"),
        (StopReason.CONTEXT_WINDOW, "max_output_tokens"),
        (StopReason.REFUSAL, "content_filter"),
    ],
)
def test_reply_that_was_cut_short_ends_incomplete(reason: StopReason, reported: str) -> None:
    """A limit or a filter ends the stream with response.incomplete, its reason, and the whole output."""
    events = [START, *text(0, "half"), Finish(reason), USAGE, End()]
    on = exchange()
    response = final(stream_of(events, on))
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": reported})
    assert response["output"][0]["content"][0]["text"] == "half"
    assert response == encode_reply(collect(events), on)


def test_unexplained_refusal_becomes_a_refusal_part() -> None:
    """A model that said nothing but why it declines is shown as a message that refuses; the reply is complete."""
    events = [START, Finish(StopReason.REFUSAL, detail="Not that."), End()]
    on = exchange()
    response = final(stream_of(events, on))
    assert response["status"] == "completed"
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": "Not that."}]
    assert response == encode_reply(collect(events), on)


def test_terminal_event_waits_for_the_usage() -> None:
    """The finish closes the items; the terminal event comes with the end, so that the usage is in it."""
    encoder = ResponsesStreamEncoder(exchange())
    for event in (START, *text(0, "a")):
        encoder.encode(event)
    assert b"response.completed" not in encoder.encode(Finish(StopReason.END))
    assert encoder.encode(USAGE) == b""
    assert b'"total_tokens":25' in encoder.encode(End())


def test_unknown_usage_is_null() -> None:
    """Counts that the upstream did not give are not made up."""
    assert final(stream_of([START, Finish(StopReason.END), End()], exchange()))["usage"] is None


@pytest.mark.parametrize(
    "before",
    [
        [],
        [START],
        [START, PartStart(0, PartKind.TEXT), PartDelta(0, "half")],
        [START, PartStart(0, PartKind.TOOL_CALL, "c", "patch"), PartDelta(0, '{"input":"hal')],
        [START, *text(0, "a"), Finish(StopReason.END)],
    ],
)
def test_failure_ends_the_stream_with_an_error_and_response_failed(before: list[Event]) -> None:
    """Wherever it breaks, an error event in both of its forms comes, then response.failed, and nothing after it."""
    encoder = ResponsesStreamEncoder(exchange(tools=FREEFORM))
    stream = b"".join(encoder.encode(event) for event in (*before, BROKEN))
    seen = check(stream)
    assert [event["type"] for event in seen[-2:]] == ["error", "response.failed"]
    assert seen[-2]["error"]["code"] == seen[-2]["code"] == "upstream_truncated"
    assert seen[-1]["response"]["error"] == {"code": "upstream_truncated", "message": "cut off"}
    assert all(encoder.encode(event) == b"" for event in (PartDelta(0, "x"), *ENDED, BROKEN))


def test_failed_response_holds_the_output_so_far() -> None:
    """What came before the failure is in response.failed: whole items completed, the last one incomplete."""
    before = [START, *call(0, "add", "{}"), PartStart(1, PartKind.TEXT), PartDelta(1, "half")]
    output = final(stream_of([*before, BROKEN], exchange()))["output"]
    assert [item["status"] for item in output] == ["completed", "incomplete"]
    assert output[1]["content"][0]["text"] == "half"


def test_half_a_custom_input_is_not_shown() -> None:
    """A wrapper that was cut cannot be taken off, so that a failed response shows no input at all."""
    before = [START, PartStart(0, PartKind.TOOL_CALL, "c", "patch"), PartDelta(0, '{"input":"hal')]
    assert final(stream_of([*before, BROKEN], exchange(tools=FREEFORM)))["output"][0]["input"] == ""


def test_sdk_raises_on_a_failure() -> None:
    """The official client raises APIError on the error event, with the message."""
    stream = stream_of([START, *text(0, "half"), BROKEN], exchange())
    with pytest.raises(openai.APIError, match="cut off"):
        iterated(stream)


def test_keep_alive_is_a_comment_that_the_sdk_ignores() -> None:
    """A comment between events changes nothing for the client."""
    encoder = ResponsesStreamEncoder(exchange())
    assert encoder.keep_alive() == b": keep-alive\n\n"
    events = [START, *text(0, "a"), *ENDED]
    stream = b"".join(encoder.encode(event) + encoder.keep_alive() for event in events)
    assert check(stream)
    assert streamed(stream).output_text == "a"


def test_item_ids_do_not_depend_on_the_form() -> None:
    """The same reply has the same ids streamed and whole, and every time."""
    on, events = scenario("everything")
    assert stream_of(events, on) == stream_of(events, on)
    whole = encode_reply(collect(events), on)
    assert [item["id"] for item in final(stream_of(events, on))["output"]] == [item["id"] for item in whole["output"]]
