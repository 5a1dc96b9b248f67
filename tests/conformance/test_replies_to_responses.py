"""Replies of Chat Completions and Messages upstreams on their way to Responses clients."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.grammar.responses import check
from tests.translation import official_clients
from tests.translation.answers import ANSWERS, PARALLEL, Answer, error_of, events_of, stream_of, thoughts_of, whole_of
from tests.translation.conversations import MODELS
from tests.translation.relaying import DEPLOYMENT, chat_stream, chunk, cuts, streamed, translation
from tests.translation.responses import sdk
from translation.envelope import Envelope, seal
from translation.translator import Translation, translate_reply

Wire = dict[str, Any]

each_upstream = pytest.mark.parametrize("upstream", ["chat", "messages"])
each_answer = pytest.mark.parametrize("name", ANSWERS)

TOOLS: list[Wire] = [
    {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}},
    {"type": "custom", "name": "say"},
]


def relay(upstream: str, **members: Any) -> Translation:
    """Return the translation of a streaming request with tools and with these members."""
    wire = {"model": "alias", "input": "hi", "stream": True, "tools": TOOLS, **members}
    return translation("responses", wire, MODELS[upstream], upstream=upstream)


def told(upstream: str, stream: bytes, **members: Any) -> list[Wire]:
    """Return the events that the client gets for an upstream's stream, which are a lawful stream."""
    return check(streamed(relay(upstream, **members), cuts(stream, 7)))


def named(events: list[Wire], name: str) -> list[Wire]:
    """Return the events of that name."""
    return [event for event in events if event["type"] == f"response.{name}"]


