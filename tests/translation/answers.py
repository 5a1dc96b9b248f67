"""Answers for tests of all pairs: one answer as each upstream writes it, and what it says to each client.

Nothing here is the gateway's own: the wires are written down by hand, and read from what the official clients make.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

import msgspec

from tests.translation.relaying import chunk

Wire = dict[str, Any]
PIECE = 5


class Called(NamedTuple):
    """One tool call; the arguments are JSON without blanks, as both its text and its value are compared."""

    call_id: str
    name: str
    arguments: str


class Answer(NamedTuple):
    """What a model says, in no shape; `stop` is end, calls, length or refusal."""

    text: str = ""
    thoughts: str = ""
    calls: tuple[Called, ...] = ()
    stop: str = "end"


class Counts(NamedTuple):
    """The tokens of every answer here; `fresh` are those of the prompt that no cache had or took."""

    fresh: int = 50
    cache_read: int = 30
    cache_written: int = 20
    output: int = 9
    reasoning: int = 4


PARALLEL = tuple(
    Called(f"call_{number}", "look", arguments)
    for number, arguments in enumerate(['{"at":"東京 👩","n":[1,2.5]}', '{"at":"\\"Oslo\\" {\\n"}', "{}"])
)
ANSWERS = {
    "text": Answer('Grüße,\n👩 "world" {}'),
    "parallel tools": Answer(calls=PARALLEL, stop="calls"),
    "text before tools": Answer("I look.", calls=PARALLEL, stop="calls"),
    "thinking": Answer("So: 東.", "Hm, let me see."),
    "thinking before tools": Answer("", "Hm, let me see.", PARALLEL, "calls"),
    "everything": Answer("I look.", "Hm, let me see.", PARALLEL, "calls"),
    "length": Answer("It was a dark and", stop="length"),
    "refusal": Answer("I would rather", stop="refusal"),
}


def thoughts_of(upstream: str, thoughts: str) -> list[Wire]:
    """Return the upstream's own objects for its thoughts, which it takes back only as they are."""
    if upstream == "chat":
        return [{"reasoning_content": thoughts}] if thoughts else []
    if upstream == "responses":
        summary = [{"type": "summary_text", "text": thoughts}]
        own = {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "Sealed+1="}
        return [own] if thoughts else []
    own = {"type": "thinking", "thinking": thoughts, "signature": "Signed+1="}
    return [own, {"type": "redacted_thinking", "data": "Hidden+1="}] if thoughts else []


def stream_of(upstream: str, answer: Answer) -> bytes:
    """Return the whole stream of an answer."""
    said, ending = events_of(upstream, answer)
    return said + ending


def events_of(upstream: str, answer: Answer) -> tuple[bytes, bytes]:
    """Return the stream of an answer in two: what is said, and the events that say that it is complete."""
    return _EVENTS[upstream](answer)


def whole_of(upstream: str, answer: Answer) -> bytes:
    """Return the answer in one piece."""
    return msgspec.json.encode(_WHOLE[upstream](answer))


def error_of(upstream: str) -> bytes:
    """Return the event that an upstream breaks off with."""
    return _ERRORS[upstream]


def read_of(client: str, reply: Wire) -> tuple[Answer, Counts]:
    """Return what the official client's reply says."""
    return _READ[client](reply)


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _alternating(*runs: Sequence[bytes]) -> bytes:
    """Return pieces of several calls as they come when the calls are written at once."""
    return b"".join(chain.from_iterable(zip_longest(*runs, fillvalue=b"")))


def _data(event: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(event)


def _event(event: Mapping[str, Any]) -> bytes:
    return b"event: %b\n%b" % (event["type"].encode(), _data(event))


# Chat

_CHAT_STOPS = {"end": "stop", "calls": "tool_calls", "length": "length", "refusal": "content_filter"}
_CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 9,
    "total_tokens": 109,
    "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 4},
}


