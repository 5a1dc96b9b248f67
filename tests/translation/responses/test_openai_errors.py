"""The error body of the OpenAI shapes: every kind of failure both ways, and bodies of every sort."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.translation.responses.sdk import created
from translation.failures import Failure, FailureKind
from translation.shapes.openai_errors import decode_error, encode_error, failure_of, without_credentials

KIND = FailureKind


@pytest.mark.parametrize(
    ("status", "kind", "code", "shown", "error_type", "error_code", "raised"),
    [
        (400, KIND.INVALID_REQUEST, None, 400, "invalid_request_error", None, openai.BadRequestError),
        (400, KIND.INVALID_REQUEST, "bad", 400, "invalid_request_error", "bad", openai.BadRequestError),
        (401, KIND.AUTHENTICATION, None, 401, "authentication_error", "invalid_api_key", openai.AuthenticationError),
        (402, KIND.BILLING, None, 429, "insufficient_quota", "insufficient_quota", openai.RateLimitError),
        (
            429,
            KIND.BILLING,
            "billing_hard_limit",
            429,
            "insufficient_quota",
            "insufficient_quota",
            openai.RateLimitError,
        ),
        (403, KIND.PERMISSION, None, 403, "permission_error", None, openai.PermissionDeniedError),
        (404, KIND.NOT_FOUND, None, 404, "not_found_error", None, openai.NotFoundError),
        (404, KIND.NOT_FOUND, "model_not_found", 404, "invalid_request_error", "model_not_found", openai.NotFoundError),
        (408, KIND.TIMEOUT, None, 408, "server_error", "timeout", openai.APIStatusError),
        (409, KIND.CONFLICT, None, 409, "conflict_error", None, openai.ConflictError),
        (413, KIND.TOO_LARGE, None, 413, "invalid_request_error", "request_too_large", openai.APIStatusError),
        (422, KIND.INVALID_REQUEST, None, 422, "invalid_request_error", None, openai.UnprocessableEntityError),
        (429, KIND.RATE_LIMIT, None, 429, "rate_limit_error", "rate_limit_exceeded", openai.RateLimitError),
        (500, KIND.SERVER, None, 500, "server_error", "server_error", openai.InternalServerError),
        (502, KIND.SERVER, "upstream_auth", 502, "server_error", "upstream_auth", openai.InternalServerError),
        (503, KIND.OVERLOADED, None, 503, "server_error", "overloaded", openai.InternalServerError),
        (504, KIND.TIMEOUT, None, 504, "server_error", "timeout", openai.InternalServerError),
        (529, KIND.OVERLOADED, None, 503, "server_error", "overloaded", openai.InternalServerError),
    ],
)
def test_failure_has_its_status_type_and_code(
    status: int,
    kind: FailureKind,
    code: str | None,
    shown: int,
    error_type: str,
    error_code: str | None,
    raised: type[Exception],
) -> None:
    """Each kind of failure is told in OpenAI's words, and the official client raises the right exception for it."""
    shown_status, wire = encode_error(Failure(status=status, kind=kind, message="m", code=code, param="p"), "req_1")
    assert shown_status == shown
    assert wire == {"error": {"message": "m", "type": error_type, "param": "p", "code": error_code}}
    with pytest.raises(raised):
        created(json.dumps(wire).encode(), shown_status)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"type": "invalid_request_error"}, KIND.INVALID_REQUEST),
        (402, {}, KIND.BILLING),
        (404, {"code": "model_not_found"}, KIND.NOT_FOUND),
        (408, {}, KIND.TIMEOUT),
        (409, {}, KIND.CONFLICT),
        (413, {}, KIND.TOO_LARGE),
        (418, {}, KIND.INVALID_REQUEST),
        (422, {}, KIND.INVALID_REQUEST),
        (429, {"code": "rate_limit_exceeded"}, KIND.RATE_LIMIT),
        (429, {"code": "insufficient_quota"}, KIND.BILLING),
        (429, {"type": "insufficient_quota", "code": None}, KIND.BILLING),
        (500, {}, KIND.SERVER),
        (503, {}, KIND.OVERLOADED),
        (504, {}, KIND.TIMEOUT),
        (520, {}, KIND.SERVER),
        (529, {}, KIND.OVERLOADED),
    ],
)
def test_status_says_the_kind(status: int, error: dict[str, Any], kind: FailureKind) -> None:
    """The upstream's status is kept and gives the kind; an empty purse is told from a rate limit by its code."""
    failure = decode_error(status, json.dumps({"error": {"message": "m", **error}}).encode())
    assert (failure.status, failure.kind, failure.message) == (status, kind, "m")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": "rate_limit_exceeded"}, 429, KIND.RATE_LIMIT),
        ({"code": "insufficient_quota"}, 429, KIND.BILLING),
        ({"code": 429}, 429, KIND.RATE_LIMIT),
        ({"code": 502}, 502, KIND.SERVER),
        ({"type": "overloaded_error"}, 503, KIND.OVERLOADED),
        ({"type": "invalid_request_error", "code": "tool_use_failed"}, 400, KIND.INVALID_REQUEST),
        ({"code": "context_length_exceeded"}, 400, KIND.INVALID_REQUEST),
        ({"code": True}, 502, KIND.SERVER),
        ({"code": 7}, 502, KIND.SERVER),
        ({}, 502, KIND.SERVER),
    ],
)
def test_error_inside_a_stream_gets_the_status_of_its_code(
    error: dict[str, Any], status: int, kind: FailureKind
) -> None:
    """An error without a status of its own is judged by code and type; an unknown one is the upstream's fault."""
    failure = failure_of({"error": {"message": "m", **error}})
    assert (failure.status, failure.kind) == (status, kind)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"m"}}', "m"),
        (b'{"error":"m"}', "m"),
        (b'[{"error":{"message":"m"}}]', "m"),
        (b'{"message":"m","object":"error"}', "m"),
        (b'{"detail":"m"}', "m"),
        (b'{"detail":[{"loc":["x"]}]}', "the upstream answered 500"),
        (b'{"error":{"message":{"text":"m"},"param":5,"code":[1]}}', "the upstream answered 500"),
        (b'{"error":null}', "the upstream answered 500"),
        (b"[]", "the upstream answered 500"),
        (b"null", "the upstream answered 500"),
        (b"<html>Bad Gateway</html>", "the upstream answered 500"),
        (b"\xff\xfe", "the upstream answered 500"),
        (b"", "the upstream answered 500"),
        (b"[" * 100_000, "the upstream answered 500"),
    ],
)
def test_any_body_gives_a_failure(body: bytes, message: str) -> None:
    """The message is found in each form that upstreams use; any other body gives a failure that names the status."""
    failure = decode_error(500, body)
    assert (failure.status, failure.message, failure.param) == (500, message, None)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credential_of_the_gateway_is_not_the_clients(status: int) -> None:
    """A client whose own key is good must not read that a key is bad, nor see any of the gateway's."""
    failure = decode_error(
        status, b'{"error":{"message":"Incorrect API key provided: sk-abc123","code":"invalid_api_key"}}'
    )
    assert failure == Failure(
        status=502, kind=KIND.SERVER, message="upstream authentication failed", code="upstream_auth"
    )


