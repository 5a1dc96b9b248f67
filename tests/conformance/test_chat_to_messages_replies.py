"""Statements about replies of chat upstreams on their way to a Messages client."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.grammar.messages import check, parse
from tests.translation import official_clients
from tests.translation.answers import ANSWERS, Answer, stream_of, whole_of
from tests.translation.chat_streams import ChatStream, chat_streams, reads
from tests.translation.relaying import DEPLOYMENT, chat_stream, chunk, cuts, streamed, translation
from translation.envelope import Envelope, unseal
from translation.failures import UpstreamProtocolError
from translation.translator import translate_reply

Wire = dict[str, Any]

USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}
COUNTED = {"choices": [], "usage": USAGE}
MADE_UP = "call_0123456789abcdefghijABCD00"


def whole(finish: str, usage: Wire | None = None, **message: Any) -> Wire:
    """Return the message that a client reads of a completion with this message."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    body = {"id": "chatcmpl-12345678", "choices": [choice], "usage": usage}
    reply: Wire = json.loads(translate_reply(json.dumps(body).encode(), translation("messages")).body)
    return reply


def events(*chunks: Wire, done: bool = True) -> list[Wire]:
    """Return the lawful events that a client reads of a stream of these chunks."""
    return check(streamed(translation("messages"), [chat_stream(*chunks, done=done)]))


def told(*chunks: Wire) -> list[Wire]:
    """Return the blocks that the official client makes of a stream of these chunks."""
    stream = streamed(translation("messages"), [chat_stream(*chunks)])
    check(stream)
    blocks: list[Wire] = official_clients.of_stream("messages", stream)["content"]
    return blocks


def called(call_id: str, name: str, arguments: str) -> Wire:
    """Return a call of a whole completion."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def piece(**members: Any) -> Wire:
    """Return a chunk with one piece of a call; `name` and `arguments` are its function's."""
    function = {key: members.pop(key) for key in ("name", "arguments") if key in members}
    return chunk(None, tool_calls=[{**members, "function": function}])


def use(call_id: str, name: str, **given: Any) -> Wire:
    """Return a call as the client reads it."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": given}


def kinds(happened: list[Wire]) -> list[str]:
    """Return what the events are about, in short."""
    return [event["type"].removeprefix("content_block_").removeprefix("message_") for event in happened]


NATIVES = [
    {"reasoning_content": "Hm."},
    {"reasoning": "Hm."},
    {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s"}]},
]


@pytest.mark.parametrize("native", NATIVES)
def test_thinking_comes_first(native: Wire) -> None:
    """111. What a chat upstream thought becomes a thinking block before the text, whose signature is an envelope with
    the upstream's own members."""
    thought, said = whole("stop", content="So.", **native)["content"]
    assert (thought["type"], thought["thinking"], said) == ("thinking", "Hm.", {"type": "text", "text": "So."})
    assert unseal(thought["signature"]) == Envelope("chat", DEPLOYMENT, (native,))


@pytest.mark.parametrize(
    ("finish", "calls", "reason"),
    [
        ("stop", [called("1", "f", "{}")], "tool_use"),
        ("tool_calls", [called("1", "f", "{}")], "tool_use"),
        ("tool_calls", [], "end_turn"),
        ("function_call", [], "end_turn"),
        ("stop", [], "end_turn"),
        ("cosmic_ray", [], "end_turn"),
    ],
)
def test_reason_follows_the_calls(finish: str, calls: list[Wire], reason: str) -> None:
    """112. A reply with a tool call stops with tool_use and one without any with end_turn, whichever of stop and
    tool_calls the upstream says."""
    assert whole(finish, content="a", tool_calls=calls)["stop_reason"] == reason
    pieces = [piece(index=0, **call["function"], id=call["id"]) for call in calls]
    ending = events(chunk(None, content="a"), *pieces, chunk(finish))[-2]
    assert ending["delta"] == {"stop_reason": reason, "stop_sequence": None}


