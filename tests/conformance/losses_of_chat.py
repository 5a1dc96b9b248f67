"""The members of a chat request that a Messages or a Responses upstream gets changed, or not at all."""

from __future__ import annotations

from typing import Any

from tests.conformance.losses import NOTHING, Row, Wire, coerce, drop, two_ways

USER: Wire = {"role": "user", "content": "hi"}
TOOL: Wire = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL: Wire = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
RESULT: Wire = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}
CLOSED: Wire = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = {**CLOSED, "additionalProperties": False}

BUDGET = {"messages": "claude-sonnet-4-5"}
NO_SAMPLING = {"messages": "claude-opus-4-7", "responses": "o3"}
ALWAYS_THINKING = {"messages": "claude-fable-5", "responses": "gpt-5"}
THOUGHTLESS = {"messages": "other-model", "responses": "gpt-4.1"}


to, both = two_ways("messages", "responses")


def said(*parts: Wire) -> Wire:
    """Return a conversation of one message of the user's with these parts."""
    return {"messages": [{"role": "user", "content": list(parts)}]}


def told_before(**assistant: Any) -> Wire:
    """Return a conversation in which the model has said this, and the user goes on."""
    message = {"role": "assistant", "content": "yes", **assistant}
    results = [RESULT] if "tool_calls" in assistant else []
    return {"messages": [USER, message, *results, USER]}


