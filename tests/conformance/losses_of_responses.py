"""The members of a Responses request that a Messages or a Chat upstream gets changed, or not at all."""

from __future__ import annotations

from typing import Any

from tests.conformance.losses import NOTHING, Row, Wire, coerce, drop, two_ways

USER: Wire = {"role": "user", "content": "hi"}
TEXT: Wire = {"type": "input_text", "text": "hi"}
SPOKEN: Wire = {"type": "output_text", "text": "yes"}
TOOL: Wire = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
CALL: Wire = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}
RESULT: Wire = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
CLOSED: Wire = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**CLOSED, "additionalProperties": False}

BUDGET = {"messages": "claude-sonnet-4-5"}
NO_SAMPLING = {"messages": "claude-opus-4-7", "chat": "o3"}
ALWAYS_THINKING = {"messages": "claude-fable-5", "chat": "gpt-5"}
THOUGHTLESS = {"messages": "other-model", "chat": "gpt-4.1"}


to, both = two_ways("messages", "chat")


def said(*parts: Wire) -> Wire:
    """Return the input of one message of the user's with these parts."""
    return {"input": [{"role": "user", "content": list(parts)}]}


def told_before(*items: Wire) -> Wire:
    """Return the input in which these items are between two messages of the user's."""
    return {"input": [USER, *items, USER]}


def spoken(*parts: Wire) -> Wire:
    """Return the input in which the model has said this."""
    return told_before({"role": "assistant", "content": list(parts)})


def tool(**members: Any) -> Wire:
    """Return the declaration of a tool with these members besides."""
    return {"tools": [{**TOOL, **members}]}


def form(**members: Any) -> Wire:
    """Return the wish for an answer of a schema."""
    return {"text": {"format": {"type": "json_schema", "name": "a", "schema": CLOSED, **members}}}


TOP_LEVEL = (
    Row("max_tool_calls", {"max_tool_calls": 3}, both(drop("max_tool_calls"))),
    Row("top_logprobs", {"top_logprobs": 2}, to(drop("top_logprobs"), NOTHING)),
    Row("top_logprobs of a model that reasons", {"top_logprobs": 2}, both(drop("top_logprobs")), NO_SAMPLING),
    Row("logprobs", {"include": ["message.output_text.logprobs"]}, to(drop("include[0]"), NOTHING)),
    Row("results of a search in files", {"include": ["file_search_call.results"]}, both(drop("include[0]"))),
    Row("sources of a search", {"include": ["web_search_call.action.sources"]}, both(NOTHING)),
    Row("state of the reasoning", {"include": ["reasoning.encrypted_content"]}, both(NOTHING)),
    Row("verbosity", {"text": {"verbosity": "low"}}, to(drop("text.verbosity"), NOTHING)),
    Row("metadata", {"metadata": {"a": "b"}}, to(drop("metadata"), NOTHING)),
    Row("user beside safety_identifier", {"user": "a", "safety_identifier": "b"}, to(drop("user"), NOTHING)),
    Row("long safety_identifier", {"safety_identifier": "a" * 300}, to(coerce("safety_identifier"), NOTHING)),
    Row("prompt_cache_key", {"prompt_cache_key": "k"}, to(drop("prompt_cache_key"), NOTHING)),
    Row("prompt_cache_options", {"prompt_cache_options": {"ttl": "30m"}}, to(drop("prompt_cache_options"), NOTHING)),
    Row("prompt_cache_retention", {"prompt_cache_retention": "24h"}, to(drop("prompt_cache_retention"), NOTHING)),
    Row("tier flex", {"service_tier": "flex"}, to(drop("service_tier"), NOTHING)),
    Row("tier priority", {"service_tier": "priority"}, to(coerce("service_tier=priority>auto"), NOTHING)),
    Row(
        "tier ultrafast",
        {"service_tier": "ultrafast"},
        to(coerce("service_tier=ultrafast>auto"), coerce("service_tier=ultrafast>fast")),
    ),
    Row("truncation", {"truncation": "auto"}, both(drop("truncation"))),
    Row("truncation that is off", {"truncation": "disabled"}, both(NOTHING)),
    Row("context_management", {"context_management": [{"type": "compaction"}]}, both(drop("context_management"))),
    Row("image", {"image": {"context_compression": "auto"}}, both(drop("image.context_compression"))),
    Row("client_metadata", {"client_metadata": {"a": "b"}}, both(drop("client_metadata"))),
    Row(
        "moderation",
        {"moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "score"}}}},
        to(drop("moderation"), NOTHING),
    ),
    Row("standard access", {"access_programs": {"cyber": "standard"}}, both(NOTHING)),
    Row(
        "include_obfuscation",
        {"stream": True, "stream_options": {"include_obfuscation": True}},
        to(drop("stream_options.include_obfuscation"), NOTHING),
    ),
    Row("store", {"store": False}, both(NOTHING)),
)

HARMLESS: Wire = {
    "stream": False,
    "background": False,
    "instructions": "Be brief.",
    "temperature": 1,
    "max_output_tokens": 100,
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}, "verbosity": None},
    "tools": [TOOL],
    "tool_choice": "auto",
    "user": "ann",
    "service_tier": "auto",
    "top_logprobs": 0,
    "reasoning": {"effort": None, "future": None},
    "include": [],
    "metadata": {},
    "future": None,
}
"""Members that every upstream gets, or that ask for what is so anyway."""

