"""Recorded exchanges: what Anthropic really answered reaches clients whole, and what real clients ask is lawful there.

The recordings are not part of the project; without them these tests are skipped. What a reply must become is worked
out here from the recorded bytes, with nothing of the gateway's own.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.grammar import chat, responses
from tests.translation import official_clients
from tests.translation.messages.upstream.asking import FABLE_5, OPUS_4_8, OTHER, SONNET_4_5, relay, sent
from tests.translation.refused_recordings import REFUSED
from tests.translation.relaying import cuts, streamed
from tests.translation.test_recordings import Said, assert_same, recorded, said_in_responses
from translation.failures import RequestRefused
from translation.translator import translate_reply

RECORDINGS = Path(__file__).parents[5] / "shared" / "recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not there")

STOPS = {"end_turn": "end", "stop_sequence": "end", "tool_use": "calls", "max_tokens": "length"}
# Recorded requests that an upstream of this shape cannot serve, and what the client is told; REFUSED has those that no
# other shape can serve, of which this one takes some.
REFUSED_HERE = {
    "test_multimodal_tool_return_matrix[tool_return_content-url_force_download-audio-openai_responses].yaml#2": (
        "cannot read 'audio/mpeg'"
    ),
    "test_openai_responses_model_http_error.yaml#0": "Invalid 'temperature'",
    "test_openai_responses_moderation_block_policy.yaml#0": "cannot block",
    "test_openai_responses_runs_with_instructions_only.yaml#0": "text content blocks must be non-empty",
    # What only one vendor's chat knows.
    "test_mistral_model_thinking_part.yaml#1": "'thinking'",
    "test_multimodal_tool_return_matrix[direct-binary-document-mistral].yaml#1": "'document_url'",
    "test_multimodal_tool_return_matrix[direct-url-document-mistral].yaml#1": "'document_url'",
    "test_multimodal_tool_return_matrix[tool_return_content-url-document-mistral].yaml#1": "'document_url'",
    "test_multimodal_tool_return_matrix[tool_return_content-url-audio-openai_chat].yaml#2": "cannot listen",
    "test_openai_web_search_tool_with_user_location.yaml#0": "run by another provider",
    "test_openrouter_advisor_tool.yaml#0": "'openrouter:advisor'",
    "test_openrouter_web_search_annotations.yaml#0": "'openrouter:web_search'",
    "test_openrouter_web_search_tool_full_params.yaml#0": "'openrouter:web_search'",
    "test_openrouter_web_search_tool_usage.yaml#0": "'openrouter:web_search'",
    "test_tool_choice_matrix[list_single-mistral].yaml#0": "'any'",
    "test_tool_choice_matrix[required-mistral].yaml#0": "'any'",
}
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def recordings(shape: str) -> list[Any]:
    """Return the recorded exchanges of a shape, as test parameters named after their last path segment."""
    path = RECORDINGS / f"{shape}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [pytest.param(row, id=row["id"].rpartition("/")[2]) for row in rows]


def replies(*, stream: bool) -> list[Any]:
    """Return the recorded replies of one form."""
    return [row for row in recordings("messages") if row.values[0]["stream"] is stream]


def said(blocks: list[dict[str, Any]], stop: str, usage: dict[str, Any]) -> Said:
    """Return what a message says, in no shape."""
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    cached = usage.get("cache_read_input_tokens") or 0
    prompt = usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0)
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return Said(text, calls, STOPS[stop], (prompt, cached, usage["output_tokens"], thinking))


def merged(stream: str) -> Said:
    """Return what a recorded stream says."""
    blocks: dict[int, dict[str, Any]] = {}
    stop, usage = "", dict[str, Any]()
    for line in stream.splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {"type": ""}
        delta = event.get("delta", {})
        match event["type"]:
            case "message_start":
                usage |= event["message"]["usage"]
            case "content_block_start":
                blocks[event["index"]] = {**event["content_block"], "arguments": ""}
            case "content_block_delta" if delta["type"] == "text_delta":
                blocks[event["index"]]["text"] += delta["text"]
            case "content_block_delta" if delta["type"] == "input_json_delta":
                blocks[event["index"]]["arguments"] += delta["partial_json"]
            case "message_delta":
                stop = delta["stop_reason"]
                usage |= event["usage"]
    whole = [{**block, "input": json.loads(block["arguments"] or "{}")} for block in blocks.values()]
    return said(whole, stop, usage)


def told_to_responses(stream: bytes) -> Said:
    """Return what the official client reads in a lawful stream of the responses shape."""
    responses.check(stream)
    return said_in_responses(official_clients.of_stream("responses", stream))


def told_to_chat(stream: bytes) -> Said:
    """Return what a lawful chat stream says."""
    chat.check(stream)
    return recorded({"stream": True, "response": stream.decode()})


TOLD = {"chat": told_to_chat, "responses": told_to_responses}
CLIENTS = [("responses", {}), ("chat", WITH_USAGE)]


@pytest.mark.parametrize(("client", "request_"), CLIENTS)
@pytest.mark.parametrize("row", replies(stream=True))
def test_recorded_stream_says_the_same_in_the_other_shape(
    row: dict[str, Any], client: str, request_: dict[str, Any]
) -> None:
    """Text, calls, stop reason and usage of a recorded stream are what the client reads, lawfully told."""
    told = streamed(relay(request_, client=client), cuts(row["response"].encode(), 1000))
    assert_same(TOLD[client](told), merged(row["response"]))


@pytest.mark.parametrize(("client", "request_"), CLIENTS)
@pytest.mark.parametrize("row", replies(stream=False))
def test_recorded_reply_told_as_a_stream_says_the_same(
    row: dict[str, Any], client: str, request_: dict[str, Any]
) -> None:
    """A whole reply where a stream was asked for is told as one, with the same text, calls, stop reason and usage."""
    wire = row["response"]
    told = relay(request_, client=client).stream().feed_whole(json.dumps(wire).encode())
    assert_same(TOLD[client](told), said(wire["content"], wire["stop_reason"], wire["usage"]))


@pytest.mark.parametrize("row", replies(stream=False))
def test_recorded_reply_says_the_same_in_the_other_shapes(row: dict[str, Any]) -> None:
    """Text, calls, stop reason and usage of a recorded reply are what clients of both other shapes read."""
    wire = row["response"]
    expected = said(wire["content"], wire["stop_reason"], wire["usage"])
    answer = json.dumps(wire).encode()
    response = translate_reply(answer, relay({})).body
    assert_same(said_in_responses(official_clients.of_whole("responses", response)), expected)
    completion = json.loads(translate_reply(answer, relay({}, client="chat")).body)
    assert_same(recorded({"stream": False, "response": completion}), expected)


def refusal(request: dict[str, Any], model: str, client: str) -> str | None:
    """Return why a request is refused; None if it is sent, which a check proves to be lawful."""
    try:
        sent(request, model, client)
    except RequestRefused as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("model", [SONNET_4_5, OPUS_4_8, FABLE_5, OTHER])
@pytest.mark.parametrize(
    ("client", "row"),
    [pytest.param(client, row.values[0], id=row.id) for client in ("chat", "responses") for row in recordings(client)],
)
def test_recorded_request_becomes_a_lawful_messages_request(client: str, row: dict[str, Any], model: str) -> None:
    """A request that real clients sent is translated, or refused for a reason that is named; nothing else happens."""
    name = row["id"].rpartition("/")[2]
    told = refusal(row["request"], model, client)
    assert told is None or re.search(REFUSED_HERE.get(name) or REFUSED[name], told)
