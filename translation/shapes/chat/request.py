"""A neutral request as the body of a chat completion: the top-level members, each with its fate.

What chat cannot say is dropped with a word in the ledger, or refused where its loss would change the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation.hub import OutputFormat, Request, Wire
from translation.identifiers import sent_identifier
from translation.ledger import Ledger
from translation.profiles import Profile, clamp_effort
from translation.shapes.chat.conversation import encode_messages
from translation.shapes.chat.tools import encode_tool_choice, encode_tools

STOP_MAX = 4

# Upper limits of the thinking budgets that count as one effort; a budget above the last is `xhigh`.
_EFFORT_OF_BUDGET = ((2048, "low"), (8192, "medium"), (24576, "high"))


_EFFORT_MEMBERS = {"messages": "output_config.effort", "responses": "reasoning.effort"}


def encode_request(request: Request, model: str, profile: Profile, deployment: str, ledger: Ledger) -> Wire:
    """Return the chat body for the upstream's `model`; raises RequestRefused for what chat has no place for."""
    wire: Wire = {"model": model, "messages": encode_messages(request, deployment, profile, ledger)}
    tools = encode_tools(request, profile, ledger)
    if tools:
        wire["tools"] = tools
        if request.tool_choice is not None:
            wire["tool_choice"] = encode_tool_choice(request.tool_choice, request.tools)
        if request.parallel_tool_calls is not None:
            wire["parallel_tool_calls"] = request.parallel_tool_calls
    wire.update(_limits(request, profile, ledger))
    wire.update(_sampling(request, profile, ledger))
    wire.update(_reasoning(request, profile, ledger))
    wire.update(_form(request, profile, ledger))
    wire.update(_bookkeeping(request))
    if request.stream:
        wire["stream"] = True
        wire["stream_options"] = {"include_usage": True}
    return wire


def _limits(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    wire: Wire = {}
    if request.max_tokens is not None:
        wire[profile.max_tokens_field] = request.max_tokens
    if request.stop and not profile.stop:
        ledger.drop("stop_sequences")
    elif request.stop:
        wire["stop"] = list(request.stop[:STOP_MAX])
        if len(request.stop) > STOP_MAX:
            ledger.drop(f"stop_sequences[{STOP_MAX}:]")
    return wire


def _sampling(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    wire: Wire = {}
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is None:
            continue
        if profile.sampling:
            wire[name] = value
        else:
            ledger.drop(name)
    if request.top_k is not None and profile.reads_top_k:
        wire["top_k"] = request.top_k
    elif request.top_k is not None:
        ledger.drop("top_k")
    if request.logprobs and profile.sampling:
        wire["logprobs"] = True
        if request.top_logprobs is not None:
            wire["top_logprobs"] = request.top_logprobs
    elif request.logprobs:
        ledger.drop("top_logprobs")
    return wire


def _reasoning(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    asked, source = _asked_effort(request)
    if asked is None:
        return {}
    if request.effort is None and request.thinking is not None and request.thinking.mode == "between_tools":
        ledger.coerce(source, "between_tools", asked)
    if not profile.efforts:
        if asked != "none":
            ledger.drop(source)
        return {}
    effort = clamp_effort(asked, profile)
    if effort != asked:
        ledger.coerce(source, asked, effort)
    return {"reasoning_effort": effort}


def _asked_effort(request: Request) -> tuple[str | None, str]:
    """Return the effort that the client means, in either of its vocabularies, and the member that says so."""
    if request.effort is not None:
        return request.effort, _EFFORT_MEMBERS.get(request.origin, "reasoning_effort")
    thinking = request.thinking
    if thinking is None or thinking.mode == "adaptive":
        return None, ""
    if thinking.mode == "disabled":
        return "none", "thinking"
    if thinking.mode == "between_tools":
        return "low", "thinking"
    budget = thinking.budget or 0
    return next((name for limit, name in _EFFORT_OF_BUDGET if budget <= limit), "xhigh"), "thinking"


def _form(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    wire: Wire = {}
    if request.output_format is not None:
        wire["response_format"] = _response_format(request.output_format)
    if request.verbosity is not None and profile.verbosity:
        wire["verbosity"] = request.verbosity
    elif request.verbosity is not None:
        ledger.drop("text.verbosity")
    return wire


def _response_format(form: OutputFormat) -> Wire:
    if form.schema is None:
        return {"type": "json_object"}
    schema: Wire = {"name": form.name or "output"}
    if form.description is not None:
        schema["description"] = form.description
    schema["schema"] = form.schema
    strict = is_strict_schema(form.schema) if form.strict is None else form.strict
    return {"type": "json_schema", "json_schema": {**schema, "strict": strict}}


def is_strict_schema(schema: object) -> bool:
    """Tell whether a JSON Schema is in OpenAI's strict subset: every object closed, every property required."""
    # A list of branches and no recursion: how deep a schema is nested is up to the client.
    waiting = [schema]
    while waiting:
        branch = waiting.pop()
        if isinstance(branch, list):
            waiting.extend(branch)
        elif isinstance(branch, Mapping):
            if not _is_closed(branch):
                return False
            waiting.extend(branch.get(key) for key in ("items", "anyOf", "allOf", "oneOf"))
            for key in ("properties", "$defs", "definitions"):
                waiting.extend(_members(branch, key).values())
    return True


def _is_closed(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema is of no object, or of one that has all its properties and no others."""
    if schema.get("type") != "object" and not isinstance(schema.get("properties"), Mapping):
        return True
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return schema.get("additionalProperties") is False and all(name in names for name in _members(schema, "properties"))


def _members(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, Mapping) else {}


def _bookkeeping(request: Request) -> Wire:
    wire: Wire = {}
    if request.user_id is not None:
        wire["safety_identifier"] = wire["prompt_cache_key"] = sent_identifier(request.user_id)
    members = {
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "metadata": dict(request.metadata) if request.metadata else None,
        "service_tier": request.service_tier,
    }
    return {**wire, **{name: value for name, value in members.items() if value is not None}}
