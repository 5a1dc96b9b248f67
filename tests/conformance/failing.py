"""Upstreams that fail, and the official clients that notice: what the tests of errors share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import anthropic
import httpx2
import openai

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Step, chunked
from tests.serving.running import RunningGateway, free_port
from tests.serving.wires import ENDPOINTS, REQUESTS, for_model, streamed

KEY = "upstream-key-of-openai"
"""The credential that every upstream here is asked with; see RunningGateway."""

ROUTES = """
model_providers:
  - {{model: a/of-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", name: a, shapes: [chat], prefer: chat}}
  - {{model: b/of-messages, access_key: $OPENAI_API_KEY, base_url: "{url}", name: b, shapes: [messages],
      prefer: messages}}
  - {{model: c/of-responses, access_key: $OPENAI_API_KEY, base_url: "{url}", name: c, shapes: [responses],
      prefer: responses}}
  - {{model: i/in-the-clients-name, base_url: "{url}", name: i, passthrough_auth: true, shapes: [messages],
      prefer: messages}}
  - {{model: d/twice, access_key: $OPENAI_API_KEY, base_url: "{url}", name: first, shapes: [chat], prefer: chat}}
  - {{model: e/twice, access_key: $OPENAI_API_KEY, base_url: "{other}", name: second, shapes: [chat], prefer: chat,
      tier: 1}}
  - {{model: f/unreachable-once, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{closed}", name: closed,
      shapes: [chat], prefer: chat}}
  - {{model: g/unreachable-once, access_key: $OPENAI_API_KEY, base_url: "{other}", name: open, shapes: [chat],
      prefer: chat, tier: 1}}
  - {{model: h/unreachable, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{closed}", name: gone,
      shapes: [chat], prefer: chat}}
"""


def routes(upstream: FakeUpstream, other: FakeUpstream) -> str:
    """Return the routes: one of each shape at `upstream`, and such as have `other` as their second target."""
    return ROUTES.format(url=upstream.url, other=other.url, closed=free_port())


def openai_body(kind: str, code: str | None, message: str) -> bytes:
    """Return an error body as OpenAI's APIs write it."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()


def anthropic_body(kind: str, message: str) -> bytes:
    """Return an error body as Anthropic's API writes it."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_up"}).encode()


class OfficialClients:
    """Both vendors' clients, unmodified, that ask the gateway."""

    def __init__(self, gateway: RunningGateway, *, max_retries: int = 0) -> None:
        self._openai = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=max_retries)
        self._anthropic = anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=max_retries)

    def ask(self, client: str, model: str, *, stream: bool = False) -> Any:
        """Ask as a client of that shape, and read the answer to its end; raises what the client raises."""
        asked = getattr(self, f"_ask_{client}")(model, stream)
        return list(asked) if isinstance(asked, Iterable) and stream else asked

    def close(self) -> None:
        """Close the connections."""
        self._openai.close()
        self._anthropic.close()

    def _ask_chat(self, model: str, stream: bool) -> Any:
        create: Any = self._openai.chat.completions.create
        return create(model=model, messages=[{"role": "user", "content": "Hi"}], stream=stream)

    def _ask_responses(self, model: str, stream: bool) -> Any:
        create: Any = self._openai.responses.create
        return create(model=model, input="Hi", stream=stream)

    def _ask_messages(self, model: str, stream: bool) -> Any:
        create: Any = self._anthropic.messages.create
        return create(model=model, max_tokens=10, messages=[{"role": "user", "content": "Hi"}], stream=stream)


def in_a_stream(body: bytes) -> list[Step]:
    """Return the script of a stream whose first event is the error."""
    return [OPEN_STREAM, chunked(b"event: error\ndata: " + body + b"\n\n"), b"0\r\n\r\n"]


def asked(http: httpx2.Client, client: str, model: str, *, stream: bool = False) -> httpx2.Response:
    """Return the answer to a small request."""
    request = for_model(REQUESTS[client], model)
    return http.post(ENDPOINTS[client], content=streamed(request) if stream else request)
