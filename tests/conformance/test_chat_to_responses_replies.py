"""Replies of upstreams that speak Responses, as chat clients read them: whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import openai
import pytest

from tests.conformance.asking_responses import ROUTES, USAGE, ending, read, reads, relay, told, whole
from tests.serving.fake_upstream import FakeUpstream, streaming
from tests.serving.fake_upstream import whole as answered
from tests.serving.running import RunningGateway
from tests.translation import official_clients
from tests.translation.relaying import streamed
from tests.translation.responses.upstream.asking import (
    added,
    call,
    created,
    delta,
    done,
    message,
    stream_of,
)
from translation.envelope import unseal
from translation.translator import translate_reply

Wire = dict[str, Any]
HI: Wire = {"role": "user", "content": "hi"}
REFUSAL: Wire = {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}


@pytest.fixture(scope="module")
def client(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    """The official client of a gateway in front of it."""
    with RunningGateway(tmp_path_factory.mktemp("gateway"), ROUTES.format(url=upstream.url)) as gateway:
        yield openai.OpenAI(api_key="test", base_url=f"{gateway.url}/v1", max_retries=0)


def choices(*output: Wire, **members: Any) -> list[Wire]:
    """Return the one choice that the official client reads of a response: whole, and as a stream."""
    replies = read("chat", *output, **members)
    assert [len(reply["choices"]) for reply in replies] == [1, 1]
    return [reply["choices"][0] for reply in replies]


def said(stream: bytes) -> tuple[str | None, list[tuple[str, str]]]:
    """Return the text and the calls that the official client reads in a stream."""
    spoken = official_clients.of_stream("chat", stream)["choices"][0]["message"]
    calls = [(made["id"], made["function"]["arguments"]) for made in spoken.get("tool_calls") or ()]
    return spoken["content"], calls


def test_message_and_calls() -> None:
    """144. A message and function calls are one choice, whose calls are numbered from 0 without gaps."""
    output = (message("I add."), call("c_1", "add", '{"a":1}'), call("c_2", "sub", '{"b":2}'))
    for choice in choices(*output):
        assert (choice["index"], choice["finish_reason"]) == (0, "tool_calls")
        assert choice["message"]["content"] == "I add."
        made = [
            (each["id"], each["function"]["name"], each["function"]["arguments"])
            for each in choice["message"]["tool_calls"]
        ]
        assert made == [("c_1", "add", '{"a":1}'), ("c_2", "sub", '{"b":2}')]
    lines = reads("chat", *told(*output), ending(*output)).splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    deltas = [choice for chunk in chunks for choice in chunk["choices"]]
    assert {choice["index"] for choice in deltas} == {0}
    indexes = [made["index"] for choice in deltas for made in choice["delta"].get("tool_calls", ())]
    assert (sorted(set(indexes)), indexes) == ([0, 1], sorted(indexes))


def test_refusal() -> None:
    """145. A refusal part becomes the message's refusal, with null content and the finish reason stop."""
    for choice in choices(REFUSAL):
        spoken = choice["message"]
        assert (spoken["refusal"], spoken["content"], choice["finish_reason"]) == ("No.", None, "stop")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("max_output_tokens", "length"),
        ("max_messages", "length"),
        ("content_filter", "content_filter"),
        ("steered", "stop"),
        ("brand_new", "stop"),
    ],
)
def test_incomplete(reason: str, expected: str) -> None:
    """146. An incomplete response ends with length where a limit cut it and with content_filter where a filter did,
    also inside a call; any other reason reads as stop, and is reported.
    """
    details = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    assert [choice["finish_reason"] for choice in choices(message("It was"), **details)] == [expected] * 2
    made = relay("chat", {})
    translate_reply(msgspec.json.encode(whole(message("It was"), **details)), made)
    assert made.exchange.lost.coerced == (("reply:incomplete_details.reason",) if expected == "stop" else ())
    if expected != "stop":
        half = call("c_1", "add", '{"a":')
        assert [choice["finish_reason"] for choice in choices(half, **details)] == [expected] * 2


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("rate_limit_exceeded", 429, openai.RateLimitError),
        ("server_error", 500, openai.InternalServerError),
        ("invalid_prompt", 400, openai.BadRequestError),
        ("invalid_image_url", 400, openai.BadRequestError),
        ("brand_new", 502, openai.InternalServerError),
    ],
)
def test_failed(
    client: openai.OpenAI, upstream: FakeUpstream, code: str, status: int, error: type[openai.APIStatusError]
) -> None:
    """147. A response that says failed, although it came with status 200, is an HTTP error with the status that its
    code means.
    """
    failed = whole(status="failed", error={"code": code, "message": "Boom."})
    upstream.answer(answered(msgspec.json.encode(failed)))
    with pytest.raises(error, match="Boom") as caught:
        client.chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": "hi"}])
    assert (caught.value.status_code, caught.value.code) == (status, code)


