"""The store of responses that a worker uses: the database, or its own memory if the seed file asks for that."""

from __future__ import annotations

import asyncio
import logging
import random
import time

from django.conf import settings

from conversations.memory import MemoryResponseStore
from conversations.stored import ResponseStore, StoreUnavailable
from conversations.threads import DatabaseResponseStore
from routing.storage import MEMORY
from serving.storage_choice import configured_storage

PRUNE_SECONDS = 60.0
PRUNE_MORE_SECONDS = 1.0
"""How soon the next step comes after one that did not find the end: what is stored must not grow faster."""

logger = logging.getLogger("serving.storage")

MEBIBYTE = 1024 * 1024


def response_store() -> ResponseStore:
    """Return a new store of the kind that is configured."""
    if configured_storage() == MEMORY:
        return MemoryResponseStore()
    return DatabaseResponseStore(settings.GATEWAY_RESPONSES_MAX_MB * MEBIBYTE)


async def keep_pruning(responses: ResponseStore) -> None:
    """Prune every minute or so, each worker at its own time, for as long as it is not cancelled."""
    more = False
    while True:
        wait = PRUNE_MORE_SECONDS if more else PRUNE_SECONDS
        await asyncio.sleep(wait * (0.5 + random.random()))  # noqa: S311 - a time, not a secret
        more = False
        try:
            more = await responses.prune(time.time())
        except StoreUnavailable as exc:
            logger.warning("stored responses are not pruned: %s", exc)
        except Exception:
            logger.exception("stored responses are not pruned")
