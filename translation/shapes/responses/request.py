"""A request of the responses shape, decoded: `MEMBERS` lists every top-level member and what becomes of it.

A member is read into the neutral request, or dropped and reported because no other shape has a place for it, or refused
because its loss would change what the client gets. One that is not listed is newer than the table: dropped, reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation import reading
from translation.failures import RequestRefused
from translation.hub import Request, SystemItem, Text, Tool, ToolChoice, Wire
from translation.ledger import Ledger
from translation.member_readers import MemberReader, dropped, read_as, read_elsewhere, read_fields, refused
from translation.shapes.responses.input_items import decode_input
from translation.shapes.responses.text_format import decode_format
from translation.shapes.responses.tools import decode_tool_choice, decode_tools, merge_tools


def decode_request(wire: Wire, ledger: Ledger) -> Request:
    """Return the neutral request; raises RequestRefused for what is malformed or cannot be served in another shape."""
    fields = {"model": "", "stream": False, **read_fields(MEMBERS, wire, ledger)}
    if wire.get("store") is False:
        # Nothing remembers the reasoning but the client, so that it must get all of it.
        fields["wants_reasoning_state"] = True
    return Request(origin="responses", echo=wire, include_usage=True, **fields | _conversation(wire, fields, ledger))


def _conversation(wire: Wire, fields: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Return the fields that depend on several members: the conversation, its tools and the choice among them."""
    decoded = decode_input(wire, ledger)
    leading: list[SystemItem] = []
    if instructions := reading.text(wire, "instructions"):
        text = Text(text=instructions, at="instructions")
        leading.append(SystemItem(role="system", parts=(text,), at="instructions"))
    count = 0
    for item in decoded.items:
        if not isinstance(item, SystemItem):
            break
        leading.append(item)
        count += 1
    declared = decode_tools(reading.sequence(wire, "tools") or [], "tools", ledger)
    tools = merge_tools(declared, decoded.tools)
    return {
        "instructions": tuple(leading),
        "items": decoded.items[count:],
        "tools": tools,
        "tool_choice": _choice(wire, tools, ledger),
        **decoded.settings,
    }


def _choice(wire: Wire, tools: tuple[Tool, ...], ledger: Ledger) -> ToolChoice | None:
    if not tools and wire.get("tool_choice") == "required":
        ledger.drop("tool_choice")  # there is nothing to choose from
    return decode_tool_choice(wire, tools)


