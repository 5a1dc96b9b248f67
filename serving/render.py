"""Answers as Django responses: bodies, streams and errors, with the headers that every API answer carries."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec
from django.http import HttpResponse, StreamingHttpResponse

from serving.errors import GatewayError
from serving.recording import RelayRecord
from serving.relay import Answer
from serving.request import ApiRequest
from serving.verdict import UpstreamAnswered
from translation.shapes import SHAPES

REPORT_MAX_BYTES = 1024


class RelayedStream(StreamingHttpResponse):
    """A stream on its way to the client; it owns the relay behind it until it is closed.

    The handler iterates `chunks` itself: the two generators that Django puts around it cost more than an event.
    """

    def __init__(self, answer: Answer) -> None:
        self.chunks: AsyncGenerator[bytes] = answer.stream()
        super().__init__(self.chunks, status=answer.status, content_type=answer.content_type)
        self._answer = answer

    def keep_alive(self) -> bytes:
        """Return bytes that keep the client waiting, legal at this point of the stream; b"" if none are."""
        reader = self._answer.reader
        return b"" if reader is None else reader.keep_alive()

    async def aclose(self) -> None:
        """Close the upstream's side and write the record."""
        try:
            await self.chunks.aclose()
        finally:
            await self._answer.aclose()


def json_response(request: ApiRequest, wire: object, status: int = 200) -> HttpResponse:
    """Return a JSON answer of the gateway's own."""
    response = HttpResponse(msgspec.json.encode(wire), content_type="application/json", status=status)
    _identify(response, request)
    return response


async def relay_response(request: ApiRequest, answer: Answer) -> HttpResponse | RelayedStream:
    """Return the relay's answer; a stream takes it over, a whole body is done with it."""
    response: HttpResponse | RelayedStream
    if answer.reader is not None:
        response = RelayedStream(answer)
        response["cache-control"] = "no-cache, no-transform"
        response["x-accel-buffering"] = "no"
    else:
        response = HttpResponse(answer.body, content_type=answer.content_type, status=answer.status)
        response["content-length"] = str(len(answer.body))
        await answer.aclose()
    for name, value in answer.headers:
        response[name] = value
    _identify(response, request)
    _report(response, request, answer.record)
    return response


def error_response(request: ApiRequest, error: GatewayError, record: RelayRecord | None = None) -> HttpResponse:
    """Return the error in the caller's shape, which the path and, for the models, a header tell."""
    shape = SHAPES[shape_of_path(request.path, has_version="anthropic-version" in request.headers)]
    status, wire = shape.encode_error(error.failure, request.request_id)
    body = msgspec.json.encode(wire)
    if isinstance(error, UpstreamAnswered) and error.raw is not None:
        status, body = error.failure.status, error.raw
    response = HttpResponse(body, content_type="application/json", status=status)
    response["content-length"] = str(len(body))
    for name, value in error.headers:
        response[name] = value
    _identify(response, request)
    if record is not None:
        record.status, record.error = status, error.failure.code or error.failure.kind.value
        _report(response, request, record)
        record.close("failed")
    return response


def shape_of_path(path: str, *, has_version: bool) -> str:
    """Return the shape in which a caller of this path expects its errors."""
    if path.startswith("/v1/messages") or (path.startswith("/v1/models") and has_version):
        return "messages"
    return "responses" if path.startswith("/v1/responses") else "chat"


def _identify(response: HttpResponse | RelayedStream, request: ApiRequest) -> None:
    response["x-request-id"] = response["request-id"] = request.request_id


def _report(response: HttpResponse | RelayedStream, request: ApiRequest, record: RelayRecord) -> None:
    """Say what was done with the request; by paths and names only, never by values or internal addresses."""
    snapshot = request.worker.snapshot
    if snapshot is not None:
        response["x-gateway-revision"] = str(snapshot.table.revision)
    if not record.upstream:
        return
    response["x-gateway-upstream"] = record.upstream
    response["x-gateway-upstream-model"] = record.upstream_model
    response["x-gateway-translation"] = record.translation
    response["x-gateway-attempts"] = str(record.attempts)
    if record.dropped:
        response["x-gateway-dropped"] = report(record.dropped)
    if record.coerced:
        response["x-gateway-coerced"] = report(record.coerced)
    response["server-timing"] = record.server_timing()


def report(paths: tuple[str, ...]) -> str:
    """Return the paths as one header value of at most 1 KiB, ending in `,+N` where N more did not fit."""
    kept: list[str] = []
    size = 0
    for path in paths:
        printable = path.encode("ascii", "backslashreplace").decode().translate(_UNPRINTABLE)
        size += len(printable) + 1
        if size > REPORT_MAX_BYTES - 16:
            return ",".join([*kept, f"+{len(paths) - len(kept)}"])
        kept.append(printable)
    return ",".join(kept)


_UNPRINTABLE = dict.fromkeys([*range(32), 127], "?")