def messages_stream(*blocks: list[Wire], stop_reason: str = "end_turn", usage: Wire | None = None) -> bytes:
    """Return a stream of the messages shape: each block as it opens, then its deltas."""
    message = {"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m-1", "content": []}
    events: list[Wire] = [{"type": "message_start", "message": {**message, "usage": {"input_tokens": 1}}}]
    for index, (opening, *deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": opening})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    events += [
        {"type": "message_delta", "delta": delta, "usage": usage or {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def text_block(text: str, *citations: Wire) -> list[Wire]:
    """Return a block of text with its deltas."""
    cited = [{"type": "citations_delta", "citation": citation} for citation in citations]
    return [{"type": "text", "text": ""}, {"type": "text_delta", "text": text}, *cited]


def call_block(name: str, arguments: str) -> list[Wire]:
    """Return a block of a call with its deltas."""
    opening = {"type": "tool_use", "id": "call_1", "name": name, "input": {}}
    return [opening, {"type": "input_json_delta", "partial_json": arguments}]


def call_chunk(name: str, arguments: str) -> Wire:
    """Return a chunk with a whole call."""
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return chunk(None, tool_calls=[call])


CALL_THEN_TEXT = {
    "chat": chat_stream(chunk(None, content="a"), call_chunk("look", "{}"), chunk(None, content="b"), chunk("stop")),
    "messages": messages_stream(text_block("a"), call_block("look", "{}"), text_block("b")),
}


@each_upstream
@each_answer
def test_stream_is_numbered_and_has_one_id(upstream: str, name: str) -> None:
    """171. A stream begins with response.created and response.in_progress, its sequence numbers go from 0 without a
    gap, and every event with the response has the same id.
    """
    events = told(upstream, stream_of(upstream, ANSWERS[name]))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["response"]["id"] for event in events if "response" in event] == ["resp_12345678"] * 3


@each_upstream
@each_answer
def test_delta_follows_what_it_belongs_to(upstream: str, name: str) -> None:
    """172. Every delta follows the output_item.added of its item and, in messages and reasoning, the event that
    announces its part, each with the same ids and indexes.
    """
    announced: list[tuple[Any, ...]] = []
    deltas = 0
    for event in told(upstream, stream_of(upstream, ANSWERS[name])):
        match event["type"].removeprefix("response.").split("."):
            case ["output_item", "added"]:
                announced.append((event["item"]["id"], event["output_index"]))
            case ["content_part" | "reasoning_summary_part", "added"]:
                number = event.get("content_index", event.get("summary_index"))
                announced.append((event["item_id"], event["output_index"], event["part"]["type"], number))
            case [what, "delta"]:
                deltas += 1
                assert (event["item_id"], event["output_index"]) in announced
                if what != "function_call_arguments":
                    kind = "summary_text" if what == "reasoning_summary_text" else what
                    number = event.get("content_index", event.get("summary_index"))
                    assert (event["item_id"], event["output_index"], kind, number) in announced
    assert deltas > 1


@each_upstream
def test_message_after_reasoning_is_announced(upstream: str) -> None:
    """173. Text that follows reasoning belongs to a message that is announced like any other, at the next place."""
    events = told(upstream, stream_of(upstream, ANSWERS["thinking"]))
    added = named(events, "output_item.added")
    assert [(event["output_index"], event["item"]["type"]) for event in added] == [(0, "reasoning"), (1, "message")]
    first = named(events, "output_text.delta")[0]
    assert (first["item_id"], first["output_index"]) == (added[1]["item"]["id"], 1)
    assert events.index(added[1]) < events.index(first)


@each_upstream
def test_text_after_a_call_is_a_new_item(upstream: str) -> None:
    """174. Text after a tool call is a new message, with an id and an output_index of its own."""
    events = told(upstream, CALL_THEN_TEXT[upstream])
    added = [(event["output_index"], event["item"]["type"]) for event in named(events, "output_item.added")]
    assert added == [(0, "message"), (1, "function_call"), (2, "message")]
    deltas = named(events, "output_text.delta")
    assert [(delta["output_index"], delta["delta"]) for delta in deltas] == [(0, "a"), (2, "b")]
    assert deltas[0]["item_id"] != deltas[1]["item_id"]


@each_upstream
@each_answer
def test_terminal_event_holds_the_sum_of_the_items(upstream: str, name: str) -> None:
    """175. The output of the terminal event is the full list of the items that output_item.done gave."""
    events = told(upstream, stream_of(upstream, ANSWERS[name]))
    done = [event["item"] for event in named(events, "output_item.done")]
    assert done
    assert events[-1]["response"]["output"] == done


@each_upstream
@pytest.mark.parametrize("name", [name for name, answer in ANSWERS.items() if answer.stop in ("end", "calls")])
def test_official_client_makes_the_same_of_both_forms(upstream: str, name: str) -> None:
    """176. The text that the official client accumulates from a stream is the text of the reply that did not stream."""
    stream = streamed(relay(upstream), [stream_of(upstream, ANSWERS[name])])
    body = translate_reply(whole_of(upstream, ANSWERS[name]), relay(upstream)).body
    assert sdk.streamed(stream).output_text == sdk.created(body).output_text == ANSWERS[name].text


HALF = Answer("It was", "Hm, let me see.", PARALLEL[:1])


@each_upstream
@pytest.mark.parametrize("how", ["error", "cut"])
def test_reply_that_failed_tells_what_came(upstream: str, how: str) -> None:
    """177. The terminal event of a reply that was cut short or failed has the reason, in incomplete_details or error,
    and the full output as far as it came.
    """
    said, _ = events_of(upstream, HALF)
    last = told(upstream, said + (error_of(upstream) if how == "error" else b""))[-1]
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    message = "Overloaded." if how == "error" else "the upstream ended its stream before the reply was complete"
    assert last["response"]["error"]["message"] == message
    assert_half(last["response"]["output"])
    for stop, reason in (("length", "max_output_tokens"), ("refusal", "content_filter")):
        ended = told(upstream, stream_of(upstream, HALF._replace(stop=stop)))[-1]
        assert (ended["type"], ended["response"]["status"]) == ("response.incomplete", "incomplete")
        assert ended["response"]["incomplete_details"] == {"reason": reason}
        assert_half(ended["response"]["output"])


def assert_half(output: list[Wire]) -> None:
    """Assert that the output is all of HALF."""
    reasoning, message, call = output
    assert [part["text"] for part in reasoning["summary"] or reasoning["content"]] == [HALF.thoughts]
    assert [part["text"] for part in message["content"]] == [HALF.text]
    assert call["arguments"] == HALF.calls[0].arguments


USAGES: list[tuple[str, Wire, tuple[int, int, int]]] = [
    ("chat", {"prompt_tokens": 9, "completion_tokens": 2}, (0, 0, 0)),
    ("chat", {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}, (0, 0, 0)),
    (
        "chat",
        {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 1},
        },
        (4, 3, 1),
    ),
    ("messages", {"input_tokens": 9, "output_tokens": 2}, (0, 0, 0)),
    ("messages", {"input_tokens": 2, "cache_read_input_tokens": None, "output_tokens": 2}, (0, 0, 0)),
    (
        "messages",
        {
            "input_tokens": 2,
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 3,
            "output_tokens": 2,
            "output_tokens_details": {"thinking_tokens": 1},
        },
        (4, 3, 1),
    ),
]


@pytest.mark.parametrize(("upstream", "usage", "expected"), USAGES)
def test_details_of_the_usage_are_always_integers(upstream: str, usage: Wire, expected: tuple[int, int, int]) -> None:
    """178. The counts of cached, cache-written and reasoning tokens are integers in every usage, 0 where the upstream
    does not say; the input includes the cached ones and the total is the sum.
    """
    if upstream == "chat":
        stream = chat_stream(chunk(None, content="a"), chunk("stop"), {"choices": [], "usage": usage})
    else:
        stream = messages_stream(text_block("a"), usage=usage)
    shown = told(upstream, stream)[-1]["response"]["usage"]
    details = shown["input_tokens_details"]
    counts = (
        details["cached_tokens"],
        details["cache_write_tokens"],
        shown["output_tokens_details"]["reasoning_tokens"],
    )
    assert counts == expected
    assert all(type(count) is int for count in counts)
    assert shown["total_tokens"] == shown["input_tokens"] + shown["output_tokens"]
    assert shown["input_tokens"] == (9 if upstream == "chat" else usage["input_tokens"] + expected[0] + expected[1])


@each_upstream
@pytest.mark.parametrize(
    ("members", "shown"),
    [
        ({}, False),
        ({"store": True}, False),
        ({"store": False}, True),
        ({"include": ["reasoning.encrypted_content"]}, True),
        ({"include": ["reasoning.encrypted_content"], "store": True}, True),
        ({"include": ["web_search_call.action.sources"]}, False),
    ],
)
def test_reasoning_state_is_shown_to_whoever_keeps_it(upstream: str, members: Wire, shown: bool) -> None:
    """179. A reasoning item has the envelope as its encrypted_content if the request includes it or does not let the
    response be stored, in output_item.done and in the terminal event; otherwise it has none.
    """
    thoughts = ANSWERS["thinking"].thoughts
    sealed = seal(Envelope(upstream, DEPLOYMENT, tuple(thoughts_of(upstream, thoughts))))
    events = told(upstream, stream_of(upstream, ANSWERS["thinking"]), **members)
    (added, _), (done, _) = named(events, "output_item.added"), named(events, "output_item.done")
    assert "encrypted_content" not in added["item"]
    expected = sealed if shown else None
    assert done["item"].get("encrypted_content") == expected
    assert events[-1]["response"]["output"][0].get("encrypted_content") == expected


@pytest.mark.parametrize("stream", [True, False])
def test_blocks_of_text_are_parts_with_their_sources(stream: bool) -> None:
    """180. The text blocks of a messages upstream are parts of one message with content_index 0 to n; the source of a
    block is an annotation over the whole part, added in an event of its own and part of what completes the item.
    """
    source = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "c"}
    blocks = [text_block("Grüße 👩. "), text_block("It rains.", source), text_block(" So.")]
    expected = {
        "type": "url_citation",
        "url": "https://a.example",
        "title": "A",
        "start_index": 0,
        "end_index": len("It rains."),
    }
    if stream:
        events = told("messages", messages_stream(*blocks))
        assert [event["content_index"] for event in named(events, "content_part.added")] == [0, 1, 2]
        (added,) = named(events, "output_text.annotation.added")
        assert (added["content_index"], added["annotation_index"], added["annotation"]) == (1, 0, expected)
        done = named(events, "content_part.done")[1]
        assert done["part"]["annotations"] == [expected]
        (message,) = events[-1]["response"]["output"]
    else:
        content: list[Wire] = [{"type": "text", "text": block[1]["text"]} for block in blocks]
        content[1]["citations"] = [source]
        whole = {"id": "msg_12345678", "type": "message", "content": content, "stop_reason": "end_turn"}
        (message,) = json.loads(translate_reply(json.dumps(whole).encode(), relay("messages")).body)["output"]
    assert [part["text"] for part in message["content"]] == ["Grüße 👩. ", "It rains.", " So."]
    assert [part["annotations"] for part in message["content"]] == [[], [expected], []]


