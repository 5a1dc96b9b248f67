"""Streams of responses upstreams as hub events, with what vendors make of the grammar."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translation.responses.upstream.asking import (
    added,
    call,
    completed,
    created,
    delta,
    done,
    events_of,
    message,
    reply_of,
    rs,
    stream_of,
)
from translation.envelope import unseal
from translation.events import (
    Finish,
    PartCitation,
    PartKind,
    PartOpaque,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.failures import Failure, UpstreamProtocolError
from translation.hub import Citation, ToolKind
from translation.reply import Reply
from translation.shapes.openai_errors import decode_error

SUMMARY = "reasoning_summary_text"
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
}


def said(reply: Reply) -> list[tuple[PartKind, str]]:
    """Return kind and text of each part."""
    return [(part.kind, part.text) for part in reply.parts]


def calls(reply: Reply) -> list[tuple[str, str, str]]:
    """Return id, name and arguments of each call."""
    return [(part.call_id, part.name, part.text) for part in reply.parts if part.kind is PartKind.TOOL_CALL]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_text_is_told_as_it_comes(size: int) -> None:
    """A stream in reads of any size gives one text part, its frame, its usage and its end."""
    stream = stream_of(
        created(service_tier="default"),
        added(0, type="message", role="assistant", content=[]),
        delta("output_text", 0, "Grüß", content_index=0),
        delta("output_text", 0, "e 👋", content_index=0),
        completed(message("Grüße 👋"), usage=USAGE),
    )
    events = events_of(stream, size)
    assert events[0] == Start("resp_1", "m-1", 1_700_000_000, "default")
    assert [event.text for event in events if hasattr(event, "text")] == ["Grüß", "e 👋"]
    assert events[-3:-1] == [Finish(StopReason.END), Usage(50, 30, 20, 9, 4)]


def test_item_is_known_by_its_index_and_not_by_its_id() -> None:
    """A vendor that gives every event another item id tells one message all the same."""
    pieces = [delta("output_text", 0, text, item_id=f"rotating_{text}") for text in "abc"]
    reply = reply_of(
        created(), added(0, type="message", id="x", content=[]), *pieces, completed(message("abc", id="y"))
    )
    assert said(reply) == [(PartKind.TEXT, "abc")]


def test_item_is_known_by_its_id_where_the_index_is_missing() -> None:
    """Two calls in pieces without an index are kept apart by the ids."""
    pieces = [("fc_1", '{"a":'), ("fc_2", '{"b":'), ("fc_1", "1}"), ("fc_2", "2}")]
    reply = reply_of(
        *({"type": "response.output_item.added", "item": call(i, i, "", id=f"fc_{i}")} for i in "12"),
        *({"type": "response.function_call_arguments.delta", "item_id": i, "delta": text} for i, text in pieces),
        completed(call("1", "1", '{"a":1}', id="fc_1"), call("2", "2", '{"b":2}', id="fc_2")),
    )
    assert calls(reply) == [("1", "1", '{"a":1}'), ("2", "2", '{"b":2}')]


def test_items_that_all_have_the_index_0_are_kept_apart() -> None:
    """A vendor that counts no items tells thoughts, text and two calls, each once."""
    output = [
        rs(summary=[{"type": "summary_text", "text": "hm"}]),
        message("hi"),
        call("1", "f", "{}"),
        call("2", "f", "[]"),
    ]
    reply = reply_of(
        delta(SUMMARY, 0, "hm", summary_index=0),
        delta("output_text", 0, "hi"),
        *(event for item in output[2:] for event in (added(0, **{**item, "arguments": ""}), done(0, **item))),
        completed(*output),
    )
    assert said(reply)[:2] == [(PartKind.REASONING, "hm"), (PartKind.TEXT, "hi")]
    assert calls(reply) == [("1", "f", "{}"), ("2", "f", "[]")]


@pytest.mark.parametrize("told", ["", '{"a"', '{"a":1}'])
def test_whole_arguments_complete_the_pieces(told: str) -> None:
    """Arguments that only the event with the whole has are told once, and those told before are not repeated."""
    whole = {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a":1}'}
    item = call("c", "f", '{"a":1}')
    start = added(0, **{**item, "arguments": ""})
    reply = reply_of(start, delta("function_call_arguments", 0, told), whole, done(0, **item), completed(item))
    assert calls(reply) == [("c", "f", '{"a":1}')]


@pytest.mark.parametrize("repeat", ["text", "part", "item", "response"])
def test_text_without_pieces_is_told_from_whatever_repeats_it(repeat: str) -> None:
    """A text that came in no delta is told from the first event that has it, and once."""
    events: dict[str, dict[str, Any]] = {
        "text": {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "hi"},
        "part": {
            "type": "response.content_part.done",
            "output_index": 0,
            "content_index": 0,
            "part": {"type": "output_text", "text": "hi"},
        },
        "item": done(0, **message("hi")),
        "response": {"type": "response.in_progress"},
    }
    start = added(0, type="message", content=[])
    assert said(reply_of(created(), start, events[repeat], completed(message("hi")))) == [(PartKind.TEXT, "hi")]


def test_items_that_only_the_last_event_has_are_told_from_there() -> None:
    """A stream of nothing but its first and its last event is a whole reply, in the order of the output."""
    output = [rs(encrypted_content="E"), message("a"), call("c", "f", "{}")]
    reply = reply_of(created(), completed(*output))
    assert said(reply) == [(PartKind.REASONING, ""), (PartKind.TEXT, "a"), (PartKind.TOOL_CALL, "{}")]
    assert reply.finish == Finish(StopReason.TOOL_CALLS)


def test_last_event_that_counts_otherwise_repeats_nothing() -> None:
    """A last event that leaves the thoughts out, so that all indexes differ, tells nothing twice."""
    reply = reply_of(
        delta(SUMMARY, 0, "hm"),
        delta("output_text", 1, "hi"),
        added(2, **call("c", "f", "")),
        completed(message("hi"), call("c", "f", "{}")),
    )
    assert said(reply) == [(PartKind.REASONING, "hm"), (PartKind.TEXT, "hi"), (PartKind.TOOL_CALL, "{}")]


def test_call_waits_for_its_name() -> None:
    """Arguments that come before anything says what is called are told when the item does."""
    reply = reply_of(delta("function_call_arguments", 0, "{}"), done(0, **call("c", "f", "{}")), completed())
    assert calls(reply) == [("c", "f", "{}")]


def test_call_without_an_id_gets_one() -> None:
    """A call can be answered even if the upstream gave no id."""
    ((call_id, name, _),) = calls(reply_of(completed({"type": "function_call", "name": "f", "arguments": "{}"})))
    assert (bool(call_id), name) == (True, "f")


def test_custom_call_is_told_as_one() -> None:
    """The free text of a custom tool is no function's arguments."""
    item = {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "*** Begin"}
    reply = reply_of(added(0, **{**item, "input": ""}), delta("custom_tool_call_input", 0, "*** Be"), completed(item))
    assert [(part.tool, part.text) for part in reply.parts] == [(ToolKind.CUSTOM, "*** Begin")]


