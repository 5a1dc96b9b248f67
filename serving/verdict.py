"""What an upstream's refusal means for the client: which status, whose words, and whether to try elsewhere."""

from __future__ import annotations

import msgspec

from serving.errors import UpstreamError, upstream_failed
from serving.headers import to_client
from serving.upstream import UpstreamAnswer
from translation.failures import Failure, FailureKind
from translation.shapes import SHAPES
from translation.sse import SseDecoder
from translation.translator import error_inside

MAX_ERROR_BYTES = 1024 * 1024
_FAILED_EVENTS = frozenset({"error", "response.failed"})
RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})


class UpstreamAnswered(UpstreamError):
    """The upstream answered with an error. `raw` is its body where the client's shape is the upstream's own."""

    def __init__(self, failure: Failure, headers: tuple[tuple[bytes, bytes], ...], raw: bytes | None) -> None:
        super().__init__(failure, headers, retryable=failure.status in RETRYABLE_STATUSES)
        self.raw = raw


async def error_of_answer(
    answered: UpstreamAnswer, client_shape: str, shape: str, body: bytes | None = None
) -> UpstreamError:
    """Return the error that an answer other than a success means; `body` if it was read already."""
    status = answered.status
    if not 200 <= status < 600:
        return upstream_failed(502, "upstream_protocol_error", f"the upstream answered with the status {status}")
    if 300 <= status < 400:
        return upstream_failed(502, "upstream_redirect", f"the upstream answered with a redirect ({status})")
    if body is None:
        body = await answered.read(MAX_ERROR_BYTES)
    if answered.content_type == "text/html":
        message = f"the upstream answered {status} with a web page"
        return upstream_failed(502 if status < 500 else status, "upstream_protocol_error", message)
    failure = SHAPES[shape].decode_error(status, body)
    headers = tuple(to_client(answered.headers))
    own_words = client_shape == shape and failure.status == status and _is_error_object(body)
    return UpstreamAnswered(failure, headers, body if own_words else None)


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


def looks_like_json(body: bytes) -> bool:
    """Tell a JSON object from what no client of ours could read: nothing, or a web page that does not say so."""
    return body.lstrip()[:1] == b"{"


def _is_error_object(body: bytes) -> bool:
    try:
        return "error" in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
