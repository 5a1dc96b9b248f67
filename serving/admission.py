"""Who may come in, and how: methods and client keys. Everything here answers from memory."""

from __future__ import annotations

import time

from django.conf import settings

from serving.errors import invalid_request, not_ready, unauthenticated, wrong_method
from serving.headers import credential_of, printable
from serving.request import ApiRequest


def only(request: ApiRequest, *methods: str) -> None:
    """Raise the 405 of a method that the endpoint does not take, and the 415 of a body that does not say it is JSON."""
    if request.method not in methods:
        raise wrong_method(str(request.method), ", ".join(methods))
    content_type = request.fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if request.method == "POST" and content_type not in (b"", b"application/json"):
        said = printable(content_type[:64]).decode("ascii")
        message = f"Unsupported content type '{said}'. Send the body as 'application/json'."
        raise invalid_request(message, status=415, code="unsupported_content_type")


def admit(request: ApiRequest) -> str:
    """Return the project that the client's key belongs to, "" for a client without one where any may come in.

    Raises ClientError (401), and GatewayFault (503) while the database cannot be asked: the key may be one that this
    worker has not learned of yet.
    """
    keys = request.worker.keys
    credential = credential_of(request.scope["headers"])
    key = keys.find(credential, time.time()) if keys is not None and credential else None
    if key is not None:
        return key.project
    if settings.GATEWAY_CLIENT_AUTH == "open":
        return ""
    if keys is None or (credential and not request.worker.database_ok):
        raise not_ready()
    raise unauthenticated()