def _background(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    if reading.boolean(wire, "background"):
        raise reading.unsupported(
            "background", "This model cannot run in the background.", "Send 'background': false, or leave it out."
        )
    return {}


def _previous_response(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    previous = reading.text(wire, "previous_response_id")
    if previous is not None:
        raise RequestRefused(
            f"Previous response with id '{previous[:128]}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return {}


def _max_output_tokens(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    limit = reading.integer(wire, "max_output_tokens")
    if limit is not None and limit < 1:
        raise RequestRefused(
            f"Invalid 'max_output_tokens': expected a value >= 1, but got {limit} instead.",
            param="max_output_tokens",
            code="integer_below_min_value",
        )
    return {} if limit is None else {"max_tokens": limit}


def _top_logprobs(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    count = reading.integer(wire, "top_logprobs")
    return {"top_logprobs": count, "logprobs": True} if count else {}


def _reasoning(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    reasoning = reading.mapping(wire, "reasoning") or {}
    for member, value in reasoning.items():
        if value is None:
            continue
        if member in ("mode", "context"):
            ledger.drop(f"reasoning.{member}")
        elif member not in ("effort", "summary", "generate_summary"):
            ledger.drop(f"unknown:reasoning.{member}")
    summary = reading.text(reasoning, "summary", "reasoning")
    return {
        "effort": reading.text(reasoning, "effort", "reasoning"),
        "reasoning_summary": summary or reading.text(reasoning, "generate_summary", "reasoning"),
    }


def _text(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    text = reading.mapping(wire, "text") or {}
    for member in text:
        if member not in ("format", "verbosity") and text[member] is not None:
            ledger.drop(f"unknown:text.{member}")
    return {
        "output_format": decode_format(text, "text", ledger),
        "verbosity": reading.one_of(text, "verbosity", ("low", "medium", "high"), "text"),
    }


def _include(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    fields = {}
    for index, value in enumerate(reading.sequence(wire, "include") or ()):
        match reading.word(value, f"include[{index}]"):
            case "reasoning.encrypted_content":
                fields["wants_reasoning_state"] = True
            case "message.output_text.logprobs":
                fields["logprobs"] = True
            case asked if asked.startswith("web_search_call."):
                fields["wants_search_sources"] = True
            case _:
                ledger.drop(f"include[{index}]")
    return fields


def _truncation(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    if reading.one_of(wire, "truncation", ("auto", "disabled")) == "auto":
        ledger.drop("truncation")
    return {}


def _prompt_cache_options(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    options = reading.mapping(wire, "prompt_cache_options")
    if options is None:
        return {}
    if reading.boolean(options, "prewarm", "prompt_cache_options"):
        raise reading.unsupported(
            "prompt_cache_options.prewarm", "This model's cache cannot be warmed up.", "Leave 'prewarm' out."
        )
    return {"prompt_cache_options": options}


def _moderation(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    moderation = reading.mapping(wire, "moderation")
    if moderation is None:
        return {}
    at = "moderation.policy"
    policy = reading.mapping(moderation, "policy", "moderation") or {}
    for side in ("input", "output"):
        rule = reading.mapping(policy, side, at) or {}
        reading.one_of(rule, "mode", ("score", "block"), f"{at}.{side}")
    return {"moderation": moderation}


def _image(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    for member, value in (reading.mapping(wire, "image") or {}).items():
        if member != "context_compression" and value is not None:
            ledger.drop(f"unknown:image.{member}")
        elif value is not None:
            ledger.drop(f"image.{member}")
    return {}


def _access_programs(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    for program, access in (reading.mapping(wire, "access_programs") or {}).items():
        if access != "standard":
            raise reading.unsupported(
                f"access_programs.{program}", "This model has standard access.", "Use 'standard'."
            )
    return {}


def _stream_options(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    options = reading.mapping(wire, "stream_options") or {}
    for member in options:
        if member != "include_obfuscation" and options[member] is not None:
            ledger.drop(f"unknown:stream_options.{member}")
    return {"include_obfuscation": reading.boolean(options, "include_obfuscation", "stream_options")}


MEMBERS: Mapping[str, MemberReader] = {
    "model": read_as("model", reading.text),
    "input": read_elsewhere,
    "instructions": read_elsewhere,
    "tools": read_elsewhere,
    "tool_choice": read_elsewhere,
    "parallel_tool_calls": read_as("parallel_tool_calls", reading.boolean),
    "max_output_tokens": _max_output_tokens,
    "max_tool_calls": read_as("max_tool_calls", reading.integer),
    "temperature": read_as("temperature", reading.number),
    "top_p": read_as("top_p", reading.number),
    "top_logprobs": _top_logprobs,
    "reasoning": _reasoning,
    "text": _text,
    "include": _include,
    "metadata": read_as("metadata", reading.mapping),
    "user": read_as("user", reading.text),
    "safety_identifier": read_as("safety_identifier", reading.text),
    "prompt_cache_key": read_as("prompt_cache_key", reading.text),
    "prompt_cache_options": _prompt_cache_options,
    "prompt_cache_retention": read_as("prompt_cache_retention", reading.text),
    "service_tier": read_as("service_tier", reading.text),
    "store": read_as("store", reading.boolean),
    "stream": read_as("stream", reading.boolean),
    "stream_options": _stream_options,
    "truncation": _truncation,
    "context_management": dropped("context_management"),
    "image": _image,
    "client_metadata": dropped("client_metadata"),
    "moderation": _moderation,
    "access_programs": _access_programs,
    "background": _background,
    "previous_response_id": _previous_response,
    "conversation": refused(
        "conversation", "Conversations are not kept for this model.", "Send the whole conversation as 'input'."
    ),
    "prompt": refused("prompt", "Prompt templates are not available for this model.", "Send the prompt as 'input'."),
}