def _chat_call(call: Called, arguments: str) -> Wire:
    return {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _chat_events(answer: Answer) -> tuple[bytes, bytes]:
    said = [chunk(None, role="assistant", content="")]
    said += [chunk(None, reasoning_content=piece) for piece in _pieces(answer.thoughts)]
    said += [chunk(None, content=piece) for piece in _pieces(answer.text)]
    said += [
        chunk(None, tool_calls=[{"index": index, **_chat_call(call, "")}]) for index, call in enumerate(answer.calls)
    ]
    arguments = [
        [
            _data(chunk(None, tool_calls=[{"index": index, "function": {"arguments": piece}}]))
            for piece in _pieces(call.arguments)
        ]
        for index, call in enumerate(answer.calls)
    ]
    ending = [chunk(_CHAT_STOPS[answer.stop]), {"id": "chatcmpl-12345678", "choices": [], "usage": _CHAT_USAGE}]
    return b"".join(map(_data, said)) + _alternating(*arguments), b"".join(map(_data, ending)) + b"data: [DONE]\n\n"


def _chat_whole(answer: Answer) -> Wire:
    message: Wire = {"role": "assistant", "content": answer.text or None}
    for own in thoughts_of("chat", answer.thoughts):
        message |= own
    if answer.calls:
        message["tool_calls"] = [_chat_call(call, call.arguments) for call in answer.calls]
    choice = {"index": 0, "message": message, "finish_reason": _CHAT_STOPS[answer.stop]}
    return {"id": "chatcmpl-12345678", "choices": [choice], "usage": _CHAT_USAGE}


def _chat_read(reply: Wire) -> tuple[Answer, Counts]:
    (choice,) = reply["choices"]
    message, usage = choice["message"], reply["usage"]
    calls = tuple(
        Called(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or ()
    )
    stop = {word: stop for stop, word in _CHAT_STOPS.items()}[choice["finish_reason"]]
    details = usage["prompt_tokens_details"]
    read, written = details["cached_tokens"], details["cache_write_tokens"]
    fresh = usage["prompt_tokens"] - read - written
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    counts = Counts(fresh, read, written, usage["completion_tokens"], reasoning)
    return Answer(message.get("content") or "", message.get("reasoning_content") or "", calls, stop), counts


# Messages

_MESSAGES_STOPS = {"end": "end_turn", "calls": "tool_use", "length": "max_tokens", "refusal": "refusal"}
_MESSAGES_PROMPT = {"input_tokens": 50, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 20}
_MESSAGES_OUTPUT = {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}
_MESSAGE = {"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m-1"}


def _messages_blocks(answer: Answer) -> Iterator[tuple[Wire, list[Wire]]]:
    """Yield each block as it opens, and its deltas."""
    for own in thoughts_of("messages", answer.thoughts):
        if own["type"] == "redacted_thinking":
            yield own, []
            continue
        said = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(own["thinking"])]
        sealed = {"type": "signature_delta", "signature": own["signature"]}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*said, sealed]
    if answer.text:
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(answer.text)]
    for call in answer.calls:
        pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_pieces(call.arguments)]]
        yield {"type": "tool_use", "id": call.call_id, "name": call.name, "input": {}}, pieces


def _messages_events(answer: Answer) -> tuple[bytes, bytes]:
    usage = {**_MESSAGES_PROMPT, "output_tokens": 1}
    said: list[Wire] = [{"type": "message_start", "message": {**_MESSAGE, "content": [], "usage": usage}}]
    for index, (opening, deltas) in enumerate(_messages_blocks(answer)):
        said.append({"type": "content_block_start", "index": index, "content_block": opening})
        said += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        said.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": _MESSAGES_STOPS[answer.stop], "stop_sequence": None}
    ending: list[Wire] = [
        {"type": "message_delta", "delta": delta, "usage": _MESSAGES_OUTPUT},
        {"type": "message_stop"},
    ]
    return b"".join(map(_event, said)), b"".join(map(_event, ending))


def _messages_whole(answer: Answer) -> Wire:
    content = thoughts_of("messages", answer.thoughts)
    if answer.text:
        content.append({"type": "text", "text": answer.text})
    for call in answer.calls:
        made = {"type": "tool_use", "id": call.call_id, "name": call.name, "input": msgspec.Raw(call.arguments)}
        content.append(made)
    usage = {**_MESSAGES_PROMPT, **_MESSAGES_OUTPUT}
    return {**_MESSAGE, "content": content, "stop_reason": _MESSAGES_STOPS[answer.stop], "usage": usage}


def _messages_read(reply: Wire) -> tuple[Answer, Counts]:
    blocks, usage = reply["content"], reply["usage"]
    calls = tuple(
        Called(block["id"], block["name"], json.dumps(block["input"], ensure_ascii=False, separators=(",", ":")))
        for block in blocks
        if block["type"] == "tool_use"
    )
    counts = Counts(
        usage["input_tokens"],
        usage["cache_read_input_tokens"],
        usage["cache_creation_input_tokens"],
        usage["output_tokens"],
        usage["output_tokens_details"]["thinking_tokens"],
    )
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    thoughts = "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    stop = {word: stop for stop, word in _MESSAGES_STOPS.items()}[reply["stop_reason"]]
    return Answer(text, thoughts, calls, stop), counts


# Responses

