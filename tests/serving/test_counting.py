"""Counting tokens beforehand: the upstream's count where it has one, else an estimate that says so."""

from __future__ import annotations

import anthropic
import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, Then, whole
from tests.serving.running import RunningGateway

MESSAGES = {"model": "messages-model", "messages": [{"role": "user", "content": "How many tokens are these words?"}]}
RESPONSES = {"model": "responses-model", "input": "How many tokens are these words?"}
COUNTS = {
    "messages": ("/v1/messages/count_tokens", MESSAGES, b'{"input_tokens": 42, "extra": 1}'),
    "responses": ("/v1/responses/input_tokens", RESPONSES, b'{"object": "response.input_tokens", "input_tokens": 42}'),
}


@pytest.mark.parametrize("shape", COUNTS)
def test_native_upstream_counts_itself(client: httpx2.Client, upstream: FakeUpstream, shape: str) -> None:
    """An upstream of the client's shape is asked, and its answer arrives byte for byte."""
    path, body, counted = COUNTS[shape]
    upstream.answer(whole(counted))
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.content, upstream.last.path) == (200, counted, path)
    assert "x-gateway-estimated" not in answer.headers


@pytest.mark.parametrize("shape", COUNTS)
def test_other_upstream_is_not_asked(client: httpx2.Client, upstream: FakeUpstream, shape: str) -> None:
    """Where the upstream speaks another shape the answer is an estimate, marked as one."""
    path, body, _ = COUNTS[shape]
    upstream.answer(whole(b"{}"))
    answer = client.post(path, json={**body, "model": "only-chat"})
    assert answer.status_code == 200
    assert answer.headers["x-gateway-estimated"] == "1"
    assert 5 < answer.json()["input_tokens"] < 30
    assert upstream.requests == []


@pytest.mark.parametrize("script", [whole(b"{}", status=404), whole(b"{}", status=500), [Then.CLOSE]])
def test_upstream_that_cannot_count_is_replaced_by_the_estimate(
    client: httpx2.Client, upstream: FakeUpstream, script: list[bytes | float | Then]
) -> None:
    """An upstream without that endpoint, or out of order, does not break the client's session."""
    upstream.answer(script)
    answer = client.post("/v1/messages/count_tokens", json=MESSAGES)
    assert (answer.status_code, answer.headers["x-gateway-estimated"]) == (200, "1")


def test_refused_credential_is_not_hidden(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A credential of ours that the upstream refuses is a 502, never an estimate."""
    upstream.answer(whole(b'{"error": {"message": "bad key"}}', status=401))
    assert client.post("/v1/messages/count_tokens", json=MESSAGES).status_code == 502


@pytest.mark.parametrize("model", ["messages-model", "only-chat"])
def test_bad_prompt_is_the_clients_400(client: httpx2.Client, upstream: FakeUpstream, model: str) -> None:
    """A prompt that is none is refused, by the upstream or by us."""
    upstream.answer(
        whole(b'{"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}', status=400)
    )
    answer = client.post("/v1/messages/count_tokens", json={"model": model, "messages": "no list"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_sdks_count(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """Both SDKs read the estimate; more words and tools count more."""
    upstream.answer(whole(b"{}", status=404))
    messages = anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=0).messages
    short = messages.count_tokens(model="only-chat", messages=[{"role": "user", "content": "Hi"}])
    tool = {"name": "f", "description": "Does it. " * 20, "input_schema": {"type": "object"}}
    long = messages.count_tokens(model="only-chat", messages=[{"role": "user", "content": "Hi " * 400}], tools=[tool])
    assert 0 < short.input_tokens < 20 < 300 < long.input_tokens
    responses = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0).responses
    assert responses.input_tokens.count(model="only-chat", input="Hi " * 400).input_tokens > 200
