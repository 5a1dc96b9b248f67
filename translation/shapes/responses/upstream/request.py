"""A neutral request as the body for a responses upstream: the top-level members, each with its fate.

What this shape cannot say is dropped with a word in the ledger, under the client's own name for it. Nothing is stored
unless a chat client asked for it, so that reasoning comes back encrypted and goes back the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from translation.efforts import asked_effort
from translation.hub import OutputFormat, Request, Wire
from translation.identifiers import sent_identifier
from translation.ledger import Ledger
from translation.logprobs import logprobs_members
from translation.profiles import Profile, clamp_effort
from translation.reading import no_messages, unsupported
from translation.shapes.cache_breakpoints import cache_breakpoints
from translation.shapes.openai_members import bookkeeping_members, sampling_members, schema_members
from translation.shapes.responses.upstream.content_parts import Writing
from translation.shapes.responses.upstream.input_items import encode_input, instruction_items
from translation.shapes.responses.upstream.tools import encode_mcp_servers, encode_tool_choice, encode_tools

OUTPUT_TOKENS_MIN = 16
"""The least `max_output_tokens` that OpenAI takes."""

SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")

_CLIENT_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "messages": {"max_tokens": "max_tokens", "stop": "stop_sequences"},
    "responses": {"max_tokens": "max_output_tokens", "verbosity": "text.verbosity"},
}


def encode_request(request: Request, model: str, profile: Profile, deployment: str, ledger: Ledger) -> Wire:
    """Return the body for the upstream's `model`; raises RequestRefused for what this shape has no place for."""
    breakpoints = cache_breakpoints(request, profile, ledger)
    writing = Writing(
        origin=request.origin,
        deployment=deployment,
        ledger=ledger,
        markable=profile.cache_breakpoints,
        breakpoints=breakpoints,
    )
    wire: Wire = {"model": model, **_conversation(request, writing)}
    if not wire["input"]:
        raise no_messages(request.origin)
    tools = encode_tools(request, profile, ledger)
    servers = encode_mcp_servers(request, profile)
    if tools or servers:
        wire["tools"] = [*tools, *servers]
    if tools:
        if request.tool_choice is not None:
            wire["tool_choice"] = encode_tool_choice(request, request.tool_choice, tools)
        if request.parallel_tool_calls is not None:
            wire["parallel_tool_calls"] = request.parallel_tool_calls
    wire.update(_limits(request, profile, ledger))
    wire.update(_sampling(request, profile, ledger))
    wire.update(_reasoning(request, profile, ledger))
    wire.update(_form(request, profile, ledger))
    wire.update(_bookkeeping(request, ledger))
    wire.update(_compaction(request, profile, ledger))
    wire.update(_state(request, profile, tools))
    if request.stream:
        wire["stream"] = True
        if request.include_obfuscation is not None:
            wire["stream_options"] = {"include_obfuscation": request.include_obfuscation}
    return wire


def _conversation(request: Request, writing: Writing) -> Wire:
    """Return instructions and input; the input may not be empty, so that instructions alone become its items.

    Only items can be marked for the cache. Where a model takes marks, instructions are items whether there are marks or
    not, so that the prompt begins alike in every request.
    """
    said = encode_input(request.items, writing)
    if writing.markable:
        leading = [wire for item in request.instructions for wire in instruction_items(item, "developer", writing)]
        return {"input": [*leading, *said]}
    if not said:
        return {"input": encode_input(request.instructions, writing)}
    texts = [part.text for item in request.instructions for part in item.parts if part.text]
    return {"instructions": "\n\n".join(texts), "input": said} if texts else {"input": said}


def _client_member(request: Request, field: str) -> str:
    """Return what the client calls a field."""
    if request.origin == "chat" and field == "max_tokens":
        return "max_completion_tokens" if "max_completion_tokens" in request.echo else "max_tokens"
    return _CLIENT_MEMBERS.get(request.origin, {}).get(field, field)


