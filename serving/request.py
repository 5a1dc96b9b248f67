"""A request to the API, as the views see it."""

from __future__ import annotations

import secrets
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.utils.functional import cached_property

from serving.worker import Worker


class ApiRequest(ASGIRequest):
    """A request with an id, the worker that serves it and, once it is read, its whole body.

    Django builds the environment of CGI's variables for every request; here it is built for those that ask for it, and
    `fields` are the header fields as they came: names in lower case, a repeated one with its last value.
    """

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.path = self.path_info = scope["path"]
        self.method = scope["method"].upper()
        self.fields: dict[bytes, bytes] = dict(scope["headers"])
        self.worker: Worker = scope["state"]["worker"]
        self.request_id = secrets.token_hex(12)
        self._body = b""

    def take_body(self, body: bytes) -> None:
        """Keep the body."""
        self._body = body

    @cached_property
    def META(self) -> dict[str, Any]:  # type: ignore[override]  # noqa: N802 - Django's name
        """The request as CGI variables, made at first use."""
        return ASGIRequest(self.scope, BytesIO(self._body)).META
