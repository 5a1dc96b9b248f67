"""Streams of chat upstreams: the standard's, and the deviations of vendors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.chat.decoding import calls_of, events_of, piece, reply_of
from tests.translation.relaying import DEPLOYMENT, chat_stream, chunk, translation
from translation.envelope import Envelope, unseal
from translation.events import (
    End,
    Finish,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.failures import Failure, FailureKind, UpstreamProtocolError
from translation.hub import Citation, ToolKind
from translation.reply import ReplyPart, collect
from translation.translator import translate_reply

STOP = chunk("stop")
MADE_UP = "call_0123456789abcdefghijABCD00"


def text_of(*chunks: dict[str, Any]) -> str:
    """Return the text of a complete stream of these chunks."""
    return "".join(part.text for part in reply_of(*chunks).parts if part.kind is PartKind.TEXT)


def test_stream_is_told_as_it_comes() -> None:
    """Start, the text in its pieces, the finish, the usage and the end are told in this order."""
    wire = chat_stream(
        {**chunk(None, role="assistant", content=""), "model": "m", "created": 7.5, "service_tier": "default"},
        chunk(None, content="Hel"),
        chunk(None, content="lo"),
        STOP,
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}},
    )
    assert events_of(wire) == [
        Start("chatcmpl-12345678", "m", 7, "default"),
        PartStart(0, PartKind.TEXT),
        PartDelta(0, "Hel"),
        PartDelta(0, "lo"),
        PartEnd(0),
        Finish(StopReason.END),
        Usage(input_tokens=9, output_tokens=3),
        End(),
    ]


def test_change_of_kind_closes_a_part_and_calls_stay_open() -> None:
    """Prose gives way to other prose and to calls; calls stay open until the finish, since their pieces may mix."""
    wire = chat_stream(
        chunk(None, content="a"),
        piece(index=0, id="1", name="f"),
        piece(index=1, id="2", name="g"),
        chunk(None, content="b"),
        piece(index=0, arguments="{}"),
        chunk("tool_calls"),
    )
    told = [(type(event), getattr(event, "key", None)) for event in events_of(wire)]
    assert told == [
        (Start, None),
        (PartStart, 0),
        (PartDelta, 0),
        (PartEnd, 0),
        (PartStart, 1),
        (PartStart, 2),
        (PartStart, 3),
        (PartDelta, 3),
        (PartDelta, 1),
        (PartEnd, 3),
        (PartEnd, 1),
        (PartEnd, 2),
        (Finish, None),
        (End, None),
    ]


NOTHING = [
    pytest.param({"choices": []}, id="a chunk without choices"),
    pytest.param({"choices": None}, id="null choices"),
    pytest.param({"id": "", "object": "", "choices": [], "prompt_filter_results": [{}]}, id="a prompt filter"),
    pytest.param({"object": "", "choices": []}, id="an empty object"),
    pytest.param(chunk(None), id="an empty delta"),
    pytest.param({"choices": [{"index": 0, "delta": None}]}, id="a null delta"),
    pytest.param({"choices": [{"index": 0}]}, id="no delta"),
    pytest.param(chunk(None, content=""), id="an empty text"),
    pytest.param(chunk(None, content=None, refusal=None, tool_calls=None), id="null members"),
    pytest.param(
        chunk(None, content="", reasoning="", reasoning_content="", refusal="", tool_calls=[]), id="empty ones"
    ),
    pytest.param(chunk("", content=""), id="an empty finish reason"),
    pytest.param({"choices": [{"index": 1, "delta": {"content": "other"}}]}, id="another choice"),
    pytest.param(chunk(None, obfuscation="xyz", channel="final"), id="members that nobody knows"),
]


@pytest.mark.parametrize("nothing", NOTHING)
def test_chunk_that_says_nothing_leaves_no_trace(nothing: dict[str, Any]) -> None:
    """A chunk without words starts no part and ends no stream, before, between and after those with words."""
    reply = reply_of(nothing, chunk(None, content="a"), nothing, chunk(None, content="b"), nothing, STOP, nothing)
    assert reply.parts == (ReplyPart(kind=PartKind.TEXT, text="ab"),)


CALLS = [
    pytest.param(
        [piece(index=0, id="1", type="function", name="f", arguments=""), piece(index=0, arguments="{}")],
        [("1", "f", "{}")],
        id="the standard's way",
    ),
    pytest.param([piece(index=0, id="1", name="f", arguments='{"a":1}')], [("1", "f", '{"a":1}')], id="at once"),
    pytest.param([piece(index=0, id="1", name="f")], [("1", "f", "")], id="no arguments"),
    pytest.param(
        [piece(index=0, id="1"), piece(index=0, name="f"), piece(index=0, arguments="{}")],
        [("1", "f", "{}")],
        id="the name comes late",
    ),
    pytest.param(
        [piece(index=0, id="1", arguments='{"a"'), piece(index=0, arguments=":1}"), piece(index=0, name="f")],
        [("1", "f", '{"a":1}')],
        id="the name comes last",
    ),
    pytest.param(
        [piece(index=0, name="f"), piece(index=0, id="1"), piece(index=0, arguments="{}")],
        [("1", "f", "{}")],
        id="the id comes late",
    ),
    pytest.param(
        [piece(index=0, name="f", arguments="{"), piece(index=0, id="1", arguments="}")],
        [(MADE_UP, "f", "{}")],
        id="the id comes too late",
    ),
    pytest.param(
        [piece(index=0, name="f", arguments="{"), piece(index=0, arguments="}")], [(MADE_UP, "f", "{}")], id="no id"
    ),
    pytest.param([piece(index=0, name="f")], [(MADE_UP, "f", "")], id="no id and no arguments"),
    pytest.param(
        [piece(index=0, id="1", name="f"), *[piece(index=0, id="1", name="f", arguments=a) for a in ("{", "}")]],
        [("1", "f", "{}")],
        id="id and name in every piece",
    ),
    pytest.param(
        [piece(index=0, id="", name="f"), *[piece(index=0, id="", name="f", arguments=a) for a in ("{", "}")]],
        [(MADE_UP, "f", "{}")],
        id="the name and an empty id in every piece",
    ),
    pytest.param(
        [piece(index=None, id="1", name="f"), piece(index=None, arguments="{}")], [("1", "f", "{}")], id="index null"
    ),
    pytest.param(
        [piece(id="1", name="f", arguments="{"), piece(id="2", name="g"), piece(id="1", arguments="}")],
        [("1", "f", "{}"), ("2", "g", "")],
        id="no index, told apart by ids",
    ),
    pytest.param(
        [piece(index=0, id="1", name="f"), piece(index=0, arguments="{}"), piece(index=0, id="2", name="g")],
        [("1", "f", "{}"), ("2", "g", "")],
        id="every index 0, told apart by ids",
    ),
    pytest.param(
        [piece(index=0, id="", name="f", arguments='{"a":1}'), piece(index=0, id="", name="f", arguments='{"a":2}')],
        [(MADE_UP, "f", '{"a":1}'), (MADE_UP[:-1] + "1", "f", '{"a":2}')],
        id="every index 0 and no ids, told apart by whole arguments",
    ),
    pytest.param(
        [piece(name="f", arguments="{}"), piece(name="g"), piece(arguments="{}")],
        [(MADE_UP, "f", "{}"), (MADE_UP[:-1] + "1", "g", "{}")],
        id="neither index nor id, told apart by names",
    ),
    pytest.param(
        [piece(index=1, id="1", name="f"), piece(index=4, id="2", name="g"), piece(index=1, arguments="{}")],
        [("1", "f", "{}"), ("2", "g", "")],
        id="indexes with gaps",
    ),
    pytest.param([piece(index=0, id="1", name="f", arguments={"a": [1]})], [("1", "f", '{"a":[1]}')], id="an object"),
    pytest.param([piece(index=0, id=7, name="f", arguments="{}")], [(MADE_UP, "f", "{}")], id="an id that is a number"),
    pytest.param([piece(index="0", id="1", name="f", arguments="{}")], [("1", "f", "{}")], id="an index that is text"),
    pytest.param([piece(index=0, id="1", arguments="{}")], [], id="a call that never has a name"),
    pytest.param(
        [chunk(None, function_call={"name": "f"}), chunk(None, function_call={"arguments": "{}"})],
        [(MADE_UP, "f", "{}")],
        id="the function call of old",
    ),
]


@pytest.mark.parametrize(("chunks", "calls"), CALLS)
def test_pieces_of_calls_are_put_together(chunks: list[dict[str, Any]], calls: list[tuple[str, str, str]]) -> None:
    """Each call has one id, one name and all of its arguments, whatever the upstream makes of index and id."""
    assert calls_of(*chunks, chunk("tool_calls")) == calls


EXTRA = {"google": {"thought_signature": "Sig+1="}}


@pytest.mark.parametrize(("call_id", "told"), [("1", "1"), ("", MADE_UP)])
def test_signed_call_is_told_with_its_signature(call_id: str, told: str) -> None:
    """What an upstream must have back with a call travels in the envelope of a thought without words before it."""
    wire = chat_stream(
        chunk(None, content="a"),
        piece(index=0, id=call_id, name="f", arguments="{}", extra_content=EXTRA),
        piece(index=1, id="2", name="g", arguments="{}"),
        chunk("tool_calls"),
    )
    said, thought, signed, unsigned = collect(events_of(wire)).parts
    assert (said.text, thought.kind, thought.text) == ("a", PartKind.REASONING, "")
    assert unseal(thought.opaque) == Envelope(
        "chat", DEPLOYMENT, ({"call_id": signed.call_id, "extra_content": EXTRA},)
    )
    assert (signed.name, signed.call_id[:-2], unsigned.call_id) == ("f", told[:-2], "2")


def test_custom_call_is_one_of_free_text() -> None:
    """A custom tool's call brings its input as it is."""
    pieces = [
        {"index": 0, "id": "1", "type": "custom", "custom": {"name": "sql", "input": ""}},
        {"index": 0, "custom": {"input": "SELECT 1"}},
    ]
    (part,) = reply_of(*[chunk(None, tool_calls=[call]) for call in pieces], chunk("tool_calls")).parts
    assert (part.tool, part.name, part.text) == (ToolKind.CUSTOM, "sql", "SELECT 1")


