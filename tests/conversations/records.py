"""Records of stored responses for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from conversations.stored import StoredResponse

NOW = 1_000_000.0


def record(name: str, previous: StoredResponse | None = None, **fields: Any) -> StoredResponse:
    """Return a response that expires ten seconds from NOW, with one question and one answer, both named after it."""
    standard = {
        "project": "web",
        "id": name,
        "root": name if previous is None else previous.root,
        "previous": "" if previous is None else previous.id,
        "status": "completed",
        "created": NOW,
        "expires": NOW + 10,
        "model": "chat-model",
        "items": msgspec.json.encode([{"role": "user", "content": f"ask {name}", "id": f"msg_{name}"}]),
        "output": msgspec.json.encode([{"type": "message", "role": "assistant", "content": f"say {name}"}]),
        "response": msgspec.json.encode({"id": name, "status": "completed"}),
    }
    return StoredResponse(**(standard | fields))
