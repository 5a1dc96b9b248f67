"""Errors before the first byte: the right status, in the caller's shape, everywhere, and nothing sent upstream."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, Then, head, whole
from tests.serving.running import RunningGateway
from tests.serving.wires import ENDPOINTS, REPLIES, REQUESTS, for_model, streamed

SHAPES = list(ENDPOINTS)
JSON = {"content-type": "application/json"}


def error_of(answer: httpx2.Response, shape: str) -> dict[str, Any]:
    """Return the error object of an answer after checking that its body is that shape's."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == answer.headers["request-id"]
    wire = answer.json()
    error: dict[str, Any] = wire["error"]
    assert isinstance(error["message"], str)
    if shape == "messages":
        assert wire["type"] == "error"
        assert wire["request_id"] == answer.headers["request-id"]
    else:
        assert set(error) == {"message", "type", "param", "code"}
    return error


MALFORMED = {
    "empty": b"",
    "cut": b'{"model": "chat-model", "messages": [',
    "single quotes": b"{'model': 'chat-model'}",
    "trailing data": b'{"model": "chat-model"} {}',
    "byte order mark": b'\xef\xbb\xbf{"model": "chat-model"}',
    "UTF-16": '{"model": "chat-model"}'.encode("utf-16"),
    "invalid UTF-8": b'{"model": "chat-model", "x": "\xff"}',
    "lone surrogate": b'{"model": "chat-model", "x": "\\ud800"}',
    "not a number": b'{"model": "chat-model", "temperature": NaN}',
    "infinity": b'{"model": "chat-model", "temperature": 1e999}',
    "huge integer": b'{"model": "chat-model", "seed": ' + b"9" * 5000 + b"}",
    "deep": b'{"model": "chat-model", "x": ' + b"[" * 40000 + b"]" * 40000 + b"}",
    "array": b"[]",
    "string": b'"x"',
    "null": b"null",
    "repeated member": b'{"model": "chat-model", "model": "other"}',
    "model is a number": b'{"model": 1}',
    "stream is a word": b'{"model": "chat-model", "stream": "yes"}',
    "control characters": b'{"model": "a\\u0000b"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("shape", SHAPES)
def test_malformed_body_is_a_400(client: httpx2.Client, upstream: FakeUpstream, shape: str, body: bytes) -> None:
    """What is not one well-formed JSON object is refused with a short message that says why."""
    upstream.answer(whole(REPLIES[shape]))
    answer = client.post(ENDPOINTS[shape], content=body, headers=JSON)
    assert answer.status_code == 400
    error = error_of(answer, shape)
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) < 500
    assert upstream.requests == []


@pytest.mark.parametrize("shape", SHAPES)
def test_unknown_model_is_a_404(client: httpx2.Client, shape: str) -> None:
    """A model that no route serves is not found, and the message names it."""
    answer = client.post(ENDPOINTS[shape], json={"model": "no-such-model"})
    error = error_of(answer, shape)
    assert answer.status_code == 404
    assert "no-such-model" in error["message"]
    assert error["type"] == ("not_found_error" if shape == "messages" else "invalid_request_error")
    assert shape == "messages" or (error["code"], error["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chunks", [False, True], ids=["declared", "chunked"])
def test_body_above_the_limit_is_a_413(client: httpx2.Client, shape: str, chunks: bool) -> None:
    """A body above the limit is refused, whether it declares its length or not, and the connection closes."""
    body = b'{"x": "' + b"a" * 200_000 + b'"}'
    content = (body[i : i + 10_000] for i in range(0, len(body), 10_000)) if chunks else body
    answer = client.post(ENDPOINTS[shape], content=content, headers=JSON)
    error = error_of(answer, shape)
    assert answer.status_code == 413
    assert error["type"] == ("request_too_large" if shape == "messages" else "invalid_request_error")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_wrong_method_is_a_405(client: httpx2.Client, shape: str, method: str) -> None:
    """Another method is refused and the allowed one named."""
    answer = client.request(method, ENDPOINTS[shape])
    error_of(answer, shape)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/nothing", "chat"),
        ("/v1/chat/nothing", "chat"),
        ("/v1/messages/nothing", "messages"),
        ("/v1/responses/nothing/at/all", "responses"),
        ("/v1", "chat"),
        ("/v1/%3Cscript%3E", "chat"),
    ],
)
def test_unknown_path_is_a_404(client: httpx2.Client, path: str, shape: str) -> None:
    """A path that is not served gets its prefix's shape, never a web page."""
    answer = client.get(path)
    error_of(answer, shape)
    assert answer.status_code == 404


