"""The mock's Messages: requests to prompts, replies to bodies and events.

Grammar of a stream: message_start, content blocks one after the other, message_delta, message_stop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from serving.mock.script import FORCE_ANY, Prompt, Reply, argument_pieces, count_tokens, fresh_key, pieces
from serving.mock.wire import elements, named, required_elements, text_of, tool_of
from translation import reading
from translation.hub import Wire

_SIGNATURE = "bW9jay1zaWduYXR1cmU="


def read(wire: Wire) -> Prompt:
    """Return what the request asks the mock model."""
    conversation = required_elements(wire, "messages")
    text, results = _asked(conversation)
    choice = reading.mapping(wire, "tool_choice") or {}
    offered = enumerate(elements(wire, "tools"))
    output = reading.mapping(reading.mapping(wire, "output_config") or {}, "format", "output_config") or {}
    return Prompt(
        model=reading.required_text(wire, "model"),
        text=text,
        results=results,
        tools=tuple(tool_of(tool, "input_schema", f"tools[{i}]") for i, tool in offered if "input_schema" in tool),
        forced=_forced(choice),
        parallel=reading.boolean(choice, "disable_parallel_tool_use", "tool_choice") is not True,
        thinks=(reading.mapping(wire, "thinking") or {}).get("type") in ("enabled", "adaptive"),
        schema=reading.mapping(output, "schema", "output_config.format"),
        tokens=count_tokens([wire.get("system"), conversation]),
    )


def _asked(conversation: list[Wire]) -> tuple[str, tuple[str, ...]]:
    """Return the last user message's text, and the tool results that it holds."""
    for index in range(len(conversation) - 1, -1, -1):
        message, at = conversation[index], f"messages[{index}]"
        if reading.required_text(message, "role", at) == "user":
            content = message.get("content")
            blocks = elements(message, "content", at) if isinstance(content, list) else []
            results = [
                text_of(block.get("content"), f"{at}.content[{place}].content")
                for place, block in enumerate(blocks)
                if block.get("type") == "tool_result"
            ]
            return text_of(content, f"{at}.content"), tuple(results)
    return "", ()


def _forced(choice: Wire) -> str | None:
    match choice:
        case {"type": "any"}:
            return FORCE_ANY
        case {"type": "none"}:
            return ""
        case {"type": "tool", "name": str(name)}:
            return name
        case _:
            return None


def body(wire: Wire, prompt: Prompt, reply: Reply) -> Wire:
    """Return the answer to a request that does not stream."""
    _require_limit(wire)
    content: list[Wire] = []
    if reply.thinking:
        content.append({"type": "thinking", "thinking": reply.thinking, "signature": _SIGNATURE})
    content.append({"type": "text", "text": reply.text, "citations": None})
    content += [_tool_use(call.key, call.name, json.loads(call.arguments)) for call in reply.calls]
    return _message(prompt) | {
        "content": content,
        "stop_reason": _stop_reason(reply),
        "usage": _usage(prompt, reply.tokens, reply.thinking_tokens),
    }


def stream(wire: Wire, prompt: Prompt, reply: Reply) -> Iterator[bytes]:
    """Return the events of a streamed answer."""
    _require_limit(wire)
    return _events(prompt, reply)


def _require_limit(wire: Wire) -> None:
    # Only an answer needs it: a request that counts tokens has none.
    if reading.integer(wire, "max_tokens") is None:
        raise reading.missing("max_tokens")


def _events(prompt: Prompt, reply: Reply) -> Iterator[bytes]:
    yield named({"type": "message_start", "message": _message(prompt)})
    yield named({"type": "ping"})
    for index, (block, deltas) in enumerate(_blocks(reply)):
        yield named({"type": "content_block_start", "index": index, "content_block": block})
        for delta in deltas:
            yield named({"type": "content_block_delta", "index": index, "delta": delta})
        yield named({"type": "content_block_stop", "index": index})
    yield named(
        {
            "type": "message_delta",
            "delta": {"stop_reason": _stop_reason(reply), "stop_sequence": None},
            "usage": _usage(prompt, reply.tokens, reply.thinking_tokens),
        }
    )
    yield named({"type": "message_stop"})


def _blocks(reply: Reply) -> Iterator[tuple[Wire, list[Wire]]]:
    """Yield each block as it starts, with its deltas."""
    if reply.thinking:
        thoughts: list[Wire] = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(reply.thinking)]
        signature: Wire = {"type": "signature_delta", "signature": _SIGNATURE}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, signature]
    yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(reply.text)]
    for call in reply.calls:
        fragments = ["", *argument_pieces(call.arguments)]
        deltas: list[Wire] = [{"type": "input_json_delta", "partial_json": fragment} for fragment in fragments]
        yield _tool_use(call.key, call.name, {}), deltas


def _message(prompt: Prompt) -> Wire:
    return {
        "id": f"msg_{fresh_key()}",
        "type": "message",
        "role": "assistant",
        "model": prompt.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(prompt, 1, 0),
    }


def _tool_use(key: str, name: str, arguments: Wire) -> Wire:
    return {"type": "tool_use", "id": f"toolu_{key}", "name": name, "input": arguments}


def _stop_reason(reply: Reply) -> str:
    return "tool_use" if reply.calls else "end_turn"


def _usage(prompt: Prompt, output_tokens: int, thinking_tokens: int) -> Wire:
    return {
        "input_tokens": prompt.tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "output_tokens_details": {"thinking_tokens": thinking_tokens},
    }


def error(message: str, kind: str, _param: str | None) -> Wire:
    """Return the body of an error."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": f"req_{fresh_key()}"}