SAMPLING = (
    Row("nothing that is lost", HARMLESS, both(NOTHING)),
    Row("temperature over 1", {"temperature": 1.6}, to(coerce("temperature=1.6>1.0"), NOTHING)),
    Row("temperature", {"temperature": 0.5}, both(drop("temperature")), NO_SAMPLING),
    Row("top_p", {"top_p": 0.5}, both(drop("top_p")), NO_SAMPLING),
    Row("top_p beside temperature", {"temperature": 0.5, "top_p": 0.5}, to(drop("top_p"), NOTHING), BUDGET),
)

REASONING = (
    Row("minimal effort", {"reasoning": {"effort": "minimal"}}, to(coerce("reasoning.effort=minimal>low"), NOTHING)),
    Row(
        "no effort",
        {"reasoning": {"effort": "none"}},
        to(coerce("reasoning.effort=none>low"), coerce("reasoning.effort=none>minimal")),
        ALWAYS_THINKING,
    ),
    Row("effort of a model without", {"reasoning": {"effort": "low"}}, both(drop("reasoning.effort")), THOUGHTLESS),
    Row(
        "effort in a tight limit",
        {"reasoning": {"effort": "low"}, "max_output_tokens": 1000},
        to(drop("reasoning.effort"), NOTHING),
        BUDGET,
    ),
    Row("pro mode", {"reasoning": {"mode": "pro"}}, both(drop("reasoning.mode"))),
    Row("context", {"reasoning": {"context": "all"}}, both(drop("reasoning.context"))),
    Row("summary", {"reasoning": {"effort": "low", "summary": "auto"}}, to(NOTHING, drop("reasoning.summary"))),
    Row("older summary", {"reasoning": {"generate_summary": "concise"}}, {"chat": drop("reasoning.generate_summary")}),
    Row(
        "summary of a model without",
        {"reasoning": {"summary": "auto"}},
        {"messages": drop("reasoning.summary")},
        THOUGHTLESS,
    ),
)

TOOLS = (
    *(
        Row(member, tool(**{member: value}), both(drop(f"tools[0].{member}")))
        for member, value in {
            "output_schema": {"type": "object"},
            "async": True,
            "defer_loading": True,
            "allowed_callers": ["direct"],
        }.items()
    ),
    Row(
        "words about a namespace",
        {"tools": [{"type": "namespace", "name": "ns", "description": "A set.", "tools": [TOOL]}]},
        both(drop("tools[0].description")),
    ),
    Row("tool_search", {"tools": [TOOL, {"type": "tool_search"}]}, both(drop("tools[1]"))),
    Row("hosted tool", {"tools": [TOOL, {"type": "file_search", "vector_store_ids": ["v"]}]}, both(drop("tools[1]"))),
    *(
        Row(
            f"hosted tool {kind}",
            {"tools": [TOOL, {"type": kind}]},
            both(drop("tools[1]")),
        )
        for kind in ("code_interpreter", "image_generation", "mcp", "programmatic_tool_calling", "computer_use_preview")
    ),
    Row(
        "search of a newer kind",
        {"tools": [{"type": "web_search", "external_web_access": False}]},
        {"messages": drop("tools[0].external_web_access")},
    ),
    Row(
        "search",
        {"tools": [TOOL, {"type": "web_search", "search_context_size": "low"}]},
        to(drop("tools[1].search_context_size"), drop("tools[1]")),
    ),
    Row(
        "strict tool",
        tool(strict=True, parameters=CLOSED),
        to(drop("tools[0].strict"), NOTHING),
        {"messages": "claude-sonnet-4"},
    ),
    Row(
        "forced choice",
        {"tools": [TOOL], "tool_choice": "required"},
        to(coerce("tool_choice=required>auto"), NOTHING),
        ALWAYS_THINKING,
    ),
    Row("choice without tools", {"tool_choice": "required"}, both(drop("tool_choice"))),
)

