"""A neutral request as the body of a chat completion: the top-level members, each with its fate.

What chat cannot say is dropped with a word in the ledger, or refused where its loss would change the contract.
"""

from __future__ import annotations

from msgspec.structs import replace

from translation.efforts import asked_effort
from translation.hub import OutputFormat, Request, Wire
from translation.identifiers import sent_identifier
from translation.ledger import Ledger
from translation.logprobs import logprobs_members
from translation.profiles import Profile, clamp_effort
from translation.reading import unsupported
from translation.shapes.chat.conversation import encode_messages
from translation.shapes.chat.tools import encode_tool_choice, encode_tools, possible_choice
from translation.shapes.openai_members import bookkeeping_members, sampling_members, schema_members

STOP_MAX = 4

_OF_USER_ID = ("safety_identifier", "prompt_cache_key")
"""The members that carry the end user's id of the messages shape."""


def encode_request(request: Request, model: str, profile: Profile, deployment: str, ledger: Ledger) -> Wire:
    """Return the chat body for the upstream's `model`; raises RequestRefused for what chat has no place for."""
    if request.mcp_servers:
        raise unsupported(
            "mcp_servers", "This model cannot reach MCP servers by itself.", "Declare their tools in 'tools'."
        )
    if request.compact_above is not None:
        ledger.drop("context_management")
    wire: Wire = {"model": model, "messages": encode_messages(request, deployment, profile, ledger)}
    tools = encode_tools(request, profile, ledger)
    wire.update(tools)
    if "tools" in tools:
        if request.tool_choice is not None:
            wire["tool_choice"] = encode_tool_choice(
                possible_choice(request.tool_choice, profile, ledger), request.tools
            )
        if request.parallel_tool_calls is not None:
            wire["parallel_tool_calls"] = request.parallel_tool_calls
    reasoning = _reasoning(request, profile, ledger, with_tools="tools" in tools)
    wire.update(_limits(request, profile, ledger))
    wire.update(_sampling(request, profile, reasoning.get("reasoning_effort"), ledger))
    wire.update(reasoning)
    wire.update(_form(request, profile, ledger))
    wire.update(_bookkeeping(request, profile, ledger))
    wire.update(_streaming(request, ledger))
    return wire


def _streaming(request: Request, ledger: Ledger) -> Wire:
    obfuscation = request.include_obfuscation
    if not request.stream:
        if obfuscation is not None:
            ledger.drop("stream_options.include_obfuscation")
        return {}
    options = {"include_usage": True}
    if obfuscation is not None:
        options["include_obfuscation"] = obfuscation
    return {"stream": True, "stream_options": options}


def _limits(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    wire: Wire = {}
    if request.max_tokens == 0:
        raise unsupported("max_tokens", "This model's cache cannot be warmed up.", "Send a 'max_tokens' above 0.")
    if request.max_tokens is not None:
        wire[profile.max_tokens_field] = request.max_tokens
    if request.stop and not profile.stop:
        ledger.drop("stop_sequences")
    elif request.stop:
        wire["stop"] = list(request.stop[:STOP_MAX])
        if len(request.stop) > STOP_MAX:
            ledger.drop(f"stop_sequences[{STOP_MAX}:]")
    return wire


def _sampling(request: Request, profile: Profile, effort: str | None, ledger: Ledger) -> Wire:
    taken = profile.takes_sampling(effort)
    wire = sampling_members(request, ledger, taken=taken)
    if request.top_k is not None and profile.reads_top_k:
        wire["top_k"] = request.top_k
    elif request.top_k is not None:
        ledger.drop("top_k")
    if request.logprobs and taken and profile.logprobs:
        wire["logprobs"] = True
        if request.top_logprobs is not None:
            wire["top_logprobs"] = request.top_logprobs
    elif request.logprobs:
        for name in logprobs_members(request):
            ledger.drop(name)
    return wire


def _reasoning(request: Request, profile: Profile, ledger: Ledger, *, with_tools: bool) -> Wire:
    if request.origin == "responses" and request.reasoning_summary is not None:
        # A model of this wire shows its thoughts by itself, or not at all.
        older = "generate_summary" in request.echo.get("reasoning", {})
        ledger.drop("reasoning.generate_summary" if older else "reasoning.summary")
    asked, source = asked_effort(request)
    if with_tools and profile.chat_tools_need_effort_none:
        return _silenced(asked, source, profile, ledger)
    if asked is None:
        return {}
    if request.effort is None and request.thinking is not None and request.thinking.mode == "between_tools":
        ledger.coerce(source, "between_tools", asked)
    if not profile.efforts:
        if asked != "none":
            ledger.drop(source)
        return {}
    known = profile.efforts if profile.chat_effort_max else tuple(word for word in profile.efforts if word != "max")
    effort = clamp_effort(asked, replace(profile, efforts=known))
    if effort != asked:
        ledger.coerce(source, asked, effort)
    return {"reasoning_effort": effort}


def _silenced(asked: str | None, source: str, profile: Profile, ledger: Ledger) -> Wire:
    """Return the effort with which the model takes function tools on this wire: none, or not a word of it."""
    can_be_silent = "none" in profile.efforts
    if asked not in (None, "none"):
        if can_be_silent:
            ledger.coerce(source, asked, "none")
        else:
            ledger.drop(source)
    return {"reasoning_effort": "none"} if can_be_silent else {}


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
    return {"type": "json_schema", "json_schema": schema_members(form)}


def _bookkeeping(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    """Return what is said about users, caches, tiers and metadata, as far as the upstream knows of such things."""
    if request.max_tool_calls is not None:
        ledger.drop("max_tool_calls")
    tier = _service_tier(request, ledger) if profile.bookkeeping else request.service_tier
    wire = bookkeeping_members(request, tier)
    if profile.bookkeeping:
        known = {} if request.user_id is None else dict.fromkeys(_OF_USER_ID, sent_identifier(request.user_id))
        return {**known, **wire}
    _refuse_blocking(request)
    for name in (*wire, *(["metadata.user_id"] if request.user_id is not None else [])):
        ledger.drop(name)
    return {}


def _service_tier(request: Request, ledger: Ledger) -> str | None:
    """Return the tier; the fastest one is not sold on this wire."""
    if request.service_tier != "ultrafast":
        return request.service_tier
    ledger.coerce("service_tier", "ultrafast", "fast")
    return "fast"


def _refuse_blocking(request: Request) -> None:
    """Refuse a moderation that shall keep something back: the client counts on it."""
    policy = (request.moderation or {}).get("policy")
    for side, wanted in policy.items() if isinstance(policy, dict) else ():
        if isinstance(wanted, dict) and wanted.get("mode") == "block":
            raise unsupported(
                f"moderation.policy.{side}.mode", "This model's moderation cannot block.", "Use mode 'score'."
            )