def test_cut_arguments() -> None:
    """113. A reply that the limit cut inside a call's arguments stops with max_tokens, so that no client runs half a
    call."""
    happened = events(piece(index=0, id="1", name="f", arguments='{"a":'), chunk("length"))
    assert happened[-2]["delta"]["stop_reason"] == "max_tokens"
    assert whole("length", tool_calls=[called("1", "f", '{"a":')])["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ((115, 100, 5), (10, 100, 5)),
        ((115, None, None), (115, 0, 0)),
        ((50, 100, 5), (0, 50, 0)),
        ((100, 98, 5), (0, 98, 2)),
    ],
)
def test_usage(usage: tuple[int, int | None, int | None], counts: tuple[int, int, int]) -> None:
    """114. Of 115 prompt tokens of which 100 were read from the cache and 5 written to it, 10 are input_tokens; no
    count is ever negative."""
    prompt, cached, written = usage
    details = {"cached_tokens": cached, "cache_write_tokens": written}
    wire = {"prompt_tokens": prompt, "completion_tokens": 7, "prompt_tokens_details": details}
    streamed_usage = events(chunk("stop"), {"choices": [], "usage": wire})[-2]["usage"]
    for read in (whole("stop", wire, content="a")["usage"], streamed_usage):
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        assert tuple(read[name] for name in names) == counts
        assert read["output_tokens"] == 7


