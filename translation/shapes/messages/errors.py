"""Errors in the Messages shape: failures to bodies and stream events, and an upstream's bodies back to failures.

Source: Messages API error reference, and the classes that the official client raises (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from translation.failures import Failure, FailureKind
from translation.hub import Wire
from translation.shapes.openai_errors import MESSAGE_MAX_BYTES, failure_of, is_context_overflow
from translation.sse import encode_event

_OVERFLOW_OPENING = "prompt is too long"
_MODEL_OPENING = "model: "

# type on the wire, and the status of a failure that came without one (an event in a stream that began with 200).
_KINDS: Mapping[FailureKind, tuple[str, int]] = {
    FailureKind.INVALID_REQUEST: ("invalid_request_error", 400),
    FailureKind.AUTHENTICATION: ("authentication_error", 401),
    FailureKind.BILLING: ("billing_error", 402),
    FailureKind.PERMISSION: ("permission_error", 403),
    FailureKind.NOT_FOUND: ("not_found_error", 404),
    FailureKind.CONFLICT: ("conflict_error", 409),
    FailureKind.TOO_LARGE: ("request_too_large", 413),
    FailureKind.RATE_LIMIT: ("rate_limit_error", 429),
    FailureKind.TIMEOUT: ("timeout_error", 504),
    FailureKind.OVERLOADED: ("overloaded_error", 529),
    FailureKind.SERVER: ("api_error", 500),
}
_USUAL_STATUSES = dict(_KINDS.values())
_LIMIT = re.compile(r"(?:maximum context length is|limit of) (\d+)|(\d+) maximum context length", re.IGNORECASE)
_SENT = re.compile(r"(?:resulted in|requested(?: about)?|input is|prompt contains) (\d+)", re.IGNORECASE)
_UNKNOWN_MODEL = re.compile(r"[Mm]odel ['`\"]([^'`\"]+)['`\"]")


def encode_error(failure: Failure, request_id: str) -> tuple[int, Wire]:
    """Return the HTTP status and the body that tell a client of the failure."""
    kind, status = failure.kind, failure.status
    if is_context_overflow(failure):
        kind, status = FailureKind.INVALID_REQUEST, 400
    elif failure.code == "insufficient_quota" or kind is FailureKind.BILLING:
        # 429 would make the official client try again, in vain.
        kind, status = FailureKind.BILLING, 402
    wire_type, usual_status = _KINDS[kind]
    error: Wire = {"type": wire_type, "message": _capped(_message(failure))}
    if failure.details is not None:
        error["details"] = {"error_code": failure.details}
    wire = {"type": "error", "error": error, "request_id": request_id}
    return (status if status >= HTTPStatus.BAD_REQUEST else usual_status), wire


def error_event(failure: Failure, request_id: str) -> bytes:
    """Return the event that ends a stream with the failure; nothing may follow it."""
    return encode_event("error", msgspec.json.encode(encode_error(failure, request_id)[1]))


def decode_error(status: int, body: bytes) -> Failure:
    """Return the failure that an upstream's error body tells of; any body will do, also none.

    An error that came inside a stream, with a success status, has the status that is usual for its type.
    """
    try:
        wire = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        wire = None
    error = wire.get("error") if isinstance(wire, dict) else None
    if not isinstance(error, dict):
        return failure_of(wire, status)
    if status < HTTPStatus.BAD_REQUEST:
        status = _USUAL_STATUSES.get(str(error.get("type")), HTTPStatus.BAD_GATEWAY)
    details = error.get("details")
    word = details.get("error_code") if isinstance(details, dict) else None
    failure = replace(failure_of(wire, status), details=word if isinstance(word, str) else None)
    if failure.kind is FailureKind.NOT_FOUND and failure.message.startswith(_MODEL_OPENING):
        return replace(failure, code="model_not_found", param="model")
    return failure


def _message(failure: Failure) -> str:
    """Return the message in the wording that clients of this shape know, opened by the path of the offending field."""
    if is_context_overflow(failure):
        return _overflow_message(failure.message)
    model = _UNKNOWN_MODEL.search(failure.message) if failure.code == "model_not_found" else None
    if model:
        return f"{_MODEL_OPENING}{model[1]}"
    if not failure.param or _names(failure.message, failure.param):
        return failure.message
    return f"{_dotted(failure.param)}: {failure.message}"


def _overflow_message(message: str) -> str:
    """Return the sentence by which coding agents know that they must shorten the conversation."""
    if message.startswith(_OVERFLOW_OPENING):
        return message
    sent, limit = _SENT.search(message), _LIMIT.search(message)
    if sent and limit:
        return f"{_OVERFLOW_OPENING}: {sent[1]} tokens > {limit[1] or limit[2]} maximum"
    return f"{_OVERFLOW_OPENING}: {message}"


def _dotted(path: str) -> str:
    return path.replace("[", ".").replace("]", "")


def _names(message: str, path: str) -> bool:
    forms = "|".join(re.escape(form) for form in (path, _dotted(path)))
    return re.search(rf"(?<![\w.\]])(?:{forms})(?![\w\[]|\.\w)", message) is not None


def _capped(message: str) -> str:
    return message.encode("utf-8", "replace")[:MESSAGE_MAX_BYTES].decode("utf-8", "ignore")
