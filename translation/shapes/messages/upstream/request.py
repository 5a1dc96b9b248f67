"""A neutral request as the body for an upstream that speaks Messages: the top-level members, each with its fate.

What the wire cannot say is dropped with a word in the ledger, or refused where its loss would change the contract. The
same request always becomes the same body, so that prompts stay cached and thoughts stay valid.
"""

from __future__ import annotations

import hashlib

from translation import reading
from translation.failures import RequestRefused
from translation.hub import Request, Wire
from translation.ledger import Ledger
from translation.logprobs import logprobs_members
from translation.profiles import Profile
from translation.reading import unsupported
from translation.shapes.messages.upstream.blocks import Writing
from translation.shapes.messages.upstream.cache_marks import cache_marks
from translation.shapes.messages.upstream.conversation import encode_messages, encode_system
from translation.shapes.messages.upstream.members import member
from translation.shapes.messages.upstream.output_format import encode_output_format
from translation.shapes.messages.upstream.thinking import Decision, decide_thinking
from translation.shapes.messages.upstream.tools import encode_tool_choice, encode_tools

USER_ID_MAX = 256
TEMPERATURE_MAX = 1.0

# While the model thinks, the wire takes no narrower choice among the likely words.
_TOP_P_MIN_WITH_THINKING = 0.95

# The wire knows two tiers: `auto` uses bought capacity where there is some.
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "priority": "auto", "fast": "auto", "ultrafast": "auto"}


def encode_request(request: Request, model: str, profile: Profile, deployment: str, ledger: Ledger) -> Wire:
    """Return the body for the upstream's `model`; raises RequestRefused for what the wire has no place for."""
    marks = cache_marks(request, ledger)
    writing = Writing(origin=request.origin, deployment=deployment, profile=profile, marks=marks, ledger=ledger)
    max_tokens = request.max_tokens if request.max_tokens is not None else profile.max_output_tokens
    wire: Wire = {"model": model, "max_tokens": max_tokens}
    form, instruction = encode_output_format(request, profile, ledger)
    system = [*encode_system(request, writing), *instruction]
    if system:
        wire["system"] = system
    wire["messages"] = messages = encode_messages(request, writing)
    tools = encode_tools(request, profile, ledger)
    if tools:
        wire["tools"] = tools
        choice = encode_tool_choice(request, tools, profile, ledger)
        if choice is not None:
            wire["tool_choice"] = choice
    thinking = decide_thinking(request, profile, max_tokens, messages, ledger)
    if thinking.thinking is not None:
        wire["thinking"] = thinking.thinking
    if config := ({"effort": thinking.effort} if thinking.effort else {}) | form:
        wire["output_config"] = config
    wire.update(_sampling(request, profile, thinking, ledger))
    wire.update(_bookkeeping(request, ledger))
    _leave_out(request, ledger)
    if profile.automatic_cache and not marks and (tools or len(messages) > 1):
        # Clients of the other shapes count on a cache that needs no marks.
        wire["cache_control"] = {"type": "ephemeral"}
    if request.stream:
        wire["stream"] = True
    return wire


def _sampling(request: Request, profile: Profile, thinking: Decision, ledger: Ledger) -> Wire:
    asked = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    wire: Wire = {}
    for name, value in asked.items():
        if value is None:
            continue
        if _is_taken(name, value, request, profile, thinking):
            wire[name] = value
        else:
            ledger.drop(name)
    if wire.get("temperature", 0) < 0:
        raise RequestRefused(
            f"Invalid 'temperature': expected a value >= 0, but got {wire['temperature']} instead.",
            param="temperature",
            code="decimal_below_min_value",
        )
    if wire.get("temperature", 0) > TEMPERATURE_MAX:
        ledger.coerce("temperature", wire["temperature"], TEMPERATURE_MAX)
        wire["temperature"] = TEMPERATURE_MAX
    if request.logprobs:
        for name in logprobs_members(request):
            ledger.drop(name)
    stop = [sequence for sequence in request.stop if sequence.strip()]
    if len(stop) < len(request.stop):
        ledger.drop(member(request.origin, "stop"))
    if stop:
        wire["stop_sequences"] = stop
    return wire


def _is_taken(name: str, value: float, request: Request, profile: Profile, thinking: Decision) -> bool:
    """Tell whether the model takes a sampling member, beside the others and the thinking that it gets."""
    if not profile.sampling:
        return False
    if name == "top_p" and request.temperature is not None and not profile.temperature_with_top_p:
        return False
    if not thinking.active:
        return True
    return {"temperature": value == 1, "top_p": value >= _TOP_P_MIN_WITH_THINKING}.get(name, False)


def _leave_out(request: Request, ledger: Ledger) -> None:
    """Report what this wire has no member for; a moderation that blocks is refused, since the client counts on it."""
    at = "moderation.policy"
    policy = reading.mapping(request.moderation or {}, "policy", "moderation") or {}
    for side in ("input", "output"):
        rule = reading.mapping(policy, side, at) or {}
        if reading.text(rule, "mode", f"{at}.{side}") == "block":
            raise unsupported(f"{at}.{side}.mode", "This model's moderation cannot block.", "Use mode 'score'.")
    lost = {
        "metadata": request.metadata,
        "prompt_cache_key": request.prompt_cache_key,
        "prompt_cache_options": request.prompt_cache_options is not None,
        "prompt_cache_retention": request.prompt_cache_retention,
        member(request.origin, "verbosity"): request.verbosity,
        "store": request.origin == "chat" and request.store,
        "user": request.user if request.safety_identifier is not None else None,
        "moderation": request.moderation is not None,
        "stream_options.include_obfuscation": request.include_obfuscation,
    }
    for name, value in lost.items():
        if value:
            ledger.drop(name)


def _bookkeeping(request: Request, ledger: Ledger) -> Wire:
    wire: Wire = {}
    known_as = {"user_id": request.user_id, "safety_identifier": request.safety_identifier, "user": request.user}
    for name, user_id in known_as.items():
        if user_id:
            wire["metadata"] = {"user_id": _user_id(user_id)}
            if len(user_id) > USER_ID_MAX:
                ledger.coerce(name)
            break
    if request.service_tier is not None:
        tier = _SERVICE_TIERS.get(request.service_tier)
        if tier is None:
            ledger.drop("service_tier")
        else:
            wire["service_tier"] = tier
            if request.service_tier not in ("auto", "default"):
                ledger.coerce("service_tier", request.service_tier, tier)
    return wire


def _user_id(user_id: str) -> str:
    """Return the user's id if the member can hold it, else its hash."""
    if len(user_id) <= USER_ID_MAX:
        return user_id
    return hashlib.sha256(user_id.encode("utf-8", "surrogatepass")).hexdigest()
