"""Recorded replies, read and written again in their own shape, and what a reply says, as values that can be compared.

What only the provider itself can tell is left out: ids of the reply and of its items, times, prices. An envelope of the
gateway's is opened: inside must be what the provider wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from tests.conformance.losses import Wire
from tests.translation.relaying import CIRCUMSTANCES, MINIMAL
from tests.translation.test_recordings import NOT_A_COMPLETION, recordings
from translation.envelope import unseal
from translation.exchange import Exchange
from translation.failures import RequestRefused
from translation.ledger import Ledger
from translation.shapes import SHAPES
from translation.shapes.shape import ClientSide

Told = tuple[Any, ...]


def whole_replies(shape: str) -> list[Any]:
    """Return the recorded replies of a shape that are no streams and no errors, as test parameters."""
    return [
        row
        for row in recordings(shape)
        if not row.values[0]["stream"]
        and row.values[0]["status"] == 200
        and row.values[0]["response"].get("status") != "queued"
        and row.id != NOT_A_COMPLETION
    ]


def rewritten(shape: str, row: Mapping[str, Any]) -> Wire:
    """Return the recorded reply, read as an upstream's and written as a client's."""
    client, upstream = SHAPES[shape].client, SHAPES[shape].upstream
    assert client is not None
    assert upstream is not None
    exchange = _exchange(client, shape, row["request"])
    reply = upstream.decode_reply(row["response"], exchange)
    wire: Wire = msgspec.json.decode(msgspec.json.encode(client.encode_reply(reply, exchange)))
    return wire


def _exchange(client: ClientSide, shape: str, asked: Wire) -> Exchange:
    try:
        request = client.decode_request(asked, Ledger())
    except RequestRefused:  # it asked for what is never translated; its reply can be read all the same
        request = client.decode_request(MINIMAL[shape], Ledger())
    request = replace(request, wants_reasoning_state=True)
    return Exchange(request=request, model_shown="m", seed=CIRCUMSTANCES.seed, now=CIRCUMSTANCES.now)


def said_in(shape: str, reply: Mapping[str, Any]) -> tuple[list[Told], Told]:
    """Return what a reply says, in its order, and how it ends: the reason, and its counts of tokens."""
    said, ended = _VIEWS[shape]
    return list(said(reply)), ended(reply)


def _said_in_chat(reply: Mapping[str, Any]) -> Iterator[Told]:
    message = reply["choices"][0]["message"]
    sealed = [entry for entry in message.get("reasoning_details") or () if str(entry.get("data")).startswith("gw1.")]
    known = ("reasoning_content", "reasoning", "reasoning_details")
    for thought in _opened(entry["data"] for entry in sealed) if sealed else [message]:
        yield from (("thought", name, thought[name]) for name in known if thought.get(name))
    content = message.get("content")
    parts = [part for part in content if part["type"] == "text"] if isinstance(content, list) else []
    yield "text", "".join(part["text"] for part in parts) if isinstance(content, list) else content or ""
    yield "refusal", message.get("refusal") or ""
    for call in message.get("tool_calls") or ():
        arguments = call["function"]["arguments"]
        text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
        yield "call", call["function"]["name"], text or "{}"


def _end_of_chat(reply: Mapping[str, Any]) -> Told:
    usage, choice = reply.get("usage") or {}, reply["choices"][0]
    # Some servers stop for calls of tools without saying so.
    reason = "tool_calls" if choice["message"].get("tool_calls") else choice.get("finish_reason") or "stop"
    prompt, output = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return reason, prompt, cached, max(output, usage.get("total_tokens", 0) - prompt), reasoning


def _said_in_messages(reply: Mapping[str, Any]) -> Iterator[Told]:
    for block in reply["content"]:
        match block["type"]:
            case "text":
                sources = [(c["url"], c["title"], c["cited_text"]) for c in block.get("citations") or () if "url" in c]
                yield "text", block["text"], sources
            case "tool_use":
                yield "call", block["id"], block["name"], msgspec.json.encode(block["input"])
            case "thinking" if block["signature"].startswith("gw1."):
                yield from (("thought", native) for native in _opened([block["signature"]]))
            case "thinking" | "redacted_thinking":
                yield "thought", block


def _end_of_messages(reply: Mapping[str, Any]) -> Told:
    usage = reply["usage"]
    counts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    return reply["stop_reason"], reply["stop_sequence"], *(usage.get(name) or 0 for name in counts)


def _said_in_responses(reply: Mapping[str, Any]) -> Iterator[Told]:
    for item in reply["output"]:
        match item["type"]:
            case "message":
                for part in item["content"]:
                    sources = [(a["url"], a["title"]) for a in part.get("annotations") or () if "url" in a]
                    yield item["role"], part.get("text") or part.get("refusal"), sources
            case "function_call":
                yield "call", item["call_id"], item["name"], item["arguments"]
            case "custom_tool_call":
                yield "call", item["call_id"], item["name"], item["input"]
            case "reasoning":
                sealed = item.get("encrypted_content")
                native = next(_opened([sealed])) if str(sealed).startswith("gw1.") else item
                summary = [part["text"] for part in native.get("summary") or ()]
                content = [part["text"] for part in native.get("content") or ()]
                if native.get("encrypted_content") or summary or content:
                    yield "thought", native.get("encrypted_content"), summary, content


def _end_of_responses(reply: Mapping[str, Any]) -> Told:
    usage = reply.get("usage") or {}
    details = [usage.get(f"{side}_tokens_details") or {} for side in ("input", "output")]
    cached, reasoning = details[0].get("cached_tokens") or 0, details[1].get("reasoning_tokens") or 0
    return reply["status"], usage.get("input_tokens", 0), cached, usage.get("output_tokens", 0), reasoning


def _opened(sealed: Any) -> Iterator[Wire]:
    for text in sealed:
        envelope = unseal(text)
        assert envelope is not None
        yield from envelope.blocks


_VIEWS: Mapping[str, tuple[Callable[[Mapping[str, Any]], Iterator[Told]], Callable[[Mapping[str, Any]], Told]]] = {
    "chat": (_said_in_chat, _end_of_chat),
    "messages": (_said_in_messages, _end_of_messages),
    "responses": (_said_in_responses, _end_of_responses),
}
