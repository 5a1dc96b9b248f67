"""Errors of upstreams as each client reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import anthropic
import httpx2
import openai
import pytest

from tests.conformance.failing import KEY, OfficialClients, anthropic_body, asked, in_a_stream, openai_body, routes
from tests.serving.fake_upstream import FakeUpstream, head, whole
from tests.serving.running import RunningGateway
from tests.serving.test_errors import error_of
from tests.serving.wires import ENDPOINTS, REPLIES, STREAMS

JSON = {"content-type": "application/json"}
SHAPES = tuple(ENDPOINTS)
WAYS = [(client, upstream_shape) for client in SHAPES for upstream_shape in SHAPES]
TRANSLATED = [(client, upstream_shape) for client, upstream_shape in WAYS if client != upstream_shape]
either_form = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The gateway."""
    with RunningGateway(tmp_path_factory.mktemp("errors"), routes(upstream, upstream)) as serving:
        yield serving


@pytest.fixture(scope="module")
def clients(gateway: RunningGateway) -> Iterator[OfficialClients]:
    """The official clients, which do not try again."""
    official = OfficialClients(gateway)
    yield official
    official.close()


@pytest.fixture(scope="module")
def http(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain client."""
    with httpx2.Client(base_url=gateway.url, timeout=15, headers=JSON) as client:
        yield client


class Row(NamedTuple):
    """A status: how each family of shapes says it, and what each official client raises.

    `shown` is the status that clients of OpenAI's shapes get where it is another.
    """

    kind: str
    raised: type[anthropic.APIStatusError]
    openai_kind: str
    openai_code: str | None
    openai_raised: type[openai.APIStatusError]
    shown: int = 0


ROWS = {
    400: Row("invalid_request_error", anthropic.BadRequestError, "invalid_request_error", None, openai.BadRequestError),
    402: Row(
        "billing_error",
        anthropic.PaymentRequiredError,
        "insufficient_quota",
        "insufficient_quota",
        openai.RateLimitError,
        429,
    ),
    404: Row("not_found_error", anthropic.NotFoundError, "not_found_error", None, openai.NotFoundError),
    408: Row("timeout_error", anthropic.RequestTimeoutError, "server_error", "timeout", openai.APIStatusError),
    409: Row("conflict_error", anthropic.ConflictError, "conflict_error", None, openai.ConflictError),
    413: Row(
        "request_too_large",
        anthropic.ContentTooLargeError,
        "invalid_request_error",
        "request_too_large",
        openai.APIStatusError,
    ),
    422: Row(
        "invalid_request_error",
        anthropic.UnprocessableEntityError,
        "invalid_request_error",
        None,
        openai.UnprocessableEntityError,
    ),
    429: Row(
        "rate_limit_error", anthropic.RateLimitError, "rate_limit_error", "rate_limit_exceeded", openai.RateLimitError
    ),
    500: Row("api_error", anthropic.InternalServerError, "server_error", "server_error", openai.InternalServerError),
    502: Row("api_error", anthropic.InternalServerError, "server_error", "server_error", openai.InternalServerError),
    503: Row(
        "overloaded_error",
        anthropic.ServiceUnavailableError,
        "server_error",
        "overloaded",
        openai.InternalServerError,
    ),
    504: Row("timeout_error", anthropic.GatewayTimeoutError, "server_error", "timeout", openai.InternalServerError),
    529: Row(
        "overloaded_error",
        anthropic.OverloadedError,
        "server_error",
        "overloaded",
        openai.InternalServerError,
        503,
    ),
}
UNTOUCHED = {402: openai.APIStatusError, 529: openai.InternalServerError}
"""What OpenAI's client raises where an upstream of its own shape answers with these."""


def raised(clients: OfficialClients, client: str, model: str, *, stream: bool) -> Any:
    """Return what the official client raises."""
    with pytest.raises((anthropic.APIStatusError, openai.APIStatusError)) as caught:
        clients.ask(client, model, stream=stream)
    return caught.value


@pytest.mark.parametrize(("client", "upstream_shape"), WAYS)
@pytest.mark.parametrize("status", ROWS)
@either_form
def test_status_of_an_upstream(
    clients: OfficialClients, upstream: FakeUpstream, client: str, upstream_shape: str, status: int, stream: bool
) -> None:
    """202. An upstream's error raises the exception in both official clients that its status stands for, with the type
    and code of the client's shape, from an upstream of any shape; an empty purse is 402 for Anthropic's clients and 429
    for OpenAI's, an overload 529 and 503; an error of the client's own shape arrives byte for byte.
    """
    row = ROWS[status]
    told = openai_body(row.openai_kind, row.openai_code, "Oh.")
    body = anthropic_body(row.kind, "Oh.") if upstream_shape == "messages" else told
    upstream.answer(whole(body, status=status))
    error = raised(clients, client, f"of-{upstream_shape}", stream=stream)
    if client == upstream_shape:
        native = row.raised if client == "messages" else UNTOUCHED.get(status, row.openai_raised)
        assert (type(error), error.status_code, error.response.content) == (native, status, body)
    elif client == "messages":
        assert (type(error), error.status_code) == (row.raised, status)
        assert error.body["error"] == {"type": row.kind, "message": "Oh."}
    else:
        assert (type(error), error.status_code) == (row.openai_raised, row.shown or status)
        assert error.body == {"message": "Oh.", "type": row.openai_kind, "param": None, "code": row.openai_code}


@pytest.mark.parametrize("upstream_shape", ["chat", "responses"])
def test_empty_purse_is_no_rate_limit(clients: OfficialClients, upstream: FakeUpstream, upstream_shape: str) -> None:
    """OpenAI's 429 for an empty purse is a 402 for Anthropic's client, which would try in vain again after a 429."""
    body = openai_body("insufficient_quota", "insufficient_quota", "You exceeded your current quota.")
    upstream.answer(whole(body, status=429))
    error = raised(clients, "messages", f"of-{upstream_shape}", stream=False)
    assert (type(error), error.status_code) == (anthropic.PaymentRequiredError, 402)
    assert error.body["error"]["type"] == "billing_error"


def test_trying_again_in_vain_is_spared(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """OpenAI's client tries again after a 429, but not after one that says that the purse is empty."""
    official = OfficialClients(gateway, max_retries=2)
    upstream.answer(whole(anthropic_body("billing_error", "Your credit balance is too low."), status=402))
    error = raised(official, "responses", "of-messages", stream=False)
    assert (type(error), error.code) == (openai.RateLimitError, "insufficient_quota")
    assert len(upstream.requests) == 1
    official.close()


OVERFLOWS = {
    "chat": openai_body(
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 200000 tokens. However, your messages resulted in 210001 tokens.",
    ),
    "responses": openai_body(
        "invalid_request_error",
        None,
        "This model's maximum context length is 200000 tokens, however you requested 210001 tokens.",
    ),
    "messages": anthropic_body("invalid_request_error", "prompt is too long: 210001 tokens > 200000 maximum"),
}
WITHOUT_NUMBERS = {
    "chat": openai_body("invalid_request_error", "context_length_exceeded", "Your input is too long."),
    "responses": openai_body("invalid_request_error", None, "Your input exceeds the context window of this model."),
    "messages": anthropic_body(
        "invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 1 > 9"
    ),
}


@pytest.mark.parametrize(("client", "upstream_shape"), TRANSLATED)
@pytest.mark.parametrize("begun", [False, True], ids=["status", "first event"])
def test_context_overflow(
    http: httpx2.Client, upstream: FakeUpstream, client: str, upstream_shape: str, begun: bool
) -> None:
    """203. A prompt that is too long for the model is a 400 by which each vendor's agents know to shorten the history,
    whatever the upstream's words are: `prompt is too long: N tokens > M maximum` in Anthropic's shape, the code
    `context_length_exceeded` in OpenAI's.
    """
    for bodies in (OVERFLOWS, WITHOUT_NUMBERS):
        body = bodies[upstream_shape]
        upstream.answer(in_a_stream(body) if begun else whole(body, status=400))
        answer = asked(http, client, f"of-{upstream_shape}", stream=begun)
        error = error_of(answer, client)
        assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
        if client != "messages":
            assert error["code"] == "context_length_exceeded"
        elif bodies is OVERFLOWS:
            assert error["message"] == "prompt is too long: 210001 tokens > 200000 maximum"
        else:
            assert error["message"].startswith("prompt is too long: ")


@pytest.mark.parametrize(("client", "upstream_shape"), WAYS)
@pytest.mark.parametrize("status", [401, 403])
@either_form
def test_refused_credential(
    clients: OfficialClients, upstream: FakeUpstream, client: str, upstream_shape: str, status: int, stream: bool
) -> None:
    """204. An upstream that refuses the gateway's credential with 401 or 403 is a 502 to the client, which need not try
    again; no text of an upstream's that repeats a key reaches a client.
    """
    for refusal in (status, 400):
        text = f"Incorrect API key provided: {KEY}, or was it sk-proj-abcdef1234567890?"
        body = openai_body("invalid_request_error", "invalid_api_key", text)
        if upstream_shape == "messages":
            body = anthropic_body("authentication_error", text)
        upstream.answer(whole(body, status=refusal))
        error = raised(clients, client, f"of-{upstream_shape}", stream=stream)
        for secret in (KEY, "sk-proj", "abcdef"):
            assert secret not in error.response.text + str(error.response.headers)
        assert error.status_code == (502 if refusal == status else 400)
        if refusal == status:
            assert "upstream authentication failed" in error.response.text
            assert error.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("client", SHAPES)
@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error")])
def test_refused_credential_of_the_client(
    clients: OfficialClients, upstream: FakeUpstream, client: str, status: int, kind: str
) -> None:
    """Where the upstream is asked with the client's own credential, its refusal of it is what the client gets."""
    body = anthropic_body(kind, "invalid bearer token")
    upstream.answer(whole(body, status=status))
    error = raised(clients, client, "in-the-clients-name", stream=False)
    assert (error.status_code, upstream.last.headers["authorization"]) == (status, "Bearer k")
    assert "invalid bearer token" in error.response.text
    assert kind in error.response.text
    assert client != "messages" or error.response.content == body


OPENAI_LIMITS = (
    "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-tokens: 149984\r\nx-ratelimit-reset-requests: 6m0s\r\n"
    "x-ratelimit-reset-tokens: soon\r\nx-ratelimit-limit-project-tokens: 9\r\n"
)
ANTHROPIC_LIMITS = (
    "anthropic-ratelimit-requests-limit: 60\r\nanthropic-ratelimit-tokens-remaining: 149984\r\n"
    "anthropic-ratelimit-requests-reset: 2099-01-01T00:00:00Z\r\nanthropic-ratelimit-tokens-reset: soon\r\n"
    "anthropic-ratelimit-input-tokens-limit: 9\r\n"
)
HINTS = "retry-after: 7\r\nretry-after-ms: 7000\r\nx-should-retry: true\r\n"


def limits_of(headers: httpx2.Headers) -> dict[str, str]:
    """Return the headers that tell of limits."""
    return {name: value for name, value in headers.items() if "ratelimit" in name}


@pytest.mark.parametrize(("client", "upstream_shape"), WAYS)
@pytest.mark.parametrize("failed", [False, True], ids=["answer", "error"])
@either_form
def test_hints_and_limits(
    http: httpx2.Client, upstream: FakeUpstream, client: str, upstream_shape: str, failed: bool, stream: bool
) -> None:
    """205. `retry-after`, `retry-after-ms` and `x-should-retry` reach every client; the account's limits reach clients
    of the other vendor under that vendor's names, a reset as a duration or as a time, and what cannot be read is left
    out; clients of the upstream's own vendor get them as they came; on answers and errors, streamed or whole.
    """
    limits = ANTHROPIC_LIMITS if upstream_shape == "messages" else OPENAI_LIMITS
    extra = limits + HINTS
    body = anthropic_body("rate_limit_error", "Slow down")
    if failed:
        upstream.answer(whole(body, status=429, extra=extra))
    elif stream:
        upstream.answer([head("text/event-stream", extra=extra) + STREAMS[upstream_shape]])
    else:
        upstream.answer(whole(REPLIES[upstream_shape], extra=extra))
    answer = asked(http, client, f"of-{upstream_shape}", stream=stream)
    assert answer.status_code == (429 if failed else 200)
    hints = [answer.headers[name] for name in ("retry-after", "retry-after-ms", "x-should-retry")]
    assert hints == ["7", "7000", "true"]
    told = limits_of(answer.headers)
    if (client == "messages") == (upstream_shape == "messages"):
        assert told == dict(line.split(": ") for line in limits.split("\r\n") if line)
    elif client == "messages":
        reset = told.pop("anthropic-ratelimit-requests-reset")
        assert "2026" < reset < "9999"
        assert told == {"anthropic-ratelimit-requests-limit": "60", "anthropic-ratelimit-tokens-remaining": "149984"}
    else:
        hours, rest = told.pop("x-ratelimit-reset-requests").split("h", 1)
        assert int(hours) > 24 * 365
        assert rest.endswith("s")
        assert told == {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-tokens": "149984"}


@pytest.mark.parametrize(("client", "upstream_shape"), WAYS)
def test_hints_beside_a_stream_that_fails_at_once(
    http: httpx2.Client, upstream: FakeUpstream, client: str, upstream_shape: str
) -> None:
    """The hints that came with a stream whose first event is an error go along with the status that it becomes."""
    body = anthropic_body("rate_limit_error", "Slow down")
    event = b"event: error\ndata: " + body + b"\n\n"
    upstream.answer([head("text/event-stream", extra="retry-after: 7\r\nrequest-id: id-of-the-upstream\r\n") + event])
    answer = asked(http, client, f"of-{upstream_shape}", stream=True)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.headers["x-gateway-upstream-request-id"] == "id-of-the-upstream"


@pytest.mark.parametrize(("client", "upstream_shape"), TRANSLATED)
@pytest.mark.parametrize("failed", [False, True], ids=["answer", "error"])
@either_form
def test_ids_of_a_request(
    http: httpx2.Client, upstream: FakeUpstream, client: str, upstream_shape: str, failed: bool, stream: bool
) -> None:
    """206. Every answer has the request's id as `x-request-id` and `request-id`, the upstream's own in a header of its
    own, and an error body that the gateway writes in Anthropic's shape has it as `request_id`, too.
    """
    extra = "x-request-id: id-of-the-upstream\r\n"
    if failed:
        upstream.answer(whole(openai_body("server_error", None, "Oh."), status=500, extra=extra))
    elif stream:
        upstream.answer([head("text/event-stream", extra=extra) + STREAMS[upstream_shape]])
    else:
        upstream.answer(whole(REPLIES[upstream_shape], extra=extra))
    answer = asked(http, client, f"of-{upstream_shape}", stream=stream)
    request_id = answer.headers["x-request-id"]
    assert answer.headers["request-id"] == request_id != "id-of-the-upstream"
    assert answer.headers["x-gateway-upstream-request-id"] == "id-of-the-upstream"
    if failed:
        assert answer.status_code == 500
        assert answer.json().get("request_id") == (request_id if client == "messages" else None)
        assert http.get("/v1/messages/nothing").json()["request_id"]
