"""The error body that the chat and responses shapes share, and what it means in neutral words.

Both shapes write `{"error": {"message", "type", "param", "code"}}`. The status is kept, but for two cases: OpenAI's
clients know neither 402 nor 529, and an upstream that refuses the gateway's credential is no fault of the client's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from translation.failures import Failure, FailureKind
from translation.hub import Wire

MESSAGE_MAX_BYTES = 2048
CONTEXT_OVERFLOW = "context_length_exceeded"

_TYPES_AND_CODES: Mapping[FailureKind, tuple[str, str | None]] = {
    FailureKind.INVALID_REQUEST: ("invalid_request_error", None),
    FailureKind.AUTHENTICATION: ("authentication_error", "invalid_api_key"),
    FailureKind.BILLING: ("insufficient_quota", "insufficient_quota"),
    FailureKind.PERMISSION: ("permission_error", None),
    FailureKind.NOT_FOUND: ("not_found_error", None),
    FailureKind.CONFLICT: ("conflict_error", None),
    FailureKind.TOO_LARGE: ("invalid_request_error", "request_too_large"),
    FailureKind.RATE_LIMIT: ("rate_limit_error", "rate_limit_exceeded"),
    FailureKind.TIMEOUT: ("server_error", "timeout"),
    FailureKind.OVERLOADED: ("server_error", "overloaded"),
    FailureKind.SERVER: ("server_error", "server_error"),
}

_KINDS_OF_STATUS: Mapping[int, FailureKind] = {
    400: FailureKind.INVALID_REQUEST,
    401: FailureKind.AUTHENTICATION,
    402: FailureKind.BILLING,
    403: FailureKind.PERMISSION,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.TIMEOUT,
    409: FailureKind.CONFLICT,
    413: FailureKind.TOO_LARGE,
    422: FailureKind.INVALID_REQUEST,
    429: FailureKind.RATE_LIMIT,
    500: FailureKind.SERVER,
    502: FailureKind.SERVER,
    503: FailureKind.OVERLOADED,
    504: FailureKind.TIMEOUT,
    529: FailureKind.OVERLOADED,
}

# An error that comes inside a stream or a 200 body has no status of its own: its code, or else its type, says which.
_STATUS_OF_WORD: Mapping[str, int] = {
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "invalid_value": 400,
    "unsupported_parameter": 400,
    "unsupported_value": 400,
    "content_policy_violation": 400,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "data_residency_mismatch": 400,
    "image_too_large": 400,
    "image_too_small": 400,
    "image_parse_error": 400,
    "image_content_policy_violation": 400,
    "image_file_too_large": 400,
    "unsupported_image_media_type": 400,
    "empty_image_file": 400,
    "failed_to_download_image": 400,
    "image_file_not_found": 400,
    CONTEXT_OVERFLOW: 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 429,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "requests": 429,
    "tokens": 429,
    "timeout": 504,
    "vector_store_timeout": 504,
    "overloaded": 503,
    "overloaded_error": 503,
    "server_error": 500,
}

# Codes that some servers write with every refusal: the message says which one it is.
_GENERAL_CODES = frozenset({"invalid_request_error", "request_too_large"})

# Wordings of the Messages API, of OpenAI, and of servers that copy one of them.
_OVERFLOW_WORDING = re.compile(
    r"prompt is too long|exceed context limit|maximum context length|context window|context_length_exceeded",
    re.IGNORECASE,
)
_UPSTREAM_PATH = re.compile(r"\b(?:messages|input|tools|system|content)(?:\.|\[)\d")
_CREDENTIAL = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai)[-_][\w*.+/=-]{6,}|\b(?:api|key)[-_](?=[\w*.-]*[\d*])[\w*.+/=-]{6,}"
    r"|\bAIza[\w-]{10,}|\bBearer\s+(?!(?:or|and|is|in|auth\w*|tokens?|keys?|headers?|credentials?|schemes?)\b)[^\s'\"]{6,}",
    re.IGNORECASE,
)
REDACTED = "[redacted]"


def encode_error(failure: Failure, request_id: str) -> tuple[int, Wire]:
    """Return the status and the body for OpenAI's clients; the request's id travels in a header."""
    return _status_shown(failure), {"error": error_object(failure)}


def error_object(failure: Failure) -> Wire:
    """Return the inner object of an error body; streams carry the same."""
    kind, code = _TYPES_AND_CODES[failure.kind]
    code = failure.code or code
    if failure.kind is FailureKind.BILLING:
        code = "insufficient_quota"
    elif failure.kind is FailureKind.NOT_FOUND and code == "model_not_found":
        kind = "invalid_request_error"
    elif is_context_overflow(failure):
        kind, code = "invalid_request_error", CONTEXT_OVERFLOW
    return {"message": _capped(failure.message), "type": kind, "param": failure.param, "code": code}


def is_context_overflow(failure: Failure) -> bool:
    """Tell whether the prompt was too long for the model; agents shorten their history on this one failure."""
    if failure.kind not in (FailureKind.INVALID_REQUEST, FailureKind.TOO_LARGE):
        return False
    if failure.code in _STATUS_OF_WORD and failure.code not in _GENERAL_CODES:
        return failure.code == CONTEXT_OVERFLOW
    return bool(_OVERFLOW_WORDING.search(failure.message))


def decode_error(status: int, body: bytes) -> Failure:
    """Return the failure that an upstream's error body tells; any body will do, also none.

    A body that came with a success status is read for its code. 401 and 403 concern the gateway's own credential: they
    become a 502 with none of the upstream's words.
    """
    try:
        wire = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        wire = None
    return failure_of(wire, status)


def failure_of(wire: object, status: int = 200) -> Failure:
    """Return the failure that a decoded error body, or an event of a stream, tells; `status` 200 if it has none."""
    error = _inner_object(wire)
    code = error.get("code")
    word = code if isinstance(code, str) and code else None
    kind_word = error.get("type")
    if status < 400:
        status = _status_within(code, kind_word)
    if status in (401, 403):
        return Failure(
            status=502, kind=FailureKind.SERVER, message="upstream authentication failed", code="upstream_auth"
        )
    message, param = error.get("message"), error.get("param")
    failure = Failure(
        status=status,
        kind=_kind(status, word, kind_word),
        message=_clean(message, param) if isinstance(message, str) and message else f"the upstream answered {status}",
        code=word,
        param=param if isinstance(param, str) else None,
    )
    if is_context_overflow(failure):
        return msgspec.structs.replace(failure, code=CONTEXT_OVERFLOW)
    return failure


def _status_shown(failure: Failure) -> int:
    if failure.kind is FailureKind.BILLING:
        return 429
    if is_context_overflow(failure):
        return 400
    return 503 if failure.status == 529 else failure.status


def _kind(status: int, code: str | None, kind_word: object) -> FailureKind:
    # OpenAI answers 429 for an empty purse as well; a retry does not help there, so it is another kind.
    if "insufficient_quota" in (code, kind_word):
        return FailureKind.BILLING
    return _KINDS_OF_STATUS.get(status, FailureKind.SERVER if status >= 500 else FailureKind.INVALID_REQUEST)


def _status_within(code: object, kind_word: object) -> int:
    for word in (code, kind_word):
        if isinstance(word, int) and 400 <= word < 600:
            return word
        if isinstance(word, str) and word in _STATUS_OF_WORD:
            return _STATUS_OF_WORD[word]
        if isinstance(word, str) and word.startswith("invalid_"):
            return 400
    return 502


def _inner_object(wire: object) -> Mapping[str, Any]:
    """Return the object that holds the message.

    Seen: `{error: {...}}`, `{error: "..."}`, the same in an array, `{message}` and `{detail}` at the top, and the error
    of a Response object that failed.
    """
    if isinstance(wire, list) and wire:
        wire = wire[0]
    if not isinstance(wire, dict):
        return {}
    error = wire.get("error")
    if not error and isinstance(wire.get("response"), dict):
        error = wire["response"].get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {**wire, "message": error}
    if "message" not in wire and isinstance(wire.get("detail"), str):
        return {**wire, "message": wire["detail"]}
    return wire


def without_credentials(body: bytes) -> bytes:
    """Return an upstream's error body without what looks like a key; all other bytes stay as they are."""
    text = body.decode("utf-8", "surrogateescape")
    return _CREDENTIAL.sub(REDACTED, text).encode("utf-8", "surrogateescape")


def _clean(message: str, param: object) -> str:
    message = _CREDENTIAL.sub(REDACTED, message)
    # The path is one of the translated body, which the client never saw.
    return f"{message} (upstream request)" if _UPSTREAM_PATH.search(f"{param} {message}") else message


def _capped(message: str) -> str:
    raw = message.encode("utf-8", "replace")
    return message if len(raw) <= MESSAGE_MAX_BYTES else raw[: MESSAGE_MAX_BYTES - 3].decode("utf-8", "ignore") + "…"
