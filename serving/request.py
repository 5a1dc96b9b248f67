"""A request to the API, as the views see it."""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest

from serving.worker import Worker


class ApiRequest(ASGIRequest):
    """A request with its whole body, an id, and the worker that serves it."""

    worker: Worker
    request_id: str

    def __init__(self, scope: MutableMapping[str, Any], body: bytes) -> None:
        super().__init__(scope, BytesIO(body))
        self._body = body
        self.worker = scope["state"]["worker"]
        self.request_id = secrets.token_hex(12)
