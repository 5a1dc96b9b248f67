"""Everything that goes wrong on a relay's way, by whose fault it is.

    GatewayError
    ├── ClientError        the request is wrong: its status is 4xx and nothing was sent upstream
    ├── UpstreamError      the upstream is: 502, 504, or what it answered
    └── GatewayFault       we are: 500, 503

Each carries a Failure (translation/failures.py), which the outermost layer writes in the caller's shape. Messages say
what was wrong and what would be right; never a key, a prompt or an internal address.
"""

from __future__ import annotations

from translation.failures import Failure, FailureKind

Headers = tuple[tuple[bytes, bytes], ...]

# Causes that another try of the same request meets again: only an operator can take them away.
_LASTING = frozenset({"upstream_auth", "upstream_redirect", "upstream_tls_error"})


class GatewayError(Exception):
    """A failure on its way to the client; `headers` go along with it."""

    def __init__(self, failure: Failure, headers: Headers = ()) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.headers = headers

    @property
    def lasting(self) -> bool:
        """Whether trying again is in vain, although the status alone would have the official clients do it."""
        return self.failure.kind is FailureKind.BILLING or self.failure.code in _LASTING


class ClientError(GatewayError):
    """The client's fault."""


class UpstreamError(GatewayError):
    """The upstream's fault. `retryable`: another target may do better. `cause` names addresses: it is for the log."""

    def __init__(
        self, failure: Failure, headers: Headers = (), *, retryable: bool = False, cause: str | None = None
    ) -> None:
        super().__init__(failure, headers)
        self.retryable = retryable
        self.cause = cause


class GatewayFault(GatewayError):
    """Our fault."""


def invalid_request(
    message: str, *, status: int = 400, param: str | None = None, code: str | None = None, headers: Headers = ()
) -> ClientError:
    """Return the error of a request that is wrong in itself."""
    kind = FailureKind.TOO_LARGE if status == 413 else FailureKind.INVALID_REQUEST
    return ClientError(Failure(status=status, kind=kind, message=message, param=param, code=code), headers)


def unknown_model(model: str) -> ClientError:
    """Return the error of a model that no route serves, or that the key may not use: the same answer for both."""
    return ClientError(
        Failure(
            status=404,
            kind=FailureKind.NOT_FOUND,
            message=f"The model '{model[:128]}' does not exist or you do not have access to it.",
            code="model_not_found",
            param="model",
        )
    )


def unknown_path(method: str, path: str) -> ClientError:
    """Return the error of a path that is not served."""
    message = f"Unknown request URL: {method} {path[:128]}. Please check the URL for typos."
    return ClientError(Failure(status=404, kind=FailureKind.NOT_FOUND, message=message, code="unknown_url"))


def wrong_method(method: str, allowed: str) -> ClientError:
    """Return the error of a method that the path does not take; `allowed` is the Allow header."""
    message = f"Method {method} is not allowed here. Use {allowed}."
    return invalid_request(
        message, status=405, code="method_not_allowed", headers=((b"allow", allowed.encode("ascii")),)
    )


def unauthenticated() -> ClientError:
    """Return the error of a client without a valid key."""
    message = "No valid API key was provided. Send one as 'Authorization: Bearer KEY' or 'x-api-key: KEY'."
    return ClientError(
        Failure(status=401, kind=FailureKind.AUTHENTICATION, message=message, code="invalid_api_key"),
        ((b"www-authenticate", b"Bearer"),),
    )


def upstream_failed(status: int, code: str, message: str, *, retryable: bool = True) -> UpstreamError:
    """Return the error of an upstream that cannot be reached, is too slow, or does not keep to its shape."""
    kind = FailureKind.TIMEOUT if status == 504 else FailureKind.SERVER
    return UpstreamError(Failure(status=status, kind=kind, message=message, code=code), retryable=retryable)


def internal_fault() -> GatewayFault:
    """Return the error that stands for a defect of ours; the log has the rest, under the request's id."""
    message = "The gateway failed to handle this request. The request id leads to the details in its log."
    return GatewayFault(Failure(status=500, kind=FailureKind.SERVER, message=message, code="internal_error"))


def stopping() -> GatewayFault:
    """Return the error of a request that a stopping process has no time for any more."""
    message = "The gateway is stopping. Try again."
    failure = Failure(status=503, kind=FailureKind.OVERLOADED, message=message, code="gateway_stopping")
    return GatewayFault(failure, ((b"retry-after", b"1"),))


def not_ready() -> GatewayFault:
    """Return the error of a worker that cannot know the answer: nothing loaded yet, or the database is away."""
    return GatewayFault(
        Failure(
            status=503,
            kind=FailureKind.OVERLOADED,
            message="The gateway cannot read its configuration at the moment. Try again shortly.",
            code="not_ready",
        ),
        ((b"retry-after", b"1"),),
    )
