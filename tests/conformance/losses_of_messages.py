"""The members of a Messages request that a Chat or a Responses upstream gets changed, or not at all."""

from __future__ import annotations

from typing import Any

from tests.conformance.losses import NOTHING, Row, Wire, coerce, drop, two_ways

USER: Wire = {"role": "user", "content": "hi"}
TEXT: Wire = {"type": "text", "text": "hi"}
TOOL: Wire = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CALL: Wire = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT: Wire = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
CACHED: Wire = {"cache_control": {"type": "ephemeral"}}
PICTURE: Wire = {"type": "url", "url": "https://a.example/b.png"}
PDF: Wire = {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}

NO_SAMPLING = {"chat": "o3", "responses": "o3"}
THOUGHTLESS = {"chat": "gpt-4.1", "responses": "gpt-4.1"}
NEVER_IDLE = {"chat": "gpt-5", "responses": "gpt-5"}


to, both = two_ways("chat", "responses")


def said(*blocks: Wire) -> Wire:
    """Return a conversation of one message of the user's with these blocks."""
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def told_before(*blocks: Wire, result: Wire | None = None) -> Wire:
    """Return a conversation in which the model has said this, and the user goes on, with the result of a call."""
    results = [] if result is None else [result]
    answer = {"role": "user", "content": [*results, TEXT]}
    return {"messages": [USER, {"role": "assistant", "content": list(blocks)}, answer]}


def tool(**members: Any) -> Wire:
    """Return the declaration of a tool with these members besides."""
    return {"tools": [{**TOOL, **members}]}


TOP_LEVEL = (
    Row("stop_sequences", {"stop_sequences": ["a"]}, to(NOTHING, drop("stop_sequences"))),
    Row(
        "five stop_sequences", {"stop_sequences": list("abcde")}, to(drop("stop_sequences[4:]"), drop("stop_sequences"))
    ),
    Row("top_k", {"top_k": 5}, both(drop("top_k"))),
    Row("cache_control", CACHED, both(drop("cache_control"))),
    Row("container", {"container": {"id": "c"}}, both(drop("container"))),
    Row("diagnostics", {"diagnostics": {"previous_message_id": "m"}}, both(drop("diagnostics"))),
    Row("context_management", {"context_management": {"edits": []}}, both(drop("context_management"))),
    Row("fallbacks", {"fallbacks": [{"model": "m"}]}, both(drop("fallbacks"))),
    Row("fallback_credit_token", {"fallback_credit_token": "t"}, both(drop("fallback_credit_token"))),
    Row("task_budget", {"output_config": {"task_budget": {"total": 9}}}, both(drop("output_config.task_budget"))),
    Row("fast speed", {"speed": "fast"}, both(drop("speed"))),
    Row("standard speed", {"speed": "standard"}, both(NOTHING)),
    Row("few max_tokens", {"max_tokens": 5}, to(NOTHING, coerce("max_tokens=5>16"))),
    Row("service_tier", {"service_tier": "standard_only"}, both(NOTHING)),
    Row("bill to oneself", {"billing_policy": {"bill_to": "self"}}, both(NOTHING)),
    Row("user_id", {"metadata": {"user_id": "ann@a.example"}}, both(NOTHING)),
    Row("attribution", {"system": [{**TEXT, "text": "x-anthropic-billing-header: a"}, TEXT]}, both(drop("system[0]"))),
)

