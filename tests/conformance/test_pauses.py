"""Turns that a messages upstream pauses, and that go on without the client noticing."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, Step, streaming, whole
from tests.serving.running import RunningGateway

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: anthropic/claude-sonnet-4-5, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", shapes: [messages]}}
"""
SEARCHED: list[Wire] = [
    {"type": "text", "text": "I look. "},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "switchyards"}},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {"type": "web_search_result", "url": "https://e.example", "title": "E", "encrypted_content": "Only+mine="}
        ],
    },
]
ANSWERED: list[Wire] = [{"type": "text", "text": "It is a yard."}]
ASKED: Wire = {
    "model": "claude-sonnet-4-5",
    "messages": [{"role": "user", "content": "What is a switchyard?"}],
    "web_search_options": {},
}


def message(content: list[Wire], stop: str) -> Wire:
    """Return a message that cost 10 and 3 tokens."""
    usage = {"input_tokens": 10, "output_tokens": 3}
    head = {"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m-1"}
    return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}


def streamed(content: list[Wire], stop: str) -> bytes:
    """Return the message as a stream."""
    begun = {**message([], stop), "stop_reason": None, "usage": {"input_tokens": 10, "output_tokens": 1}}
    events: list[Wire] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(content):
        opening, deltas = block, list[Wire]()
        if block["type"] == "text":
            opening, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": block["text"]}]
        elif block["type"] == "server_tool_use":
            given = json.dumps(block["input"])
            pieces = [given[:5], given[5:]]
            opening = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
        events.append({"type": "content_block_start", "index": index, "content_block": opening})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 3}})
    events.append({"type": "message_stop"})
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def script(stream: bool, content: list[Wire], stop: str) -> list[Step]:
    """Return the upstream's answer in the form that was asked for."""
    if stream:
        return streaming(streamed(content, stop))
    return whole(json.dumps(message(content, stop)).encode())


def completion(gateway: RunningGateway, stream: bool, asked: Wire = ASKED) -> Any:
    """Return the completion that the official client has in the end."""
    sdk = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0)
    if not stream:
        return sdk.chat.completions.create(**asked)
    with sdk.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
        return events.get_final_completion()


@pytest.mark.parametrize("stream", [False, True])
def test_paused_turn_goes_on_unnoticed(gateway: RunningGateway, upstream: FakeUpstream, stream: bool) -> None:
    """77. A turn that a messages upstream pauses is sent back to it, block for block, and goes on; the client gets one
    reply with the content and the usage of all rounds. After five rounds more the reply ends as it is.
    """
    upstream.answer(
        script(stream, SEARCHED, "pause_turn"),
        script(stream, SEARCHED, "pause_turn"),
        script(stream, ANSWERED, "end_turn"),
    )
    told = completion(gateway, stream)
    assert told.choices[0].message.content == "I look. I look. It is a yard."
    assert told.choices[0].finish_reason == "stop"
    assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (30, 9)
    bodies = [json.loads(request.body) for request in upstream.requests]
    assert [len(body["messages"]) for body in bodies] == [1, 2, 2]
    assert bodies[1]["messages"][1] == {"role": "assistant", "content": SEARCHED}
    assert bodies[2]["messages"][1] == {"role": "assistant", "content": [*SEARCHED, *SEARCHED]}
    assert {name: bodies[2][name] for name in bodies[0] if name != "messages"} == {
        name: value for name, value in bodies[0].items() if name != "messages"
    }
    upstream.answer(script(stream, SEARCHED, "pause_turn"))
    told = completion(gateway, stream)
    assert told.choices[0].message.content == "I look. " * 6
    assert (told.choices[0].finish_reason, len(upstream.requests)) == ("stop", 6)


@pytest.mark.parametrize("stream", [False, True])
def test_next_round_that_fails_is_the_replys_failure(
    gateway: RunningGateway, upstream: FakeUpstream, stream: bool
) -> None:
    """An upstream that fails in a later round breaks the reply off with an error; half a reply is never a whole one."""
    refused = whole(b'{"type": "error", "error": {"type": "overloaded_error", "message": "no"}}', status=529)
    upstream.answer(script(stream, SEARCHED, "pause_turn"), refused)
    with pytest.raises(openai.APIError):
        completion(gateway, stream)
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("broken", [{"content": None}, {"content": {}}, {"usage": None}, {"usage": []}])
@pytest.mark.parametrize("later", [False, True])
def test_round_that_cannot_be_read_is_a_bad_gateway(
    gateway: RunningGateway, upstream: FakeUpstream, broken: Wire, later: bool
) -> None:
    """A round without content, or with counts that are none, is the upstream's failure, not a defect of the gateway."""
    first, last = message(SEARCHED, "pause_turn"), message(ANSWERED, "end_turn")
    rounds = (first, last | broken) if later else (first | broken, last)
    upstream.answer(*(whole(json.dumps(told).encode()) for told in rounds))
    with pytest.raises(openai.InternalServerError) as failed:
        completion(gateway, stream=False)
    assert (failed.value.status_code, failed.value.code) == (502, "upstream_protocol_error")


def test_client_may_leave_in_a_later_round(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """A client that leaves while a later round is under way ends that round too."""
    later = [*streaming(streamed(ANSWERED, "end_turn"))[:2], 30.0]
    upstream.answer(script(True, SEARCHED, "pause_turn"), later)
    sdk = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0)
    with sdk.chat.completions.create(**ASKED, stream=True) as stream:
        for event in stream:
            if event.choices and event.choices[0].delta.content == "It is a yard.":
                break
    assert upstream.last.left.wait(5)
