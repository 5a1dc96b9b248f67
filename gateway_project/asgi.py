"""The ASGI application that uvicorn serves."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_project.settings")
django.setup()  # a worker process of several comes here first, without a management command before it

from serving.asgi import get_application  # noqa: E402 - imports models, which the setup must precede

application = get_application()