HARMLESS: Wire = {
    "stream": False,
    "temperature": 0.5,
    "service_tier": "auto",
    "speed": None,
    "system": "Be brief.",
    "tools": [{**TOOL, "strict": True, "type": "custom"}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    "future": None,
}
"""Members that every upstream gets, or that ask for what is so anyway."""

SAMPLING = (
    Row("nothing that is lost", HARMLESS, both(NOTHING)),
    Row("temperature", {"temperature": 0.5}, both(drop("temperature")), NO_SAMPLING),
    Row("top_p", {"top_p": 0.5}, both(drop("top_p")), NO_SAMPLING),
    Row("stop_sequences of a model without", {"stop_sequences": ["a"]}, both(drop("stop_sequences")), NO_SAMPLING),
)

REASONING = (
    Row(
        "effort beyond the model",
        {"output_config": {"effort": "max"}},
        both(coerce("output_config.effort=max>high")),
        NO_SAMPLING,
    ),
    Row(
        "effort of a model without",
        {"output_config": {"effort": "low"}},
        both(drop("output_config.effort")),
        THOUGHTLESS,
    ),
    Row(
        "thinking of a model without",
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        both(drop("thinking")),
        THOUGHTLESS,
    ),
    Row("thinking between tools", {"thinking": {"type": "between_tools"}}, both(coerce("thinking=between_tools>low"))),
    Row("no thinking", {"thinking": {"type": "disabled"}}, both(coerce("thinking=none>minimal")), NEVER_IDLE),
    Row(
        "budget beside an effort",
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "output_config": {"effort": "low"}},
        both(drop("thinking.budget_tokens")),
    ),
    Row(
        "no thinking beside an effort",
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
        both(drop("thinking")),
    ),
    Row("adaptive thinking", {"thinking": {"type": "adaptive"}}, both(NOTHING)),
)

TOOLS = (
    Row("cache_control of a tool", tool(**CACHED), both(drop("tools[0].cache_control"))),
    Row("eager_input_streaming", tool(eager_input_streaming=True), both(drop("tools[0].eager_input_streaming"))),
    Row("defer_loading", tool(defer_loading=True), both(drop("tools[0].defer_loading"))),
    Row(
        "allowed_callers",
        tool(allowed_callers=["direct", "code_execution_20260120"]),
        both(drop("tools[0].allowed_callers")),
    ),
    Row(
        "tool for code only",
        {"tools": [{**TOOL, "allowed_callers": ["code_execution_20260120"]}]},
        both(drop("tools[0]")),
    ),
    Row("input_examples", tool(input_examples=[{}]), both(coerce("tools[0].input_examples"))),
    Row("hosted tool", {"tools": [TOOL, {"type": "web_fetch_20250910", "name": "web_fetch"}]}, both(drop("tools[1]"))),
    Row(
        "search",
        {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]},
        to(drop("tools[1]"), NOTHING),
    ),
    Row(
        "search with blocked domains",
        {"tools": [{"type": "web_search_20250305", "name": "web_search", "blocked_domains": ["a.example"]}]},
        {"responses": drop("tools[0].blocked_domains")},
    ),
    Row(
        "bash with a mark",
        {"tools": [{"type": "bash_20250124", "name": "bash", **CACHED}]},
        both(drop("tools[0].cache_control")),
    ),
    Row("choice without tools", {"tool_choice": {"type": "any"}}, both(drop("tool_choice"))),
)