def test_reasoning() -> None:
    """148. Summaries become the reasoning content, joined by blank lines, and the encrypted content travels sealed in
    the reasoning details and nowhere else.
    """
    summary = [{"type": "summary_text", "text": text} for text in ("First.", "Then.")]
    thought = {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "Secret+1="}
    body = translate_reply(msgspec.json.encode(whole(thought, message("So."))), relay("chat", {})).body
    assert b"Secret+1=" not in body + reads("chat", *told(thought, message("So.")), ending(thought, message("So.")))
    for choice in choices(thought, message("So.")):
        assert (choice["message"]["reasoning_content"], choice["message"]["content"]) == ("First.\n\nThen.", "So.")
        (detail,) = choice["message"]["reasoning_details"]
        sealed = unseal(detail["data"])
        assert (detail["type"], sealed and sealed.blocks) == ("reasoning.encrypted", (thought,))


def test_sources() -> None:
    """149. Web sources of the text are copied with their places in it, after the text of the messages before."""
    source = {"type": "url_citation", "url": "https://a.test", "title": "A", "start_index": 1, "end_index": 3}
    cited = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "abcd", "annotations": [source]}],
    }
    for choice in choices(message("0123"), cited):
        places = {"url": "https://a.test", "title": "A", "start_index": 5, "end_index": 7}
        assert choice["message"]["annotations"] == [{"type": "url_citation", "url_citation": places}]
        assert choice["message"]["content"][5:7] == "bc"


def test_item_ids() -> None:
    """150. A stream that gives an item another id in every event says the same as one that does not."""

    def events(rotating: bool) -> list[Wire]:
        ids = iter(range(99))
        made: list[Wire] = []
        for event in told(message("Hello.", id="msg_1"), call("c_1", "add", '{"a":1}', id="fc_1")):
            changed = {**event, "item_id": f"x_{next(ids)}"} if event["type"].endswith(".delta") else event
            if "item" in event:
                changed = {**event, "item": {**event["item"], "id": f"x_{next(ids)}"}}
            made.append(changed if rotating else event)
        return [*made, ending(message("Hello.", id="y"), call("c_1", "add", '{"a":1}', id="z"))]

    assert reads("chat", *events(True)) == reads("chat", *events(False))
    assert said(reads("chat", *events(True))) == ("Hello.", [("c_1", '{"a":1}')])


@pytest.mark.parametrize("pieces", [(), ('{"a"',), ('{"a"', ":1}")])
@pytest.mark.parametrize("repeats", ["arguments", "item", "both"])
def test_arguments(pieces: tuple[str, ...], repeats: str) -> None:
    """151. Arguments that only a done event has are delivered once, and those that deltas brought are not repeated."""
    item = call("c_1", "add", '{"a":1}')
    repeated = {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a":1}'}
    events = [created(), added(0, **{**item, "arguments": ""})]
    events += [delta("function_call_arguments", 0, piece) for piece in pieces]
    events += [repeated] if repeats != "item" else []
    events += [done(0, **item)] if repeats != "arguments" else []
    assert said(reads("chat", *events, ending(item))) == (None, [("c_1", '{"a":1}')])


def test_last_event() -> None:
    """152. Items that only the last event of a stream has are delivered, and those before it only once."""
    late = call("c_1", "add", '{"a":1}')
    assert said(reads("chat", *told(message("Hello.")), ending(message("Hello."), late))) == (
        "Hello.",
        [("c_1", '{"a":1}')],
    )
    assert said(reads("chat", created(), ending(message("Hello.")))) == ("Hello.", [])


def test_framing() -> None:
    """153. A stream without event lines and one with a closing [DONE] say the same as one as it should be."""
    events = stream_of(*told(message("Hello.")), ending(message("Hello.")))
    bare = b"".join(line + b"\n\n" for line in events.split(b"\n") if line.startswith(b"data"))
    end = b"data: [DONE]\n\n"
    streams = {streamed(relay("chat", {"stream": True}), [wire]) for wire in (events, bare, events + end, bare + end)}
    assert [said(stream) for stream in streams] == [("Hello.", [])]


ERROR = {"code": "rate_limit_exceeded", "message": "Slow down."}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", **ERROR, "param": None},
        {"type": "error", "error": {"type": "tokens", **ERROR, "param": None}},
        {"type": "response.failed", "response": {"status": "failed", "error": ERROR}},
    ],
    ids=["flat", "nested", "failed"],
)
def test_errors(event: Wire) -> None:
    """154. An error event, nested or flat, and a failed response become one error chunk without a [DONE] after it, at
    which the official client raises.
    """
    failed = {"type": "response.failed", "response": {"status": "failed", "error": ERROR}}
    stream = reads("chat", created(), delta("output_text", 0, "Hel"), event, failed)
    assert (stream.count(b'"error":'), b"[DONE]" in stream) == (1, False)
    with pytest.raises(openai.APIError, match=r"Slow down\."):
        official_clients.of_stream("chat", stream)


