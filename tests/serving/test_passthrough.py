"""Same shape means bytes: what the client sends and gets is the upstream's own, but for the model's name."""

from __future__ import annotations

import json

import httpx2
import pytest

from tests.serving.fake_upstream import FakeUpstream, streaming, whole
from tests.serving.wires import ENDPOINTS, REPLIES, REQUESTS, STREAMS, for_model, streamed

SHAPES = list(ENDPOINTS)


@pytest.mark.parametrize("shape", SHAPES)
def test_request_reaches_the_upstream_byte_for_byte(client: httpx2.Client, upstream: FakeUpstream, shape: str) -> None:
    """White space, number forms, member order and unknown members of a same-shape request arrive as they were sent."""
    upstream.answer(whole(REPLIES[shape]))
    client.post(ENDPOINTS[shape], content=REQUESTS[shape], headers={"content-type": "application/json"})
    assert upstream.last.body == REQUESTS[shape]
    assert upstream.last.path == ENDPOINTS[shape]


def test_alias_changes_the_model_name_and_nothing_else(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A request for another name of the route carries the upstream's model name, in the same place."""
    upstream.answer(whole(REPLIES["chat"]))
    body = b'{ "messages" : [],\n "model" :\t"nickname" , "n": 1.0 }'
    client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert upstream.last.body == b'{ "messages" : [],\n "model" :\t"chat-model" , "n": 1.0 }'


def test_request_without_a_model_goes_to_the_default(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The default route's model name is written in front where the request names none."""
    upstream.answer(whole(REPLIES["chat"]))
    client.post("/v1/chat/completions", content=b'{"messages": []}', headers={"content-type": "application/json"})
    assert upstream.last.body == b'{"model":"chat-model","messages": []}'


@pytest.mark.parametrize("shape", SHAPES)
def test_reply_reaches_the_client_byte_for_byte(client: httpx2.Client, upstream: FakeUpstream, shape: str) -> None:
    """A whole reply arrives as the upstream sent it, members that we do not know included."""
    upstream.answer(whole(REPLIES[shape]))
    answer = client.post(ENDPOINTS[shape], content=REQUESTS[shape], headers={"content-type": "application/json"})
    assert answer.content == REPLIES[shape]
    assert answer.headers["x-gateway-translation"] == "passthrough"


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_stream_reaches_the_client_byte_for_byte(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, cut: int
) -> None:
    """A stream arrives as the upstream sent it, comments, pings and unknown events included, however it was cut."""
    upstream.answer(streaming(STREAMS[shape], cut=cut))
    request = streamed(REQUESTS[shape])
    answer = client.post(ENDPOINTS[shape], content=request, headers={"content-type": "application/json"})
    assert answer.content == STREAMS[shape]
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"


def test_bytes_after_the_end_of_a_stream_are_forwarded_too(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Whatever an upstream sends after its last event belongs to the same-shape stream."""
    stream = STREAMS["chat"] + b": the end of the end\n\n"
    upstream.answer(streaming(stream))
    answer = client.post(
        "/v1/chat/completions", content=streamed(REQUESTS["chat"]), headers={"content-type": "application/json"}
    )
    assert answer.content == stream


def test_crlf_stream_is_forwarded_and_understood(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A stream with CRLF line ends is complete, and not a byte of it is changed."""
    stream = STREAMS["messages"].replace(b"\n", b"\r\n")
    upstream.answer(streaming(stream, cut=5))
    answer = client.post(
        "/v1/messages", content=streamed(REQUESTS["messages"]), headers={"content-type": "application/json"}
    )
    assert answer.content == stream


def test_credentials_are_exchanged_at_the_border(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The client's key never reaches the upstream, and the upstream gets its own."""
    upstream.answer(whole(REPLIES["chat"]))
    headers = {"authorization": "Bearer the-clients-key", "x-api-key": "the-clients-key", "cookie": "a=the-clients-key"}
    client.post("/v1/chat/completions", json=json.loads(REQUESTS["chat"]), headers=headers)
    assert upstream.last.headers["authorization"] == "Bearer upstream-key-of-openai"
    assert "the-clients-key" not in str(upstream.last)


def test_messages_upstream_gets_its_key_and_the_clients_version(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """On the messages shape the credential is an `x-api-key`, and version and betas are the client's."""
    upstream.answer(whole(REPLIES["messages"]))
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "a-beta", "content-type": "application/json"}
    client.post("/v1/messages?beta=true", content=REQUESTS["messages"], headers=headers)
    assert upstream.last.headers["x-api-key"] == "upstream-key-of-anthropic"
    assert upstream.last.headers["anthropic-version"] == "2026-10-21"
    assert upstream.last.headers["anthropic-beta"] == "a-beta"
    assert "authorization" not in upstream.last.headers


def test_upstream_cookies_and_server_names_stay_outside(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Only listed headers come back: no cookie, no server name, but rate limits and the upstream's request id."""
    extra = "set-cookie: session=1\r\nserver: secret-host\r\nx-ratelimit-limit-requests: 9\r\nx-request-id: up-1\r\n"
    upstream.answer(whole(REPLIES["chat"], extra=extra))
    answer = client.post("/v1/chat/completions", json=json.loads(REQUESTS["chat"]))
    assert answer.headers["x-ratelimit-limit-requests"] == "9"
    assert answer.headers["x-gateway-upstream-request-id"] == "up-1"
    assert answer.headers["x-request-id"] == answer.headers["request-id"] != "up-1"
    assert "set-cookie" not in answer.headers
    assert "secret-host" not in str(answer.headers)
    client.post("/v1/chat/completions", json=json.loads(REQUESTS["chat"]))
    assert "cookie" not in upstream.last.headers


def test_answer_says_where_it_came_from(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Each answer names upstream, model, way, attempts and revision; no header holds an address."""
    upstream.answer(whole(REPLIES["chat"]))
    answer = client.post("/v1/chat/completions", json=json.loads(REQUESTS["chat"]))
    assert answer.headers["x-gateway-upstream"] == "openai"
    assert answer.headers["x-gateway-upstream-model"] == "chat-model"
    assert answer.headers["x-gateway-attempts"] == "1"
    assert answer.headers["x-gateway-revision"] == "1"
    assert "upstream;dur=" in answer.headers["server-timing"]
    assert str(upstream.port) not in str(answer.headers)


def test_connections_to_the_upstream_are_used_again(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Requests one after the other, streamed or not, share a connection."""
    upstream.answer(whole(REPLIES["chat"]))
    client.post("/v1/chat/completions", json=json.loads(REQUESTS["chat"]))
    before = upstream.connections
    upstream.answer(streaming(STREAMS["chat"]), whole(REPLIES["chat"]))
    for request in (streamed(REQUESTS["chat"]), REQUESTS["chat"], REQUESTS["chat"]):
        client.post("/v1/chat/completions", content=request, headers={"content-type": "application/json"})
    assert upstream.connections == before


def test_full_name_selects_the_provider(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """`provider/model` is the same route, and the upstream gets its own name of the model."""
    upstream.answer(whole(REPLIES["chat"]))
    request = for_model(REQUESTS["chat"], "openai/chat-model")
    client.post("/v1/chat/completions", content=request, headers={"content-type": "application/json"})
    assert upstream.last.body == REQUESTS["chat"]
