"""A model for agents' sessions: an upstream of one shape that answers each turn of a task as planned.

Which turn it is, is told by the request alone: by how many results of tools stand in it. So an agent may ask twice, ask
for a title meanwhile, or begin anew. Requests without tools are answered with a few words.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

from tests.translation.answers import Answer, stream_of, whole_of

Wire = dict[str, Any]
Plan = Callable[[int, Wire], Answer]
"""What the model says when it has seen so many results, for this request."""

_RESULTS = ("function_call_output", "custom_tool_call_output", "shell_call_output", "local_shell_call_output")


def conversation_of(shape: str, body: Wire) -> list[Wire]:
    """Return the messages or items of a request."""
    said: list[Wire] = body["input" if shape == "responses" else "messages"]
    return said


def results_in(shape: str, body: Wire) -> int:
    """Return how many results of tools the request holds."""
    said = conversation_of(shape, body)
    if shape == "responses":
        return sum(item.get("type") in _RESULTS for item in said)
    if shape == "chat":
        return sum(message["role"] == "tool" for message in said)
    blocks = [block for message in said if isinstance(message["content"], list) for block in message["content"]]
    return sum(block["type"] == "tool_result" for block in blocks)


class ScriptedModel:
    """Serves one shape on a port of its own; `requests` are the bodies of the task's requests, in order."""

    def __init__(self, shape: str, plan: Plan) -> None:
        self.shape, self.plan = shape, plan
        self.requests: list[Wire] = []
        self._numbers = count(1)
        model = self

        class Handler(BaseHTTPRequestHandler):
            """Answers posts."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer one request."""
                model.answer(self, self.rfile.read(int(self.headers["content-length"])))

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> ScriptedModel:
        """Serve already: it does so from the start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        """Answer as planned, streamed where that is asked for."""
        body = json.loads(raw)
        answer = Answer("All right.")
        if body.get("tools"):
            self.requests.append(body)
            answer = self.plan(results_in(self.shape, body), body)
        streamed = body.get("stream") is True
        told = stream_of(self.shape, answer) if streamed else whole_of(self.shape, answer)
        # Agents know a reply by its id: two of one id would be one to them.
        told = told.replace(b"12345678", b"%08d" % next(self._numbers))
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream" if streamed else "application/json")
        handler.send_header("content-length", str(len(told)))
        handler.end_headers()
        handler.wfile.write(told)
