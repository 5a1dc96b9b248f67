"""Where stored responses are kept, as the seed file says it: `state_storage: {type: memory}` or `{type: database}`.

Other gateways name their database here. Ours is the one of `DATABASE_URL`, so every name of a database means that one.
"""

from __future__ import annotations

from routing.fields import Fields
from routing.located import Located, read_located

MEMORY, DATABASE = "memory", "database"
_TYPES = {
    MEMORY: MEMORY,
    DATABASE: DATABASE,
    "sqlite": DATABASE,
    "postgres": DATABASE,
    "postgresql": DATABASE,
}


def storage_in(section: Located | None) -> str:
    """Return what the section `state_storage` of a seed file asks for; raises SeedError."""
    if section is None or section.value is None:
        return DATABASE
    fields = Fields(section, "state_storage", ("type",), ignored=("connection_string",))
    word = fields.text("type", MEMORY) or DATABASE
    if word not in _TYPES:
        asked = fields.value("type") or section
        raise asked.error(f"state_storage has no type {word!r}: write {MEMORY} or {DATABASE}")
    return _TYPES[word]


def storage_of(text: str) -> str:
    """Return what a seed file asks for; raises SeedError."""
    document = read_located(text)
    section = document.value.get("state_storage") if isinstance(document.value, dict) else None
    return storage_in(None if section is None else section[1])
