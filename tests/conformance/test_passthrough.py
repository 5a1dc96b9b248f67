"""Statements about requests and streams that pass through in the client's own shape."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import MESSAGES_REPLY, MESSAGES_REQUEST, for_model

ROUTES = """
model_providers:
  - {{model: acme/asked, base_url: "{url}", name: asked, asks_usage: true}}
  - {{model: acme/unasked, base_url: "{url}", name: unasked}}
  - {{model: anthropic/every-beta, base_url: "{url}", name: anthropic}}
  - {{model: acme/two-betas, base_url: "{url}", name: acme, shapes: [messages], prefer: messages,
      betas: [interleaved-thinking-2025-05-14, context-management-2025-06-27]}}
  - {{model: acme/no-beta, base_url: "{url}", name: other, shapes: [messages], prefer: messages}}
"""
JSON = {"content-type": "application/json"}

BEFORE = (
    b": a comment\n\n"
    b'data: {"id":"","object":"","choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":null}\n\n'
    b'data: {"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    b'{"role":"assistant","content":"\\"choices\\":[] \xe2\x82\xac"},"finish_reason":null}],"usage":null}\n\n'
    b'event: new\ndata: {"of":"tomorrow","usage":{"a":1}}\n\n'
    b'data: {"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},'
    b'"finish_reason":"stop"}],"usage":null}\n\n'
)
USAGE = (
    b'data: {"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\n'
)
AFTER = b"data: [DONE]\n\n: the end\n\n"
BODY = b'{"model" : "%b","n":1.0,  "messages": [{"role":"user","content":"\\u20ac"}], "stream":true%b}'
CLIENTS_OWN = b', "stream_options":{ "include_usage":true }'


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the gateway."""
    with httpx2.Client(base_url=gateway.url, timeout=15, headers=JSON) as http:
        yield http


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("cut", [0, 1, 7, 333])
@pytest.mark.parametrize(
    ("model", "client_asks", "sent_beside", "got"),
    [
        (b"asked", False, b',"stream_options":{"include_usage":true}', BEFORE + AFTER),
        (b"asked", True, CLIENTS_OWN, BEFORE + USAGE + AFTER),
        (b"unasked", False, b"", BEFORE + USAGE + AFTER),
    ],
    ids=["the gateway asks", "the client asks", "nobody asks"],
)
def test_usage_that_only_the_gateway_asked_for_is_removed(
    client: httpx2.Client,
    upstream: FakeUpstream,
    model: bytes,
    client_asks: bool,
    sent_beside: bytes,
    got: bytes,
    cut: int,
    line_end: bytes,
) -> None:
    """5. A stream that passes through loses the usage chunk that the gateway itself asked for, and not a byte more:
    where the client asked, or nobody did, every byte arrives.
    """
    upstream.answer(streaming((BEFORE + USAGE + AFTER).replace(b"\n", line_end), cut=cut))
    answer = client.post("/v1/chat/completions", content=BODY % (model, CLIENTS_OWN if client_asks else b""))
    assert upstream.last.body == BODY % (model, sent_beside)
    assert answer.content == got.replace(b"\n", line_end)


@pytest.mark.parametrize(
    ("model", "version", "betas", "forwarded", "dropped"),
    [
        ("every-beta", "2026-10-21", "any-2026-01-01,other", "any-2026-01-01,other", None),
        ("two-betas", "2026-10-21", "any-2026-01-01, context-management-2025-06-27,interleaved-thinking-2025-05-14",
         "context-management-2025-06-27,interleaved-thinking-2025-05-14", "anthropic-beta:any-2026-01-01"),
        ("two-betas", "2023-06-01", "any-2026-01-01", None, "anthropic-beta:any-2026-01-01"),
        ("no-beta", "a-version-of-tomorrow", "any-2026-01-01,other", None,
         "anthropic-beta:any-2026-01-01,anthropic-beta:other"),
        ("no-beta", "2023-06-01", None, None, None),
    ],
)  # fmt: skip
def test_version_and_betas_of_a_messages_request(
    client: httpx2.Client,
    gateway: RunningGateway,
    upstream: FakeUpstream,
    model: str,
    version: str,
    betas: str | None,
    forwarded: str | None,
    dropped: str | None,
) -> None:
    """6. A Messages request that passes through takes its anthropic-version along verbatim, and of its anthropic-beta
    the values that the upstream is configured to take; the others are left out, and reported in x-gateway-dropped and
    in the log.
    """
    upstream.answer(whole(MESSAGES_REPLY))
    headers = {"anthropic-version": version, **({} if betas is None else {"anthropic-beta": betas})}
    body = for_model(MESSAGES_REQUEST, model)
    answer = client.post("/v1/messages?beta=true", content=body, headers=headers)
    assert (answer.status_code, upstream.last.body) == (200, body)
    assert upstream.last.headers["anthropic-version"] == version
    assert upstream.last.headers.get("anthropic-beta") == forwarded
    assert answer.headers.get("x-gateway-dropped") == dropped
    wait_until(lambda: answer.headers["x-request-id"] in gateway.log(), 5)
    line = next(line for line in gateway.log().splitlines() if answer.headers["x-request-id"] in line)
    assert dropped is None or dropped in line
    assert ("anthropic-beta:" in line) == (dropped is not None)


def test_official_client_is_served_without_choiceless_chunks(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """A client that takes the first choice of each chunk, as many do, works with a gateway that asks for usage."""
    chunks = BEFORE[BEFORE.index(b'data: {"id":"c-1"') :].replace(
        b'event: new\ndata: {"of":"tomorrow","usage":{"a":1}}\n\n', b""
    )
    upstream.answer(streaming(chunks + USAGE + AFTER, cut=7))
    with openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="asked", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        assert [chunk.choices[0].finish_reason for chunk in stream] == [None, "stop"]
