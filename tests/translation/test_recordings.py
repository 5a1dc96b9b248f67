"""Recorded exchanges with real providers: what real upstreams answered reaches clients of the other shapes whole.

The recordings are not part of the project; without them these tests are skipped. What a reply must become is worked
out here from the recorded bytes, with nothing of the gateway's own.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

from tests.grammar import messages, responses
from tests.grammar.chat import check_request
from tests.translation import official_clients
from tests.translation.refused_recordings import REFUSED
from tests.translation.relaying import CLIENTS, cuts, sent, streamed, translation
from translation.failures import RequestRefused, UpstreamProtocolError
from translation.shapes import SHAPES
from translation.translator import translate_reply

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not there")

GRAMMARS = {"messages": messages.check, "responses": responses.check}
READ_SIZE = 1000
NOT_A_COMPLETION = "test_invalid_response.yaml#0"


def recordings(shape: str) -> list[Any]:
    """Return the recorded exchanges of a shape, as test parameters named after their last path segment."""
    path = RECORDINGS / f"{shape}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [pytest.param(row, id=row["id"].rpartition("/")[2]) for row in rows]


CHAT = recordings("chat")


def replies(*, stream: bool) -> list[Any]:
    """Return the recorded successes of a form; the stream of an error and the answer of no model are not among them."""
    return [
        row
        for row in CHAT
        if row.values[0]["stream"] is stream
        and row.values[0]["status"] == 200
        and row.id != NOT_A_COMPLETION
        and row not in FAILED_STREAMS
    ]


FAILED_STREAMS = [row for row in CHAT if row.values[0]["stream"] and "event: error" in row.values[0]["response"]]
ERRORS = [row for row in CHAT if row.values[0]["status"] != 200]


class Said(NamedTuple):
    """What a reply says, in no shape: its words, its calls as (id, name, arguments), why it stopped, its usage."""

    text: str
    calls: list[tuple[str, str, Any]]
    stop: str
    usage: tuple[int, int, int, int] | None


def recorded(row: dict[str, Any]) -> Said:
    """Return what the recorded reply says."""
    return _merged(_chunks(row["response"])) if row["stream"] else _completion(row["response"])


def _chunks(stream: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data:").strip() for line in stream.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _merged(chunks: list[dict[str, Any]]) -> Said:
    text, finish, usage = "", "", None
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or usage
        for choice in chunk["choices"][:1]:
            delta = choice["delta"]
            text += _text(delta.get("content")) + (delta.get("refusal") or "")
            finish = choice.get("finish_reason") or finish
            for piece in delta.get("tool_calls") or ():
                call = calls.setdefault(piece["index"], ["", "", ""])
                call[0] = call[0] or piece.get("id") or ""
                call[1] = call[1] or piece["function"].get("name") or ""
                call[2] += piece["function"].get("arguments") or ""
    return _said(text, [tuple(call) for call in calls.values()], finish, usage)


def _completion(wire: dict[str, Any]) -> Said:
    choice = wire["choices"][0]
    message = choice["message"]
    calls = [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    ]
    text = _text(message.get("content")) + (message.get("refusal") or "")
    return _said(text, calls, choice.get("finish_reason") or "stop", wire.get("usage"))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part["type"] == "text")
    return content or ""


def _said(text: str, calls: list[Any], finish: str, usage: dict[str, Any] | None) -> Said:
    parsed = [(call_id, name, _parsed(arguments)) for call_id, name, arguments in calls]
    stop = "length" if finish == "length" else "calls" if calls else "end"
    return Said(text, parsed, stop, None if usage is None else _counts(usage))


def _parsed(arguments: Any) -> Any:
    return json.loads(arguments or "{}") if isinstance(arguments, str) else arguments


def _counts(usage: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return prompt, cached, completion and reasoning tokens; thoughts outside the completion count as output."""
    prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return prompt, cached, max(completion, (usage.get("total_tokens") or 0) - prompt), reasoning