_INCOMPLETE = {"length": "max_output_tokens", "refusal": "content_filter"}
_RESPONSES_USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 109,
}
_RESPONSE = {"id": "resp_12345678", "object": "response", "model": "m-1", "created_at": 1_700_000_000}


def _responses_items(answer: Answer) -> Iterator[tuple[Wire, Wire, str, str]]:
    """Yield each item as it opens and when it is done, what its deltas are deltas of, and their text."""
    for own in thoughts_of("responses", answer.thoughts):
        opening = {"type": "reasoning", "id": own["id"], "summary": []}
        yield opening, own, "reasoning_summary_text", answer.thoughts
    if answer.text:
        item: Wire = {"type": "message", "id": "msg_1", "role": "assistant"}
        content = [{"type": "output_text", "text": answer.text, "annotations": []}]
        yield {**item, "content": []}, {**item, "content": content}, "output_text", answer.text
    for call in answer.calls:
        item = {"type": "function_call", "id": f"fc_{call.call_id}", "call_id": call.call_id, "name": call.name}
        done = {**item, "arguments": call.arguments}
        yield {**item, "arguments": ""}, done, "function_call_arguments", call.arguments


def _responses_events(answer: Answer) -> tuple[bytes, bytes]:
    said = _event({"type": "response.created", "response": {**_RESPONSE, "status": "in_progress", "output": []}})
    calls: list[list[bytes]] = []
    for index, (opening, item, of, text) in enumerate(_responses_items(answer)):
        at = {"output_index": index, "item_id": item["id"]}
        part = {"summary_index": 0} if of == "reasoning_summary_text" else {"content_index": 0}
        deltas = [{"type": f"response.{of}.delta", **at, **part, "delta": piece} for piece in _pieces(text)]
        added = {"type": "response.output_item.added", "output_index": index, "item": opening}
        done = {"type": "response.output_item.done", "output_index": index, "item": item}
        told = [_event(event) for event in (added, *deltas, done)]
        if item["type"] == "function_call":
            calls.append(told)
        else:
            said += b"".join(told)
    ending = _responses_whole(answer)
    return said + _alternating(*calls), _event({"type": f"response.{ending['status']}", "response": ending})


def _responses_whole(answer: Answer) -> Wire:
    reason = _INCOMPLETE.get(answer.stop)
    return {
        **_RESPONSE,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "output": [item for _, item, _, _ in _responses_items(answer)],
        "usage": _RESPONSES_USAGE,
    }


def _responses_read(reply: Wire) -> tuple[Answer, Counts]:
    output, usage = reply["output"], reply["usage"]
    said = [part for item in output if item["type"] == "message" for part in item["content"]]
    text = "".join(part["text"] for part in said if part["type"] == "output_text")
    thoughts = "".join(
        part["text"]
        for item in output
        if item["type"] == "reasoning"
        for part in item.get("content") or item["summary"]
    )
    calls = tuple(
        Called(item["call_id"], item["name"], item["arguments"]) for item in output if item["type"] == "function_call"
    )
    stop = "calls" if calls else "end"
    if [part["type"] for part in said] == ["refusal"]:
        stop = "refusal"  # a model that says nothing else has refused, and is complete
    if reply["status"] == "incomplete":
        stop = {word: stop for stop, word in _INCOMPLETE.items()}[reply["incomplete_details"]["reason"]]
    details = usage["input_tokens_details"]
    read, written = details["cached_tokens"], details["cache_write_tokens"]
    reasoning = usage["output_tokens_details"]["reasoning_tokens"]
    counts = Counts(usage["input_tokens"] - read - written, read, written, usage["output_tokens"], reasoning)
    return Answer(text, thoughts, calls, stop), counts


_ERRORS = {
    "chat": _data({"error": {"message": "Overloaded.", "type": "server_error", "code": None}}),
    "messages": _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded."}}),
    "responses": _event(
        {
            "type": "response.failed",
            "response": {
                **_RESPONSE,
                "status": "failed",
                "error": {"code": "server_error", "message": "Overloaded."},
                "output": [],
            },
        }
    ),
}
_EVENTS: dict[str, Callable[[Answer], tuple[bytes, bytes]]] = {
    "chat": _chat_events,
    "messages": _messages_events,
    "responses": _responses_events,
}
_WHOLE: dict[str, Callable[[Answer], Wire]] = {
    "chat": _chat_whole,
    "messages": _messages_whole,
    "responses": _responses_whole,
}
_READ: dict[str, Callable[[Wire], tuple[Answer, Counts]]] = {
    "chat": _chat_read,
    "messages": _messages_read,
    "responses": _responses_read,
}
