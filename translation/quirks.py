"""Known deviations of upstreams, as data: what to change in a request so that the upstream takes it.

A quirk is switched on per upstream, by its preset or by an operator. Adding one is an entry here and a test; admin
shows it by itself, with its evidence.

An edit changes the body of any request. What an upstream does not take at all is a member of the model's profile as
well, so that the encoder of a translated request leaves it out itself, under the client's own name for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from translation.hub import Wire
from translation.profiles import ForcedChoice, Profile


class Quirk(Struct, frozen=True, kw_only=True):
    """One deviation: the shape it is about, what it does in plain words, where it was seen, and what it changes.

    `edit` returns a new body and leaves the one that it was given alone; it touches top-level members only. `profile`
    are the members of the model's profile that are otherwise at this upstream.
    """

    name: str
    shape: str
    help: str
    evidence: str
    edit: Callable[[Wire], Wire] | None = None
    profile: Mapping[str, Any] = {}


OPENAI_BOOKKEEPING = (
    "metadata",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "user",
)
"""Members of a chat request that say how OpenAI shall account for it, and nothing of the answer."""

_CALL_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CALL_ID_LENGTH = 9
_CALL_ID = re.compile(r"[A-Za-z0-9]{9}\Z")


def _old_max_tokens(body: Wire) -> Wire:
    if "max_completion_tokens" not in body:
        return body
    old = {name: value for name, value in body.items() if name != "max_tokens"}
    return {("max_tokens" if name == "max_completion_tokens" else name): value for name, value in old.items()}


def _without(*members: str) -> Callable[[Wire], Wire]:
    """Return the edit of a body that takes these members out."""
    return lambda body: {name: value for name, value in body.items() if name not in members}


def _any_tool_choice(body: Wire) -> Wire:
    return {**body, "tool_choice": "any"} if body.get("tool_choice") == "required" else body


def _auto_for_required(body: Wire) -> Wire:
    choice = body.get("tool_choice")
    if choice == "required":
        return {**body, "tool_choice": "auto"}
    allowed = choice.get("allowed_tools") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(allowed, dict) or allowed.get("mode") != "required":
        return body
    return {**body, "tool_choice": {**choice, "allowed_tools": {**allowed, "mode": "auto"}}}


def _auto_for_forced(body: Wire) -> Wire:
    choice = body.get("tool_choice")
    named = isinstance(choice, dict) and choice.get("type") in ("function", "custom")
    return {**body, "tool_choice": "auto"} if named else _auto_for_required(body)


def _thinking_switch(body: Wire) -> Wire:
    effort = body.get("reasoning_effort")
    if effort is None or "thinking" in body:
        return body
    switch = {"type": "disabled" if effort == "none" else "enabled"}
    return {
        ("thinking" if name == "reasoning_effort" else name): (switch if name == "reasoning_effort" else value)
        for name, value in body.items()
    }


def _of_each_message(edit: Callable[[Wire], Wire]) -> Callable[[Wire], Wire]:
    """Return the edit of a body that edits each of its messages."""

    def edited(body: Wire) -> Wire:
        messages = body.get("messages")
        if not isinstance(messages, list):
            return body  # the upstream says what is wrong with it
        return {**body, "messages": [edit(message) if isinstance(message, dict) else message for message in messages]}

    return edited


def _as_system(message: Wire) -> Wire:
    return {**message, "role": "system"} if message.get("role") == "developer" else message


def _nameless(message: Wire) -> Wire:
    return {key: value for key, value in message.items() if key != "name"}


def _with_reasoning(message: Wire) -> Wire:
    if message.get("role") != "assistant" or not message.get("tool_calls") or message.get("reasoning_content"):
        return message
    # An empty text counts as missing.
    return {**message, "reasoning_content": " "}


def _with_short_call_ids(message: Wire) -> Wire:
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        return {**message, "tool_calls": [_short(call, "id") if isinstance(call, dict) else call for call in calls]}
    return _short(message, "tool_call_id")


def _short(wire: Wire, member: str) -> Wire:
    """Return the object with its call id in nine characters; equal ids stay equal."""
    call_id = wire.get(member)
    if not isinstance(call_id, str) or _CALL_ID.match(call_id):
        return wire
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest())
    made = ""
    while len(made) < _CALL_ID_LENGTH:
        number, place = divmod(number, len(_CALL_ID_ALPHABET))
        made += _CALL_ID_ALPHABET[place]
    return {**wire, member: made}


def _leading_system_only(body: Wire) -> Wire:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    lead = 0
    while lead < len(messages) and _instructs(messages[lead]):
        lead += 1
    first = [messages[0] | {"content": _joined(messages[:lead])}] if lead > 1 else messages[:lead]
    later = [_as_reminder(message) if _instructs(message) else message for message in messages[lead:]]
    return {**body, "messages": [*first, *later]}


def _instructs(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") in ("system", "developer")


def _as_reminder(message: Wire) -> Wire:
    return {"role": "user", "content": f"<system-reminder>{_joined([message])}</system-reminder>"}


def _joined(messages: list[Wire]) -> str:
    """Return the words of instructions, in the form of the message that stands for them."""
    texts = []
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts += [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "\n\n".join(texts)


QUIRKS: Mapping[str, Quirk] = {
    quirk.name: quirk
    for quirk in (
        Quirk(
            name="old_max_tokens",
            shape="chat",
            help="Writes the output limit as max_tokens; the upstream does not know max_completion_tokens.",
            evidence="vLLM, Ollama, llama.cpp and most compatible servers, 2026: they know max_tokens only.",
            edit=_old_max_tokens,
        ),
        Quirk(
            name="no_developer_role",
            shape="chat",
            help="Sends developer messages as system messages; the upstream refuses the developer role.",
            evidence="Mistral, Groq and chat templates of open models, 2026: unknown role 'developer'.",
            edit=_of_each_message(_as_system),
        ),
        Quirk(
            name="leading_system_only",
            shape="chat",
            help="Joins the instructions at the beginning and sends later ones as marked user messages.",
            evidence="Qwen 3.5 and later on vLLM, 2026: 400 'System message must be at the beginning.'",
            edit=_leading_system_only,
        ),
        Quirk(
            name="no_message_names",
            shape="chat",
            help="Leaves the names of messages out; the upstream refuses them.",
            evidence="Groq and Mistral, 2026: 400 on messages[].name.",
            edit=_of_each_message(_nameless),
        ),
        Quirk(
            name="no_stream_options",
            shape="chat",
            help="Leaves stream_options out; the upstream refuses it and reports usage without being asked.",
            evidence="Mistral's API, 2026: 422 on stream_options, usage in the last chunk.",
            edit=_without("stream_options"),
        ),
        Quirk(
            name="no_openai_bookkeeping",
            shape="chat",
            help="Leaves out what only OpenAI's servers know: users, caches, tiers, metadata and the like.",
            evidence="Mistral, 2026: 422 'Extra inputs are not permitted'. Groq, Gemini: 400 on prompt_cache_key.",
            edit=_without(*OPENAI_BOOKKEEPING, "store", "verbosity"),
            profile={"bookkeeping": False, "verbosity": False},
        ),
        Quirk(
            name="no_reasoning_effort",
            shape="chat",
            help="Leaves the reasoning effort out; the upstream refuses it.",
            evidence="Groq, 2026: 400 on reasoning_effort for models that do not reason. xAI: the same for grok-4.",
            edit=_without("reasoning_effort"),
            profile={"efforts": ()},
        ),
        Quirk(
            name="no_logprobs",
            shape="chat",
            help="Leaves log probabilities out; the upstream refuses to be asked for them.",
            evidence="Groq's API reference, 2026: 400 on logprobs and top_logprobs.",
            edit=_without("logprobs", "top_logprobs"),
            profile={"logprobs": False},
        ),
        Quirk(
            name="takes_top_k",
            shape="chat",
            help="Sends top_k, which is no member of OpenAI's own API.",
            evidence="vLLM, llama.cpp, Fireworks and Together, 2026: top_k is one of their sampling parameters.",
            profile={"reads_top_k": True},
        ),
        Quirk(
            name="any_tool_choice",
            shape="chat",
            help="Writes the tool choice 'required' as 'any'.",
            evidence="Mistral's API reference, 2026: tool_choice is auto, none, any or a function.",
            edit=_any_tool_choice,
        ),
        Quirk(
            name="no_tool_choice_required",
            shape="chat",
            help="Leaves the choice of a tool to the model where the client requires any; a named one stays.",
            evidence="Moonshot's migration guide, 2026: tool_choice 'required' is not supported.",
            edit=_auto_for_required,
            profile={"required_choice": False},
        ),
        Quirk(
            name="no_forced_tool_choice",
            shape="chat",
            help="Leaves the choice of a tool to the model, whatever the client requires.",
            evidence="DeepSeek's and Kimi's models while they think, 2026: 400 'does not support this tool_choice'.",
            edit=_auto_for_forced,
            profile={"forced_choice": ForcedChoice.NEVER},
        ),
        Quirk(
            name="nine_character_call_ids",
            shape="chat",
            help="Sends ids of tool calls as nine letters and digits.",
            evidence="Mistral, 2026: 400 'Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9.'",
            edit=_of_each_message(_with_short_call_ids),
        ),
        Quirk(
            name="think_tags",
            shape="chat",
            help="Reads what stands between think tags at the beginning of a text as the model's thoughts.",
            evidence="llama.cpp, Ollama and vLLM without a reasoning parser, 2026: DeepSeek-R1 and QwQ.",
            profile={"think_tags": True},
        ),
        Quirk(
            name="thinking_switch",
            shape="chat",
            help="Writes a reasoning effort as thinking switched on or off.",
            evidence="Z.ai's, Moonshot's and DeepSeek's API references, 2026: thinking.type is enabled or disabled.",
            edit=_thinking_switch,
        ),
        Quirk(
            name="reasoning_with_calls",
            shape="chat",
            help="Gives each message with tool calls a blank reasoning_content where it has lost its own.",
            evidence="DeepSeek and Kimi while they think, 2026: 400 where it is missing in a message with tool calls.",
            edit=_of_each_message(_with_reasoning),
        ),
    )
}
"""Every quirk by its name."""


def with_quirks(names: tuple[str, ...], shape: str, profile: Profile) -> Profile:
    """Return the profile of a model as the upstream serves it."""
    for quirk in _of_shape(names, shape):
        profile = replace(profile, **quirk.profile)
    return profile


def apply_quirks(names: tuple[str, ...], shape: str, body: Wire) -> Wire:
    """Return the body as the upstream takes it; names that are not quirks of the shape change nothing."""
    for quirk in _of_shape(names, shape):
        if quirk.edit is not None:
            body = quirk.edit(body)
    return body


def _of_shape(names: tuple[str, ...], shape: str) -> list[Quirk]:
    known = [QUIRKS[name] for name in names if name in QUIRKS]
    return [quirk for quirk in known if quirk.shape == shape]
