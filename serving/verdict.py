"""What an upstream's refusal means for the client: which status, whose words, and whether to try elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from routing.table import Credential
from serving.errors import UpstreamError, upstream_failed
from serving.headers import to_client
from serving.upstream import UpstreamAnswer
from translation.failures import Failure, FailureKind
from translation.shapes import SHAPES
from translation.shapes.openai_errors import REDACTED, without_credentials
from translation.sse import EventTooLarge, SseDecoder
from translation.translator import error_inside

MAX_ERROR_BYTES = 1024 * 1024
# A word that is shorter may stand in any message, and is no secret.
SHORTEST_SECRET = 8
_FAILED_EVENTS = frozenset({"error", "response.failed"})
_OF_THE_CLIENT: Mapping[int, FailureKind] = {401: FailureKind.AUTHENTICATION, 403: FailureKind.PERMISSION}
RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})


class UpstreamAnswered(UpstreamError):
    """The upstream answered with an error. `raw` is its body where the client's shape is the upstream's own."""

    def __init__(self, failure: Failure, headers: tuple[tuple[bytes, bytes], ...], raw: bytes | None) -> None:
        super().__init__(failure, headers, retryable=failure.status in RETRYABLE_STATUSES)
        self.raw = raw


async def error_of_answer(
    answered: UpstreamAnswer, client_shape: str, shape: str, body: bytes | None = None, *, asked_as_client: bool = False
) -> UpstreamError:
    """Return the error that an answer other than a success means; `body` if it was read already.

    `asked_as_client`: with the client's own credential, so that a refusal of it concerns the client.
    """
    status = answered.status
    if not 200 <= status < 600:
        return upstream_failed(502, "upstream_protocol_error", f"the upstream answered with the status {status}")
    if 300 <= status < 400:
        return upstream_failed(502, "upstream_redirect", f"the upstream answered with a redirect ({status})")
    if body is None:
        body = await answered.read(MAX_ERROR_BYTES)
    # Before anything else is taken out that looks like a key: it may be a part of this one.
    body = withheld(body, answered.credential)
    headers = tuple(to_client(answered.headers, shape, client_shape, time.time()))
    if answered.content_type == "text/html":
        return UpstreamError(_failure_of_page(status, shape), headers, retryable=True)
    if answered.content_type == "text/event-stream":
        body = _first_event(body)
    if asked_as_client and status in _OF_THE_CLIENT:
        failure = replace(SHAPES[shape].decode_error(400, body), status=status, kind=_OF_THE_CLIENT[status])
    else:
        failure = SHAPES[shape].decode_error(status, body)
    own_words = client_shape == shape and failure.status == status and _is_error_object(body)
    return UpstreamAnswered(failure, headers, without_credentials(body) if own_words else None)


def withhold(credential: Credential | None, error: UpstreamError) -> None:
    """Take the credential that the upstream was asked with out of the error, should the upstream have repeated it."""
    failure = error.failure
    words = {"message": failure.message, "code": failure.code or "", "param": failure.param or ""}
    for name, said in words.items():
        raw = said.encode("utf-8", "surrogatepass")
        if (without := withheld(raw, credential)) is not raw:
            error.failure = replace(error.failure, **{name: without.decode("utf-8", "surrogatepass")})


def withheld(body: bytes, credential: Credential | None) -> bytes:
    """Return the bytes without the credential, however JSON writes its slashes; the same object if it is not there."""
    secret = "" if credential is None else credential.value or ""
    if len(secret) < SHORTEST_SECRET:
        return body
    for written in (secret, secret.replace("/", "\\/")):
        if written.encode() in body:
            body = body.replace(written.encode(), REDACTED.encode())
    return body


def error_of_first_event(chunk: bytes, shape: str) -> UpstreamError:
    """Return the error that stands in the first event of a stream; its status is in the event, not on the wire."""
    decoder = SseDecoder()
    events = [*decoder.feed(chunk), *decoder.close()]
    for event in events:
        if event.name in _FAILED_EVENTS or error_inside(event.data):
            failure = SHAPES[shape].decode_error(200, event.data)
            return UpstreamError(failure, retryable=failure.status in RETRYABLE_STATUSES)
    unknown = Failure(status=502, kind=FailureKind.SERVER, message="the upstream failed", code="upstream_error")
    return UpstreamError(unknown, retryable=True)


def _failure_of_page(status: int, shape: str) -> Failure:
    """Return what a web page stands for: something on the way to the upstream is busy, or is not the upstream."""
    kept = status if status in RETRYABLE_STATUSES or status >= 500 else 502
    message = f"the upstream answered {status} with a web page"
    return replace(SHAPES[shape].decode_error(kept, b""), message=message, code="upstream_protocol_error")


def _first_event(body: bytes) -> bytes:
    """Return the data of the first event of an error that came in a stream's form; the body itself if it has none."""
    decoder = SseDecoder()
    try:
        events = [*decoder.feed(body), *decoder.close()]
    except EventTooLarge:
        return body
    return events[0].data if events else body


def looks_like_json(body: bytes) -> bool:
    """Tell a JSON object from what no client could read: nothing, half a reply, or a web page that does not say so.

    By its ends alone: to decode a reply that is passed on would cost more than all else that is done with it.
    """
    return body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}"


def _is_error_object(body: bytes) -> bool:
    try:
        return "error" in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
