"""What went wrong, neutral: the vocabulary that each shape's errors are decoded into and encoded from."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class FailureKind(Enum):
    """The kinds of failure that at least one of the shapes tells apart."""

    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    BILLING = "billing"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    SERVER = "server"


class Failure(Struct, frozen=True, kw_only=True):
    """One failure. `status` is the HTTP status before any shape changes it; `param` the path of the offending field.

    `code` is a word of the OpenAI vocabulary (`model_not_found`, `context_length_exceeded`, `upstream_truncated`, ...).
    """

    status: int
    kind: FailureKind
    message: str
    code: str | None = None
    param: str | None = None
    details: str | None = None


TRUNCATED = Failure(
    status=502,
    kind=FailureKind.SERVER,
    message="the upstream ended its stream before the reply was complete",
    code="upstream_truncated",
)
"""The failure of a stream whose upstream went away before it said that the reply is complete."""


class RequestRefused(Exception):
    """The client's request cannot be decoded, or cannot be served by the upstream's shape; raised before any relay."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        details: str | None = None,
        too_large: bool = False,
    ) -> None:
        super().__init__(message)
        self.failure = Failure(
            status=413 if too_large else 400,
            kind=FailureKind.TOO_LARGE if too_large else FailureKind.INVALID_REQUEST,
            message=message,
            code=code,
            param=param,
            details=details,
        )


class UpstreamProtocolError(Exception):
    """The upstream answered something that its shape does not allow, or a failure where a reply should be.

    `failure` is the upstream's own where it told one, else a 502.
    """

    def __init__(self, message: str, failure: Failure | None = None) -> None:
        super().__init__(message)
        self.failure = failure or Failure(
            status=502, kind=FailureKind.SERVER, message=message, code="upstream_protocol_error"
        )
