"""The bytes that the benchmarks send and receive, all built once.

The last word of the user's message tells the fake upstream how to answer, because it survives every translation.
"""

from __future__ import annotations

import json

MODEL = "bench"
MODEL_OF = {"chat": MODEL, "messages": "bench-messages", "responses": "bench-responses"}
"""The model whose upstream speaks that shape, and nothing else."""

PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
REPLY_BYTES = 1024

PACED = "PACED"
"""The word that asks for a stream without end at an even pace."""

IDLE = "IDLE"
"""The word that asks for a stream that falls silent after its first event."""

ENDING = "ENDING"
"""The word that asks for a short stream, all of it at once."""

_TEXT = "Say something about switchyards. "


def _post(path: str, wire: dict[str, object], headers: str = "") -> bytes:
    body = json.dumps(wire).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer test-key\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def chat_request(word: str = "", upstream: str = "chat") -> bytes:
    """Return a Chat Completions request, streamed where a word says how."""
    wire: dict[str, object] = {"model": MODEL_OF[upstream], "messages": [{"role": "user", "content": _TEXT + word}]}
    return _post(PATHS["chat"], wire | ({"stream": True} if word else {}))


def messages_request(word: str = "", upstream: str = "chat") -> bytes:
    """Return a Messages request, streamed where a word says how."""
    wire: dict[str, object] = {
        "model": MODEL_OF[upstream],
        "max_tokens": 500,
        "messages": [{"role": "user", "content": _TEXT + word}],
    }
    return _post(PATHS["messages"], wire | ({"stream": True} if word else {}), "anthropic-version: 2023-06-01\r\n")


def responses_request(word: str = "", upstream: str = "chat", *, store: bool = False) -> bytes:
    """Return a Responses request, streamed where a word says how; it keeps no state unless told to."""
    wire: dict[str, object] = {"model": MODEL_OF[upstream], "store": store, "input": _TEXT + word}
    return _post(PATHS["responses"], wire | ({"stream": True} if word else {}))


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


def _chat_event(delta: dict[str, str]) -> bytes:
    """Return one chunk of a Chat Completions stream."""
    wire = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1767225600,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
    return f"data: {json.dumps(wire)}\n\n".encode()


def _event(**wire: object) -> bytes:
    """Return one event of a Messages or Responses stream."""
    return f"event: {wire['type']}\ndata: {json.dumps(wire)}\n\n".encode()


def _chunk(event: bytes) -> bytes:
    """Return the event in the framing of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(event), event)


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_MESSAGE = {
    "id": "msg_benchmark",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
_RESPONSE = {
    "id": "resp_benchmark",
    "object": "response",
    "created_at": 1767225600,
    "status": "in_progress",
    "model": MODEL,
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
_ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def _text_delta(text: str) -> bytes:
    return _event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def _output_delta(text: str) -> bytes:
    number, noise = 4, "x7Qm2LpR"
    delta = {"delta": text, "logprobs": [], "obfuscation": noise}
    return _event(type="response.output_text.delta", sequence_number=number, **_PLACE, **delta)


BEGINNINGS = {
    "chat": [_chat_event({"role": "assistant", "content": ""}), _chat_event({"content": "Hello"})],
    "messages": [
        _event(type="message_start", message=_MESSAGE),
        _event(type="content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _text_delta("Hello"),
    ],
    "responses": [
        _event(type="response.created", sequence_number=0, response=_RESPONSE),
        _event(type="response.output_item.added", sequence_number=1, output_index=0, item=_ITEM),
        _event(
            type="response.content_part.added",
            sequence_number=2,
            **_PLACE,
            part={"type": "output_text", "text": "", "annotations": []},
        ),
        _output_delta("Hello"),
    ],
}
STREAM_STARTS = {
    PATHS[shape]: _HEAD + b"".join(_chunk(event) for event in beginning) for shape, beginning in BEGINNINGS.items()
}
"""How a stream of each shape begins, by the path that is asked."""

MORE_TEXT = {
    "chat": _chat_event({"content": " token"}),
    "messages": _text_delta(" token"),
    "responses": _output_delta(" token"),
}
"""One more event of each shape's stream."""

STREAM_EVENTS = {PATHS[shape]: _chunk(event) for shape, event in MORE_TEXT.items()}
"""The same in a chunked body, by the path that is asked."""


def _ending() -> bytes:
    """Return how a Chat Completions stream ends."""
    usage = {"prompt_tokens": 9, "completion_tokens": ENDING_EVENTS, "total_tokens": 9 + ENDING_EVENTS}
    wire = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1767225600, "model": MODEL}
    stop = wire | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    counted = wire | {"choices": [], "usage": usage}
    events = [*(f"data: {json.dumps(event)}\n\n".encode() for event in (stop, counted)), b"data: [DONE]\n\n"]
    return b"".join(map(_chunk, events)) + b"0\r\n\r\n"


ENDING_EVENTS = 100
ENDING_STREAM = STREAM_STARTS[PATHS["chat"]] + STREAM_EVENTS[PATHS["chat"]] * ENDING_EVENTS + _ending()
"""A whole Chat Completions stream."""

WHOLE_REPLY = _whole_reply()
EVENT_END = b"\n\n"