def schema(**members: Any) -> Wire:
    """Return the wish for an answer of a schema."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": CLOSED, **members}}}


TOP_LEVEL = (
    Row("seed", {"seed": 1}, both(drop("seed"))),
    Row("presence_penalty", {"presence_penalty": 0.5}, both(drop("presence_penalty"))),
    Row("frequency_penalty", {"frequency_penalty": 0.5}, both(drop("frequency_penalty"))),
    Row("logit_bias", {"logit_bias": {"50256": -100}}, both(drop("logit_bias"))),
    Row("prediction", {"prediction": {"type": "content", "content": "a"}}, both(drop("prediction"))),
    Row("logprobs", {"logprobs": True}, to(drop("logprobs"), NOTHING)),
    Row("top_logprobs", {"logprobs": True, "top_logprobs": 2}, to(drop("logprobs", "top_logprobs"), NOTHING)),
    Row(
        "top_logprobs of a model that reasons",
        {"logprobs": True, "top_logprobs": 2},
        both(drop("logprobs", "top_logprobs")),
        NO_SAMPLING,
    ),
    Row("stop", {"stop": ["a"]}, to(NOTHING, drop("stop"))),
    Row("stop of white space", {"stop": ["a", " "]}, to(drop("stop"), drop("stop"))),
    Row("verbosity", {"verbosity": "low"}, to(drop("verbosity"), NOTHING)),
    Row("metadata", {"metadata": {"a": "b"}}, to(drop("metadata"), NOTHING)),
    Row("store", {"store": True}, to(drop("store"), NOTHING)),
    Row("prompt_cache_key", {"prompt_cache_key": "k"}, to(drop("prompt_cache_key"), NOTHING)),
    Row("prompt_cache_options", {"prompt_cache_options": {"ttl": "30m"}}, to(drop("prompt_cache_options"), NOTHING)),
    Row("prompt_cache_retention", {"prompt_cache_retention": "24h"}, to(drop("prompt_cache_retention"), NOTHING)),
    Row(
        "moderation",
        {"moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "score"}}}},
        to(drop("moderation"), NOTHING),
    ),
    Row(
        "include_obfuscation",
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": True}},
        to(drop("stream_options.include_obfuscation"), NOTHING),
    ),
    Row("top_k", {"top_k": 5}, to(NOTHING, drop("top_k"))),
    Row("max_tokens beside the newer", {"max_tokens": 50, "max_completion_tokens": 60}, both(drop("max_tokens"))),
    Row("few max_tokens", {"max_tokens": 5}, to(NOTHING, coerce("max_tokens=5>16"))),
    Row("few max_completion_tokens", {"max_completion_tokens": 5}, to(NOTHING, coerce("max_completion_tokens=5>16"))),
    Row("user beside safety_identifier", {"user": "a", "safety_identifier": "b"}, to(drop("user"), NOTHING)),
    Row("long safety_identifier", {"safety_identifier": "a" * 300}, to(coerce("safety_identifier"), NOTHING)),
    Row("long user", {"user": "a" * 300}, to(coerce("user"), NOTHING)),
    Row("tier flex", {"service_tier": "flex"}, to(drop("service_tier"), NOTHING)),
    Row("tier scale", {"service_tier": "scale"}, to(drop("service_tier"), NOTHING)),
    Row("tier priority", {"service_tier": "priority"}, to(coerce("service_tier=priority>auto"), NOTHING)),
    Row("tier fast", {"service_tier": "fast"}, to(coerce("service_tier=fast>auto"), NOTHING)),
    Row("tier default", {"service_tier": "default"}, both(NOTHING)),
)

HARMLESS: Wire = {
    "n": 1,
    "modalities": ["text"],
    "stream": False,
    "store": False,
    "logprobs": False,
    "parallel_tool_calls": True,
    "response_format": {"type": "text"},
    "temperature": 1,
    "max_completion_tokens": 100,
    "tools": [TOOL],
    "tool_choice": "auto",
    "user": "ann",
    "service_tier": "auto",
    "future": None,
}
"""Members that every upstream gets, or that ask for what is so anyway."""

SAMPLING = (
    Row("nothing that is lost", HARMLESS, both(NOTHING)),
    Row("temperature over 1", {"temperature": 1.6}, to(coerce("temperature=1.6>1.0"), NOTHING)),
    Row("temperature", {"temperature": 0.5}, both(drop("temperature")), NO_SAMPLING),
    Row("top_p", {"top_p": 0.5}, both(drop("top_p")), NO_SAMPLING),
    Row("top_k of a model that takes none", {"top_k": 5}, both(drop("top_k")), NO_SAMPLING),
    Row("top_p beside temperature", {"temperature": 0.5, "top_p": 0.5}, to(drop("top_p"), NOTHING), BUDGET),
    Row(
        "temperature while thinking",
        {"temperature": 0.5, "reasoning_effort": "low", "max_tokens": 4000},
        to(drop("temperature"), NOTHING),
        BUDGET,
    ),
)

REASONING = (
    Row("minimal effort", {"reasoning_effort": "minimal"}, to(coerce("reasoning_effort=minimal>low"), NOTHING)),
    Row("xhigh effort", {"reasoning_effort": "xhigh"}, to(coerce("reasoning_effort=xhigh>high"), NOTHING)),
    Row(
        "no effort",
        {"reasoning_effort": "none"},
        to(coerce("reasoning_effort=none>low"), coerce("reasoning_effort=none>minimal")),
        ALWAYS_THINKING,
    ),
    Row(
        "no effort but between tools",
        {"reasoning_effort": "none"},
        to(coerce("reasoning_effort=none>between_tools"), NOTHING),
        {"messages": "claude-sonnet-5-5"},
    ),
    Row("effort of a model without", {"reasoning_effort": "low"}, both(drop("reasoning_effort")), THOUGHTLESS),
    Row(
        "effort in a tight limit",
        {"reasoning_effort": "low", "max_tokens": 1000},
        to(drop("reasoning_effort"), NOTHING),
        BUDGET,
    ),
    Row(
        "effort in a narrow limit",
        {"reasoning_effort": "high", "max_tokens": 4000},
        to(coerce("reasoning_effort"), NOTHING),
        BUDGET,
    ),
    Row(
        "effort beside a forced tool",
        {"reasoning_effort": "low", "max_tokens": 4000, "tools": [TOOL], "tool_choice": "required"},
        to(drop("reasoning_effort"), NOTHING),
        BUDGET,
    ),
    Row(
        "thinking without a budget",
        {"thinking": {"type": "enabled"}},
        both(coerce("thinking.type=enabled>adaptive")),
    ),
    Row(
        "thinking between tools",
        {"thinking": {"type": "between_tools"}},
        to(NOTHING, coerce("thinking=between_tools>low")),
        {"messages": "claude-sonnet-5-5"},
    ),
    Row(
        "budget beside an effort",
        {"reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 9000}},
        both(drop("thinking.budget_tokens")),
    ),
    Row(
        "effort by another name",
        {"reasoning": {"effort": "low"}},
        both(drop("reasoning.effort")),
        THOUGHTLESS,
    ),
    Row("thinking of another vendor", {"thinking": {"depth": 3}}, both(drop("unknown:thinking"))),
)

TOOLS = (
    Row(
        "strict tool",
        {"tools": [{"type": "function", "function": {**TOOL["function"], "parameters": CLOSED, "strict": True}}]},
        to(drop("tools[0].function.strict"), NOTHING),
        {"messages": "claude-sonnet-4"},
    ),
    Row(
        "strict tool of an open schema",
        {"tools": [{"type": "function", "function": {**TOOL["function"], "strict": True}}]},
        to(coerce("tools[0].function.strict"), NOTHING),
    ),
    Row(
        "forced choice",
        {"tools": [TOOL], "tool_choice": "required"},
        to(coerce("tool_choice=required>auto"), NOTHING),
        ALWAYS_THINKING,
    ),
    Row(
        "allowed tools",
        {
            "tools": [TOOL],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]},
            },
        },
        to(coerce("tool_choice.allowed_tools"), NOTHING),
        {"messages": "claude-opus-5-5"},
    ),
    Row("choice without tools", {"tool_choice": "required"}, both(drop("tool_choice"))),
    Row(
        "size of a search",
        {"web_search_options": {"search_context_size": "low"}},
        to(drop("web_search_options.search_context_size"), NOTHING),
    ),
    Row("search of a model without", {"web_search_options": {}}, to(drop("web_search_options"), NOTHING), THOUGHTLESS),
)

FORMS = (
    Row("any object", {"response_format": {"type": "json_object"}}, to(coerce("response_format"), NOTHING)),
    Row("schema", schema(strict=True), both(NOTHING)),
    Row(
        "schema that is explained",
        schema(description="A form."),
        to(drop("response_format.json_schema.description"), NOTHING),
    ),
    Row(
        "open schema",
        schema(schema={"type": "object"}),
        to(coerce("response_format"), NOTHING),
    ),
    Row("schema of a model without", schema(), to(coerce("response_format"), NOTHING), {"messages": "claude-sonnet-4"}),
)

MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}
MESSAGES = (
    Row("name", {"messages": [{**USER, "name": "ann"}]}, both(drop("messages[0].name"))),
    Row(
        "name of an instruction",
        {"messages": [{**USER, "role": "system", "name": "a"}, USER]},
        both(drop("messages[0].name")),
    ),
    Row(
        "detail",
        said({"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}}),
        to(drop("messages[0].content[0].image_url.detail"), NOTHING),
    ),
    Row("refusal", told_before(content=None, refusal="No."), to(coerce("messages[1].refusal"), NOTHING)),
    Row(
        "refusal as a part",
        told_before(content=[{"type": "refusal", "refusal": "No."}]),
        to(coerce("messages[1].content[0]"), NOTHING),
    ),
    Row("reasoning_content", told_before(reasoning_content="Hm."), both(drop("messages[1].reasoning_content"))),
    Row("reasoning", told_before(reasoning="Hm."), both(drop("messages[1].reasoning"))),
    Row(
        "reasoning_details",
        told_before(reasoning_details=[{"type": "reasoning.text", "text": "Hm."}]),
        both(drop("messages[1].reasoning_details[0]")),
    ),
    Row("thinking_blocks", told_before(thinking_blocks=[{}]), both(drop("messages[1].thinking_blocks"))),
    Row(
        "annotations",
        told_before(annotations=[{"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A"}}]),
        to(drop("messages[1].annotations"), NOTHING),
    ),
    Row(
        "arguments that are no object",
        told_before(tool_calls=[{**CALL, "function": {"name": "look", "arguments": "[1]"}}]),
        to(coerce("messages[1].tool_calls[0]"), NOTHING),
    ),
    Row(
        "words to go on from",
        {"messages": [USER, {"role": "assistant", "content": "So"}]},
        to(coerce("prefill"), NOTHING),
    ),
    Row(
        "five cache marks",
        said(*({"type": "text", "text": "a", **MARK} for _ in range(5))),
        to(
            drop("messages[0].content[0].prompt_cache_breakpoint"),
            drop(*(f"messages[0].content[{number}].prompt_cache_breakpoint" for number in range(5))),
        ),
    ),
    Row(
        "result that failed",
        {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}, {**RESULT, "content": "[tool_error] no"}]},
        both(NOTHING),
    ),
)

TEXT = {"type": "text", "text": "hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
FILE = {"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "a.pdf"}}
UNKNOWN = tuple(
    Row(f"unknown {path}", members, both(drop(f"unknown:{path}")))
    for path, members in {
        "future": {"future": 1},
        "stream_options.future": {"stream_options": {"future": 1}},
        "response_format.future": {"response_format": {"type": "text", "future": 1}},
        "thinking.future": {"thinking": {"type": "adaptive", "future": 1}},
        "reasoning.future": {"reasoning": {"effort": "low", "future": 1}},
        "messages[0].future": {"messages": [{**USER, "future": 1}]},
        "messages[1].future": told_before(future=1),
        "messages[2].future": {
            "messages": [USER, {"role": "assistant", "tool_calls": [CALL]}, {**RESULT, "future": 1}]
        },
        "messages[0].content[0].future": said({**TEXT, "future": 1}),
        "messages[0].content[1].future": said(TEXT, {**IMAGE, "future": 1}),
        "messages[0].content[0].image_url.future": said({**IMAGE, "image_url": {**IMAGE["image_url"], "future": 1}}),  # type: ignore[dict-item]
        "messages[0].content[0].file.future": said({**FILE, "file": {**FILE["file"], "future": 1}}),  # type: ignore[dict-item]
        "messages[1].content[0].future": told_before(content=[{**TEXT, "future": 1}]),
        "messages[1].tool_calls[0].future": told_before(tool_calls=[{**CALL, "future": 1}]),
        "messages[1].tool_calls[0].function.future": told_before(
            tool_calls=[{**CALL, "function": {**CALL["function"], "future": 1}}]
        ),
        "tools[0].future": {"tools": [{**TOOL, "future": 1}]},
        "tools[0].function.future": {"tools": [{**TOOL, "function": {**TOOL["function"], "future": 1}}]},
        "tools[0].custom.future": {"tools": [{"type": "custom", "custom": {"name": "c", "future": 1}}]},
        "functions[0].future": {"functions": [{"name": "look", "future": 1}]},
        "tools[0].custom.format.future": {
            "tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text", "future": 1}}}]
        },
        "web_search_options.future": {"web_search_options": {"future": 1}},
        "web_search_options.user_location.approximate.future": {
            "web_search_options": {"user_location": {"type": "approximate", "approximate": {"future": 1}}}
        },
    }.items()
)

SCHEMA_MEMBERS = Row(
    "unknown member of a schema",
    schema(future=1),
    to(
        drop("unknown:response_format.json_schema.future"),
        drop("unknown:response_format.json_schema.future"),
    ),
)

ROWS = (*TOP_LEVEL, *SAMPLING, *REASONING, *TOOLS, *FORMS, *MESSAGES, *UNKNOWN, SCHEMA_MEMBERS)
