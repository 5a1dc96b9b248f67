"""The ASGI application: the API on a path of its own, every other page through Django's handler.

The API's handler does what Django's does, without what costs that one a thread hop per request: no request_started and
request_finished signals (their receivers are synchronous), no middleware chain, the body read into memory under a limit
and a deadline, the response closed in place. Requests, responses, URL resolver and views are Django's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import Resolver404, get_resolver

from serving.deadlines import StreamWatch
from serving.errors import ClientError, GatewayError, internal_fault, invalid_request, unknown_path
from serving.render import ApiResponse, RelayedStream, error_response
from serving.request import ApiRequest
from serving.worker import Worker

logger = logging.getLogger("serving.asgi")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

BODY_IDLE_SECONDS = 30.0
_API_PATHS = frozenset({"/", "/healthz", "/readyz"})


class ClientGone(Exception):
    """The client closed its connection before it was answered."""


def is_api_path(path: str) -> bool:
    """Tell the API's paths from the pages'. Anything unknown below `/v1` is the API's, and gets its errors."""
    return path.startswith("/v1/") or path in _API_PATHS or path in ("/v1", "/api/hello")


def get_application() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the application that uvicorn serves: lifespan, API and pages, as far as GATEWAY_SURFACES mounts them."""
    pages = get_asgi_application() if "admin" in settings.GATEWAY_SURFACES else None
    api = ApiHandler()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if pages is None or is_api_path(scope["path"]):
                await api(scope, receive, send)
            else:
                await pages(scope, receive, send)
        elif scope["type"] == "lifespan":
            await lifespan(scope, receive, send)

    return application


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Load the route table before the first request, and close the pools after the last."""
    worker = Worker()
    scope["state"]["worker"] = worker
    await receive()
    await worker.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await worker.stop()
    await send({"type": "lifespan.shutdown.complete"})


class ApiHandler:
    """Answers the API's paths without a thread."""

    def __init__(self) -> None:
        self._resolver = get_resolver("serving.urls")
        self._resolver.url_patterns  # noqa: B018 - imported now, so that the first request does not have to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that leaves cancels whatever is going on for it."""
        request: ApiRequest | None = None
        try:
            body, error = await self._body(scope, receive)
            request = ApiRequest(scope, body)
        except ClientGone:
            return
        except UnicodeDecodeError:
            request, error = ApiRequest({**scope, "query_string": b""}, b""), invalid_request("Invalid query string.")
        answering = asyncio.current_task()
        assert answering is not None
        watch = StreamWatch(receive, send, answering)
        try:
            response = await self._response(request, error)
            await watch.send_response(response)
        except asyncio.CancelledError:
            if not watch.client_left:
                raise
        finally:
            watch.stop()

    async def _response(self, request: ApiRequest, error: ClientError | None) -> ApiResponse | RelayedStream:
        try:
            if error is not None:
                raise error
            match = self._resolver.resolve(request.path_info)
            response: ApiResponse | RelayedStream = await match.func(request, *match.args, **match.kwargs)
            return response
        except Resolver404:
            return error_response(request, unknown_path(str(request.method), request.path))
        except GatewayError as exc:
            return error_response(request, exc)
        except Exception:
            logger.exception("a defect of the gateway", extra={"fields": {"id": request.request_id}})
            return error_response(request, internal_fault())

    async def _body(self, scope: Scope, receive: Receive) -> tuple[bytes, ClientError | None]:
        """Return the body, or b"" and why it is refused: refused by its declared length before a byte of it is read."""
        limit = settings.GATEWAY_MAX_BODY_BYTES
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(declared) > limit:
            return b"", _too_large(limit)
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_IDLE_SECONDS) as idle:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    piece = message.get("body", b"")
                    size += len(piece)
                    if size > limit:
                        return b"", _too_large(limit)
                    pieces.append(piece)
                    if not message.get("more_body", False):
                        return b"".join(pieces) if len(pieces) > 1 else piece, None
                    idle.reschedule(asyncio.get_running_loop().time() + BODY_IDLE_SECONDS)
        except TimeoutError:
            message_text = f"No byte of the body came for {BODY_IDLE_SECONDS:.0f} seconds."
            return b"", invalid_request(message_text, status=408, code="timeout", headers=((b"connection", b"close"),))


def _too_large(limit: int) -> ClientError:
    return invalid_request(
        f"The request body is larger than {limit} bytes, the most that this gateway takes.",
        status=413,
        code="request_too_large",
        headers=((b"connection", b"close"),),
    )