PAGE: Wire = {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "E"}
CITED: Wire = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "hi"}
MESSAGES = (
    Row(
        "clear_at",
        {"messages": [USER, {"role": "system", "content": "a", "clear_at": "next_user_turn"}]},
        both(drop("messages[1].clear_at")),
    ),
    Row(
        "tool_addition",
        {
            "tools": [TOOL],
            "messages": [
                USER,
                {
                    "role": "system",
                    "content": [{"type": "tool_addition", "tool": {"type": "tool_reference", "name": "look"}}, TEXT],
                },
            ],
        },
        both(drop("messages[1].content[0]")),
    ),
    Row(
        "citation of a document",
        said({**TEXT, "citations": [{"type": "char_location", "cited_text": "h"}]}),
        both(drop("messages[0].content[0].citations")),
    ),
    Row(
        "citation of the web",
        told_before({**TEXT, "citations": [CITED]}),
        to(drop("messages[1].content[0].citations"), NOTHING),
    ),
    Row(
        "transformations",
        said({"type": "image", "source": PICTURE, "transformations": {"resize": 1}}),
        both(drop("messages[0].content[0].transformations")),
    ),
    Row(
        "citations of a document",
        said({"type": "document", "source": PDF, "citations": {"enabled": True}}),
        both(drop("messages[0].content[0].citations")),
    ),
    Row(
        "citations of a search result",
        said(
            {"type": "search_result", "title": "A", "source": "a", "content": [TEXT], "citations": {"enabled": True}},
        ),
        both(drop("messages[0].content[0].citations")),
    ),
    Row(
        "citations that are off",
        said({"type": "document", "source": PDF, "citations": {"enabled": False}}),
        both(NOTHING),
    ),
    Row("context", said({"type": "document", "source": PDF, "context": "A letter."}), both(NOTHING)),
    Row(
        "thinking",
        told_before({"type": "thinking", "thinking": "Hm.", "signature": "s"}, TEXT),
        both(drop("messages[1].content[0]")),
    ),
    Row(
        "redacted_thinking",
        told_before({"type": "redacted_thinking", "data": "s"}, TEXT),
        both(drop("messages[1].content[0]")),
    ),
    Row(
        "search of the provider's",
        told_before(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "a"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]},
            TEXT,
        ),
        both(drop("messages[1].content[0]", "messages[1].content[1]")),
    ),
    Row("fallback", told_before({"type": "fallback"}, TEXT), both(drop("messages[1].content[0]"))),
    Row(
        "compaction", told_before({"type": "compaction", "content": "We met."}), both(coerce("messages[1].content[0]"))
    ),
    Row("text after a call", told_before(CALL, TEXT, result=RESULT), to(coerce("messages[1].content[1]"), NOTHING)),
    Row(
        "result that failed",
        told_before(CALL, result={**RESULT, "is_error": True}),
        both(coerce("messages[2].content[0].is_error")),
    ),
    Row(
        "tool_reference",
        told_before(CALL, result={**RESULT, "content": [{"type": "tool_reference", "tool_name": "look"}]}),
        both(drop("messages[2].content[0].content[0]")),
    ),
    Row(
        "mark of a call",
        told_before({**CALL, **CACHED}, result=RESULT),
        both(drop("messages[1].content[0].cache_control")),
    ),
    Row("marks of parts", said({**TEXT, **CACHED}), both(NOTHING)),
    Row(
        "title of a linked document",
        said({"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}, "title": "B"}),
        {"responses": drop("messages[0].content[0].title")},
    ),
)

IMAGE: Wire = {"type": "image", "source": PICTURE}
DOCUMENT: Wire = {"type": "document", "source": PDF}
FUTURE: Wire = {"future": 1}
UNKNOWN = tuple(
    Row(f"unknown {path}", members, both(drop(f"unknown:{path}")))
    for path, members in {
        "future": FUTURE,
        "metadata.future": {"metadata": FUTURE},
        "thinking.future": {"thinking": {"type": "adaptive", **FUTURE}},
        "output_config.future": {"output_config": FUTURE},
        "output_config.format.future": {
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}, **FUTURE}}
        },
        "system[0].future": {"system": [{**TEXT, **FUTURE}]},
        "messages[0].future": {"messages": [{**USER, **FUTURE}]},
        "messages[1].future": {"messages": [USER, {"role": "assistant", "content": "a", **FUTURE}, USER]},
        "messages[0].content[0].future": said({**TEXT, **FUTURE}),
        "messages[0].content[1].future": said(TEXT, {**IMAGE, **FUTURE}),
        "messages[0].content[0].source.future": said({**IMAGE, "source": {**PICTURE, **FUTURE}}),
        "messages[0].content[2].future": said(TEXT, TEXT, {**DOCUMENT, **FUTURE}),
        "messages[0].content[1].source.future": said(TEXT, {**DOCUMENT, "source": {**PDF, **FUTURE}}),
        "messages[0].content[3].future": said(
            TEXT, TEXT, TEXT, {"type": "search_result", "title": "A", "source": "a", "content": [TEXT], **FUTURE}
        ),
        "messages[1].content[0].future": told_before({**TEXT, **FUTURE}),
        "messages[1].content[1].future": told_before(TEXT, {**CALL, **FUTURE}, result=RESULT),
        "messages[2].content[0].future": told_before(CALL, result={**RESULT, **FUTURE}),
        "messages[2].content[0].content[0].future": told_before(
            CALL, result={**RESULT, "content": [{**TEXT, **FUTURE}]}
        ),
        "tools[0].future": tool(**FUTURE),
        "tools[0].max_characters": {"tools": [{"type": "text_editor_20250728", "name": "edit", "max_characters": 100}]},
        "tool_choice.future": {"tools": [TOOL], "tool_choice": {"type": "auto", **FUTURE}},
    }.items()
)

ROWS = (*TOP_LEVEL, *SAMPLING, *REASONING, *TOOLS, *MESSAGES, *UNKNOWN)
