"""Errors in the Messages shape, in both directions."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import msgspec
import pytest

from translation.failures import Failure, FailureKind
from translation.shapes.messages.errors import decode_error, encode_error, error_event


def encoded(kind: FailureKind = FailureKind.INVALID_REQUEST, status: int = 400, **members: Any) -> tuple[int, Any]:
    """Return the status and the inner object of a failure's body."""
    status, wire = encode_error(Failure(status=status, kind=kind, **{"message": "Oh.", **members}), "req_1")
    return status, wire["error"]


def raised(status: int, body: object) -> anthropic.APIStatusError:
    """Return what the official client raises at this answer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json=body)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as http_client,
        anthropic.Anthropic(api_key="test", http_client=http_client, max_retries=0) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    return caught.value


@pytest.mark.parametrize(
    ("kind", "status", "shown", "wire_type", "raises"),
    [
        (FailureKind.INVALID_REQUEST, 400, 400, "invalid_request_error", "BadRequestError"),
        (FailureKind.INVALID_REQUEST, 422, 422, "invalid_request_error", "UnprocessableEntityError"),
        (FailureKind.AUTHENTICATION, 401, 401, "authentication_error", "AuthenticationError"),
        (FailureKind.BILLING, 402, 402, "billing_error", "PaymentRequiredError"),
        (FailureKind.BILLING, 429, 402, "billing_error", "PaymentRequiredError"),
        (FailureKind.PERMISSION, 403, 403, "permission_error", "PermissionDeniedError"),
        (FailureKind.NOT_FOUND, 404, 404, "not_found_error", "NotFoundError"),
        (FailureKind.TIMEOUT, 408, 408, "timeout_error", "RequestTimeoutError"),
        (FailureKind.CONFLICT, 409, 409, "conflict_error", "ConflictError"),
        (FailureKind.TOO_LARGE, 413, 413, "request_too_large", "ContentTooLargeError"),
        (FailureKind.RATE_LIMIT, 429, 429, "rate_limit_error", "RateLimitError"),
        (FailureKind.SERVER, 500, 500, "api_error", "InternalServerError"),
        (FailureKind.SERVER, 502, 502, "api_error", "InternalServerError"),
        (FailureKind.OVERLOADED, 503, 503, "overloaded_error", "ServiceUnavailableError"),
        (FailureKind.TIMEOUT, 504, 504, "timeout_error", "GatewayTimeoutError"),
        (FailureKind.OVERLOADED, 529, 529, "overloaded_error", "OverloadedError"),
    ],
)
def test_failure_is_raised_as_its_class(
    kind: FailureKind, status: int, shown: int, wire_type: str, raises: str
) -> None:
    """Each failure has its type and status, and the official client raises the class that callers catch."""
    found, wire = encode_error(Failure(status=status, kind=kind, message="Oh."), "req_1")
    assert found == shown
    assert wire == {"type": "error", "error": {"type": wire_type, "message": "Oh."}, "request_id": "req_1"}
    assert type(raised(found, wire)).__name__ == raises


def test_empty_purse_is_no_rate_limit() -> None:
    """OpenAI says 429 for an empty purse; a client that retries would never succeed, so it learns 402."""
    assert encoded(FailureKind.RATE_LIMIT, 429, code="insufficient_quota")[0] == 402


@pytest.mark.parametrize("kind", FailureKind)
def test_failure_in_a_stream_gets_a_status(kind: FailureKind) -> None:
    """A failure that came under a success status is never answered with one."""
    assert encoded(kind, 200)[0] >= 400


def test_details_carry_the_error_code() -> None:
    """The word that a client's library branches on stands in the details, where the official client finds it."""
    _, wire = encode_error(
        Failure(status=400, kind=FailureKind.INVALID_REQUEST, message="No.", details="thread_unsupported_request"), "r"
    )
    assert wire["error"]["details"] == {"error_code": "thread_unsupported_request"}
    assert type(raised(400, wire)).__name__ == "ThreadUnsupportedRequestError"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
            "prompt is too long: 9001 tokens > 8192 maximum",
        ),
        (
            "This model's maximum context length is 4097 tokens. However, you requested 5000 tokens.",
            "prompt is too long: 5000 tokens > 4097 maximum",
        ),
        (
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 290001 tokens.",
            "prompt is too long: 290001 tokens > 272000 maximum",
        ),
        (
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            "prompt is too long: 40000 tokens > 32768 maximum",
        ),
        ("prompt is too long: 10 tokens > 5 maximum", "prompt is too long: 10 tokens > 5 maximum"),
        (
            "Your input exceeds the context window of this model.",
            "prompt is too long: Your input exceeds the context window of this model.",
        ),
    ],
)
def test_overflow_is_told_in_the_words_that_agents_know(message: str, shown: str) -> None:
    """Coding agents shorten the conversation when a 400 begins with these words."""
    status, error = encoded(status=413, message=message, code="context_length_exceeded", param="messages")
    assert (status, error["type"], error["message"]) == (400, "invalid_request_error", shown)