def test_start_of_a_stream() -> None:
    """115. A stream begins with message_start, also where the upstream's first chunk is a tool call."""
    happened = events(
        chunk(None, role="assistant", tool_calls=[{"index": 0, **called("call_9", "add", "")}]),
        piece(index=0, arguments='{"a"'),
        piece(index=0, arguments=":1}"),
        chunk("stop"),
        COUNTED,
    )
    assert kinds(happened) == ["start", "start", "delta", "delta", "stop", "delta", "stop"]
    assert happened[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert happened[1]["content_block"] == use("call_9", "add")
    assert happened[-2]["delta"]["stop_reason"] == "tool_use"
    usage = happened[-2]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"]) == (12, 5, 8)


@given(data=st.data(), upstream=chat_streams())
def test_blocks_never_overlap(data: st.DataObject, upstream: ChatStream) -> None:
    """116. However an upstream mixes text, thoughts and calls, each block of the stream stops exactly once, no two are
    open at once, and nothing that was said is lost."""
    happened = check(streamed(translation("messages"), data.draw(reads(upstream.wire))))
    said = [event["delta"] for event in happened if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in said) == upstream.text
    assert "".join(delta.get("thinking", "") for delta in said) == upstream.thoughts
    assert kinds(happened).count("start") == kinds(happened).count("stop")


def test_interleaved_calls() -> None:
    """117. Two calls whose arguments come by turns are two blocks, each with all of its own arguments and no others."""
    blocks = told(
        piece(index=0, id="1", name="f", arguments='{"a"'),
        piece(index=1, id="2", name="g", arguments='{"b"'),
        piece(index=0, arguments=":0}"),
        piece(index=1, arguments=":1}"),
        chunk("tool_calls"),
    )
    assert blocks == [use("1", "f", a=0), use("2", "g", b=1)]


def test_text_inside_arguments() -> None:
    """118. Text that comes while a call's arguments are incomplete is told after them, and not lost."""
    blocks = told(
        piece(index=0, id="1", name="f", arguments='{"a":"'),
        chunk(None, content="mean"),
        piece(index=0, arguments='}"}'),
        chunk(None, content="while"),
        chunk("tool_calls"),
    )
    assert [block.get("text", block.get("input")) for block in blocks] == [{"a": "}"}, "meanwhile"]


@pytest.mark.parametrize(
    ("pieces", "blocks"),
    [
        pytest.param(
            [piece(index=0, name="f"), piece(index=0, id="1"), piece(index=0, arguments="{}")],
            [use("1", "f")],
            id="late id",
        ),
        pytest.param(
            [piece(index=0, name="f", arguments="{"), piece(index=0, arguments="}")], [use(MADE_UP, "f")], id="no id"
        ),
        pytest.param(
            [piece(index=0, id="1", name="f", arguments=part) for part in ("", "{", "}")],
            [use("1", "f")],
            id="id and name in every piece",
        ),
        pytest.param(
            [piece(index=None, id="1", name="f"), piece(index=None, arguments="{}")],
            [use("1", "f")],
            id="index null",
        ),
        pytest.param(
            [
                piece(index=0, id="1", name="f", arguments='{"a":1}'),
                piece(index=0, id="2", name="g", arguments='{"b":2}'),
            ],
            [use("1", "f", a=1), use("2", "g", b=2)],
            id="all index 0 with different ids",
        ),
    ],
)
def test_deviating_pieces(pieces: list[Wire], blocks: list[Wire]) -> None:
    """119. Calls are whole and apart where their id comes late, never or in every piece with the name, where the index
    is null, and where all calls have the index 0 and different ids."""
    assert told(*pieces, chunk("tool_calls")) == blocks


def test_late_usage() -> None:
    """120. The end of the message waits for the token counts that come after the reason to stop, and tells them."""
    relay = translation("messages").stream()
    before = relay.feed(chat_stream(chunk(None, content="a"), chunk("stop"), done=False))
    assert "message_delta" not in [event["type"] for event in parse(before)]
    counted = relay.feed(chat_stream(COUNTED, done=False))
    assert counted == b""
    ending = parse(relay.feed(b"data: [DONE]\n\n"))
    assert [event["type"] for event in ending] == ["message_delta", "message_stop"]
    assert ending[0]["usage"]["output_tokens"] == 5


@pytest.mark.parametrize(
    ("arguments", "given"), [('{"a":[1]}', {"a": [1]}), ({"a": [1]}, {"a": [1]}), ("", {}), ({}, {}), (None, {})]
)
def test_forms_of_arguments(arguments: object, given: Wire) -> None:
    """121. Arguments that come in one chunk, as an object instead of its text, or as no text at all are the input of
    the call, the last as an empty object."""
    assert told(piece(index=0, id="1", name="f", arguments=arguments), chunk("tool_calls")) == [use("1", "f", **given)]


def test_no_empty_text() -> None:
    """122. Chunks whose content is empty open no text block, before, between and after what is said."""
    blocks = told(
        chunk(None, role="assistant", content=""),
        chunk(None, content="", reasoning_content="Hm."),
        chunk(None, content=""),
        piece(index=0, id="1", name="f", arguments="{}"),
        chunk(None, content=""),
        chunk("tool_calls", content=""),
    )
    assert [block["type"] for block in blocks] == ["thinking", "tool_use"]
    assert whole("tool_calls", content="", tool_calls=[called("1", "f", "{}")])["content"] == [use("1", "f")]


def test_filter_chunk() -> None:
    """123. A chunk without choices, such as the first of an upstream that filters prompts, tells the client
    nothing."""
    filtered = {"id": "", "object": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    chunks = (chunk(None, content="a"), chunk("stop"))
    assert events(filtered, *chunks) == events(*chunks)
    assert events(*chunks)[0]["message"]["id"] == "msg_12345678"


BESIDE_CHOICES = (
    b'data: {"id":"g","error":{"message":"Overloaded.","code":502},'
    b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
)
NAMED_ERROR = (
    b'event: error\ndata: {"error":{"message":"Failed to call a function.","type":"invalid_request_error",'
    b'"code":"tool_use_failed","failed_generation":"<function"}}\n\n'
)


@pytest.mark.parametrize(
    ("wire", "kind", "words"),
    [
        (BESIDE_CHOICES, "api_error", "Overloaded."),
        (NAMED_ERROR, "invalid_request_error", "Failed to call a function."),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_error_in_the_stream(wire: bytes, kind: str, words: str, size: int) -> None:
    """124. An error inside a stream, be it in a chunk with choices or in an event named error, is the client's error
    event, and the official client raises it."""
    half = chat_stream(chunk(None, content="Half"), done=False)
    stream = streamed(translation("messages"), cuts(half + wire + chat_stream(chunk("stop")), size))
    last = check(stream)[-1]
    assert (last["type"], last["error"]) == ("error", {"type": kind, "message": words})
    with pytest.raises(anthropic.APIStatusError, match=words):
        official_clients.of_stream("messages", stream)


@pytest.mark.parametrize("chunks", [[], [chunk(None, content="Half")], [piece(index=0, id="1", name="f")]])
def test_truncated_stream(chunks: list[Wire]) -> None:
    """125. A stream that ends before any reason to stop is an error for the client, and never an end_turn."""
    happened = events(*chunks, done=False)
    assert happened[-1]["type"] == "error"
    assert "message_delta" not in [event["type"] for event in happened]
    with pytest.raises(UpstreamProtocolError):
        translate_reply(chat_stream(*chunks, done=False), translation("messages"), streamed=True)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_both_forms_say_the_same(answer: Answer, size: int) -> None:
    """126. The message that the official client accumulates from a stream is the one that it reads of the same reply in
    one piece, and every event of the stream has its event line."""
    stream = streamed(translation("messages"), cuts(stream_of("chat", answer), size))
    accumulated = official_clients.of_stream("messages", stream)
    read = official_clients.of_whole(
        "messages", translate_reply(whole_of("chat", answer), translation("messages")).body
    )
    # A stream has no member for how long the cache keeps its entries.
    del read["usage"]["cache_creation"]
    assert accumulated.pop("stop_details", None) == read.pop("stop_details", None)
    assert accumulated == read
    assert [event["type"] for event in parse(stream)] == [
        line[7:] for line in stream.decode().split("\n") if line[:5] == "event"
    ]


def test_refusal() -> None:
    """127. The pieces of a refusal are text to the client, the message stops with refusal, and its explanation are the
    model's words."""
    happened = events(chunk(None, refusal="I can"), chunk(None, refusal="not."), chunk("stop"))
    assert [event["delta"]["text"] for event in happened[2:4]] == ["I can", "not."]
    assert happened[-2]["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": "I cannot."},
    }
    read = whole("stop", refusal="I cannot.")
    assert (read["content"], read["stop_reason"]) == ([{"type": "text", "text": "I cannot."}], "refusal")
    assert read["stop_details"] == happened[-2]["delta"]["stop_details"]


def test_empty_completion() -> None:
    """128. A reply that says nothing has no content and stops with end_turn, in both forms."""
    assert kinds(events(chunk(None, role="assistant", content=""), chunk("stop"))) == ["start", "delta", "stop"]
    read = whole("stop", content="")
    assert (read["content"], read["stop_reason"]) == ([], "end_turn")


@pytest.mark.parametrize("arguments", ['{"a":', "[1]", '"text"', "null", "7"])
def test_invalid_arguments(arguments: str) -> None:
    """129. Arguments that are no JSON object are handed over whole as the one member INVALID_JSON of the input, which
    is reported, and are the upstream's own string again when they come back."""
    asked = translation("messages")
    choice = {"index": 0, "message": {"tool_calls": [called("1", "f", arguments)]}, "finish_reason": "tool_calls"}
    (block,) = json.loads(translate_reply(json.dumps({"choices": [choice]}).encode(), asked).body)["content"]
    assert block["input"] == {"INVALID_JSON": arguments}
    assert asked.exchange.lost.coerced == ("reply:content[0].input",)
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [block]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}]},
    ]
    again = json.loads(translation("messages", {"model": "m", "max_tokens": 9, "messages": history}).body)
    assert again["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_thinking_accumulates(size: int) -> None:
    """130. The official client accumulates the thoughts and their signature exactly, and what it sends back gives the
    upstream its own reasoning again, byte for byte."""
    details = [{"type": "reasoning.text", "text": "Hm, 東", "signature": "Sig+1="}, {"type": "reasoning.encrypted"}]
    wire = chat_stream(
        chunk(None, reasoning="Hm,"),
        chunk(None, reasoning=" 東", reasoning_details=details),
        chunk(None, content="So."),
        chunk("stop"),
    )
    message = official_clients.of_stream("messages", streamed(translation("messages"), cuts(wire, size)))
    thought, _ = message["content"]
    native = {"reasoning": "Hm, 東", "reasoning_details": details}
    assert thought["thinking"] == "Hm, 東"
    assert unseal(thought["signature"]) == Envelope("chat", DEPLOYMENT, (native,))
    said = {"role": "user", "content": "hi"}
    history = [said, {"role": "assistant", "content": message["content"]}, said]
    again = json.loads(translation("messages", {"model": "m", "max_tokens": 9, "messages": history}).body)
    assert again["messages"][1] == {"role": "assistant", "content": "So.", **native}