def test_body_that_does_not_say_it_is_json_is_a_415(client: httpx2.Client) -> None:
    """A form or a text is refused before it is parsed."""
    answer = client.post("/v1/chat/completions", content=b"a=b", headers={"content-type": "text/plain"})
    error_of(answer, "chat")
    assert answer.status_code == 415


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("shape", SHAPES)
def test_refused_connection_is_a_502(client: httpx2.Client, shape: str, stream: bool) -> None:
    """An upstream that nobody listens at is a bad gateway, at once, without its address."""
    request = for_model(REQUESTS[shape], "refused").replace(b', "x": [1e2]', b"")
    answer = client.post(ENDPOINTS[shape], content=streamed(request) if stream else request, headers=JSON)
    error = error_of(answer, shape)
    assert answer.status_code == 502
    assert "127.0.0.1" not in answer.text
    assert shape == "messages" or error["code"] == "upstream_connect_error"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("shape", SHAPES)
def test_upstream_without_an_answer_in_time_is_a_504(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, stream: bool
) -> None:
    """An upstream that accepts and says nothing is given up after `first_byte` seconds."""
    upstream.answer([Then.STALL])
    request = for_model(REQUESTS[shape], "slow")
    answer = client.post(ENDPOINTS[shape], content=streamed(request) if stream else request, headers=JSON)
    error_of(answer, shape)
    assert answer.status_code == 504
    assert upstream.last.left.wait(2)


def test_unset_credential_is_a_502_that_names_nothing(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """The variable that is missing stands in the log, not in the answer, and nothing is sent."""
    upstream.answer(whole(REPLIES["chat"]))
    answer = client.post("/v1/chat/completions", json={"model": "unset", "messages": []})
    error_of(answer, "chat")
    assert answer.status_code == 502
    assert "NO_SUCH_VARIABLE" not in answer.text
    line = next(line for line in gateway.log().splitlines() if answer.headers["x-request-id"] in line)
    assert "NO_SUCH_VARIABLE" in line
    assert upstream.requests == []


# What an upstream of the chat shape answers, and what each client gets: status, and the SDK's exception for it.
UPSTREAM_ERRORS = {
    400: (400, anthropic.BadRequestError, openai.BadRequestError),
    404: (404, anthropic.NotFoundError, openai.NotFoundError),
    409: (409, anthropic.ConflictError, openai.ConflictError),
    422: (422, anthropic.UnprocessableEntityError, openai.UnprocessableEntityError),
    429: (429, anthropic.RateLimitError, openai.RateLimitError),
    500: (500, anthropic.InternalServerError, openai.InternalServerError),
    401: (502, anthropic.InternalServerError, openai.InternalServerError),
    403: (502, anthropic.InternalServerError, openai.InternalServerError),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", UPSTREAM_ERRORS)
def test_upstream_error_is_translated_for_both_sdks(
    gateway: RunningGateway, upstream: FakeUpstream, status: int, stream: bool
) -> None:
    """Each status raises the exception that the SDK's users expect; a refused credential of ours is a 502."""
    body = b'{"error": {"message": "Something about sk-abcdef123456.", "type": "t", "param": null, "code": null}}'
    upstream.answer(whole(body, status=status))
    expected, for_messages, for_responses = UPSTREAM_ERRORS[status]
    with pytest.raises(for_messages) as messages_error:
        anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=0).messages.create(
            model="only-chat", max_tokens=10, messages=[{"role": "user", "content": "Hi"}], stream=stream
        )
    with pytest.raises(for_responses) as responses_error:
        openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0).responses.create(
            model="only-chat", input="Hi", stream=stream
        )
    for error in (messages_error.value, responses_error.value):
        assert error.status_code == expected
        assert "sk-abcdef" not in error.response.text


