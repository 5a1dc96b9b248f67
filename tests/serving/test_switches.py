"""What an operator switches on for an upstream changes a request that passes through in that, and in nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, MESSAGES_REQUEST, REPLIES, REQUESTS, STREAMS, for_model, streamed

ROUTES = """
model_providers:
  - {{model: acme/asked, base_url: "{url}", name: asked, asks_usage: true, quirks: []}}
  - {{model: acme/wary, base_url: "{url}", name: wary, asks_usage: true, quirks: [], headers: {{X-Of: wary}}}}
  - {{model: acme/sure, base_url: "{url}", name: sure, asks_usage: true, quirks: [], headers: {{X-Of: sure}}}}
  - {{model: acme/quirky, base_url: "{url}", name: quirky,
      quirks: [no_developer_role, no_stream_options, old_max_tokens]}}
  - {{model: acme/careful, base_url: "{url}", name: quirky, strict: true,
      quirks: [no_developer_role, no_stream_options, old_max_tokens]}}
  - {{model: acme/look-alike, base_url: "{url}", name: look-alike, provider_interface: anthropic}}
  - {{model: acme/limited, base_url: "{url}", name: limited, provider_interface: anthropic, betas: [known-1, known-2],
      shapes: [messages], prefer: messages}}
  - {{model: acme/strict, base_url: "{url}", name: limited, provider_interface: anthropic, betas: [known-1, known-2],
      shapes: [messages], prefer: messages, strict: true}}
  - {{model: acme/corrected, base_url: "{url}", name: corrected, capabilities: {{sampling: false}}}}
model_aliases:
  nickname: {{target: asked}}
"""
JSON = {"content-type": "application/json"}
CHAT = ENDPOINTS["chat"]
USAGE = b',"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}'
REFUSAL = (
    b'{"error":{"message":"Unrecognized request argument","type":"invalid_request_error","param":null,"code":null}}'
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """The scripted upstream."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The gateway process."""
    routes = ROUTES.format(url=upstream.url)
    with RunningGateway(tmp_path_factory.mktemp("switches"), routes, GATEWAY_LOG_FORMAT="json") as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the gateway."""
    with httpx2.Client(base_url=gateway.url, timeout=15, headers=JSON) as http:
        yield http


def without_usage(stream: bytes) -> bytes:
    """Return the chat stream without its chunk with the usage."""
    events = [event for event in stream.split(b"\n\n") if USAGE not in event]
    return b"\n\n".join(events)


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_usage_is_asked_for_and_taken_out_again(client: httpx2.Client, upstream: FakeUpstream, cut: int) -> None:
    """The upstream gets one member more, and the client gets every byte but the chunk that this member asked for."""
    upstream.answer(streaming(STREAMS["chat"], cut=cut))
    body = streamed(for_model(REQUESTS["chat"], "asked"))
    answer = client.post(CHAT, content=body)
    assert upstream.last.body == body[:-1] + b',"stream_options":{"include_usage":true}}'
    assert answer.content == without_usage(STREAMS["chat"])
    assert answer.headers["x-gateway-translation"] == "passthrough"
    assert "x-gateway-dropped" not in answer.headers


def test_usage_that_only_the_gateway_asked_for_is_in_the_log(
    client: httpx2.Client, upstream: FakeUpstream, gateway: RunningGateway
) -> None:
    """Tokens are counted for clients that did not ask."""
    upstream.answer(streaming(STREAMS["chat"]))
    answer = client.post(CHAT, content=streamed(for_model(REQUESTS["chat"], "asked")))
    wait_until(lambda: answer.headers["x-request-id"] in gateway.log(), 5)
    line = next(line for line in gateway.log().splitlines() if answer.headers["x-request-id"] in line)
    said = json.loads(line)
    assert (said["input_tokens"], said["output_tokens"]) == (5, 2)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "asked", "stream_options": {"include_usage": true}, "messages": [], "stream": true}',
        b'{"model": "asked", "messages": [], "stream": false}',
        b'{"model": "asked", "messages": []}',
    ],
)
def test_nothing_is_asked_where_there_is_nothing_to_ask(
    client: httpx2.Client, upstream: FakeUpstream, body: bytes
) -> None:
    """A client that asks by itself, and one that wants no stream, have their request and their reply as they are."""
    stream = b'"stream": true' in body
    upstream.answer(streaming(STREAMS["chat"]) if stream else whole(REPLIES["chat"]))
    answer = client.post(CHAT, content=body)
    assert upstream.last.body == body
    assert answer.content == (STREAMS["chat"] if stream else REPLIES["chat"])


def test_an_alias_and_the_clients_other_options_keep_their_bytes(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The model's name and the one option change; the rest of the body does not."""
    upstream.answer(streaming(STREAMS["chat"]))
    options = b'{ "include_obfuscation" : false }'
    body = b'{"stream":true, "model" : "nickname","stream_options":' + options + b', "messages": [], "n":1.0}'
    client.post(CHAT, content=body)
    told = options.replace(b"false }", b'false,"include_usage":true }')
    assert upstream.last.body == body.replace(b"nickname", b"asked").replace(options, told)


