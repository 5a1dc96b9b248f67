"""Recorded exchanges with real providers of the responses shape, and recorded requests of clients on their way there.

The recordings are not part of the project; without them these tests are skipped. What a reply must become is worked
out here from the recorded bytes, with nothing of the gateway's own.
"""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from openai.types.chat import ChatCompletion

from tests.grammar import chat, messages
from tests.grammar.responses_request import check_request
from tests.translation import official_clients
from tests.translation.chat.client.sdk import streamed as read_by_client
from tests.translation.relaying import MINIMAL, cuts, streamed
from tests.translation.responses.upstream.asking import translation
from translation.failures import RequestRefused, UpstreamProtocolError
from translation.ledger import Ledger
from translation.shapes import SHAPES
from translation.translator import Translation, translate_reply

RECORDINGS = Path(__file__).parents[5] / "shared" / "recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not there")

CLIENTS = ("messages", "chat")
GRAMMARS = {"messages": messages.check, "chat": chat.check}
READ_SIZE = 1000
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}

REFUSED = {
    "test_anthropic_advisor_tool_redacted.yaml#0": "is run by another provider",
    "test_anthropic_code_execution_tool_container_reuse.yaml#0": "is run by another provider",
    "test_anthropic_code_execution_tool_container_reuse.yaml#1": "is run by another provider",
    "test_anthropic_server_tool_receive_history_from_another_provider.yaml#1": "is run by another provider",
    "test_anthropic_text_editor_code_execution_tool_stream.yaml#0": "is run by another provider",
    "test_anthropic_web_fetch_tool_stream.yaml#0": "is run by another provider",
    "test_multimodal_tool_return_matrix[direct-uploaded_file-image-anthropic].yaml#1": "A file id of another provider",
}
"""Requests that only their own vendor can serve, and why."""

MCP = ("test_in_flight_mcp_call_history_is_accepted.yaml#0", "test_anthropic_mcp_servers_stream.yaml#0")
"""Requests whose tools are on servers that only some models' providers call."""

MODELS = {"m": REFUSED | dict.fromkeys(MCP, "cannot reach MCP servers"), "gpt-5.6-sol": REFUSED}
"""A model of which nothing is known, one that can do everything, and what is refused for each."""


def recordings(shape: str) -> list[Any]:
    """Return the recorded exchanges of a shape, as test parameters named after their last path segment."""
    path = RECORDINGS / f"{shape}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [pytest.param(row, id=row["id"].rpartition("/")[2]) for row in rows]


ANSWERED = [row for row in recordings("responses") if row.values[0]["status"] == 200]


def status_of(row: dict[str, Any]) -> Any:
    """Return the status of a recorded whole response."""
    return None if row["stream"] else row["response"]["status"]


STREAMS = [row for row in ANSWERED if row.values[0]["stream"]]
# One provider counted nothing, which the grammar of chat does not take for a count.
UNCOUNTED = "test_openai_responses_model_retry.yaml#0"
WHOLE = [row for row in ANSWERED if status_of(row.values[0]) == "completed" and row.id != UNCOUNTED]
QUEUED = [row for row in ANSWERED if status_of(row.values[0]) == "queued"]


class Said(NamedTuple):
    """What a reply says, in no shape: its words, its calls as (id, name, arguments), why it stopped, its usage."""

    text: str
    calls: list[tuple[str, str, Any]]
    stop: str
    usage: tuple[int, int, int, int]


def recorded(row: dict[str, Any]) -> Said:
    """Return what the recorded reply says; a stream says it all in its last event."""
    return _said(_last_response(row["response"]) if row["stream"] else row["response"])


def _last_response(stream: str) -> dict[str, Any]:
    lines = [line.removeprefix("data:").strip() for line in stream.splitlines() if line.startswith("data:")]
    response: dict[str, Any] = json.loads([line for line in lines if line != "[DONE]"][-1])["response"]
    return response


