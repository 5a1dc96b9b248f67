"""The ASGI application that uvicorn serves."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_project.settings")

from serving.asgi import get_application

application = get_application()