def said_in_messages(reply: dict[str, Any]) -> Said:
    """Return what a message says."""
    blocks, usage = reply["content"], reply["usage"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    stops = {"end_turn": "end", "tool_use": "calls", "max_tokens": "length", "refusal": "end"}
    cached = usage["cache_read_input_tokens"]
    prompt = usage["input_tokens"] + cached + usage["cache_creation_input_tokens"]
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return Said(text, calls, stops[reply["stop_reason"]], (prompt, cached, usage["output_tokens"], thinking))


def said_in_responses(reply: dict[str, Any]) -> Said:
    """Return what a response says."""
    parts = [part for item in reply["output"] if item["type"] == "message" for part in item["content"]]
    text = "".join(part.get("text") or part.get("refusal") or "" for part in parts)
    calls = [
        (item["call_id"], item["name"], json.loads(item["arguments"]))
        for item in reply["output"]
        if item["type"] == "function_call"
    ]
    cut = (reply["incomplete_details"] or {}).get("reason") == "max_output_tokens"
    usage = reply["usage"]
    counts = usage and (
        usage["input_tokens"],
        usage["input_tokens_details"]["cached_tokens"],
        usage["output_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    )
    return Said(text, calls, "length" if cut else "calls" if calls else "end", counts)


SAID = {"messages": said_in_messages, "responses": said_in_responses}


def assert_same(reply: Said, expected: Said) -> None:
    """Assert that two replies say the same; unknown usage may have become zeros, and a missing id any id."""
    assert reply.text == expected.text
    assert [call[1:] for call in reply.calls] == [call[1:] for call in expected.calls]
    assert all(call[0] == other[0] or not other[0] for call, other in zip(reply.calls, expected.calls, strict=True))
    assert all(call[0] for call in reply.calls)
    assert reply.stop == expected.stop
    assert (reply.usage or (0, 0, 0, 0)) == (expected.usage or (0, 0, 0, 0))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", replies(stream=True))
def test_recorded_stream_says_the_same_in_the_other_shape(row: dict[str, Any], client: str) -> None:
    """Text, calls, stop reason and usage of a recorded stream are what the official client reads, lawfully told."""
    told = streamed(translation(client), cuts(row["response"].encode(), READ_SIZE))
    GRAMMARS[client](told)
    assert_same(SAID[client](official_clients.of_stream(client, told)), recorded(row))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", replies(stream=False))
def test_recorded_reply_says_the_same_in_the_other_shape(row: dict[str, Any], client: str) -> None:
    """Text, calls, stop reason and usage of a recorded reply are what the official client reads, in both forms."""
    answer = json.dumps(row["response"]).encode()
    whole = translate_reply(answer, translation(client)).body
    assert_same(SAID[client](official_clients.of_whole(client, whole)), recorded(row))
    told = translation(client).stream().feed_whole(answer)
    GRAMMARS[client](told)
    assert_same(SAID[client](official_clients.of_stream(client, told)), recorded(row))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", FAILED_STREAMS)
def test_recorded_error_in_a_stream_raises_in_the_official_client(row: dict[str, Any], client: str) -> None:
    """A stream that told an error is an error to the client, in the upstream's words."""
    told = streamed(translation(client), cuts(row["response"].encode(), READ_SIZE))
    GRAMMARS[client](told)
    with pytest.raises((anthropic.APIError, openai.APIError)) as caught:
        official_clients.of_stream(client, told)
    assert _error_told(row)[:60] in str(caught.value)


def _error_told(row: dict[str, Any]) -> str:
    message: str = next(chunk["error"]["message"] for chunk in _chunks(row["response"]) if "error" in chunk)
    return message


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", ERRORS)
def test_recorded_refusal_keeps_its_status_and_its_words(row: dict[str, Any], client: str) -> None:
    """An upstream's refusal of a request reaches the client with its status, in the client's shape."""
    failure = SHAPES["chat"].decode_error(row["status"], json.dumps(row["response"]).encode())
    status, body = SHAPES[client].encode_error(failure, "req_1")
    assert status == row["status"]
    assert row["response"]["error"]["message"][:40] in body["error"]["message"] or status == 404


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", [row for row in CHAT if row.id == NOT_A_COMPLETION])
def test_recorded_body_that_is_no_completion_is_the_upstreams_fault(row: dict[str, Any], client: str) -> None:
    """A success status with a body that is no completion is a 502, and never a reply."""
    with pytest.raises(UpstreamProtocolError) as caught:
        translate_reply(json.dumps(row["response"]).encode(), translation(client))
    assert caught.value.failure.status == 502


@pytest.mark.parametrize(
    ("client", "row"),
    [pytest.param(client, row.values[0], id=row.id) for client in CLIENTS for row in recordings(client)],
)
def test_recorded_request_becomes_a_lawful_chat_request(client: str, row: dict[str, Any]) -> None:
    """A request that real clients sent is translated, or refused for a reason that is named; nothing else happens."""
    reason = REFUSED.get(row["id"].rpartition("/")[2])
    if reason is None:
        check_request(sent(client, row["request"]))
        return
    with pytest.raises(RequestRefused, match=reason):
        translation(client, row["request"])
