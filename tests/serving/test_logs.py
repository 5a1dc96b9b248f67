"""The log: one line a relay with what an operator asks for, nothing per event, and never a body or a credential."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.serving.fake_upstream import FakeUpstream, Step, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway, free_port

ROUTES = """
model_providers:
  - {{model: openai/logged, access_key: $OPENAI_API_KEY, base_url: "{url}", name: openai-eu}}
  - {{model: openai/down, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{closed}", name: down}}
  - {{model: openai/spare, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{closed}", name: down}}
  - {{model: openai/spare, access_key: $OPENAI_API_KEY, base_url: "{url}", name: openai-eu, tier: 1}}
  - {{model: openai/unset, access_key: $NO_SUCH_VARIABLE, base_url: "{url}", name: unset}}
model_aliases:
  nickname: {{target: logged}}
"""
CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
PROMPT = b'"messages": [{"role": "user", "content": "canary-prompt"}]'
REPLY = (
    b'{"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, '
    b'"message": {"role": "assistant", "content": "canary-reply"}, "finish_reason": "stop"}], '
    b'"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, '
    b'"prompt_tokens_details": {"cached_tokens": 3}}}'
)
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":"canary-reply"},"finish_reason":null}]}\n\n'
)
LAST_CHUNKS = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":'
    b'{"prompt_tokens":5,"completion_tokens":200,"total_tokens":205}}\n\ndata: [DONE]\n\n'
)
LONG_STREAM = CHUNK * 200 + LAST_CHUNKS
REFUSAL = b'{"error": {"message": "canary-refusal upstream-key-of-openai", "type": "invalid_request_error"}}'
SECRETS = (
    "canary-prompt",
    "canary-reply",
    "canary-refusal",
    "canary-client-key",
    "canary-other-key",
    "canary-header",
    "upstream-key-of-openai",
)


@dataclass(frozen=True)
class Relay:
    """One relay: what is asked and answered, and what its line must say; None is for a member that must be absent."""

    path: str
    body: bytes
    script: list[Step]
    status: int
    line: dict[str, Any]


SERVED = {"upstream": "openai-eu", "upstream_model": "logged", "route": "logged", "attempts": 1}
RELAYS = {
    "passed through": Relay(
        CHAT,
        b'{"model": "logged", %b}' % PROMPT,
        whole(REPLY),
        200,
        {
            **SERVED,
            "message": "ended",
            "level": "info",
            "shape": "chat",
            "translation": "passthrough",
            "stream": False,
            "input_tokens": 2,
            "cache_read_tokens": 3,
            "output_tokens": 2,
            "error": None,
        },
    ),
    "translated": Relay(
        MESSAGES,
        b'{"model": "nickname", "max_tokens": 9, "top_k": 3, %b}' % PROMPT,
        whole(REPLY),
        200,
        {
            **SERVED,
            "message": "ended",
            "model": "nickname",
            "shape": "messages",
            "translation": "messages>chat",
            "dropped": "top_k",
            "output_tokens": 2,
        },
    ),
    "streamed": Relay(
        CHAT,
        b'{"model": "logged", "stream": true, %b}' % PROMPT,
        streaming(LONG_STREAM, cut=4096),
        200,
        {**SERVED, "message": "ended", "stream": True, "input_tokens": 5, "output_tokens": 200},
    ),
    "streamed and translated": Relay(
        MESSAGES,
        b'{"model": "logged", "max_tokens": 9, "stream": true, %b}' % PROMPT,
        streaming(LONG_STREAM, cut=4096),
        200,
        {**SERVED, "message": "ended", "stream": True, "translation": "messages>chat", "output_tokens": 200},
    ),
    "cut by the upstream": Relay(
        CHAT,
        b'{"model": "logged", "stream": true, %b}' % PROMPT,
        streaming(CHUNK * 3),
        200,
        {**SERVED, "message": "failed", "level": "warning", "error": "upstream_truncated"},
    ),
    "refused by the upstream": Relay(
        CHAT,
        b'{"model": "logged", %b}' % PROMPT,
        whole(REFUSAL, status=400),
        400,
        {**SERVED, "message": "failed", "level": "warning", "output_tokens": None, "upstream_status": 400},
    ),
    "with a credential that the upstream refuses": Relay(
        CHAT,
        b'{"model": "logged", %b}' % PROMPT,
        whole(REFUSAL, status=401, extra="x-request-id: req_upstream\r\n"),
        502,
        {**SERVED, "error": "upstream_auth", "upstream_status": 401, "upstream_request_id": "req_upstream"},
    ),
    "that cannot be translated": Relay(
        MESSAGES,
        b'{"model": "logged", "max_tokens": 9, "tools": [{"type": "web_search_20250305", "name": "web_search"}], %b}'
        % PROMPT,
        whole(REPLY),
        400,
        {"message": "refused", "error": "unsupported_parameter", "param": "tools[0]", "upstream_status": None},
    ),
    "not reached": Relay(
        CHAT,
        b'{"model": "down", %b}' % PROMPT,
        whole(REPLY),
        502,
        {"message": "failed", "upstream": "down", "error": "upstream_connect_error", "first_byte_ms": None},
    ),
    "without a credential": Relay(
        CHAT,
        b'{"model": "unset", %b}' % PROMPT,
        whole(REPLY),
        502,
        {"message": "failed", "upstream": "unset", "error": "upstream_auth"},
    ),
    "for an unknown model": Relay(
        RESPONSES,
        b'{"model": "nobody", "input": "canary-prompt"}',
        whole(REPLY),
        404,
        {"message": "refused", "shape": "responses", "model": "nobody", "error": "model_not_found", "upstream": None},
    ),
    "with a broken body": Relay(
        MESSAGES,
        b'{"model": "logged", %b, canary-prompt' % PROMPT,
        whole(REPLY),
        400,
        {"message": "refused", "shape": "messages", "error": "invalid_json", "route": None, "input_tokens": None},
    ),
}


class Logged:
    """A gateway that logs everything that it can, with its upstream and a client."""

    def __init__(self, gateway: RunningGateway, upstream: FakeUpstream, key: str) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self._headers = {
            "authorization": f"Bearer {key}",
            "content-type": "application/json",
            "x-canary": "canary-header",
        }

    def relay(self, relay: Relay) -> tuple[httpx2.Response, list[str]]:
        """Send a relay's request; return the answer and every line that was logged until its own was there."""
        self.upstream.answer(relay.script)
        before = len(self.gateway.log().splitlines())
        answer = httpx2.post(f"{self.gateway.url}{relay.path}", content=relay.body, headers=self._headers, timeout=15)
        wait_until(lambda: any(self._is_of(answer, line) for line in self.gateway.log().splitlines()), 5)
        assert answer.status_code == relay.status
        return answer, self.gateway.log().splitlines()[before:]

    @staticmethod
    def _is_of(answer: httpx2.Response, line: str) -> bool:
        """Tell the line of the relay itself, which comes last, from others that name it."""
        return answer.headers["x-request-id"] in line and "serving.relay" in line


@pytest.fixture(scope="module", params=["json", "text"])
def logged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """The gateway in one of the two formats, at the level DEBUG, for clients with keys."""
    folder = tmp_path_factory.mktemp("logged")
    with FakeUpstream() as upstream:
        routes = ROUTES.format(url=upstream.url, closed=free_port())
        gateway = RunningGateway(
            folder,
            routes,
            GATEWAY_LOG_FORMAT=request.param,
            GATEWAY_LOG_LEVEL="DEBUG",
            GATEWAY_CLIENT_AUTH="required",
        )
        with gateway:
            key = gateway.manage("create_key", "canary", "--project", "search").split()[-1]
            served = Logged(gateway, upstream, key)
            wait_until(lambda: httpx2.get(f"{gateway.url}/v1/models", headers=served._headers).status_code == 200, 5)
            yield served
            assert key not in gateway.log()


json_only = pytest.mark.parametrize("logged", ["json"], indirect=True)
text_only = pytest.mark.parametrize("logged", ["text"], indirect=True)


@json_only
@pytest.mark.parametrize("relay", RELAYS.values(), ids=RELAYS)
def test_relay_is_one_json_line_with_what_happened(logged: Logged, relay: Relay) -> None:
    """Whatever becomes of a relay, one line says its id, project, route, upstream, shapes, status, times and tokens."""
    answer, lines = logged.relay(relay)
    (line,) = [line for line in map(json.loads, lines) if line["logger"] == "serving.relay"]
    assert {name: line.get(name) for name in relay.line} == relay.line
    assert line["id"] == answer.headers["x-request-id"]
    assert (line["status"], line["project"]) == (relay.status, "search")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert 0 <= line.get("first_byte_ms", 0) <= line["total_ms"] < 15_000


@json_only
def test_upstream_that_cannot_be_reached_is_logged_with_the_cause(logged: Logged) -> None:
    """What the network said is in the line, not in the answer: a refused connection is no unknown host."""
    answer, lines = logged.relay(RELAYS["not reached"])
    (line,) = [line for line in map(json.loads, lines) if line["logger"] == "serving.relay"]
    assert "Connect call failed ('127.0.0.1'" in line["cause"]
    assert "127.0.0.1" not in answer.text


@json_only
def test_target_that_failed_before_another_answered_has_a_line(logged: Logged) -> None:
    """A relay that its second target serves is one line, and a warning says which target failed, and of what."""
    body = b'{"model": "spare", %b}' % PROMPT
    _, lines = logged.relay(Relay(CHAT, body, whole(REPLY), 200, {}))
    told = {line["logger"]: line for line in map(json.loads, lines)}
    failed = told["serving.targets"]
    assert (failed["level"], failed["message"]) == ("warning", "the next target is tried")
    assert (failed["upstream"], failed["error"]) == ("down", "upstream_connect_error")
    assert "Connect call failed" in failed["cause"]
    assert failed["id"] == told["serving.relay"]["id"]
    assert (told["serving.relay"]["upstream"], told["serving.relay"]["attempts"]) == ("openai-eu", 2)
    assert "cause" not in told["serving.relay"]


@json_only
@pytest.mark.parametrize("name", ["streamed", "streamed and translated"])
def test_stream_of_many_events_is_one_line(logged: Logged, name: str) -> None:
    """Two hundred events leave one line in the log, even at the level DEBUG."""
    _, lines = logged.relay(RELAYS[name])
    assert len(lines) == 1


@json_only
def test_missing_key_is_one_line_too(logged: Logged) -> None:
    """A client that is turned away has a line, without a project, an upstream, or the key that it tried."""
    answer = httpx2.post(f"{logged.gateway.url}{CHAT}", json={}, headers={"x-api-key": "canary-other-key"})
    assert answer.status_code == 401
    wait_until(lambda: answer.headers["x-request-id"] in logged.gateway.log(), 5)
    (line,) = [json.loads(line) for line in logged.gateway.log().splitlines() if answer.headers["x-request-id"] in line]
    assert (line["message"], line["status"], line["shape"]) == ("refused", 401, "chat")
    assert not {"project", "upstream", "route"} & set(line)


@text_only
def test_text_is_one_readable_line(logged: Logged) -> None:
    """In development a relay is a line of `name=value`, without the members that have nothing to say."""
    answer, lines = logged.relay(RELAYS["translated"])
    (line,) = [line for line in lines if "serving.relay" in line]
    clock, level, logger, outcome, *fields = line.split()
    assert re.fullmatch(r"\d\d:\d\d:\d\d", clock)
    assert (level, logger, outcome) == ("INFO", "serving.relay", "ended")
    told = dict(field.split("=", 1) for field in fields)
    assert (told["id"], told["project"], told["status"]) == (answer.headers["x-request-id"], "search", "200")
    assert (told["translation"], told["upstream"], told["output_tokens"]) == ("messages>chat", "openai-eu", "2")
    assert "error" not in told


def test_nothing_that_is_secret_is_logged(logged: Logged) -> None:
    """Neither format has a body, a header or a credential in it, at the level DEBUG, for any outcome of a relay."""
    for relay in RELAYS.values():
        logged.relay(relay)
    httpx2.post(f"{logged.gateway.url}{CHAT}?canary-prompt", json={}, headers={"x-api-key": "canary-other-key"})
    log = logged.gateway.log()
    assert [secret for secret in SECRETS if secret in log] == []
    assert "Traceback" not in log


def test_variable_that_is_not_set_is_named_in_the_log_only(logged: Logged) -> None:
    """The operator reads which variable an upstream lacks; the client is not told."""
    answer, _ = logged.relay(RELAYS["without a credential"])
    assert "NO_SUCH_VARIABLE" in logged.gateway.log()
    assert "NO_SUCH_VARIABLE" not in answer.text
