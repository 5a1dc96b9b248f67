"""The mock's Chat Completions: requests to prompts, replies to bodies and chunks.

Grammar of a stream: chunks with the role, reasoning, text, tool calls and finish, then usage if asked for, then [DONE].
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from serving.mock.script import FORCE_ANY, Call, Prompt, Reply, Tool, argument_pieces, count_tokens, fresh_key, pieces
from serving.mock.wire import data_only, elements, required_elements, text_of, tool_of
from translation import reading
from translation.hub import Wire


def read(wire: Wire) -> Prompt:
    """Return what the request asks the mock model."""
    messages = required_elements(wire, "messages")
    text, results = _asked(messages)
    return Prompt(
        model=reading.required_text(wire, "model"),
        text=text,
        results=results,
        tools=tuple(_tools(wire)),
        forced=_forced(wire),
        parallel=reading.boolean(wire, "parallel_tool_calls") is not False,
        thinks=_thinks(wire),
        schema=_schema(wire),
        tokens=count_tokens(messages),
    )


def _asked(messages: list[Wire]) -> tuple[str, tuple[str, ...]]:
    """Return the last user message's text, and the tool results that no assistant turn followed yet."""
    results: list[str] = []
    open_turn = True
    for index in range(len(messages) - 1, -1, -1):
        content, at = messages[index].get("content"), f"messages[{index}].content"
        match reading.required_text(messages[index], "role", f"messages[{index}]"):
            case "user":
                return text_of(content, at), tuple(reversed(results))
            case "assistant":
                open_turn = False
            case "tool" if open_turn:
                results.append(text_of(content, at))
    return "", tuple(reversed(results))


def _tools(wire: Wire) -> Iterator[Tool]:
    for index, tool in enumerate(elements(wire, "tools")):
        at = f"tools[{index}]"
        if function := reading.mapping(tool, "function", at):
            yield tool_of(function, "parameters", f"{at}.function")


def _forced(wire: Wire) -> str | None:
    match wire.get("tool_choice"):
        case "required":
            return FORCE_ANY
        case "none":
            return ""
        case {"function": {"name": str(name)}}:
            return name
        case _:
            return None


def _thinks(wire: Wire) -> bool:
    effort = reading.text(wire, "reasoning_effort")
    thinking = reading.mapping(wire, "thinking") or {}
    return effort not in (None, "none") or thinking.get("type") in ("enabled", "adaptive")


def _schema(wire: Wire) -> Wire | None:
    output = reading.mapping(wire, "response_format") or {}
    named = reading.mapping(output, "json_schema", "response_format") or {}
    return reading.mapping(named, "schema", "response_format.json_schema")


def body(_wire: Wire, prompt: Prompt, reply: Reply) -> Wire:
    """Return the answer to a request that does not stream."""
    message: Wire = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.thinking:
        message["reasoning_content"] = reply.thinking
    if reply.calls:
        message["tool_calls"] = [_tool_call(call, call.arguments) for call in reply.calls]
    return {
        "id": f"chatcmpl-{fresh_key()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": prompt.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(reply)}],
        "usage": _usage(prompt, reply),
    }


def stream(wire: Wire, prompt: Prompt, reply: Reply) -> Iterator[bytes]:
    """Yield the chunks of a streamed answer."""
    envelope: Wire = {
        "id": f"chatcmpl-{fresh_key()}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": prompt.model,
    }
    counts_usage = (reading.mapping(wire, "stream_options") or {}).get("include_usage") is True
    usage = {"usage": None} if counts_usage else {}
    for delta in _deltas(reply):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        yield data_only(envelope | {"choices": [choice]} | usage)
    finish = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": _finish_reason(reply)}
    yield data_only(envelope | {"choices": [finish]} | usage)
    if counts_usage:
        yield data_only(envelope | {"choices": [], "usage": _usage(prompt, reply)})
    yield b"data: [DONE]\n\n"


def _deltas(reply: Reply) -> Iterator[Wire]:
    yield {"role": "assistant", "content": "", "refusal": None}
    for piece in pieces(reply.thinking):
        yield {"reasoning_content": piece}
    for piece in pieces(reply.text):
        yield {"content": piece}
    for index, call in enumerate(reply.calls):
        yield {"tool_calls": [{"index": index} | _tool_call(call, "")]}
        for piece in argument_pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _tool_call(call: Call, arguments: str) -> Wire:
    return {"id": f"call_{call.key}", "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"


def _usage(prompt: Prompt, reply: Reply) -> Wire:
    return {
        "prompt_tokens": prompt.tokens,
        "completion_tokens": reply.tokens,
        "total_tokens": prompt.tokens + reply.tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.thinking_tokens},
    }


def error(message: str, kind: str, param: str | None) -> Wire:
    """Return the body of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}
