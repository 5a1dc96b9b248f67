"""The mock of the providers on port 51001: the streams that it answers with, cut as told, and what reached it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

Wire = dict[str, Any]

CHAT_PATH = "/v1/chat/completions"
MESSAGES_PATH = "/v1/messages"
CHAT_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
MESSAGES_USAGE = {"input_tokens": 11, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
SIGNATURE = "EqQBCgIYAhIkMGI3NmE4ZTQtc2lnbmF0dXJlLW9mLXRoZS1tb2Nr"


@dataclass(frozen=True)
class Received:
    """One request as it reached the mock."""

    path: str
    query: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Wire:
        """The body's members."""
        members: Wire = json.loads(self.raw)
        return members

    def everything(self) -> str:
        """Return all that was sent, as one text to search."""
        return f"{self.path}?{self.query} {self.headers} {self.raw.decode()}"


class Providers:
    """Answers every request to a path with one stream, `cut` bytes a write; 0 writes it whole."""

    def __init__(self, server: HTTPServer, cut: int) -> None:
        self._server = server
        self._cut = cut
        self.stream = b""
        self.received: list[Received] = []

    def serve_chat(self, deltas: list[Wire], finish_reason: str) -> None:
        """Answer chat requests with these deltas, each in a chunk of its own; usage only for whoever asks for it."""
        self._serve(CHAT_PATH, lambda body: chat_stream(body, deltas, finish_reason))

    def serve_messages(self, blocks: list[tuple[Wire, list[Wire]]]) -> None:
        """Answer Messages requests with these content blocks, each with its deltas."""
        self._serve(MESSAGES_PATH, lambda body: messages_stream(body, blocks))

    def _serve(self, path: str, stream_for: Any) -> None:
        def answer(request: Request) -> Response:
            raw = request.get_data()
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.received.append(Received(request.path, request.query_string.decode(), headers, raw))
            self.stream = stream_for(json.loads(raw))
            # Without this the system joins the small writes again.
            request.environ["werkzeug.socket"].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Response(self._pieces(self.stream), content_type="text/event-stream")

        self._server.expect_request(path, method="POST").respond_with_handler(answer)

    def _pieces(self, stream: bytes) -> Iterator[bytes]:
        size = self._cut or len(stream)
        return (stream[at : at + size] for at in range(0, len(stream), size))


def words(text: str) -> list[str]:
    """Return the text in pieces, word by word, as a model streams it."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def text_deltas(text: str) -> list[Wire]:
    """Return a chat reply of text: the role, then one delta a word."""
    return [{"role": "assistant", "content": ""}, *({"content": word} for word in words(text))]


def tool_call_deltas(call_id: str, name: str, arguments: list[str]) -> list[Wire]:
    """Return a chat reply of one tool call: the role, the call's head, then its arguments piece by piece."""
    opening = {"index": 0, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in arguments]
    return [{"role": "assistant", "content": None}, {"tool_calls": [opening]}, *rest]


def chat_stream(body: Wire, deltas: list[Wire], finish_reason: str) -> bytes:
    """Return the stream of a chat reply to a request."""
    frame = {"id": "chatcmpl-mock-1", "object": "chat.completion.chunk", "created": 1763600000, "model": body["model"]}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    chunks: list[Wire] = [{**frame, "choices": [choice]} for choice in choices]
    chunks.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
    if body.get("stream_options", {}).get("include_usage"):
        chunks.append({**frame, "choices": [], "usage": CHAT_USAGE})
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"


def text_block(text: str) -> tuple[Wire, list[Wire]]:
    """Return a content block of text, one delta a word."""
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": word} for word in words(text)]


def thinking_block(text: str) -> tuple[Wire, list[Wire]]:
    """Return a content block of thinking, one delta a word, and its signature."""
    deltas = [{"type": "thinking_delta", "thinking": word} for word in words(text)]
    signature = {"type": "signature_delta", "signature": SIGNATURE}
    return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signature]


def messages_stream(body: Wire, blocks: list[tuple[Wire, list[Wire]]]) -> bytes:
    """Return the stream of a Messages reply to a request."""
    message = {"id": "msg_mock1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    start = {**message, "stop_reason": None, "stop_sequence": None, "usage": {**MESSAGES_USAGE, "output_tokens": 1}}
    events: list[Wire] = [{"type": "message_start", "message": start}]
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": ending, "usage": {**MESSAGES_USAGE, "output_tokens": 7}})
    events.append({"type": "message_stop"})
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)