@pytest.mark.parametrize(
    ("message", "param", "shown"),
    [
        ("No such file.", "messages[3].content[0].source", "messages.3.content.0.source: No such file."),
        ("temperature: Extra inputs are not permitted", "temperature", "temperature: Extra inputs are not permitted"),
        ("Missing required parameter: 'max_tokens'.", "max_tokens", "Missing required parameter: 'max_tokens'."),
        ("messages.3.content is odd", "messages[3].content", "messages.3.content is odd"),
        ("messages[3].content is odd", "messages[3]", "messages.3: messages[3].content is odd"),
        ("tools are odd", "tool", "tool: tools are odd"),
        ("Oh.", None, "Oh."),
    ],
)
def test_message_names_the_field(message: str, param: str | None, shown: str) -> None:
    """This shape has no member for the field, so the message opens with its path, unless it names it anyway."""
    assert encoded(message=message, param=param)[1]["message"] == shown


def test_unknown_model_is_told_as_the_vendor_does() -> None:
    """A model that does not exist is named, and no more."""
    failure = {"message": "The model 'gpt-9' does not exist", "code": "model_not_found", "param": "model"}
    assert encoded(FailureKind.NOT_FOUND, 404, **failure)[1]["message"] == "model: gpt-9"


def test_message_is_capped() -> None:
    """A message is at most 2 KiB, cut between characters."""
    message = encoded(message="ü" * 3000)[1]["message"]
    assert message == "ü" * 1024


def test_error_event() -> None:
    """In a stream the same body is an event."""
    failure = Failure(status=529, kind=FailureKind.OVERLOADED, message="Overloaded")
    assert error_event(failure, "req_1") == (
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},'
        b'"request_id":"req_1"}\n\n'
    )


def body(kind: str, message: str, **members: Any) -> bytes:
    """Write an error body of the shape."""
    error = {"type": kind, "message": message, **members}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": "req_2"})


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", FailureKind.INVALID_REQUEST),
        (402, "billing_error", FailureKind.BILLING),
        (404, "not_found_error", FailureKind.NOT_FOUND),
        (408, "timeout_error", FailureKind.TIMEOUT),
        (409, "conflict_error", FailureKind.CONFLICT),
        (413, "request_too_large", FailureKind.TOO_LARGE),
        (429, "rate_limit_error", FailureKind.RATE_LIMIT),
        (500, "api_error", FailureKind.SERVER),
        (504, "timeout_error", FailureKind.TIMEOUT),
        (529, "overloaded_error", FailureKind.OVERLOADED),
    ],
)
def test_body_is_decoded(status: int, kind: str, expected: FailureKind) -> None:
    """An upstream's error keeps its status, its kind and its words."""
    failure = decode_error(status, body(kind, "Oh."))
    assert (failure.status, failure.kind, failure.message) == (status, expected, "Oh.")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("timeout_error", 504), ("new", 502)],
)
def test_error_inside_a_stream_gets_its_usual_status(kind: str, status: int) -> None:
    """An error under a success status has the status that its type usually comes with."""
    assert decode_error(200, body(kind, "Oh.")).status == status


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credential_is_not_the_clients(status: int) -> None:
    """An upstream that refuses the gateway's credential is the gateway's fault; none of its words reach the client."""
    failure = decode_error(status, body("authentication_error", "invalid x-api-key sk-ant-secret"))
    assert (failure.status, failure.kind) == (502, FailureKind.SERVER)
    assert "secret" not in failure.message


@pytest.mark.parametrize(
    "message", ["prompt is too long: 9 tokens > 5 maximum", "input length and max_tokens exceed context limit: 9 > 5"]
)
def test_overflow_is_recognised(message: str) -> None:
    """Both wordings of an overflow have the code that OpenAI's clients know."""
    assert decode_error(400, body("invalid_request_error", message)).code == "context_length_exceeded"


@pytest.mark.parametrize(("kind", "status"), [(FailureKind.OVERLOADED, 503), (FailureKind.RATE_LIMIT, 429)])
def test_overflow_is_a_refusal_only(kind: FailureKind, status: int) -> None:
    """A busy server that speaks of context windows is still busy, and the client may try again."""
    shown, error = encoded(kind, status, message="The context window cache is being moved.")
    assert (shown, error["message"]) == (status, "The context window cache is being moved.")


def test_model_that_the_upstream_does_not_know_is_told_by_code() -> None:
    """This vendor names an unknown model in words only; OpenAI's clients know the code."""
    failure = decode_error(404, body("not_found_error", "model: claude-9"))
    assert (failure.code, failure.param) == ("model_not_found", "model")
    assert decode_error(404, body("not_found_error", "Not Found")).code is None


def test_path_of_the_upstream_body_is_marked() -> None:
    """A path in the upstream's words is one of the translated body, which the client never saw."""
    failure = decode_error(400, body("invalid_request_error", "messages.3.content.0: odd"))
    assert failure.message == "messages.3.content.0: odd (upstream request)"


def test_details_are_decoded() -> None:
    """The error code of the details survives."""
    details = {"error_code": "thread_not_found"}
    assert decode_error(404, body("not_found_error", "x", details=details)).details == "thread_not_found"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>Bad gateway</html>",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"3",
        b'{"error":null}',
        b'{"error":"x"}',
        b'{"error":{"type":3,"message":[],"details":3}}',
        b'{"error":{"details":{"error_code":3}}}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [200, 400, 502])
def test_any_body_is_decoded(raw: bytes, status: int) -> None:
    """A body of another form is a failure too, with a status of failure and something to say."""
    failure = decode_error(status, raw)
    assert failure.status >= 400
    assert failure.message
    assert failure.details is None