def test_official_client_sees_no_chunk_without_choices(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """A client that takes the first choice of every chunk does not fail over a chunk that it did not ask for."""
    upstream.answer(streaming(STREAMS["chat"], cut=7))
    with openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="asked", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Hello €"


def test_an_upstream_that_refuses_to_be_asked_is_asked_without(
    client: httpx2.Client, upstream: FakeUpstream, gateway: RunningGateway
) -> None:
    """The client gets its stream as if nothing had been added, and the next request adds nothing."""
    upstream.answer(whole(REFUSAL, status=400), streaming(STREAMS["chat"]))
    body = streamed(for_model(REQUESTS["chat"], "wary"))
    answer = client.post(CHAT, content=body)
    assert [b"stream_options" in request.body for request in upstream.requests] == [True, False]
    assert upstream.last.body == body
    assert (answer.status_code, answer.content) == (200, STREAMS["chat"])
    upstream.answer(streaming(STREAMS["chat"]))
    client.post(CHAT, content=body)
    assert [request.body for request in upstream.requests] == [body]
    assert "refuses to be asked for usage" in gateway.log()


def test_a_refusal_of_the_clients_own_request_is_the_clients(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """An upstream that is known to take the question is not asked twice for a request that is wrong in itself."""
    body = streamed(for_model(REQUESTS["chat"], "sure"))
    upstream.answer(whole(REFUSAL, status=400))
    assert client.post(CHAT, content=body).status_code == 400
    assert len(upstream.requests) == 2
    upstream.answer(streaming(STREAMS["chat"]))
    client.post(CHAT, content=body)
    upstream.answer(whole(REFUSAL, status=422))
    answer = client.post(CHAT, content=body)
    assert (answer.status_code, answer.content) == (422, REFUSAL)
    assert len(upstream.requests) == 1


def test_a_stream_that_breaks_off_ends_with_an_error(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Half an event is not told: the client reads whole events, then the error, and no end."""
    cut = STREAMS["chat"].index(b'lo \xe2\x82\xac"')
    upstream.answer(streaming(STREAMS["chat"][:cut]))
    answer = client.post(CHAT, content=streamed(for_model(REQUESTS["chat"], "asked")))
    *events, last = [event for event in answer.content.split(b"\n\n") if event]
    assert b"\n\n".join(events) in STREAMS["chat"]
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_truncated"
    assert b"[DONE]" not in answer.content


QUIRKY = (
    b'{"model":"quirky", "max_completion_tokens" : 1.0e2,\n"big": 9223372036854775809, "stream_options": {"x":1},'
    b' "messages": [ {"role":"developer","content":"\\u20ac \xe2\x82\xac"}, {"role" : "user", "n":1.50} ]}'
)


def test_quirks_edit_what_passes_through(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A member is renamed, one is taken out and a value is replaced; every other byte stays, and the client is told."""
    upstream.answer(whole(REPLIES["chat"]))
    answer = client.post(CHAT, content=QUIRKY)
    renamed = QUIRKY.replace(b"max_completion_tokens", b"max_tokens").replace(b'"developer"', b'"system"')
    assert upstream.last.body == renamed.replace(b', "stream_options": {"x":1}', b"")
    assert answer.headers["x-gateway-dropped"] == "stream_options"
    assert answer.headers["x-gateway-coerced"] == "messages"


def test_quirks_that_change_nothing_leave_every_byte(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A request without what the quirks are about arrives as it was sent."""
    upstream.answer(whole(REPLIES["chat"]))
    body = for_model(REQUESTS["chat"], "quirky")
    answer = client.post(CHAT, content=body)
    assert upstream.last.body == body
    assert not {"x-gateway-dropped", "x-gateway-coerced"} & set(answer.headers)


def test_a_strict_route_refuses_what_would_be_lost(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Every client of the route gets the 400 that the header asks for; nothing is sent."""
    upstream.answer(whole(REPLIES["chat"]))
    answer = client.post(CHAT, content=QUIRKY.replace(b"quirky", b"careful"))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "stream_options")
    translated: dict[str, Any] = {"model": "careful", "input": "Hi", "truncation": "auto"}
    answer = client.post(ENDPOINTS["responses"], json=translated)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "truncation")
    assert upstream.requests == []
    assert client.post(CHAT, content=for_model(REQUESTS["chat"], "careful")).status_code == 200
    assert client.post(ENDPOINTS["responses"], json={**translated, "model": "quirky"}).status_code == 200


@pytest.mark.parametrize(
    ("model", "sent", "arrives", "dropped"),
    [
        ("look-alike", "any-1,any-2", None, "anthropic-beta:any-1,anthropic-beta:any-2"),
        ("limited", "known-1, other ,known-2", "known-1,known-2", "anthropic-beta:other"),
        ("limited", "known-2", "known-2", None),
    ],
)
def test_betas_that_the_upstream_does_not_take_stay_here(
    client: httpx2.Client, upstream: FakeUpstream, model: str, sent: str, arrives: str | None, dropped: str | None
) -> None:
    """What the upstream takes goes on in its order, the rest is named in the answer; the version goes on verbatim."""
    upstream.answer(whole(REPLIES["messages"]))
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": sent}
    answer = client.post(ENDPOINTS["messages"], content=for_model(REQUESTS["messages"], model), headers=headers)
    assert upstream.last.headers.get("anthropic-beta") == arrives
    assert upstream.last.headers["anthropic-version"] == "2026-10-21"
    assert answer.headers.get("x-gateway-dropped") == dropped


def test_betas_in_several_lines_are_one_list(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Each line is judged, and what is left of them arrives as one."""
    upstream.answer(whole(REPLIES["messages"]))
    headers = [("anthropic-beta", "known-2,other"), ("anthropic-beta", "another"), ("anthropic-beta", "known-1")]
    answer = client.post(ENDPOINTS["messages"], content=for_model(REQUESTS["messages"], "limited"), headers=headers)
    assert upstream.last.headers["anthropic-beta"] == "known-2,known-1"
    assert answer.headers["x-gateway-dropped"] == "anthropic-beta:other,anthropic-beta:another"


def test_a_count_of_tokens_takes_the_same_betas_along(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Who counts beforehand is asked for no beta that the request itself would not carry."""
    upstream.answer(whole(b'{"input_tokens": 3}'))
    body = for_model(MESSAGES_REQUEST, "limited")
    answer = client.post("/v1/messages/count_tokens", content=body, headers={"anthropic-beta": "known-1,other"})
    assert (answer.json(), upstream.last.body) == ({"input_tokens": 3}, body)
    assert upstream.last.headers["anthropic-beta"] == "known-1"
    assert answer.headers["x-gateway-dropped"] == "anthropic-beta:other"


def test_a_strict_route_refuses_a_beta_that_would_be_lost(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The client learns which of its betas this upstream does not take."""
    upstream.answer(whole(REPLIES["messages"]))
    body = for_model(REQUESTS["messages"], "strict")
    answer = client.post(ENDPOINTS["messages"], content=body, headers={"anthropic-beta": "other"})
    assert answer.status_code == 400
    assert "anthropic-beta:other" in answer.json()["error"]["message"]
    assert upstream.requests == []


def test_capabilities_correct_what_is_sent(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A model that takes no temperature at this upstream gets none, and the client is told."""
    upstream.answer(whole(REPLIES["chat"]))
    body = {"model": "corrected", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}
    answer = client.post(ENDPOINTS["messages"], json=body)
    assert "temperature" not in json.loads(upstream.last.body)
    assert answer.headers["x-gateway-dropped"] == "temperature"
