"""Baseline (a): what one writes first in Django, a three-line view under the stock ASGI handler with a stock client."""

from __future__ import annotations

import os

import httpx2
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, SECRET_KEY=os.urandom(32).hex(), ALLOWED_HOSTS=["*"], MIDDLEWARE=[])
client = httpx2.AsyncClient(base_url=os.environ["BENCH_UPSTREAM"], headers={"authorization": "Bearer bench"})


async def forward(request: HttpRequest) -> HttpResponse:
    """Send the request's body on, and return the answer's."""
    headers = {"content-type": "application/json"}
    answer = await client.post(request.path, content=request.body, headers=headers)
    return HttpResponse(answer.content, status=answer.status_code, content_type=answer.headers["content-type"])


urlpatterns = [path("v1/chat/completions", forward)]
app = get_asgi_application()
