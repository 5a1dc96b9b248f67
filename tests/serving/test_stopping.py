"""A gateway that is told to stop: what runs gets its time, then a clear word; then the process ends in good order."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx2

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, Then, chunked
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, REQUESTS, STREAMS, streamed

ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}"}}
"""
FIRST_EVENT = chunked(STREAMS["chat"].split(b"\n\n")[1] + b"\n\n")


def ask(gateway: RunningGateway, body: bytes, answers: list[httpx2.Response]) -> threading.Thread:
    """Send the request from a thread of its own and note the answer."""

    def send() -> None:
        headers = {"content-type": "application/json"}
        answers.append(httpx2.post(gateway.url + ENDPOINTS["chat"], content=body, headers=headers, timeout=20))

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_what_still_runs_at_the_end_of_the_time_is_told(upstream: FakeUpstream, tmp_path: Path) -> None:
    """A stream ends with its error event, a request that waits gets a 503, and the process ends with success."""
    gateway = RunningGateway(tmp_path, ROUTES.format(url=upstream.url), GATEWAY_SHUTDOWN_SECONDS="1").start()
    upstream.answer([OPEN_STREAM, FIRST_EVENT, Then.STALL], [Then.STALL])
    stream: list[httpx2.Response] = []
    whole: list[httpx2.Response] = []
    waiting = [ask(gateway, streamed(REQUESTS["chat"]), stream)]
    while not upstream.requests:
        waiting[0].join(0.02)
    waiting.append(ask(gateway, REQUESTS["chat"], whole))
    while len(upstream.requests) < 2:
        waiting[1].join(0.02)
    status = gateway.stop()
    for thread in waiting:
        thread.join(5)
    assert b'"code":"gateway_stopping"' in stream[0].content.split(b"\n\n")[-2]
    assert b"[DONE]" not in stream[0].content
    assert (whole[0].status_code, whole[0].json()["error"]["code"]) == (503, "gateway_stopping")
    assert status == 0
    assert "Traceback" not in gateway.log()