@pytest.mark.parametrize(
    "secret", ["sk-proj-abcdefgh", "gsk_abcdefgh", "Bearer abcdefgh", "AIzaSyA1234567890", "api-key_12345678"]
)
def test_credentials_in_messages_are_redacted(secret: str) -> None:
    """Whatever an upstream writes, no key reaches the client."""
    body = json.dumps({"error": {"message": f"the header said {secret} here"}}).encode()
    assert decode_error(500, body).message == "the header said [redacted] here"


@pytest.mark.parametrize(
    "message",
    [
        "Missing bearer or basic authentication in header",
        "invalid bearer token",
        "Bearer authentication failed: the API key is not valid",
        "The api-version is not supported; task-queue is full",
    ],
)
def test_words_about_credentials_are_kept(message: str) -> None:
    """A message that speaks of keys and tokens, but holds none, arrives as it is."""
    assert decode_error(500, json.dumps({"error": {"message": message}}).encode()).message == message


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("messages.3.content.0: too long", "messages.3.content.0: too long (upstream request)"),
        ("Invalid 'messages[3].role'", "Invalid 'messages[3].role' (upstream request)"),
        ("messages are too long", "messages are too long"),
    ],
)
def test_path_of_the_upstreams_body_is_marked(message: str, shown: str) -> None:
    """A path in the upstream's message is one of the translated body, which is said."""
    assert decode_error(400, json.dumps({"error": {"message": message}}).encode()).message == shown