@pytest.mark.parametrize("shape", SHAPES)
def test_upstream_error_of_the_same_shape_keeps_its_words(
    client: httpx2.Client, upstream: FakeUpstream, shape: str
) -> None:
    """A same-shape error body arrives byte for byte, with its status and its retry hint."""
    body = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down", "extra": [1.0]}}'
    upstream.answer(whole(body, status=429, extra="retry-after: 7\r\n"))
    answer = client.post(ENDPOINTS[shape], content=REQUESTS[shape], headers=JSON)
    assert (answer.status_code, answer.content) == (429, body)
    assert answer.headers["retry-after"] == "7"


def test_retry_hint_is_kept_in_translation(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """`retry-after` and `x-should-retry` of the upstream reach a client of another shape."""
    body = b'{"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}'
    upstream.answer(whole(body, status=429, extra="retry-after: 7\r\nx-should-retry: true\r\n"))
    request = for_model(REQUESTS["messages"], "only-chat")
    answer = client.post("/v1/messages", content=request, headers=JSON)
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-should-retry"] == "true"


CONTEXT_OVERFLOW = (
    b'{"error": {"message": "This model\'s maximum context length is 128000 tokens. However, your messages resulted in '
    b'130000 tokens.", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}'
)


def test_context_overflow_reaches_agents_in_their_words(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Coding agents shorten their history on one wording each: `prompt is too long` or `context_length_exceeded`."""
    upstream.answer(whole(CONTEXT_OVERFLOW, status=400))
    messages = client.post("/v1/messages", content=for_model(REQUESTS["messages"], "only-chat"), headers=JSON)
    responses = client.post("/v1/responses", content=for_model(REQUESTS["responses"], "only-chat"), headers=JSON)
    assert "prompt is too long" in error_of(messages, "messages")["message"]
    assert error_of(responses, "responses")["code"] == "context_length_exceeded"
    assert (messages.status_code, responses.status_code) == (400, 400)


ODD_ANSWERS = {
    "redirect": (head("text/plain", 302, length=0, extra="location: http://127.0.0.1:1/\r\n"), "upstream_redirect"),
    "web page": (head("text/html", 200, length=13) + b"<html></html>", "upstream_protocol_error"),
    "web page with an error": (head("text/html", 503, length=13) + b"<html></html>", "upstream_protocol_error"),
    "no JSON": (head("application/json", 200, length=5) + b"{oops", "upstream_protocol_error"),
    "no completion": (head("application/json", 200, length=2) + b"{}", "upstream_protocol_error"),
}


@pytest.mark.parametrize(("script", "code"), ODD_ANSWERS.values(), ids=ODD_ANSWERS.keys())
def test_answer_that_is_none_is_a_bad_gateway(
    client: httpx2.Client, upstream: FakeUpstream, script: bytes, code: str
) -> None:
    """A redirect, a web page or a body of no shape never reaches the client, and the key goes nowhere else."""
    upstream.answer([script])
    answer = client.post("/v1/responses", content=for_model(REQUESTS["responses"], "only-chat"), headers=JSON)
    assert answer.status_code in (502, 503)
    assert error_of(answer, "responses")["code"] == code
    assert "<html" not in answer.text


@pytest.mark.parametrize("body", [b'{"id": "chatcmpl-1", "choices": [{"mess', b"", b"oops", b"[]"])
def test_passthrough_of_half_a_reply_is_a_bad_gateway(
    client: httpx2.Client, upstream: FakeUpstream, body: bytes
) -> None:
    """What does not end as a JSON object ends is no success, although its length is the declared one."""
    upstream.answer([head("application/json", 200, length=len(body)) + body])
    answer = client.post("/v1/chat/completions", content=for_model(REQUESTS["chat"], "only-chat"), headers=JSON)
    assert (answer.status_code, error_of(answer, "chat")["code"]) == (502, "upstream_protocol_error")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("status", "shown", "kind"),
    [
        (503, 503, "overloaded_error"),
        (429, 429, "rate_limit_error"),
        (500, 500, "api_error"),
        (403, 502, "api_error"),
        (404, 502, "api_error"),
        (200, 502, "api_error"),
    ],
)
def test_web_page_is_told_by_its_status(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, status: int, shown: int, kind: str
) -> None:
    """A page says that something before the upstream is busy, and when to come back; or that no upstream is there."""
    upstream.answer(whole(b"<html></html>", content_type="text/html", status=status, extra="retry-after: 7\r\n"))
    answer = client.post(ENDPOINTS[shape], content=for_model(REQUESTS[shape], "only-chat"), headers=JSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (shown, "7")
    assert "with a web page" in error_of(answer, shape)["message"]
    assert shape != "messages" or error_of(answer, shape)["type"] == kind


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("shape", SHAPES)
def test_success_status_with_an_error_inside_is_that_error(
    client: httpx2.Client, upstream: FakeUpstream, shape: str, stream: bool
) -> None:
    """An error body under status 200 becomes a real status."""
    body = b'{"type": "error", "error": {"message": "Slow down", "type": "rate_limit_error", "code": null}}'
    upstream.answer(whole(body))
    request = streamed(REQUESTS[shape]) if stream else REQUESTS[shape]
    answer = client.post(ENDPOINTS[shape], content=request, headers=JSON)
    error_of(answer, shape)
    assert answer.status_code == 429


@pytest.mark.parametrize("shape", SHAPES)
def test_error_status_in_the_form_of_a_stream_is_read(
    client: httpx2.Client, upstream: FakeUpstream, shape: str
) -> None:
    """An error status whose body is an event is a JSON body with the words of that event."""
    event = b'{"type":"error","error":{"message":"Slow down","type":"rate_limit_error","code":null}}'
    body = b"event: error\ndata: " + event + b"\n\n"
    upstream.answer(whole(body, content_type="text/event-stream", status=429))
    answer = client.post(ENDPOINTS[shape], content=streamed(REQUESTS[shape]), headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (429, "application/json")
    assert answer.content == event


@pytest.mark.parametrize("shape", SHAPES)
def test_error_as_first_event_is_a_real_status(client: httpx2.Client, upstream: FakeUpstream, shape: str) -> None:
    """A stream that begins with an error has not begun: the client gets the status, not an empty stream."""
    event = b'{"type":"error","error":{"message":"Slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}'
    stream = b"event: error\ndata: " + event + b"\n\n"
    upstream.answer([head("text/event-stream") + stream])
    request = streamed(REQUESTS[shape])
    answer = client.post(ENDPOINTS[shape], content=request, headers=JSON)
    error_of(answer, shape)
    assert answer.status_code == 429


def test_websocket_on_responses_is_a_426(client: httpx2.Client) -> None:
    """Codex opens a websocket first and falls back at once on 426."""
    headers = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    answer = client.get("/v1/responses", headers=headers)
    assert answer.status_code == 426
    error_of(answer, "responses")


def test_no_log_line_holds_a_key_or_a_body(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """Whatever happened so far, the log holds neither a credential nor what was said."""
    upstream.answer(whole(json.dumps({"error": {"message": "a-secret-of-the-upstream"}}).encode(), status=500))
    headers = {"authorization": "Bearer the-clients-key"}
    client.post("/v1/chat/completions", json={"model": "chat-model", "messages": ["a-secret-prompt"]}, headers=headers)
    for secret in ("the-clients-key", "upstream-key-of", "a-secret-prompt", "a-secret-of-the-upstream", "Traceback"):
        assert secret not in gateway.log()