def _compaction(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    if request.compact_above is None:
        return {}
    if not profile.compaction:
        ledger.drop("context_management")
        return {}
    threshold = {"compact_threshold": request.compact_above} if request.compact_above else {}
    return {"context_management": [{"type": "compaction", **threshold}]}


def _limits(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    if request.stop:
        ledger.drop(_client_member(request, "stop"))
    wire: Wire = {} if request.max_tool_calls is None else {"max_tool_calls": request.max_tool_calls}
    limit, member = request.max_tokens, _client_member(request, "max_tokens")
    if limit is None:
        return wire
    if limit == 0:
        if not profile.cache_breakpoints:
            raise unsupported(member, "This model's cache cannot be warmed up.", f"Send a '{member}' above 0.")
        return wire
    if limit < OUTPUT_TOKENS_MIN:
        ledger.coerce(member, limit, OUTPUT_TOKENS_MIN)
    return {**wire, "max_output_tokens": max(limit, OUTPUT_TOKENS_MIN)}


def _sampling(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    taken = _takes_sampling(request, profile)
    wire = sampling_members(request, ledger, taken=taken)
    if request.top_k is not None:
        ledger.drop("top_k")
    if request.logprobs and not taken:
        for name in logprobs_members(request):
            ledger.drop(name)
    elif request.logprobs and request.top_logprobs is not None:
        wire["top_logprobs"] = request.top_logprobs
    return wire


def _takes_sampling(request: Request, profile: Profile) -> bool:
    """Tell whether the model takes temperature, log probabilities and the like at the effort that it is sent."""
    asked, _ = asked_effort(request)
    sent = None if asked is None or not profile.efforts else clamp_effort(asked, profile)
    return profile.takes_sampling(sent)


def _reasoning(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    asked, member = asked_effort(request)
    summary = _summary(request)
    if not profile.efforts:
        if (asked or "none") != "none":
            ledger.drop(member)
        elif summary is not None:
            ledger.drop("reasoning.summary" if request.origin == "responses" else "thinking")
        return {}
    wire: Wire = {}
    if asked is not None:
        effort = wire["effort"] = clamp_effort(asked, profile)
        if request.effort is None and request.thinking is not None and request.thinking.mode == "between_tools":
            ledger.coerce(member, "between_tools", effort)
        elif effort != asked:
            ledger.coerce(member, asked, effort)
    if summary is not None:
        wire["summary"] = summary
    return {"reasoning": wire} if wire else {}


def _summary(request: Request) -> str | None:
    """Return which summary of its thoughts the model shall give: a client that shows thinking wants one."""
    thinking = request.thinking
    if thinking is None or thinking.mode == "disabled" or thinking.display == "omitted":
        return request.reasoning_summary
    return request.reasoning_summary or "auto"


def _form(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    text: Wire = {}
    if request.output_format is not None:
        text["format"] = _format(request.output_format)
    if request.verbosity is not None and profile.verbosity:
        text["verbosity"] = request.verbosity
    elif request.verbosity is not None:
        ledger.drop(_client_member(request, "verbosity"))
    return {"text": text} if text else {}


def _format(form: OutputFormat) -> Wire:
    if form.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", **schema_members(form)}


def _bookkeeping(request: Request, ledger: Ledger) -> Wire:
    wire: Wire = {}
    if request.user_id is not None:
        wire["safety_identifier"] = wire["prompt_cache_key"] = sent_identifier(request.user_id)
    return {**wire, **bookkeeping_members(request, _service_tier(request.service_tier, ledger))}


def _service_tier(tier: str | None, ledger: Ledger) -> str | None:
    """Return the tier, without those that vendors of chat have added and this wire refuses."""
    if tier is None or tier in SERVICE_TIERS:
        return tier
    ledger.drop("service_tier")
    return None


def _state(request: Request, profile: Profile, tools: Sequence[Wire]) -> Wire:
    """Return what is kept and what comes back; models that do not reason refuse to encrypt their reasoning."""
    include = ["reasoning.encrypted_content"] if profile.efforts else []
    if request.logprobs and _takes_sampling(request, profile):
        include.append("message.output_text.logprobs")
    if request.origin == "messages" and any(tool["type"] == "web_search" for tool in tools):
        # Its clients show the pages that were found, and some agents read nothing else of a search.
        include.append("web_search_call.action.sources")
    wire: Wire = {"include": include} if include else {}
    return {**wire, "store": request.origin == "chat" and request.store is True}
