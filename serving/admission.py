"""Who may come in, and how: methods and client keys. Everything here answers from memory."""

from __future__ import annotations

from django.conf import settings

from serving.errors import invalid_request, unauthenticated, wrong_method
from serving.request import ApiRequest


def only(request: ApiRequest, *methods: str) -> None:
    """Raise the 405 of a method that the endpoint does not take, and the 415 of a body that does not say it is JSON."""
    if request.method not in methods:
        raise wrong_method(str(request.method), ", ".join(methods))
    content_type = request.content_type
    if request.method == "POST" and content_type and content_type != "application/json":
        message = f"Unsupported content type '{content_type[:64]}'. Send the body as 'application/json'."
        raise invalid_request(message, status=415, code="unsupported_content_type")


def admit(request: ApiRequest) -> str:
    """Return the project that the client's key belongs to, "" where any client may come in."""
    if settings.GATEWAY_CLIENT_AUTH == "open":
        return ""
    raise unauthenticated()
