"""What is sent to a target: the client's own bytes where it speaks the shape, else their translation."""

from __future__ import annotations

import logging
import time

from msgspec import Struct

from routing.table import Target, Upstream
from serving.body import Body, changes_of, parse_body
from serving.calls import Call
from serving.errors import ClientError, invalid_request, upstream_failed
from serving.headers import MESSAGES_VERSION, HeaderList, credentials, to_upstream
from translation.envelope import deployment_tag
from translation.failures import RequestRefused
from translation.quirks import apply_quirks
from translation.shapes import SHAPES
from translation.translator import (
    Circumstances,
    Destination,
    Reading,
    Translation,
    read_request,
    translate,
    translate_request,
)

logger = logging.getLogger("serving.credentials")


class Outgoing(Struct, frozen=True):
    """What is sent to one target. `translation` is None for a passthrough.

    `dropped` and `coerced` are the paths of what does not reach the upstream as the client sent it. `unasked` is the
    body as it is without asking for a stream's usage, where only the gateway asks for it.
    """

    shape: str
    body: bytes
    headers: HeaderList
    translation: Translation | None
    dropped: tuple[str, ...] = ()
    coerced: tuple[str, ...] = ()
    unasked: bytes | None = None

    @property
    def client_shape(self) -> str:
        """The shape that the client speaks."""
        return self.shape if self.translation is None else self.translation.client


def check_credential(upstream: Upstream, request_id: str) -> None:
    """Raise UpstreamError if the upstream's credential is named in the configuration, but not there."""
    if upstream.credential is not None and upstream.credential.missing is not None and not upstream.passthrough_auth:
        fields = {"id": request_id, "upstream": upstream.name, "missing": upstream.credential.missing}
        logger.error("a credential is not there", extra={"fields": fields})
        raise upstream_failed(502, "upstream_auth", "the upstream's credential is not configured")


def passed_on(call: Call, body: Body, target: Target) -> Outgoing:
    """Return the client's own request for a target that speaks its shape; raises ClientError in strict mode."""
    upstream, shape = target.upstream, SHAPES[call.shape]
    headers, betas_left = to_upstream(call.headers, upstream.betas)
    if upstream.passthrough_auth:
        headers += credentials(call.headers)
    if call.shape == "messages" and not any(name == b"anthropic-version" for name, _ in headers):
        headers.append(MESSAGES_VERSION)
    members = apply_quirks(upstream.quirks, call.shape, body.members)
    dropped, coerced = changes_of(body.members, members)
    dropped = (*betas_left, *dropped)
    _refuse_loss(call, (*dropped, *coerced))
    if body.model != target.model:
        members = {**({} if "model" in members else {"model": target.model}), **members, "model": target.model}
    asking = members
    if upstream.asks_usage and body.stream and shape.usage_asked is not None:
        asking = shape.usage_asked.ask(members)
    return Outgoing(
        call.shape,
        body.with_members(asking),
        headers,
        None,
        dropped=dropped,
        coerced=coerced,
        unasked=None if asking is members else body.with_members(members),
    )


def read(call: Call, body: Body) -> Reading:
    """Return the client's request, read for targets of other shapes; raises ClientError."""
    version = next((value.decode("latin-1") for name, value in call.headers if name == b"anthropic-version"), "")
    try:
        return read_request(body.members, call.shape, version, body.raw)
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc


def translated_for(call: Call, reading: Reading, target: Target, shape: str, model_shown: str) -> Outgoing:
    """Return the request for a target of another shape; raises ClientError if that shape cannot serve it."""
    upstream = target.upstream
    headers = [MESSAGES_VERSION] if shape == "messages" else []
    if upstream.passthrough_auth:
        headers += credentials(call.headers)
    to = Destination(
        shape=shape,
        model=target.model,
        quirks=upstream.quirks,
        deployment=deployment_of(upstream),
        capabilities=target.capabilities,
    )
    now = Circumstances(request_id=call.request_id, seed=call.request_id, now=int(time.time()))
    try:
        translation = translate(reading, to, now, model_shown)
    except RequestRefused as exc:
        raise ClientError(exc.failure) from exc
    _refuse_loss(call, (*translation.dropped, *translation.coerced))
    return Outgoing(shape, translation.body, headers, translation, translation.dropped, translation.coerced)


def retold(call: Call, outgoing: Outgoing) -> Translation:
    """Return the translation of a passed-on request into its own shape, for a reply that comes in another form.

    Raises RequestRefused for a request that cannot be read.
    """
    members = parse_body(outgoing.body if outgoing.unasked is None else outgoing.unasked).members
    model = str(members.get("model"))
    now = Circumstances(request_id=call.request_id, seed=call.request_id, now=int(time.time()))
    return translate_request(members, call.shape, Destination(shape=call.shape, model=model), now, model)


def deployment_of(upstream: Upstream) -> str:
    """Return the tag of the upstream's account: who can read what it sealed."""
    account = upstream.credential.fingerprint if upstream.credential is not None else ""
    return deployment_tag(upstream.provider, f"{upstream.base_url} {account}")


def _refuse_loss(call: Call, lost: tuple[str, ...]) -> None:
    if call.strict and lost:
        message = f"Strict mode: {', '.join(lost[:8])} cannot reach this model's provider unchanged."
        param = lost[0].partition("=")[0].removeprefix("unknown:")
        raise invalid_request(message, param=param, code="unsupported_parameter")
