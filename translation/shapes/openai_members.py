"""What the bodies for Chat Completions and for Responses have alike: sampling, bookkeeping, the schema of an answer."""

from __future__ import annotations

from translation.hub import OutputFormat, Request, Wire
from translation.ledger import Ledger
from translation.schemas import is_strict_schema


def sampling_members(request: Request, ledger: Ledger, *, taken: bool) -> Wire:
    """Return temperature and top_p; dropped where the model does not take them at its effort."""
    wire: Wire = {}
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is None:
            continue
        if taken:
            wire[name] = value
        else:
            ledger.drop(name)
    return wire


def bookkeeping_members(request: Request, service_tier: str | None) -> Wire:
    """Return what is said about users, caches, tiers and metadata."""
    cache = dict(request.prompt_cache_options or {})
    if request.max_tokens == 0:
        cache["prewarm"] = True  # how the Messages API asks for it
    members = {
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "prompt_cache_options": cache or None,
        "prompt_cache_retention": request.prompt_cache_retention,
        "moderation": dict(request.moderation) if request.moderation else None,
        "metadata": dict(request.metadata) if request.metadata else None,
        "service_tier": service_tier,
    }
    return {name: value for name, value in members.items() if value is not None}


def schema_members(form: OutputFormat) -> Wire:
    """Return the name, schema and strictness of an answer; a client that does not say gets it as strict as can be."""
    wire: Wire = {"name": form.name or "output"}
    if form.description is not None:
        wire["description"] = form.description
    strict = is_strict_schema(form.schema) if form.strict is None else form.strict
    return {**wire, "schema": form.schema, "strict": strict}