@pytest.mark.parametrize(
    "error",
    [
        {"message": "m", "code": "context_length_exceeded"},
        {"message": "prompt is too long: 210000 tokens > 200000 maximum"},
        {"message": "input length and `max_tokens` exceed context limit: 1 + 2 > 2"},
        {"message": "This model's maximum context length is 8192 tokens."},
    ],
)
def test_context_overflow_is_recognised_in_every_wording(error: dict[str, str]) -> None:
    """Agents shorten their history on one code, whatever the upstream called it."""
    failure = decode_error(400, json.dumps({"error": error}).encode())
    assert failure.code == "context_length_exceeded"
    assert encode_error(failure, "r")[1]["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("code", [None, "invalid_request_error", "3051", "request_too_large"])
def test_context_overflow_is_a_400_whatever_code_came_with_it(status: int, code: str | None) -> None:
    """Some servers write a general code, or another status; agents know the overflow by 400 and its own code."""
    message = "This model's maximum context length is 8192 tokens."
    shown, wire = encode_error(
        decode_error(status, json.dumps({"error": {"message": message, "code": code}}).encode()), "r"
    )
    error = wire["error"]
    assert (shown, error["type"], error["code"]) == (400, "invalid_request_error", "context_length_exceeded")


@pytest.mark.parametrize(
    ("status", "code"), [(503, None), (429, "rate_limit_exceeded"), (400, "unsupported_value"), (400, "invalid_prompt")]
)
def test_other_refusals_that_name_the_context_window_are_no_overflow(status: int, code: str | None) -> None:
    """A busy server, or a refused parameter, is not taken for a prompt that is too long."""
    body = json.dumps({"error": {"message": "No context window is free.", "code": code}}).encode()
    assert decode_error(status, body).code == code


def test_parameter_of_the_upstreams_body_is_marked() -> None:
    """The path that the upstream names apart is one of the translated body as well."""
    body = json.dumps({"error": {"message": "Invalid value.", "param": "messages[3].role"}}).encode()
    assert decode_error(400, body).message == "Invalid value. (upstream request)"


def test_body_without_what_looks_like_a_key() -> None:
    """A body that goes to the client as it came loses a key and nothing else, also where it is no UTF-8."""
    body = b'{"error": {"message": "Bad key: sk-abcdef123456.\xff", "n": 1.0}}'
    assert without_credentials(body) == b'{"error": {"message": "Bad key: [redacted]\xff", "n": 1.0}}'


def test_context_overflow_of_another_shape_is_told_in_code() -> None:
    """A failure that was decoded elsewhere and only says it in words gets the code when it is told here."""
    failure = Failure(status=400, kind=KIND.INVALID_REQUEST, message="prompt is too long: 2 tokens > 1 maximum")
    assert encode_error(failure, "r")[1]["error"]["code"] == "context_length_exceeded"


@pytest.mark.parametrize(("message", "kept"), [("x" * 2048, 2048), ("x" * 2049, 2048), ("ü" * 3000, 2047)])
def test_long_message_is_capped(message: str, kept: int) -> None:
    """A message holds at most 2 KiB of UTF-8 and is never cut within a character."""
    failure = Failure(status=500, kind=KIND.SERVER, message=message)
    shown = encode_error(failure, "r")[1]["error"]["message"]
    assert len(shown.encode()) == kept
    assert message == shown or message.startswith(shown.removesuffix("…"))
