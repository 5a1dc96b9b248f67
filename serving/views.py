"""The API's endpoints: one short view each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from django.conf import settings

from serving.admission import admit, only
from serving.answer import Answer
from serving.calls import Call
from serving.counting import count
from serving.errors import GatewayError, invalid_request, not_ready
from serving.listing import model_object, page_of_models
from serving.recording import RelayRecord
from serving.relay import relay
from serving.render import ApiResponse, RelayedStream, error_response, json_response, relay_response
from serving.request import ApiRequest
from serving.snapshot import Snapshot


async def chat_completions(request: ApiRequest) -> ApiResponse | RelayedStream:
    """OpenAI Chat Completions."""
    return await _relayed(request, "chat")


async def messages(request: ApiRequest) -> ApiResponse | RelayedStream:
    """Anthropic Messages."""
    return await _relayed(request, "messages")


async def responses(request: ApiRequest) -> ApiResponse | RelayedStream:
    """OpenAI Responses. Codex asks for a websocket first, and falls back at once on 426."""
    if request.fields.get(b"upgrade", b"").lower() == b"websocket":
        message = "This gateway serves /v1/responses over HTTP only."
        raise invalid_request(message, status=426, code="upgrade_required", headers=((b"connection", b"close"),))
    return await _relayed(request, "responses")


async def count_tokens(request: ApiRequest) -> ApiResponse | RelayedStream:
    """Count the tokens of a Messages prompt."""
    return await _relayed(request, "messages", count)


async def input_tokens(request: ApiRequest) -> ApiResponse | RelayedStream:
    """Count the tokens of a Responses prompt."""
    return await _relayed(request, "responses", count)


async def models(request: ApiRequest) -> ApiResponse:
    """List the models that can be asked for, in the caller's shape."""
    only(request, "GET")
    admit(request)
    return json_response(request, page_of_models(snapshot_of(request).table.models(), request))


async def model(request: ApiRequest, name: str) -> ApiResponse:
    """Describe one model, in the caller's shape."""
    only(request, "GET")
    admit(request)
    return json_response(request, model_object(snapshot_of(request).table, name, request))


async def root(request: ApiRequest) -> ApiResponse:
    """Answer the probes of clients that ask whether anybody is there."""
    only(request, "GET", "HEAD")
    return json_response(request, {"name": "Switchyard", "docs": "/admin/"})


async def healthz(request: ApiRequest) -> ApiResponse:
    """Say that the process is alive; touches nothing."""
    return json_response(request, {"status": "ok"})


async def readyz(request: ApiRequest) -> ApiResponse:
    """Say whether this worker has a route table and is not about to stop."""
    worker = request.worker
    ready = worker.snapshot is not None and not worker.draining
    state = {
        "status": "ready" if ready else "not ready",
        "revision": None if worker.snapshot is None else worker.snapshot.table.revision,
        "database": "ok" if worker.database_ok else "not answering",
    }
    return json_response(request, state, 200 if ready else 503)


async def _relayed(
    request: ApiRequest, shape: str, way: Callable[[Call, Snapshot, RelayRecord], Awaitable[Answer]] = relay
) -> ApiResponse | RelayedStream:
    record = RelayRecord(request.request_id, shape)
    try:
        only(request, "POST")
        record.project = admit(request)
        call = Call(
            shape=shape,
            body=request.body,
            headers=request.scope["headers"],
            request_id=request.request_id,
            project=record.project,
            patience=settings.GATEWAY_KEEP_ALIVE_SECONDS,
            strict=settings.GATEWAY_STRICT or request.fields.get(b"x-gateway-strict") == b"1",
        )
        answer = await way(call, snapshot_of(request), record)
        return relay_response(request, answer)
    except GatewayError as exc:
        return error_response(request, exc, record)
    except BaseException as exc:
        record.close("failed" if isinstance(exc, Exception) else "client_closed")
        raise


def snapshot_of(request: ApiRequest) -> Snapshot:
    """Return what the worker serves from; raises GatewayFault (503) while it has nothing."""
    snapshot = request.worker.snapshot
    if snapshot is None:
        raise not_ready()
    return snapshot
