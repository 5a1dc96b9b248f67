"""The bytes that the benchmarks send and receive, all built once.

The last word of the user's message tells the fake upstream how to answer, because it survives every translation.
"""

from __future__ import annotations

import json

MODEL = "bench"
REPLY_BYTES = 1024

PACED = "PACED"
"""The word that asks for a stream without end at an even pace."""

IDLE = "IDLE"
"""The word that asks for a stream that falls silent after its first event."""

_TEXT = "Say something about switchyards. "


def _post(path: str, wire: dict[str, object], headers: str = "") -> bytes:
    body = json.dumps(wire).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer test-key\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def chat_request(word: str = "") -> bytes:
    """Return a Chat Completions request, streamed where a word says how."""
    wire: dict[str, object] = {"model": MODEL, "messages": [{"role": "user", "content": _TEXT + word}]}
    return _post("/v1/chat/completions", wire | ({"stream": True} if word else {}))


def messages_request(word: str = "") -> bytes:
    """Return a Messages request, streamed where a word says how."""
    wire: dict[str, object] = {
        "model": MODEL,
        "max_tokens": 500,
        "messages": [{"role": "user", "content": _TEXT + word}],
    }
    return _post("/v1/messages", wire | ({"stream": True} if word else {}), "anthropic-version: 2023-06-01\r\n")


def responses_request(word: str = "") -> bytes:
    """Return a Responses request that keeps no state, streamed where a word says how."""
    wire: dict[str, object] = {"model": MODEL, "store": False, "input": _TEXT + word}
    return _post("/v1/responses", wire | ({"stream": True} if word else {}))


def _whole_reply() -> bytes:
    """Return a Chat Completions answer, padded so that its body has REPLY_BYTES."""
    usage = {"prompt_tokens": 9, "completion_tokens": 160, "total_tokens": 169}
    message = {"role": "assistant", "content": ""}
    wire = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1767225600,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage,
    }
    message["content"] = "x" * (REPLY_BYTES - len(json.dumps(wire)))
    body = json.dumps(wire).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _event(delta: dict[str, str]) -> bytes:
    """Return one chunk of a Chat Completions stream, in the framing of a chunked body."""
    wire = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    event = f"data: {json.dumps(wire)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


WHOLE_REPLY = _whole_reply()
STREAM_START = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    + _event({"role": "assistant", "content": ""})
    + _event({"content": "Hello"})
)
STREAM_EVENT = _event({"content": " token"})
EVENT_END = b"\n\n"