@each_upstream
def test_custom_call_has_its_own_item_and_events(upstream: str) -> None:
    """181. A call of a tool that the client declared as custom is a custom_tool_call item with the bare input, told by
    one custom_tool_call_input.delta and its done event.
    """
    arguments = '{"input":"*** \\"Begin\\"\\n"}'
    stream = {
        "chat": chat_stream(call_chunk("say", arguments), chunk("tool_calls")),
        "messages": messages_stream(call_block("say", arguments), stop_reason="tool_use"),
    }[upstream]
    events = told(upstream, stream)
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    assert (events[3]["delta"], events[4]["input"]) == ('*** "Begin"\n', '*** "Begin"\n')
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["call_id"], item["name"]) == ("custom_tool_call", "call_1", "say")
    assert item["input"] == '*** "Begin"\n'


ECHOED: dict[str, tuple[object, object]] = {
    "instructions": ("Be kind.", None),
    "metadata": ({"a": "b"}, {}),
    "parallel_tool_calls": (False, True),
    "temperature": (0, 1.0),
    "top_p": (0.5, 1.0),
    "tool_choice": ("none", "auto"),
    "tools": (TOOLS[:1], []),
    "text": ({"format": {"type": "json_object"}, "verbosity": "low"}, {"format": {"type": "text"}}),
    "reasoning": ({"effort": "low", "summary": "auto"}, {"effort": None, "summary": None}),
    "truncation": ("disabled", "disabled"),
    "max_output_tokens": (99, None),
    "store": (False, True),
    "user": ("u", None),
    "safety_identifier": ("s", None),
    "previous_response_id": (None, None),
}
"""For each member that a response repeats: what a client may send, and what holds if it sends nothing."""


