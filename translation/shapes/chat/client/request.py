"""A request of a chat client, decoded: `MEMBERS` lists every top-level member and what becomes of it.

A member is read into the neutral request, or dropped and reported because no other shape has a place for it, or refused
because its loss would change what the client gets. One that is not listed is newer than the table: dropped, reported.
Source: Chat Completions reference, November 2026; `thinking`, `reasoning` and `top_k` are extensions of vendors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation import reading
from translation.failures import RequestRefused
from translation.hub import OutputFormat, Request, Thinking, Wire
from translation.ledger import Ledger
from translation.member_readers import MemberReader, dropped, read_as, read_elsewhere, read_fields, read_word
from translation.profiles import EFFORTS
from translation.shapes.chat.client.conversation import decode_conversation
from translation.shapes.chat.client.tools import decode_tool_choice, decode_tools, speaks_functions

_FORMATS = ("text", "json_object", "json_schema")
_VERBOSITIES = ("low", "medium", "high")


def decode_request(wire: Wire, ledger: Ledger) -> Request:
    """Return the neutral request; raises RequestRefused for what is malformed or cannot be served in another shape."""
    fields = {"model": reading.required_text(wire, "model"), "stream": False, **read_fields(MEMBERS, wire, ledger)}
    if _shows_thoughts(wire, fields):
        fields["reasoning_summary"] = "auto"
    if speaks_functions(wire):
        # A reply to such a client has room for one call.
        fields["parallel_tool_calls"] = False
    instructions, items = decode_conversation(wire, ledger)
    tools = decode_tools(wire, ledger)
    return Request(
        origin="chat",
        echo=wire,
        instructions=instructions,
        items=items,
        tools=tools,
        tool_choice=decode_tool_choice(wire, tools, ledger),
        # The entries of `reasoning_details` can carry any upstream's reasoning state.
        wants_reasoning_state=True,
        **fields,
    )


def _shows_thoughts(wire: Wire, fields: Mapping[str, Any]) -> bool:
    """Tell whether the model is asked to think: then the client reads its thoughts, unless it says otherwise.

    Chat upstreams show them by themselves; those of the other shapes must be asked to.
    """
    thinking = fields.get("thinking")
    asked = fields.get("effort") not in (None, "none") or (thinking is not None and thinking.mode != "disabled")
    return asked and not hides_thoughts(wire)


def _audio(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    if wire["audio"] is not None:
        raise _no_sound("audio")
    return {}


def _modalities(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    for index, value in enumerate(reading.sequence(wire, "modalities") or ()):
        at = f"modalities[{index}]"
        modality = reading.word(value, at)
        if modality == "audio":
            raise _no_sound(at)
        if modality != "text":
            raise reading.unsupported_value(at, modality, ("text",))
    return {}


def _no_sound(at: str) -> RequestRefused:
    return reading.unsupported(at, "This model cannot answer with sound.", "Ask for text only.")


def _number_of_choices(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    count = _at_least_one(wire, "n")
    if count is not None and count > 1:
        raise reading.unsupported("n", "This model gives one choice only.", "Send 'n': 1, or leave it out.")
    return {}


def _max_tokens(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    newer, older = _at_least_one(wire, "max_completion_tokens"), _at_least_one(wire, "max_tokens")
    if newer is not None and older is not None:
        ledger.drop("max_tokens")
    limit = older if newer is None else newer
    return {} if limit is None else {"max_tokens": limit}


def _at_least_one(wire: Wire, member: str) -> int | None:
    value = reading.integer(wire, member)
    if value is not None and value < 1:
        raise RequestRefused(
            f"Invalid '{member}': integer below minimum value. Expected a value >= 1, but got {value} instead.",
            param=member,
            code="integer_below_min_value",
        )
    return value


def _stop(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    stop = wire["stop"]
    if isinstance(stop, str):
        return {"stop": (stop,)}
    if stop is not None and not isinstance(stop, list):
        raise reading.wrong_type("stop", "a string or an array", stop)
    return {"stop": tuple(reading.word(value, f"stop[{index}]") for index, value in enumerate(stop or ()))}


def _top_logprobs(wire: Wire, _: Ledger) -> Mapping[str, Any]:
    count = reading.integer(wire, "top_logprobs")
    return {"top_logprobs": count} if count is not None and reading.boolean(wire, "logprobs") else {}


def _response_format(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    form = reading.mapping(wire, "response_format")
    if form is None:
        return {}
    kind = reading.one_of(form, "type", _FORMATS, "response_format")
    if kind is None:
        raise reading.missing("response_format.type")
    reading.note_unknown(form, ("type", "json_schema"), "response_format", ledger)
    if kind == "text":
        return {}
    return {"output_format": OutputFormat() if kind == "json_object" else _schema(form, ledger)}


def _schema(form: Wire, ledger: Ledger) -> OutputFormat:
    at = "response_format.json_schema"
    wire = reading.mapping(form, "json_schema", "response_format")
    if wire is None:
        raise reading.missing(at)
    reading.note_unknown(wire, ("name", "description", "schema", "strict"), at, ledger)
    schema = reading.mapping(wire, "schema", at)
    if schema is None:
        raise reading.missing(f"{at}.schema")
    return OutputFormat(
        schema=schema,
        name=reading.required_text(wire, "name", at),
        description=reading.text(wire, "description", at),
        # Absent means no in this shape, and does not in every other.
        strict=bool(reading.boolean(wire, "strict", at)),
    )


def _stream_options(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    options = reading.mapping(wire, "stream_options") or {}
    reading.note_unknown(options, ("include_usage", "include_obfuscation"), "stream_options", ledger)
    return {
        "include_usage": bool(reading.boolean(options, "include_usage", "stream_options")),
        "include_obfuscation": reading.boolean(options, "include_obfuscation", "stream_options"),
    }


def _thinking(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    wanted = wire["thinking"]
    if wanted is None:
        return {}
    mode = wanted.get("type") if isinstance(wanted, dict) else None
    if mode not in ("enabled", "adaptive", "between_tools", "disabled"):
        ledger.drop("unknown:thinking")  # vendors' extensions differ, and none of them is a contract
        return {}
    budget = reading.integer(wanted, "budget_tokens", "thinking") if mode == "enabled" else None
    if mode == "enabled" and budget is None:
        mode = "adaptive"  # how several vendors ask for thoughts of any length
        ledger.coerce("thinking.type", "enabled", "adaptive")
    reading.note_unknown(wanted, ("type", "budget_tokens", "display"), "thinking", ledger)
    display = reading.one_of(wanted, "display", ("summarized", "omitted"), "thinking")
    return {"thinking": Thinking(mode=mode, budget=budget, display=display)}


def _reasoning(wire: Wire, ledger: Ledger) -> Mapping[str, Any]:
    wanted = reading.mapping(wire, "reasoning") or {}
    reading.note_unknown(wanted, ("effort", "max_tokens", "exclude"), "reasoning", ledger)
    excluded = reading.boolean(wanted, "exclude", "reasoning")
    effort = reading.one_of(wanted, "effort", EFFORTS, "reasoning")
    budget = reading.integer(wanted, "max_tokens", "reasoning")
    fields: dict[str, Any] = {}
    if effort is not None and wire.get("reasoning_effort") is None:
        fields["effort"] = effort
    if wire.get("thinking") is None:
        display = "omitted" if excluded else None
        if budget is not None:
            fields["thinking"] = Thinking(mode="enabled", budget=budget, display=display)
        elif excluded and (effort or wire.get("reasoning_effort")) not in (None, "none"):
            fields["thinking"] = Thinking(mode="adaptive", display=display)
    return fields


def hides_thoughts(wire: Mapping[str, Any]) -> bool:
    """Tell whether the client wants the model to think, but not to read its thoughts."""
    wanted = wire.get("reasoning")
    return isinstance(wanted, dict) and wanted.get("exclude") is True


MEMBERS: Mapping[str, MemberReader] = {
    "model": read_elsewhere,
    "messages": read_elsewhere,
    "tools": read_elsewhere,
    "tool_choice": read_elsewhere,
    "function_call": read_elsewhere,
    "web_search_options": read_elsewhere,
    "functions": read_elsewhere,
    "parallel_tool_calls": read_as("parallel_tool_calls", reading.boolean),
    "max_completion_tokens": _max_tokens,
    "max_tokens": _max_tokens,
    "temperature": read_as("temperature", reading.number),
    "top_p": read_as("top_p", reading.number),
    "top_k": read_as("top_k", reading.integer),
    "stop": _stop,
    "n": _number_of_choices,
    "seed": dropped("seed"),
    "presence_penalty": dropped("presence_penalty"),
    "frequency_penalty": dropped("frequency_penalty"),
    "logit_bias": dropped("logit_bias"),
    "logprobs": read_as("logprobs", reading.boolean),
    "top_logprobs": _top_logprobs,
    "response_format": _response_format,
    "reasoning_effort": read_word("reasoning_effort", EFFORTS, "effort"),
    "thinking": _thinking,
    "reasoning": _reasoning,
    "verbosity": read_word("verbosity", _VERBOSITIES),
    "metadata": read_as("metadata", reading.mapping),
    "user": read_as("user", reading.text),
    "safety_identifier": read_as("safety_identifier", reading.text),
    "prompt_cache_key": read_as("prompt_cache_key", reading.text),
    "prompt_cache_options": read_as("prompt_cache_options", reading.mapping),
    "prompt_cache_retention": read_as("prompt_cache_retention", reading.text),
    "service_tier": read_as("service_tier", reading.text),
    "store": read_as("store", reading.boolean),
    "stream": read_as("stream", reading.boolean),
    "stream_options": _stream_options,
    "prediction": dropped("prediction"),
    "modalities": _modalities,
    "audio": _audio,
    "moderation": read_as("moderation", reading.mapping),
}