def test_obfuscation() -> None:
    """155. The padding of an upstream's events does not reach the client, which reads the same as without it."""
    plain = [*told(message("Hello.")), ending(message("Hello."))]
    padded = [{**event, "obfuscation": "a8fTzQ"} if event["type"].endswith(".delta") else event for event in plain]
    assert b"a8fTzQ" in stream_of(*padded)
    assert reads("chat", *padded) == reads("chat", *plain)


@pytest.mark.parametrize("stream", [True, False])
def test_phases(client: openai.OpenAI, upstream: FakeUpstream, stream: bool) -> None:
    """156. The texts of two messages with phases are one text to the client, and the next turn gives the upstream both
    messages back with their phases, although the client keeps only the text.
    """
    output = (message("I look.", phase="commentary"), message(" It is 3.", phase="final_answer"))
    script = stream_of(*told(*output), ending(*output))
    upstream.answer(streaming(script) if stream else answered(msgspec.json.encode(whole(*output))))
    asked: Any = [{"role": "user", "content": f"{stream}?"}]
    if stream:
        with client.chat.completions.stream(model="gpt-5.2", messages=asked) as events:
            text = events.get_final_completion().choices[0].message.content
    else:
        text = client.chat.completions.create(model="gpt-5.2", messages=asked).choices[0].message.content
    assert text == "I look. It is 3."
    upstream.answer(answered(msgspec.json.encode(whole(message("Bye.", phase="final_answer")))))
    history = [*asked, {"role": "assistant", "content": text}, {"role": "user", "content": "Thanks."}]
    client.chat.completions.create(model="gpt-5.2", messages=history)
    sent = json.loads(upstream.last.body)["input"]
    assert sent[1:-1] == list(output)
    client.chat.completions.create(
        model="gpt-5.2", messages=[*history, {"role": "assistant", "content": "Bye."}, asked[0]]
    )
    assert json.loads(upstream.last.body)["input"][:-2] == sent
    assert json.loads(upstream.last.body)["input"][-2] == message("Bye.", phase="final_answer")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            USAGE,
            {
                "prompt_tokens": 115,
                "completion_tokens": 9,
                "total_tokens": 124,
                "prompt_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 4},
            },
        ),
        (
            {"input_tokens": 3, "output_tokens": 4, "total_tokens": 99},
            {
                "prompt_tokens": 3,
                "completion_tokens": 4,
                "total_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            },
        ),
        ({"input_tokens": 3, "input_tokens_details": None, "output_tokens": 4, "output_tokens_details": None}, None),
    ],
)
def test_usage(usage: Wire, expected: Wire | None) -> None:
    """157. The counts get their other names, cached, written and reasoning tokens among them; details that are missing
    are no reason to lose the others, and the total is added up.
    """
    for reply in read("chat", message("Hello."), usage=usage):
        if expected is None:
            assert (reply["usage"]["prompt_tokens"], reply["usage"]["completion_tokens"]) == (3, 4)
        else:
            assert reply["usage"] == expected
