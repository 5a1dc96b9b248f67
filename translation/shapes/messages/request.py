"""Requests of clients that speak Messages: every top-level field has its fate in a table here.

A field is read, dropped and reported, or refused; one that no table names is dropped and reported as unknown.
Source: Messages API reference, versions 2023-06-01 and 2026-10-21, with the beta fields of November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

from translation import reading
from translation.failures import RequestRefused
from translation.hub import OutputFormat, Request, Thinking, Wire
from translation.ledger import Ledger
from translation.shapes.messages.conversation import decode_conversation
from translation.shapes.messages.mcp import decode_mcp_servers
from translation.shapes.messages.tools import decode_tool_choice, decode_tools, note_unknown_choice_members

READ = (
    "model",
    "messages",
    "system",
    "max_tokens",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "output_config",
    "output_format",
    "tools",
    "tool_choice",
    "mcp_servers",
    "context_management",
    "metadata",
    "service_tier",
    "speed",
    "billing_policy",
    "thread",
)
"""Fields that `decode_request` reads."""

DROPPED = (
    "cache_control",
    "container",
    "diagnostics",
    "fallbacks",
    "fallback_credit_token",
    "output_config.task_budget",
)
"""Fields that only change cost or speed, or have no twin, and so may be lost with a report."""

REFUSED: Mapping[str, str] = {
    "inference_geo": "The region of processing cannot be promised for this model. Leave 'inference_geo' out.",
    "container.skills": "Skills cannot run for this model. Leave 'container.skills' out.",
    "compaction": "This model cannot compact a conversation. Leave 'compaction' out and send a shorter history.",
}
"""Fields whose loss would break a promise of state, privacy or output; the value is what the client is told."""

REMOVED_SAMPLING = ("temperature", "top_p", "top_k")
"""Fields that the API takes no more from `SAMPLING_REMOVED_SINCE` on."""

SAMPLING_REMOVED_SINCE = "2026-10-21"

COMPACTION = "compact_20260112"
"""The edit of `context_management` that shortens a conversation."""

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_THINKING = ("enabled", "adaptive", "between_tools", "disabled")
_TIERS = {"auto": "auto", "standard_only": "default"}


def decode_request(wire: Wire, ledger: Ledger) -> Request:
    """Return the request that the body asks for; raises RequestRefused for what cannot be read or served."""
    _refuse(wire)
    _report(wire, ledger)
    tools = decode_tools(wire, ledger)
    tool_choice, parallel_tool_calls = decode_tool_choice(wire, tools)
    if tool_choice is not None and not tools and tool_choice.mode in ("required", "named"):
        ledger.drop("tool_choice")  # there is nothing to choose from
    instructions, items = decode_conversation(wire, ledger)
    tier = reading.one_of(wire, "service_tier", tuple(_TIERS))
    return Request(
        origin="messages",
        model=reading.required_text(wire, "model"),
        echo=wire,
        stream=bool(reading.boolean(wire, "stream")),
        instructions=instructions,
        items=items,
        tools=tools,
        mcp_servers=decode_mcp_servers(wire, ledger),
        tool_choice=tool_choice,
        parallel_tool_calls=parallel_tool_calls,
        max_tokens=_max_tokens(wire),
        temperature=reading.number(wire, "temperature"),
        top_p=reading.number(wire, "top_p"),
        top_k=reading.integer(wire, "top_k"),
        stop=_stop_sequences(wire),
        effort=_effort(wire),
        thinking=_thinking(wire),
        compact_above=_compact_above(wire, ledger),
        # A thinking block's signature is a place to carry any upstream's reasoning state.
        wants_reasoning_state=True,
        output_format=_output_format(wire, ledger),
        user_id=reading.text(reading.mapping(wire, "metadata") or {}, "user_id", "metadata"),
        service_tier=None if tier is None else _TIERS[tier],
    )


def refuse_removed_sampling(wire: Wire, version: str) -> None:
    """Refuse sampling fields as the API itself does, if the `anthropic-version` header names a version without them.

    A version is an ISO date, so text order is time order; "" (no header) counts as the oldest.
    """
    if version < SAMPLING_REMOVED_SINCE:
        return
    for key in REMOVED_SAMPLING:
        if key in wire:
            raise RequestRefused(f"{key}: Extra inputs are not permitted", param=key, code="unsupported_parameter")


def _refuse(wire: Wire) -> None:
    for at, message in REFUSED.items():
        if _member(wire, at) not in (None, []):
            raise RequestRefused(message, param=at, code="unsupported_parameter")
    policy = reading.mapping(wire, "billing_policy") or {}
    if reading.text(policy, "bill_to", "billing_policy") not in (None, "self"):
        raise reading.unsupported("billing_policy.bill_to", "The bill can only go to the caller.", "Send 'self'.")
    if wire.get("thread") is not None:
        # The vendor's tool runners read these details and then send the whole history themselves.
        raise RequestRefused(
            "This model keeps no threads. Send the whole history in 'messages'.",
            param="thread",
            code="unsupported_parameter",
            details="thread_unsupported_request",
        )


def _report(wire: Wire, ledger: Ledger) -> None:
    for at in DROPPED:
        if _member(wire, at) is not None:
            ledger.drop(at)
    if reading.one_of(wire, "speed", ("standard", "fast")) == "fast":
        ledger.drop("speed")
    reading.note_unknown(wire, {*READ, *DROPPED, *REFUSED}, "", ledger)
    reading.note_unknown(reading.mapping(wire, "metadata") or {}, ("user_id",), "metadata", ledger)
    reading.note_unknown(
        reading.mapping(wire, "output_config") or {}, ("effort", "format", "task_budget"), "output_config", ledger
    )
    reading.note_unknown(
        reading.mapping(wire, "thinking") or {}, ("type", "budget_tokens", "display"), "thinking", ledger
    )
    note_unknown_choice_members(wire, ledger)


def _member(wire: Wire, at: str) -> object:
    """Return the member at a dotted path, or None if some object on the way is absent or no object."""
    value: object = wire
    for key in at.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _max_tokens(wire: Wire) -> int:
    limit = reading.integer(wire, "max_tokens")
    if limit is None:
        raise reading.missing("max_tokens")
    if limit < 0:  # None at all warms up the cache, where the upstream can do that
        raise RequestRefused(
            f"max_tokens: must be greater than or equal to 0, but is {limit}.", param="max_tokens", code="invalid_value"
        )
    return limit


def _compact_above(wire: Wire, ledger: Ledger) -> int | None:
    """Return the length above which the conversation shall be shortened; what else is to be edited is reported."""
    wanted = reading.mapping(wire, "context_management")
    if wanted is None:
        return None
    edits = reading.elements(wanted, "edits", "context_management")
    if not any(edit.get("type") == COMPACTION for edit, _ in edits):
        ledger.drop("context_management")
        return None
    above = 0
    for edit, where in edits:
        if edit.get("type") != COMPACTION:
            ledger.drop(where)
            continue
        trigger = reading.mapping(edit, "trigger", where) or {}
        above = reading.integer(trigger, "value", f"{where}.trigger") or 0
        for member in ("instructions", "pause_after_compaction"):
            if edit.get(member):
                ledger.drop(reading.path(where, member))
    return above


def _stop_sequences(wire: Wire) -> tuple[str, ...]:
    sequences = reading.sequence(wire, "stop_sequences") or []
    return tuple(reading.word(value, f"stop_sequences[{index}]") for index, value in enumerate(sequences))


def _effort(wire: Wire) -> str | None:
    return reading.one_of(reading.mapping(wire, "output_config") or {}, "effort", _EFFORTS, "output_config")


def _output_format(wire: Wire, ledger: Ledger) -> OutputFormat | None:
    """Return the wanted form; before `output_config` there was `output_format`, which older clients still send."""
    config = reading.mapping(wire, "output_config") or {}
    wanted, at = reading.mapping(config, "format", "output_config"), "output_config.format"
    if wanted is None:
        wanted, at = reading.mapping(wire, "output_format"), "output_format"
    if wanted is None:
        return None
    if reading.one_of(wanted, "type", ("json_schema",), at) is None:
        raise reading.missing(f"{at}.type")
    reading.note_unknown(wanted, ("type", "schema"), at, ledger)
    schema = reading.mapping(wanted, "schema", at)
    if schema is None:
        raise reading.missing(f"{at}.schema")
    return OutputFormat(schema=schema)


def _thinking(wire: Wire) -> Thinking | None:
    wanted = reading.mapping(wire, "thinking")
    if wanted is None:
        return None
    mode = reading.one_of(wanted, "type", _THINKING, "thinking")
    if mode is None:
        raise reading.missing("thinking.type")
    budget = reading.integer(wanted, "budget_tokens", "thinking") if mode == "enabled" else None
    if mode == "enabled" and budget is None:
        raise reading.missing("thinking.budget_tokens")
    return Thinking(
        mode=mode, budget=budget, display=reading.one_of(wanted, "display", ("summarized", "omitted"), "thinking")
    )
