"""Where the seed file wants stored responses to be kept."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings

from routing.located import SeedError
from routing.storage import DATABASE, storage_of

logger = logging.getLogger("serving.storage")


def configured_storage() -> str:
    """Return what the seed file says; the database where there is no file, since the routes are in it already."""
    try:
        return storage_of(Path(settings.GATEWAY_ROUTES).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return DATABASE
    except SeedError as exc:
        logger.error("the seed file cannot be read, so responses go to the database: %s", exc)
        return DATABASE