@each_upstream
@pytest.mark.parametrize("given", [True, False])
def test_response_repeats_the_request(upstream: str, given: bool) -> None:
    """182. The settings that a response repeats are the client's own, not those of the translated request; where the
    client sent none, they are the defaults of the API.
    """
    members = {name: sent for name, (sent, _) in ECHOED.items()} if given else {"tools": []}
    expected = {name: sent if given else default for name, (sent, default) in ECHOED.items()}
    events = told(upstream, stream_of(upstream, ANSWERS["text"]), **members)
    for response in (events[0]["response"], events[1]["response"], events[-1]["response"]):
        assert {name: response[name] for name in ECHOED} == expected
        assert response["model"] == "alias"
    whole = json.loads(translate_reply(whole_of(upstream, ANSWERS["text"]), relay(upstream, **members)).body)
    assert {name: whole[name] for name in ECHOED} == expected


@each_upstream
@pytest.mark.parametrize("stream", [True, False])
def test_reply_of_calls_has_no_message(upstream: str, stream: bool) -> None:
    """183. A reply that only calls tools has function_call items and no message, be it empty."""
    answer = ANSWERS["parallel tools"]
    if stream:
        output = told(upstream, stream_of(upstream, answer))[-1]["response"]["output"]
    else:
        output = json.loads(translate_reply(whole_of(upstream, answer), relay(upstream)).body)["output"]
    assert [item["type"] for item in output] == ["function_call"] * 3


