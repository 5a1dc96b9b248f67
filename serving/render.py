"""Answers as Django responses: bodies, streams and errors, with the headers that every API answer carries."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec
from django.http import HttpResponse, StreamingHttpResponse

from serving.answer import Answer, StreamedAnswer, WholeAnswer
from serving.errors import ClientError, GatewayError
from serving.headers import HeaderList, printable, report
from serving.recording import RelayRecord
from serving.request import ApiRequest
from serving.verdict import UpstreamAnswered
from translation.shapes import SHAPES

_STREAM_HEADERS: HeaderList = [(b"cache-control", b"no-cache, no-transform"), (b"x-accel-buffering", b"no")]


class ApiResponse(HttpResponse):
    """A whole answer. `head` are its headers but for the content type, ready for the wire."""

    head: HeaderList
    answer: WholeAnswer | None = None

    async def aclose(self) -> None:
        """Write the record of the relay behind it: when the answer is on its way, not before."""
        if self.answer is not None:
            await self.answer.aclose()


class RelayedStream(StreamingHttpResponse):
    """A stream on its way to the client; it owns the relay behind it until it is closed.

    The handler iterates `chunks` itself: the two generators that Django puts around it cost more than an event.
    """

    head: HeaderList

    def __init__(self, answer: StreamedAnswer) -> None:
        self.chunks: AsyncGenerator[bytes] = answer.stream()
        super().__init__(self.chunks, status=answer.status, content_type=answer.content_type)
        self.answer = answer

    def keep_alive(self) -> bytes:
        """Return bytes that keep the client waiting, legal at this point of the stream; b"" if none are."""
        return self.answer.reader.keep_alive()

    async def aclose(self) -> None:
        """Close the upstream's side and write the record."""
        try:
            await self.chunks.aclose()
        finally:
            await self.answer.aclose()


def json_response(request: ApiRequest, wire: object, status: int = 200) -> ApiResponse:
    """Return a JSON answer of the gateway's own."""
    return _whole(msgspec.json.encode(wire), status, _identity(request))


def stream_response(request: ApiRequest, events: bytes) -> ApiResponse:
    """Return a stream of the gateway's own, all of which is there."""
    response = _whole(events, 200, [*_identity(request), *_STREAM_HEADERS])
    response["content-type"] = "text/event-stream; charset=utf-8"
    return response


def relay_response(request: ApiRequest, answer: Answer) -> ApiResponse | RelayedStream:
    """Return the relay's answer; a stream takes it over, a whole body is done with it."""
    head = [*_identity(request), *answer.headers, *_account(request, answer.record)]
    if isinstance(answer, WholeAnswer):
        whole = _whole(answer.body, answer.status, head)
        whole.answer = answer
        return whole
    stream = RelayedStream(answer)
    stream.head = [*head, *_STREAM_HEADERS]
    return stream


def error_response(request: ApiRequest, error: GatewayError, record: RelayRecord | None = None) -> ApiResponse:
    """Return the error in the caller's shape, which the path and, for the models, a header tell."""
    shape = SHAPES[shape_of_path(request.path, has_version=b"anthropic-version" in request.fields)]
    status, wire = shape.encode_error(error.failure, request.request_id)
    body = msgspec.json.encode(wire)
    if isinstance(error, UpstreamAnswered) and error.raw is not None:
        status, body = error.failure.status, error.raw
    head = [*_identity(request), *error.headers]
    if error.lasting and not any(name == b"x-should-retry" for name, _ in head):
        head.append((b"x-should-retry", b"false"))
    if record is not None:
        record.note_error(error, status)
        head += _account(request, record)
        record.close("refused" if isinstance(error, ClientError) else "failed")
    return _whole(body, status, head)


def shape_of_path(path: str, *, has_version: bool) -> str:
    """Return the shape in which a caller of this path expects its errors."""
    if path.startswith("/v1/messages") or (path.startswith("/v1/models") and has_version):
        return "messages"
    return "responses" if path.startswith("/v1/responses") else "chat"


def _whole(body: bytes, status: int, head: HeaderList) -> ApiResponse:
    response = ApiResponse(body, content_type="application/json", status=status)
    response.head = [*head, (b"content-length", b"%d" % len(body))]
    return response


def _identity(request: ApiRequest) -> HeaderList:
    request_id = request.request_id.encode("ascii")
    return [(b"x-request-id", request_id), (b"request-id", request_id)]


def _account(request: ApiRequest, record: RelayRecord) -> HeaderList:
    """Say what was done with the request; by paths and names only, never by values or internal addresses."""
    head: HeaderList = []
    snapshot = request.worker.snapshot
    if snapshot is not None:
        head.append((b"x-gateway-revision", b"%d" % snapshot.table.revision))
    if not record.upstream:
        return head
    head += [
        (b"x-gateway-upstream", printable(record.upstream.encode())),
        (b"x-gateway-upstream-model", printable(record.upstream_model.encode())),
        (b"x-gateway-translation", record.translation.encode("ascii")),
        (b"x-gateway-attempts", b"%d" % record.attempts),
        (b"server-timing", record.server_timing().encode("ascii")),
    ]
    if record.dropped:
        head.append((b"x-gateway-dropped", report(record.dropped)))
    if record.coerced:
        head.append((b"x-gateway-coerced", report(record.coerced)))
    return head
