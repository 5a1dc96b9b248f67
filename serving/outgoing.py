"""What is sent to a target: the client's own bytes where it speaks the shape, else their translation."""

from __future__ import annotations

import logging
import time

from msgspec import Struct

from routing.table import Target, Upstream
from serving.body import Body
from serving.calls import Call
from serving.errors import ClientError, invalid_request, upstream_failed
from serving.headers import MESSAGES_VERSION, HeaderList, credentials, to_upstream
from translation.envelope import deployment_tag
from translation.failures import RequestRefused
from translation.translator import (
    Circumstances,
    Destination,
    Reading,
    Translation,
    read_request,
    translate,
)

logger = logging.getLogger("serving.credentials")


class Outgoing(Struct, frozen=True):
    """What is sent to one target. `translation` is None for a passthrough."""

    shape: str
    body: bytes
    headers: HeaderList
    translation: Translation | None


def check_credential(upstream: Upstream, request_id: str) -> None:
    """Raise UpstreamError if the upstream's credential is named in the configuration, but not there."""
    if upstream.credential is not None and upstream.credential.missing is not None and not upstream.passthrough_auth:
        fields = {"id": request_id, "upstream": upstream.name, "missing": upstream.credential.missing}
        logger.error("a credential is not there", extra={"fields": fields})
        raise upstream_failed(502, "upstream_auth", "the upstream's credential is not configured")


def passed_on(call: Call, body: Body, target: Target) -> Outgoing:
    """Return the client's own request for a target that speaks its shape."""
    headers = to_upstream(call.headers)
    if target.upstream.passthrough_auth:
        headers += credentials(call.headers)
    if call.shape == "messages" and not any(name == b"anthropic-version" for name, _ in headers):
        headers.append(MESSAGES_VERSION)
    sent = body.raw if body.model == target.model else body.with_model(target.model)
    return Outgoing(call.shape, sent, headers, None)


def read(call: Call, body: Body) -> Reading:
    """Return the client's request, read for targets of other shapes; raises ClientError."""
    version = next((value.decode("latin-1") for name, value in call.headers if name == b"anthropic-version"), "")
    try:
        return read_request(body.members, call.shape, version)
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc


def translated_for(call: Call, reading: Reading, target: Target, shape: str, model_shown: str) -> Outgoing:
    """Return the request for a target of another shape; raises ClientError if that shape cannot serve it."""
    upstream = target.upstream
    headers = [MESSAGES_VERSION] if shape == "messages" else []
    if upstream.passthrough_auth:
        headers += credentials(call.headers)
    to = Destination(shape=shape, model=target.model, quirks=upstream.quirks, deployment=deployment_of(upstream))
    now = Circumstances(request_id=call.request_id, seed=call.request_id, now=int(time.time()))
    try:
        translation = translate(reading, to, now, model_shown)
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc
    _refuse_loss(call, translation)
    return Outgoing(shape, translation.body, headers, translation)


def deployment_of(upstream: Upstream) -> str:
    """Return the tag of the upstream's account: who can read what it sealed."""
    account = upstream.credential.fingerprint if upstream.credential is not None else ""
    return deployment_tag(upstream.provider, f"{upstream.base_url} {account}")


def _refuse_loss(call: Call, translation: Translation) -> None:
    lost = (*translation.dropped, *translation.coerced)
    if call.strict and lost:
        message = f"Strict mode: {', '.join(lost[:8])} cannot reach this model's provider unchanged."
        raise invalid_request(message, param=lost[0].partition("=")[0], code="unsupported_parameter")
