"""A neutral request as the body of a chat completion: the top-level members, each with its fate.

What chat cannot say is dropped with a word in the ledger, or refused where its loss would change the contract.
"""

from __future__ import annotations

from translation.efforts import asked_effort
from translation.hub import OutputFormat, Request, Wire
from translation.identifiers import sent_identifier
from translation.ledger import Ledger
from translation.profiles import Profile, clamp_effort
from translation.schemas import is_strict_schema
from translation.shapes.chat.conversation import encode_messages
from translation.shapes.chat.tools import encode_tool_choice, encode_tools

STOP_MAX = 4


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
    asked, source = asked_effort(request)
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