def test_empty_custom_member_beside_a_function_is_none() -> None:
    """An upstream that sends both members with every call means the one that is filled."""
    call = {"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}, "custom": {"name": "", "input": ""}}
    (part,) = reply_of(chunk(None, tool_calls=[call]), chunk("tool_calls")).parts
    assert (part.tool, part.name, part.text) == (ToolKind.FUNCTION, "f", "{}")


THOUGHTS = [
    ([{"reasoning_content": "Hm"}, {"reasoning_content": "."}], "Hm.", {"reasoning_content": "Hm."}),
    ([{"reasoning": "Hm"}, {"reasoning": "."}], "Hm.", {"reasoning": "Hm."}),
    (
        [{"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]}],
        "Hm.",
        {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    ),
    (
        [
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
        ],
        "Hm.",
        {
            "reasoning_details": [
                {"type": "reasoning.summary", "summary": "Hm."},
                {"type": "reasoning.encrypted", "data": "x"},
            ]
        },
    ),
    (
        [{"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}],
        "",
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
    ),
    (
        [
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
            {"content": [{"type": "thinking", "thinking": "."}]},
        ],
        "Hm.",
        {"content_thoughts": "Hm."},
    ),
    ([{"reasoning_content": "Hm.", "reasoning": "Hm."}], "Hm.", {"reasoning_content": "Hm."}),
]


@pytest.mark.parametrize(("deltas", "text", "native"), THOUGHTS)
def test_thoughts_are_readable_and_kept_for_the_upstream(
    deltas: list[dict[str, Any]], text: str, native: dict[str, Any]
) -> None:
    """Reasoning under any of its names is one part, and its envelope holds the upstream's members as they came."""
    thought, said = reply_of(*[chunk(None, **delta) for delta in deltas], chunk(None, content="a"), STOP).parts
    assert (thought.kind, thought.text, said.text) == (PartKind.REASONING, text, "a")
    assert unseal(thought.opaque) == Envelope("chat", DEPLOYMENT, (native,))


def test_thoughts_in_two_runs_have_an_envelope_each() -> None:
    """Thoughts that words part from each other are two parts, and nothing is in two envelopes."""
    runs = [{"reasoning_content": "One."}, {"content": "a"}, {"reasoning_content": "Two."}, {"content": "b"}]
    parts = reply_of(*[chunk(None, **run) for run in runs], STOP).parts
    envelopes = [unseal(part.opaque) for part in parts if part.kind is PartKind.REASONING]
    assert [envelope and envelope.blocks for envelope in envelopes] == [
        ({"reasoning_content": "One."},),
        ({"reasoning_content": "Two."},),
    ]


def test_content_in_parts_is_text() -> None:
    """Text that comes as a list of parts is text; members of the list that are none are ignored."""
    parts = [{"type": "text", "text": "a"}, {"type": "image_url"}, None, {"type": "text", "text": 1}]
    assert text_of(chunk(None, content=parts), chunk(None, content="b"), STOP) == "ab"


def test_refusal_is_a_part_of_its_own() -> None:
    """The model's refusal is told as one, and not as text."""
    reply = reply_of(chunk(None, refusal="I "), chunk(None, refusal="cannot."), STOP)
    assert reply.parts == (ReplyPart(kind=PartKind.REFUSAL, text="I cannot."),)


def test_sources_and_log_probabilities_belong_to_the_text() -> None:
    """Annotations of web sources and log probabilities are told with the text; other annotations are ignored."""
    annotations = [
        {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}},
        {"type": "url_citation", "url_citation": {"url": "v", "title": None, "start_index": None}},
        {"type": "file_citation", "file_citation": {}},
        {"type": "url_citation", "url_citation": {"url": 1}},
        "nonsense",
    ]
    said = chunk(None, content="a")
    said["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.1}]}
    wire = chat_stream(said, chunk(None, annotations=annotations), STOP)
    assert PartLogprobs(0, ({"token": "a", "logprob": -0.1},)) in events_of(wire)
    (part,) = reply_of(said, chunk(None, annotations=annotations), STOP).parts
    assert part.citations == (Citation("u", "t", "", 0, 1), Citation("v"))


def test_offsets_of_sources_are_those_in_their_part() -> None:
    """An upstream counts in all of its text: here a source counts in its own part, or is reported if that is closed."""
    cited = [
        {"type": "url_citation", "url_citation": {"url": url, "start_index": start, "end_index": end}}
        for url, start, end in [("first", 0, 3), ("second", 4, 7), ("both", 0, 7)]
    ]
    said = [chunk(None, content="One "), chunk(None, reasoning="Hm."), chunk(None, content="two", annotations=cited)]
    asked = translation("messages")
    *_, part = translate_reply(chat_stream(*said, STOP), asked, streamed=True).reply.parts
    assert part.citations == (Citation("second", "", "", 0, 3), Citation("both", "", "", 0, 3))
    assert asked.exchange.lost.dropped == ("reply:choices[0].message.annotations",)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", StopReason.END),
        ("eos", StopReason.END),
        ("eos_token", StopReason.END),
        ("end_turn", StopReason.END),
        ("length", StopReason.MAX_TOKENS),
        ("max_length", StopReason.MAX_TOKENS),
        ("model_length", StopReason.MAX_TOKENS),
        ("tool_calls", StopReason.TOOL_CALLS),
        ("tool_use", StopReason.TOOL_CALLS),
        ("function_call", StopReason.TOOL_CALLS),
        ("content_filter", StopReason.REFUSAL),
        ("cosmic_ray", StopReason.UNKNOWN),
    ],
)
def test_finish_reason_is_read(word: str, reason: StopReason) -> None:
    """The standard's reasons and the vendors' extras have their meaning, and an unknown one never breaks a stream."""
    assert reply_of(chunk(None, content="a"), chunk(word)).finish == Finish(reason)


COUNTS = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
USAGES = [
    pytest.param([STOP, {"choices": [], "usage": COUNTS}], id="after the finish"),
    pytest.param([{**STOP, "usage": COUNTS}], id="with the finish"),
    pytest.param([{**chunk(None, content="a"), "usage": COUNTS}, STOP], id="before the finish"),
    pytest.param([{**chunk(None), "usage": {"prompt_tokens": 1}}, {**STOP, "usage": COUNTS}], id="the last one counts"),
    pytest.param([{**STOP, "usage": COUNTS}, {"choices": [], "usage": None}], id="null does not count"),
    pytest.param([{**STOP, "usage": COUNTS}, {"choices": [], "usage": {}}], id="nor do no counts"),
    pytest.param([{**STOP, "x_groq": {"id": "r", "usage": COUNTS}}], id="in Groq's place"),
    pytest.param([{**STOP, "usage": COUNTS}, {"choices": [], "x_groq": {"id": "r"}}], id="nothing in Groq's place"),
]


@pytest.mark.parametrize("chunks", USAGES)
def test_usage_counts_wherever_it_comes(chunks: list[dict[str, Any]]) -> None:
    """Usage is read from any chunk, the last one that has any; it is told after the finish."""
    assert reply_of(*chunks).usage == Usage(input_tokens=9, output_tokens=3)


@pytest.mark.parametrize("late", [chunk(None, content="b"), piece(index=0, id="1", name="f"), chunk("length")])
def test_words_after_the_finish_are_no_part_of_the_reply(late: dict[str, Any]) -> None:
    """The finish is the last word: what a chunk says after it, but for usage and errors, is ignored."""
    assert reply_of(chunk(None, content="a"), STOP, late) == reply_of(chunk(None, content="a"), STOP)


def test_no_usage_is_unknown_usage() -> None:
    """An upstream that counts nothing gives no usage, and none is invented."""
    assert reply_of(chunk(None, content="a"), STOP).usage is None


ERRORS = [
    pytest.param(b'data: {"error":{"message":"no","code":429}}\n\n', 429, FailureKind.RATE_LIMIT, "no", id="a number"),
    pytest.param(
        b'data: {"error":{"message":"no","type":"invalid_request_error"}}\n\n',
        400,
        FailureKind.INVALID_REQUEST,
        "no",
        id="a type",
    ),
    pytest.param(
        b'event: error\ndata: {"error":{"message":"no","code":"server_error"}}\n\n',
        500,
        FailureKind.SERVER,
        "no",
        id="in an event named error",
    ),
    pytest.param(
        b'data: {"id":"g","error":{"message":"no","code":502},"choices":[{"delta":{},"finish_reason":"error"}]}\n\n',
        502,
        FailureKind.SERVER,
        "no",
        id="beside choices",
    ),
    pytest.param(b'data: {"error":"no"}\n\n', 502, FailureKind.SERVER, "no", id="a text"),
    pytest.param(b'event: error\ndata: {"x":1}\n\n', 502, FailureKind.SERVER, "without saying", id="without words"),
    pytest.param(
        b'data: {"choices":[{"delta":{},"finish_reason":"error"}]}\n\n', 502, FailureKind.SERVER, "error", id="a reason"
    ),
]


@pytest.mark.parametrize("before", [b"", chat_stream(chunk(None, content="Half"), done=False)])
@pytest.mark.parametrize(("wire", "status", "kind", "words"), ERRORS)
def test_error_in_the_stream_is_a_failure(
    before: bytes, wire: bytes, status: int, kind: FailureKind, words: str
) -> None:
    """An error in any of the forms that upstreams send fails the stream, and what comes after it is ignored."""
    failure = events_of(before + wire + chat_stream(STOP))[-1]
    assert isinstance(failure, Failure)
    assert (failure.status, failure.kind) == (status, kind)
    assert words in failure.message


def test_error_after_the_finish_is_a_failure() -> None:
    """A reply that fails between its finish and its end is no complete one."""
    wire = chat_stream(STOP, {"error": {"message": "no"}}, done=False)
    assert isinstance(events_of(wire)[-1], Failure)


@pytest.mark.parametrize("data", [b"{", b"<html>", b"[1]", b"7", b'"text"', b"[" * 100_000])
def test_event_that_is_no_chunk_is_the_upstreams_fault(data: bytes) -> None:
    """Data that is no JSON object raises, and nothing else than that."""
    with pytest.raises(UpstreamProtocolError):
        events_of(b"data: %b\n\n" % data)


def test_bytes_that_are_no_text_are_replaced() -> None:
    """A broken byte in the text is shown as such, and costs no more than itself."""
    assert events_of(b'data: {"choices":[{"delta":{"content":"a\xffb"}}]}\n\ndata: [DONE]\n\n')[2] == PartDelta(
        0, "a\N{REPLACEMENT CHARACTER}b"
    )


def test_thought_without_words_is_told_with_its_envelope() -> None:
    """Encrypted reasoning alone is a part without text, so that it can be sent back."""
    wire = chat_stream(chunk(None, reasoning_details=[{"type": "reasoning.encrypted", "data": "x"}]), STOP)
    start, opened, opaque, closed, *_ = events_of(wire)
    assert isinstance(start, Start)
    assert (opened, closed) == (PartStart(0, PartKind.REASONING), PartEnd(0))
    assert isinstance(opaque, PartOpaque)


ANNOTATION = {"type": "url_citation", "url_citation": {"url": "https://a.example"}}
SECOND = {"index": 1, "delta": {"content": "b"}, "finish_reason": None}
LOSSES = [
    pytest.param([{**chunk(None, content="a"), "choices": [{"delta": {"content": "a"}}, SECOND]}], "choices[1:]"),
    pytest.param([chunk(None, content="a"), {"choices": [SECOND]}], "choices[1:]"),
    pytest.param([chunk(None, content="a", audio={"id": "audio_1", "data": "UklG"})], "choices[0].message.audio"),
    pytest.param([chunk(None, content=None, audio={"id": "audio_1"})], "choices[0].message.audio"),
    pytest.param([chunk(None, annotations=[ANNOTATION])], "choices[0].message.annotations"),
    pytest.param(
        [
            chunk(None, content="a"),
            piece(index=0, id="1", name="f", arguments="{}"),
            chunk(None, annotations=[ANNOTATION]),
        ],
        "choices[0].message.annotations",
    ),
    pytest.param(
        [chunk(None, content="a", annotations=[ANNOTATION, {"type": "file_citation", "file_citation": {}}])],
        "choices[0].message.annotations",
    ),
    pytest.param(
        [piece(index=0, name="f", arguments="{"), piece(index=0, id="1", arguments="}")],
        "choices[0].message.tool_calls[0].id",
    ),
    pytest.param(
        [piece(index=0, id="1", name="f"), piece(index=1, id="2", arguments="{}")], "choices[0].message.tool_calls[1]"
    ),
    pytest.param([STOP, chunk(None, content="late")], "choices[0].message"),
    pytest.param([chunk(None, content="a", extra_content={"google": {}})], "choices[0].message.extra_content"),
    pytest.param(
        [piece(index=0, id="1", name="f"), piece(index=0, arguments="{}", extra_content={"google": {}})],
        "choices[0].message.tool_calls[0].extra_content",
    ),
]


@pytest.mark.parametrize(("chunks", "path"), LOSSES)
def test_what_no_event_can_say_is_reported(chunks: list[dict[str, Any]], path: str) -> None:
    """Other choices, sound, sources without text and pieces that come too late stand in the reply's ledger."""
    asked = translation("messages")
    translate_reply(chat_stream(*chunks, STOP), asked, streamed=True)
    assert (asked.exchange.lost.dropped, asked.exchange.lost.coerced) == ((f"reply:{path}",), ())


@pytest.mark.parametrize(("word", "changed"), [("cosmic_ray", ("reply:choices[0].finish_reason",)), ("eos", ())])
def test_unknown_reason_is_reported(word: str, changed: tuple[str, ...]) -> None:
    """A reason to stop that nobody knows counts as a normal end, and is reported; one that vendors use is not."""
    asked = translation("messages")
    translate_reply(chat_stream(chunk(None, content="a"), chunk(word)), asked, streamed=True)
    assert (asked.exchange.lost.dropped, asked.exchange.lost.coerced) == ((), changed)


def test_ordinary_stream_loses_nothing() -> None:
    """Text with its source, thoughts, a call with its id, usage and an empty last delta leave the ledger empty."""
    said = [
        chunk(None, role="assistant", content="", reasoning_content="Hm."),
        chunk(None, content="a", annotations=[ANNOTATION]),
        piece(index=0, id="1", type="function", name="f", arguments=""),
        piece(index=0, id="1", arguments="{}"),
        chunk("tool_calls"),
        {**chunk(None), "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
    ]
    asked = translation("messages")
    translate_reply(chat_stream(*said), asked, streamed=True)
    assert (asked.exchange.lost.dropped, asked.exchange.lost.coerced) == ((), ())