@pytest.mark.parametrize(
    ("item", "arguments"),
    [
        ({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}, '{"commands":["ls"]}'),
        ({"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}}, '{"command":["ls"]}'),
        (
            {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}},
            '{"operation":{"type":"delete_file","path":"a"}}',
        ),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": {"a": 1}}, '{"a":1}'),
        ({"type": "shell_call", "call_id": "c", "action": None}, ""),
    ],
)
def test_calls_of_other_forms_have_arguments_all_the_same(item: dict[str, Any], arguments: str) -> None:
    """Actions, operations and arguments that came as an object are argument strings."""
    ((_, _, told),) = calls(reply_of(completed(item)))
    assert told == arguments


def test_summaries_are_joined_by_blank_lines() -> None:
    """Several summaries are one text, in a stream as in the item that repeats them."""
    item = rs(summary=[{"type": "summary_text", "text": text} for text in ("one", "two")], encrypted_content="E")
    pieces = [delta(SUMMARY, 0, "one", summary_index=0), delta(SUMMARY, 0, "tw", summary_index=1)]
    whole = {"type": f"response.{SUMMARY}.done", "output_index": 0, "summary_index": 1, "text": "two"}
    assert said(reply_of(*pieces, whole, done(0, **item), completed(item))) == [(PartKind.REASONING, "one\n\ntwo")]
    assert said(reply_of(completed(item))) == [(PartKind.REASONING, "one\n\ntwo")]


def test_thoughts_are_told_where_there_is_no_summary() -> None:
    """Readable thoughts are the text of the part; a summary that follows them is not added to it."""
    item = rs(content=[{"type": "reasoning_text", "text": "hm"}], summary=[{"type": "summary_text", "text": "short"}])
    reply = reply_of(delta("reasoning_text", 0, "h"), delta(SUMMARY, 0, "short"), done(0, **item), completed(item))
    assert said(reply) == [(PartKind.REASONING, "hm")]


def test_state_of_reasoning_is_that_of_the_whole_item() -> None:
    """The announcement's state is not complete; what is sealed is the item that `done` repeats, as it came."""
    item = rs(encrypted_content="final", status="completed")
    reply = reply_of(added(0, **rs(encrypted_content="early")), done(0, **item), completed(item))
    sealed = unseal(reply.parts[0].opaque)
    assert sealed is not None
    assert (sealed.origin, sealed.blocks) == ("responses", (item,))


@pytest.mark.parametrize(
    ("successor", "hint"),
    [
        (message("a", phase="commentary"), ({"type": "message", "phase": "commentary"},)),
        (call("c", "f", "{}"), ({"type": "function_call", "call_id": "c"},)),
        (message("a"), ()),
        ({"type": "code_interpreter_call", "id": "ci_1"}, ()),
    ],
)
def test_envelope_says_what_the_reasoning_led_to(successor: dict[str, Any], hint: tuple[Any, ...]) -> None:
    """A phase and a call's id, which tell where the item belongs, travel in the envelope; both forms agree."""
    item, search = rs(encrypted_content="E"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    streamed = reply_of(
        done(0, **item),
        added(1, type="web_search_call", id="ws_1"),
        done(1, **search),
        added(2, **successor),
        completed(),
    )
    whole = reply_of(completed(item, search, successor))
    for reply in (streamed, whole):
        sealed = unseal(reply.parts[0].opaque)
        assert sealed is not None
        assert sealed.blocks == (item, search, *hint)


def test_part_ends_before_the_next_item_is_told() -> None:
    """Reasoning that waits for the item after it ends before that item starts."""
    events = events_of(stream_of(done(0, **rs(encrypted_content="E")), added(1, **call("c", "f", "")), completed()))
    order = [type(event) for event in events if isinstance(event, PartOpaque | PartStart)]
    assert order == [PartStart, PartOpaque, PartStart]


@pytest.mark.parametrize("item", [rs(), rs(summary=[{"type": "summary_text", "text": ""}])])
def test_reasoning_with_nothing_in_it_leaves_no_trace(item: dict[str, Any]) -> None:
    """An item without words and without state is no part of the reply."""
    assert reply_of(added(0, **rs()), done(0, **item), completed(item)).parts == ()


def test_source_is_told_once() -> None:
    """A web source that several events repeat is one citation, with the words that it supports; a file is none."""
    source = {"type": "url_citation", "url": "https://a.test", "title": "A", "start_index": 1, "end_index": 3}
    part = {"type": "output_text", "text": "abcd", "annotations": [{"type": "file_citation", "file_id": "f"}, source]}
    told = {"type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0}
    item = {"type": "message", "content": [part]}
    expected = [Citation("https://a.test", "A", "bc", 1, 3)]
    pieces = [delta("output_text", 0, "abcd"), *({**told, "annotation": each} for each in part["annotations"])]
    for events in ([*pieces, done(0, **item), completed(item)], [completed(item)]):
        cited = [event.citation for event in events_of(stream_of(*events)) if isinstance(event, PartCitation)]
        assert cited == expected


def test_log_probabilities_are_told_once() -> None:
    """Those of the deltas are not repeated with the whole, which may have been rounded."""
    first, second = {"token": "a", "logprob": -0.123}, {"token": "b", "logprob": -1}
    part = {"type": "output_text", "text": "ab", "logprobs": [{**first, "logprob": -0.1}, second]}
    item = {"type": "message", "content": [part]}
    reply = reply_of(delta("output_text", 0, "a", logprobs=[first]), done(0, **item), completed(item))
    assert reply.parts[0].logprobs == (first, second)


def test_refusal_is_a_part_of_its_own() -> None:
    """The model's refusal is neither text nor the end by a filter."""
    item = {"type": "message", "content": [{"type": "refusal", "refusal": "No, thanks."}]}
    reply = reply_of(delta("refusal", 0, "No, "), completed(item))
    assert (said(reply), reply.finish.reason) == ([(PartKind.REFUSAL, "No, thanks.")], StopReason.END)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("max_output_tokens", StopReason.MAX_TOKENS),
        ("max_messages", StopReason.MAX_TOKENS),
        ("content_filter", StopReason.REFUSAL),
        ("steered", StopReason.UNKNOWN),
        (None, StopReason.UNKNOWN),
    ],
)
def test_incomplete_reply_says_why(reason: str | None, expected: StopReason) -> None:
    """A reply that was cut short is no finished one, not even with a call in it: half a call must not be run."""
    details = None if reason is None else {"reason": reason}
    response = {"status": "incomplete", "incomplete_details": details, "output": [call("c", "f", '{"a')]}
    reply = reply_of(created(), {"type": "response.incomplete", "response": response})
    assert (reply.finish.reason, calls(reply)) == (expected, [("c", "f", '{"a')])


ERRORS = {
    "flat": {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": None},
    "nested": {"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "Slow down."}},
    "typeless": {"error": {"code": "rate_limit_exceeded", "message": "Slow down."}},
    "failed": {
        "type": "response.failed",
        "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}},
    },
}


@pytest.mark.parametrize("form", ERRORS)
@pytest.mark.parametrize("begun", [True, False])
def test_failure_is_told_once_in_every_form(form: str, begun: bool) -> None:
    """An error in any form is one failure with its status and words; what follows it is not told."""
    error = {"type": "", **ERRORS[form]} if form == "typeless" else ERRORS[form]
    events = events_of(
        stream_of(*([created(), delta("output_text", 0, "a")] if begun else []), error, ERRORS["failed"])
    )
    failures = [event for event in events if isinstance(event, Failure)]
    assert [(failure.status, failure.message) for failure in failures] == [(429, "Slow down.")]
    assert events[-1] is failures[0]


@pytest.mark.parametrize("form", ERRORS)
def test_first_event_that_is_an_error_has_its_status(form: str) -> None:
    """Before the client has read anything, the event alone tells the status that it gets."""
    failure = decode_error(200, msgspec.json.encode(ERRORS[form]))
    assert (failure.status, failure.message) == (429, "Slow down.")


def test_event_named_error_needs_no_type() -> None:
    """The name on the event's own line says enough."""
    (failure,) = events_of(b'event: error\ndata: {"message":"Boom."}\n\n')
    assert isinstance(failure, Failure)
    assert failure.message == "Boom."


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
def test_stream_that_is_cut_is_a_failure(end: bytes) -> None:
    """Without the last event a reply is not complete, whatever has come of it."""
    events = events_of(stream_of(created(), done(0, **call("c", "f", "{}"))) + end)
    assert isinstance(events[-1], Failure)
    assert events[-1].code == "upstream_truncated"


def test_other_framings_are_read() -> None:
    """Events without a name, unknown events, padding and a `[DONE]` at the end change nothing."""
    plain = stream_of(
        created(),
        {"type": "response.queued", "response": {}},
        {"type": "response.brand_new.delta", "delta": "?"},
        {"type": "keepalive"},
        added(0, **message(), obfuscation="xx"),
        delta("output_text", 0, "hi", obfuscation="8fTz"),
        completed(message("hi")),
    )
    bare = b"".join(line + b"\n\n" for line in plain.split(b"\n") if line.startswith(b"data"))
    assert events_of(bare + b"data: [DONE]\n\n") == events_of(plain)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_item.added", "output_index": "0", "item": None},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": 7}},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "content": "hi"}},
        {"type": "response.output_item.done", "output_index": 1, "item": {"type": "function_call", "arguments": 5}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": None},
        {"type": "response.output_text.delta", "output_index": 0, "delta": 5, "logprobs": 3},
        {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": {"type": "url_citation"}},
        {"type": "response.content_part.done", "output_index": 0, "part": {"type": ["output_text"]}},
        {"type": "response.created", "response": {"id": 5, "created_at": "now"}},
    ],
)
def test_members_of_another_type_are_passed_over(event: dict[str, Any]) -> None:
    """What a vendor wrote wrongly is as if it were not there."""
    assert said(reply_of(created(), event, completed(message("hi")))) == [(PartKind.TEXT, "hi")]


@pytest.mark.parametrize("data", [b"nope", b"[1]", b"[" * 3000])
def test_bytes_that_are_no_event_are_the_upstreams_fault(data: bytes) -> None:
    """What is no JSON object breaks the stream."""
    with pytest.raises(UpstreamProtocolError):
        events_of(b"data: " + data + b"\n\n")


def test_usage_without_details_is_counted() -> None:
    """Counts that a vendor leaves out are none, and not a reason to lose the others."""
    assert reply_of(completed(usage={"input_tokens": 3.0, "output_tokens": 4})).usage == Usage(3, 0, 0, 4)
    assert reply_of(completed()).usage is None
