"""The ASGI application: the API on a path of its own, every other page through Django's handler.

The API's handler does what Django's does, without what costs that one a thread hop per request: no request_started and
request_finished signals (their receivers are synchronous), no middleware chain, the body read into memory under a
limit, the response closed in place. Requests, responses, URL patterns and views are Django's.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import Resolver404, get_resolver

from serving.admission import admit
from serving.errors import ClientError, GatewayError, internal_fault, invalid_request, stopping, unknown_path
from serving.recording import RelayRecord
from serving.render import ApiResponse, RelayedStream, error_response, shape_of_path
from serving.request import ApiRequest
from serving.watch import Watch
from serving.worker import Worker

logger = logging.getLogger("serving.asgi")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
View = Callable[..., Awaitable[ApiResponse | RelayedStream]]

# Relays make few cycles of objects; looking for them as often as Python does by default costs 4 % of the time.
GARBAGE_THRESHOLDS = (20_000, 20, 20)

MAX_PAGE_BODY_BYTES = 4 * 1024 * 1024
_PAGE_PREFIXES = ("/admin", "/static/")


class ClientGone(Exception):
    """The client closed its connection before it was answered."""


def is_page(path: str) -> bool:
    """Tell the pages' paths from the API's. Anything unknown is the API's, and gets its errors."""
    return path.startswith(_PAGE_PREFIXES)


def get_application() -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the application that uvicorn serves: lifespan, API and pages, as far as GATEWAY_SURFACES mounts them."""
    pages = get_asgi_application()
    serves_pages = "admin" in settings.GATEWAY_SURFACES
    api = ApiHandler("serving.urls" if "api" in settings.GATEWAY_SURFACES else "serving.probe_urls")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if serves_pages and is_page(scope["path"]):
                await pages(scope, _bounded(receive), send)
            else:
                await api(scope, receive, send)
        elif scope["type"] == "lifespan":
            await lifespan(scope, receive, send)

    return application


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Load the route table before the first request, and close the pools after the last."""
    worker = Worker()
    scope["state"]["worker"] = worker
    await receive()
    await worker.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await worker.stop()
    await send({"type": "lifespan.shutdown.complete"})


class ApiHandler:
    """Answers the API's paths without a thread."""

    def __init__(self, urls: str = "serving.urls") -> None:
        self._resolver = get_resolver(urls)
        # Most paths hold no parameter: they are found in one look-up instead of a walk over the patterns.
        self._views: dict[str, View] = {
            "/" + str(pattern.pattern): pattern.callback
            for pattern in self._resolver.url_patterns
            if pattern.callback is not None and "<" not in str(pattern.pattern)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that leaves cancels whatever is going on for it."""
        request = ApiRequest(scope)
        error: GatewayError | None = None
        try:
            if scope["method"] == "POST" and settings.GATEWAY_CLIENT_AUTH != "open":
                admit(request)  # before a byte of a stranger's body is kept
            request.take_body(await _body(scope, receive))
        except ClientGone:
            return
        except GatewayError as exc:
            error = exc
        watch = Watch(scope, receive, send)
        try:
            response = self._refusal(request, error) if error else await self._response(request)
            await watch.send(response)
        except asyncio.CancelledError:
            # Not the client's doing: the process stops, and its time for what is going on is over.
            if not watch.client_left and not watch.started:
                await watch.send(error_response(request, stopping()))
        finally:
            watch.stop()

    def _refusal(self, request: ApiRequest, error: GatewayError) -> ApiResponse:
        """Return the answer to a request whose body is not read; its connection cannot serve another one."""
        refused = type(error)(error.failure, (*error.headers, (b"connection", b"close")))
        shape = shape_of_path(request.path, has_version=False)
        return error_response(request, refused, RelayRecord(request.request_id, shape))

    async def _response(self, request: ApiRequest) -> ApiResponse | RelayedStream:
        try:
            view = self._views.get(request.path)
            if view is not None:
                return await view(request)
            match = self._resolver.resolve(request.path)
            response: ApiResponse | RelayedStream = await match.func(request, *match.args, **match.kwargs)
            return response
        except Resolver404:
            return error_response(request, unknown_path(str(request.method), request.path))
        except GatewayError as exc:
            return error_response(request, exc)
        except Exception:
            logger.exception("a defect of the gateway", extra={"fields": {"id": request.request_id}})
            return error_response(request, internal_fault())


def _bounded(receive: Receive) -> Receive:
    """Return a `receive` that ends a page's request whose body is larger than any form of ours."""
    size = 0

    async def bounded() -> dict[str, Any]:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        return message if size <= MAX_PAGE_BODY_BYTES else {"type": "http.disconnect"}

    return bounded


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Return the whole body; one that declares too great a length is refused before a byte of it is read.

    Its deadline is the protocol's (protocol.py).
    """
    limit = settings.GATEWAY_MAX_BODY_BYTES
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body") and len(body) <= limit:
        return body
    pieces, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body") and size <= limit:
        message = await receive()
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
    if message["type"] == "http.disconnect":
        raise ClientGone
    if size > limit:
        raise _too_large(limit)
    return b"".join(pieces)


def _too_large(limit: int) -> ClientError:
    return invalid_request(
        f"The request body is larger than {limit} bytes, the most that this gateway takes.",
        status=413,
        code="request_too_large",
    )