FORMS = (
    Row("any object", {"text": {"format": {"type": "json_object"}}}, to(coerce("text.format"), NOTHING)),
    Row("schema", form(strict=True), both(NOTHING)),
    Row("schema that is explained", form(description="A form."), to(drop("text.format.description"), NOTHING)),
    Row(
        "open schema",
        form(schema={"type": "object"}),
        to(coerce("text.format"), NOTHING),
    ),
)

CITED: Wire = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 3}
MARK: Wire = {"prompt_cache_breakpoint": {"mode": "explicit"}}
INPUT = (
    Row(
        "detail",
        said({"type": "input_image", "image_url": "https://a.example/b.png", "detail": "low"}),
        to(drop("input[0].content[0].detail"), NOTHING),
    ),
    Row("refusal", spoken({"type": "refusal", "refusal": "No."}), to(coerce("input[1].content[0]"), NOTHING)),
    Row("citation", spoken({**SPOKEN, "annotations": [CITED]}), both(drop("input[1].content[0].annotations"))),
    Row(
        "citation of a file",
        spoken({**SPOKEN, "annotations": [{"type": "file_citation", "file_id": "f"}]}),
        both(drop("input[1].content[0].annotations[0]")),
    ),
    Row(
        "reasoning", told_before({"type": "reasoning", "summary": [], "encrypted_content": "s"}), both(drop("input[1]"))
    ),
    *(
        Row(
            kind,
            told_before({"type": kind, "id": "i_1"}, {"role": "assistant", "content": "a"}),
            both(drop("input[1]")),
        )
        for kind in (
            "web_search_call",
            "file_search_call",
            "code_interpreter_call",
            "image_generation_call",
            "mcp_call",
            "mcp_list_tools",
            "program",
            "program_output",
            "tool_search_call",
        )
    ),
    Row(
        "configuration_update before the model speaks",
        told_before(
            {"type": "configuration_update", "reasoning": {"effort": "low"}}, {"role": "assistant", "content": "a"}
        ),
        both(drop("input[1]")),
    ),
    Row("phase", told_before({"role": "assistant", "content": "a", "phase": "commentary"}), both(NOTHING)),
    Row(
        "arguments that are no object",
        told_before({**CALL, "arguments": "[1]"}, RESULT),
        to(coerce("input[1]"), NOTHING),
    ),
    Row("result that failed", told_before(CALL, {**RESULT, "output": "[tool_error] no"}), both(NOTHING)),
    Row(
        "patch that failed",
        told_before(
            {"type": "apply_patch_call", "call_id": "c", "operation": {"type": "delete_file", "path": "a"}},
            {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": "no"},
        ),
        to(NOTHING, coerce("input[2].status")),
    ),
    Row(
        "words to go on from", {"input": [USER, {"role": "assistant", "content": "So"}]}, to(coerce("prefill"), NOTHING)
    ),
    Row(
        "five cache marks",
        said(*({**TEXT, **MARK} for _ in range(5))),
        to(
            drop("input[0].content[0].prompt_cache_breakpoint"),
            drop(*(f"input[0].content[{number}].prompt_cache_breakpoint" for number in range(5))),
        ),
    ),
)

IMAGE: Wire = {"type": "input_image", "image_url": "https://a.example/b.png"}
FILE: Wire = {"type": "input_file", "file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"}
FUTURE: Wire = {"future": 1}
UNKNOWN = tuple(
    Row(f"unknown {path}", members, both(drop(f"unknown:{path}")))
    for path, members in {
        "future": FUTURE,
        "reasoning.future": {"reasoning": FUTURE},
        "text.future": {"text": FUTURE},
        "text.format.future": {"text": {"format": {"type": "text", **FUTURE}}},
        "stream_options.future": {"stream_options": FUTURE},
        "image.future": {"image": FUTURE},
        "input[0].future": {"input": [{**USER, **FUTURE}]},
        "input[0].content[0].future": said({**TEXT, **FUTURE}),
        "input[0].content[1].future": said(TEXT, {**IMAGE, **FUTURE}),
        "input[0].content[2].future": said(TEXT, TEXT, {**FILE, **FUTURE}),
        "input[1].content[0].future": spoken({**SPOKEN, **FUTURE}),
        "input[1].future": told_before({**CALL, **FUTURE}, RESULT),
        "input[2].future": told_before(CALL, {**RESULT, **FUTURE}),
        "input[2].output[0].future": told_before(CALL, {**RESULT, "output": [{**TEXT, **FUTURE}]}),
        "tools[0].future": tool(**FUTURE),
        "tools[0].tools[0].future": {"tools": [{"type": "namespace", "name": "ns", "tools": [{**TOOL, **FUTURE}]}]},
    }.items()
)

ROWS = (*TOP_LEVEL, *SAMPLING, *REASONING, *TOOLS, *FORMS, *INPUT, *UNKNOWN)
