"""The mock's Responses: requests to prompts, replies to response objects and events.

Grammar of a stream: created, in_progress, output items one after the other, completed with the whole output.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

from serving.mock.script import FORCE_ANY, Prompt, Reply, Tool, argument_pieces, count_tokens, fresh_key, pieces
from serving.mock.wire import elements, named, required_elements, text_of, tool_of
from translation import reading
from translation.hub import Wire

_ECHOED: Wire = {
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
"""Members of a request that the response repeats, and what it says where the request is silent."""


def read(wire: Wire) -> Prompt:
    """Return what the request asks the mock model."""
    items = _items(wire)
    text, results = _asked(items)
    output = reading.mapping(reading.mapping(wire, "text") or {}, "format", "text") or {}
    effort = reading.text(reading.mapping(wire, "reasoning") or {}, "effort", "reasoning")
    return Prompt(
        model=reading.required_text(wire, "model"),
        text=text,
        results=results,
        tools=tuple(_tools(wire)),
        forced=_forced(wire),
        parallel=reading.boolean(wire, "parallel_tool_calls") is not False,
        thinks=bool(wire.get("reasoning")) and effort != "none",
        schema=reading.mapping(output, "schema", "text.format"),
        tokens=count_tokens([wire.get("instructions"), items]),
    )


def _items(wire: Wire) -> list[Wire]:
    if isinstance(wire.get("input"), str):
        return [{"role": "user", "content": wire["input"]}]
    return required_elements(wire, "input")


def _asked(items: list[Wire]) -> tuple[str, tuple[str, ...]]:
    """Return the last user message's text, and the function outputs that no call followed yet."""
    results: list[str] = []
    open_turn = True
    for index in range(len(items) - 1, -1, -1):
        item, at = items[index], f"input[{index}]"
        match item:
            case {"role": "user"}:
                return text_of(item.get("content"), f"{at}.content"), tuple(reversed(results))
            case {"type": "function_call_output"} if open_turn:
                results.append(text_of(item.get("output"), f"{at}.output"))
            case {"type": "function_call"} | {"role": "assistant"}:
                open_turn = False
    return "", tuple(reversed(results))


def _tools(wire: Wire) -> Iterator[Tool]:
    for index, tool in enumerate(elements(wire, "tools")):
        if tool.get("type") == "function":
            yield tool_of(tool, "parameters", f"tools[{index}]")


def _forced(wire: Wire) -> str | None:
    match wire.get("tool_choice"):
        case "required":
            return FORCE_ANY
        case "none":
            return ""
        case {"type": "function", "name": str(name)}:
            return name
        case _:
            return None


def body(wire: Wire, prompt: Prompt, reply: Reply) -> Wire:
    """Return the answer to a request that does not stream."""
    return _completed(_opened(wire, prompt), [item for item, _ in _output(reply)], prompt, reply)


def stream(wire: Wire, prompt: Prompt, reply: Reply) -> Iterator[bytes]:
    """Yield the events of a streamed answer, numbered."""
    numbers = count()
    for event in _events(wire, prompt, reply):
        yield named(event | {"sequence_number": next(numbers)})


def _events(wire: Wire, prompt: Prompt, reply: Reply) -> Iterator[Wire]:
    response = _opened(wire, prompt)
    yield {"type": "response.created", "response": response}
    yield {"type": "response.in_progress", "response": response}
    items: list[Wire] = []
    for index, (item, inner) in enumerate(_output(reply)):
        yield {"type": "response.output_item.added", "output_index": index, "item": _unfinished(item)}
        for event in inner:
            yield event | {"item_id": item["id"], "output_index": index}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
        items.append(item)
    yield {"type": "response.completed", "response": _completed(response, items, prompt, reply)}


def _opened(wire: Wire, prompt: Prompt) -> Wire:
    echoed = {key: default if wire.get(key) is None else wire[key] for key, default in _ECHOED.items()}
    return {
        "id": f"resp_{fresh_key()}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "model": prompt.model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "usage": None,
    } | echoed


def _completed(opened: Wire, items: list[Wire], prompt: Prompt, reply: Reply) -> Wire:
    usage = {
        "input_tokens": prompt.tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": reply.tokens,
        "output_tokens_details": {"reasoning_tokens": reply.thinking_tokens},
        "total_tokens": prompt.tokens + reply.tokens,
    }
    return opened | {"status": "completed", "output": items, "usage": usage}


def _output(reply: Reply) -> Iterator[tuple[Wire, Iterator[Wire]]]:
    """Yield each output item, complete, with the events between its announcement and its end."""
    if reply.thinking:
        summary = [{"type": "summary_text", "text": reply.thinking}]
        yield {"id": f"rs_{fresh_key()}", "type": "reasoning", "summary": summary}, _reasoning(reply.thinking)
    yield _message(reply.text), _text(reply.text)
    for call in reply.calls:
        item = {
            "id": f"fc_{call.key}",
            "type": "function_call",
            "status": "completed",
            "call_id": f"call_{call.key}",
            "name": call.name,
            "arguments": call.arguments,
        }
        yield item, _arguments(call.name, call.arguments)


def _message(text: str) -> Wire:
    return {
        "id": f"msg_{fresh_key()}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [_text_part(text)],
    }


def _unfinished(item: Wire) -> Wire:
    """Return the item as it is announced: the same identity, nothing in it yet."""
    empty: Wire = {"content": [], "summary": [], "arguments": "", "status": "in_progress"}
    return {key: empty.get(key, value) for key, value in item.items()}


def _text_part(text: str) -> Wire:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _text(text: str) -> Iterator[Wire]:
    at = {"content_index": 0}
    yield at | {"type": "response.content_part.added", "part": _text_part("")}
    for piece in pieces(text):
        yield at | {"type": "response.output_text.delta", "delta": piece, "logprobs": []}
    yield at | {"type": "response.output_text.done", "text": text, "logprobs": []}
    yield at | {"type": "response.content_part.done", "part": _text_part(text)}


def _reasoning(text: str) -> Iterator[Wire]:
    at = {"summary_index": 0}
    kind = "response.reasoning_summary"
    yield at | {"type": f"{kind}_part.added", "part": {"type": "summary_text", "text": ""}}
    for piece in pieces(text):
        yield at | {"type": f"{kind}_text.delta", "delta": piece}
    yield at | {"type": f"{kind}_text.done", "text": text}
    yield at | {"type": f"{kind}_part.done", "part": {"type": "summary_text", "text": text}}


def _arguments(name: str, arguments: str) -> Iterator[Wire]:
    for piece in argument_pieces(arguments):
        yield {"type": "response.function_call_arguments.delta", "delta": piece}
    yield {"type": "response.function_call_arguments.done", "name": name, "arguments": arguments}


def error(message: str, kind: str, param: str | None) -> Wire:
    """Return the body of an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": None}}