def _said(response: dict[str, Any]) -> Said:
    parts = [part for item in response["output"] if item["type"] == "message" for part in item["content"]]
    calls = [
        (item["call_id"], item["name"], json.loads(item[CALLS[item["type"]]] or "{}"))
        for item in response["output"]
        if item["type"] in CALLS
    ]
    usage = response["usage"]
    cached = (usage.get("input_tokens_details") or {}).get("cached_tokens") or 0
    thought = (usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0
    text = "".join(part.get("text") or part.get("refusal") or "" for part in parts)
    counts = (usage["input_tokens"], cached, usage["output_tokens"], thought)
    return Said(text, calls, "calls" if calls else "end", counts)


def said_in_messages(reply: dict[str, Any]) -> Said:
    """Return what a message says."""
    blocks, usage = reply["content"], reply["usage"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    cached = usage["cache_read_input_tokens"]
    prompt = usage["input_tokens"] + cached + usage["cache_creation_input_tokens"]
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    stop = {"end_turn": "end", "tool_use": "calls", "refusal": "end"}[reply["stop_reason"]]
    return Said(text, calls, stop, (prompt, cached, usage["output_tokens"], thought))


def said_in_chat(reply: dict[str, Any]) -> Said:
    """Return what a chat completion says."""
    choice, usage = reply["choices"][0], reply["usage"]
    calls = [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in choice["message"].get("tool_calls") or ()
    ]
    text = (choice["message"]["content"] or "") + (choice["message"].get("refusal") or "")
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    stop = {"stop": "end", "tool_calls": "calls"}[choice["finish_reason"]]
    return Said(text, calls, stop, (usage["prompt_tokens"], cached, usage["completion_tokens"], thought))


def relay_of(client: str) -> Translation:
    """Return the translation of a client's smallest request that wants to know the usage."""
    options = {"stream": True, "stream_options": {"include_usage": True}} if client == "chat" else {}
    minimal = {"chat": {"model": "alias", "messages": [{"role": "user", "content": "hi"}]}, **MINIMAL}
    return translation(client, {**minimal[client], **options})


def read_whole(client: str, body: bytes) -> Said:
    """Return what the official client reads in a whole reply."""
    if client == "chat":
        return said_in_chat(ChatCompletion.model_validate_json(body).to_dict(mode="json"))
    return said_in_messages(official_clients.of_whole(client, body))


def read_stream(client: str, stream: bytes) -> Said:
    """Return what the official client reads in a stream, which is lawful."""
    GRAMMARS[client](stream)
    if client == "chat":
        return said_in_chat(read_by_client(stream).to_dict(mode="json"))
    return said_in_messages(official_clients.of_stream(client, stream))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", STREAMS)
def test_recorded_stream_says_the_same_in_the_other_shape(row: dict[str, Any], client: str) -> None:
    """Text, calls, stop reason and usage of a recorded stream are what the official client reads."""
    told = streamed(relay_of(client), cuts(row["response"].encode(), READ_SIZE))
    assert read_stream(client, told) == recorded(row)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", WHOLE)
def test_recorded_reply_says_the_same_in_the_other_shape(row: dict[str, Any], client: str) -> None:
    """Text, calls, stop reason and usage of a recorded reply are what the official client reads, in both forms."""
    body, expected = msgspec.json.encode(row["response"]), recorded(row)
    assert read_whole(client, translate_reply(body, relay_of(client)).body) == expected
    assert read_stream(client, relay_of(client).stream().feed_whole(body)) == expected


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("row", STREAMS)
def test_recorded_stream_that_nobody_asked_for_is_collected(row: dict[str, Any], client: str) -> None:
    """An upstream that streams although it was not asked to says the same."""
    reply = translate_reply(row["response"].encode(), relay_of(client), streamed=True)
    assert read_whole(client, reply.body) == recorded(row)


@pytest.mark.parametrize("row", QUEUED)
def test_recorded_response_that_is_queued_is_no_reply(row: dict[str, Any]) -> None:
    """A response that has not begun is never an empty success."""
    with pytest.raises(UpstreamProtocolError, match="queued"):
        translate_reply(msgspec.json.encode(row["response"]), relay_of("messages"))


def readable(client: str) -> list[Any]:
    """Return the recorded requests of a shape that its client side can read."""
    side = SHAPES[client].client
    assert side is not None
    found = []
    for row in recordings(client):
        with suppress(RequestRefused):
            side.decode_request(row.values[0]["request"], Ledger())
            found.append(pytest.param(client, row.values[0], id=f"{client}-{row.id}"))
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("client", "row"), [row for client in CLIENTS for row in readable(client)])
def test_recorded_request_becomes_a_lawful_responses_request(client: str, row: dict[str, Any], model: str) -> None:
    """A request that real clients sent is translated, or refused for a reason that is named; nothing else happens."""
    reason = MODELS[model].get(row["id"].rpartition("/")[2])
    if reason is None:
        check_request(msgspec.json.decode(translation(client, row["request"], model).body))
        return
    with pytest.raises(RequestRefused, match=reason):
        translation(client, row["request"], model)