@each_upstream
def test_error_is_flat_and_nested_and_response_failed_follows(upstream: str) -> None:
    """185. A stream that breaks has an error event with the members both flat and nested, on which the official client
    raises APIError, and then response.failed.
    """
    said, _ = events_of(upstream, ANSWERS["text"])
    stream = streamed(relay(upstream), [said + error_of(upstream)])
    error, last = check(stream)[-2:]
    assert (error["type"], last["type"]) == ("error", "response.failed")
    assert (error["message"], error["param"]) == ("Overloaded.", None)
    assert {name: error["error"][name] for name in ("code", "message", "param")} == {
        name: error[name] for name in ("code", "message", "param")
    }
    with pytest.raises(openai.APIError, match=r"Overloaded\."):
        official_clients.of_stream("responses", stream)


@each_upstream
def test_thoughts_are_shown_as_what_they_are(upstream: str) -> None:
    """What a messages upstream shows of its thoughts is a summary; a chat upstream shows the reasoning itself."""
    events = told(upstream, stream_of(upstream, ANSWERS["thinking"]))
    what = {"chat": "reasoning_text", "messages": "reasoning_summary_text"}[upstream]
    said = "".join(event["delta"] for event in named(events, f"{what}.delta"))
    (reasoning, _) = events[-1]["response"]["output"]
    shown = {"chat": reasoning.get("content"), "messages": reasoning["summary"]}[upstream]
    assert [part["text"] for part in shown] == [said] == [ANSWERS["thinking"].thoughts]


@pytest.mark.parametrize("sources", [True, False])
def test_search_of_a_messages_upstream_is_a_web_search_call(sources: bool) -> None:
    """A search that the provider made by itself is a web_search_call item, with its sources if the request asks."""
    asked = [{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}]
    asked.append({"type": "input_json_delta", "partial_json": '{"query":"owls"}'})
    page = {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "x"}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [page]}
    members = {"include": ["web_search_call.action.sources"]} if sources else {}
    blocks = (text_block("I look."), asked, [found], text_block("So."))
    events = told("messages", messages_stream(*blocks), **members)
    assert [event["type"].split(".")[2] for event in events if "web_search_call" in event["type"]] == [
        "in_progress",
        "searching",
        "completed",
    ]
    action = {"type": "search", "query": "owls", "queries": ["owls"]}
    if sources:
        action["sources"] = [{"type": "url", "url": "https://a.example"}]
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "web_search_call", "message"]
    assert (output[1]["status"], output[1]["action"]) == ("completed", action)
    whole = {"id": "msg_12345678", "type": "message", "stop_reason": "end_turn", "content": [*WHOLE_SEARCH, found]}
    (search,) = json.loads(translate_reply(json.dumps(whole).encode(), relay("messages", **members)).body)["output"]
    assert search["action"] == action


def test_search_that_the_client_sends_back_reaches_its_maker_as_it_was() -> None:
    """Thoughts, a search and its results go through a client that keeps all it is given, and back byte for byte."""
    page = {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "x"}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [page]}
    thought = [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm."}]
    thought.append({"type": "signature_delta", "signature": "Signed+1="})
    stream = streamed(
        relay("messages", store=False), [messages_stream(thought, WHOLE_SEARCH, [found], text_block("So."))]
    )
    output = official_clients.of_stream("responses", stream)["output"]
    said = [{"role": "user", "content": "hi"}]
    sent = json.loads(relay("messages", store=False, input=[*said, *output, *said]).body)["messages"][1]["content"]
    own = {"type": "thinking", "thinking": "Hm.", "signature": "Signed+1="}
    assert sent == [own, *WHOLE_SEARCH, found, {"type": "text", "text": "So."}]


WHOLE_SEARCH: list[Wire] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "owls"}}
]


def test_refusal_without_a_word_of_text_is_a_refusal() -> None:
    """A messages upstream that declines is a completed refusal if it said nothing else, explained or not."""
    last = told("messages", messages_stream(stop_reason="refusal"))[-1]["response"]
    assert (last["status"], last["incomplete_details"]) == ("completed", None)
    assert [item["content"] for item in last["output"]] == [[{"type": "refusal", "refusal": "Refused."}]]
