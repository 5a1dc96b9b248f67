"""Tool names and call ids on the upstream's wire: unchanged where it allows them, else always rewritten the same way.

Nothing is remembered between requests: the same declaration gives the same name, so that the upstream's prompt cache
holds.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from translation.hub import Tool

_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_KEPT = 55


def sent_name(namespace: str | None, name: str, limit: int) -> str:
    """Return the tool's name on a wire whose names hold `limit` characters of A-Z a-z 0-9 _ and -."""
    full = f"{namespace}__{name}" if namespace else name
    if len(full) <= limit and _NAME.match(full):
        return full
    kept = re.sub(r"[^A-Za-z0-9_-]", "_", full)[:_KEPT]
    return f"{kept}_{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def sent_names(tools: Iterable[Tool], limit: int) -> dict[str, tuple[str | None, str]]:
    """Return, for every tool whose name is rewritten, the sent name and what the client calls it."""
    table = {}
    for tool in tools:
        sent = sent_name(tool.namespace, tool.name, limit)
        if sent != tool.name or tool.namespace:
            table[sent] = (tool.namespace, tool.name)
    return table


def sent_call_id(call_id: str) -> str:
    """Return the call's id as every wire takes it; equal ids stay equal and different ones different."""
    if _CALL_ID.match(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest()
    return "tc_" + base64.b32encode(digest).decode().lower()[:26]
