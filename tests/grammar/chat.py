"""What a chat request must be: the types of the official client, and the rules that types cannot say.

every member      is one that the client's types have, and of its type; nothing is null that may be absent
the conversation  a run of `tool` messages follows the message with the calls, and answers each of them once
the tools         have different names of the wire's alphabet and length, and only they are chosen

And the grammar of a chat stream, with one id, one model and one choice:

    chunk(role)  chunk*  chunk(finish_reason)  [chunk(usage)]  [DONE]        or, at any point, an error and nothing more

A call is named once, when it opens; calls come one after the other, and each of them has arguments.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Required, Union, get_args, get_origin, get_type_hints

from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from typing_extensions import is_typeddict

Wire = dict[str, Any]

# Members that vendors added to assistant messages; they go back to whoever sent them.
THOUGHTS = frozenset({"reasoning_content", "reasoning", "reasoning_details"})

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "function_call", "content_filter"})
FRAME = ("id", "object", "created", "model", "service_tier", "system_fingerprint")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def check_request(body: Wire) -> None:
    """Assert that a body is a lawful chat request."""
    messages = [
        {name: value for name, value in message.items() if name not in THOUGHTS} for message in body["messages"]
    ]
    params = {name: value for name, value in body.items() if name != "stream"}
    problem = misfit({**params, "messages": messages}, CompletionCreateParamsNonStreaming, "body")
    assert problem is None, problem
    assert None not in body.values(), "a member is null instead of absent"
    assert body.get("stream", True) is True, "stream is either true or absent"
    assert ("stream_options" in body) == ("stream" in body), "usage is asked for in every stream"
    _check_messages(messages)
    _check_tools(body)


def misfit(value: Any, hint: Any, at: str) -> str | None:
    """Return why a value is not of a type of the client's, or None if it is."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        return _misfit_object(value, hint, at)
    if origin is Required:
        return misfit(value, arguments[0], at)
    if origin in (Union, types.UnionType):
        return _misfit_union(value, arguments, at)
    if origin is Literal:
        return None if value in arguments else f"{at}: {value!r} is none of {arguments}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        known = isinstance(value, dict)
        return _first(misfit(v, arguments[1], f"{at}.{k}") for k, v in value.items()) if known else f"{at}: no object"
    if isinstance(origin, type) and issubclass(origin, Iterable):
        known = isinstance(value, list)
        return _first(misfit(v, arguments[0], f"{at}[]") for v in value) if known else f"{at}: no array"
    return None if _is_a(value, hint) else f"{at}: {value!r} is no {hint}"


def _misfit_union(value: object, options: Iterable[Any], at: str) -> str | None:
    """Return why no option takes the value: for an object, the problem of the one with its role or type."""
    meant = [option for option in options if _is_meant(value, option)]
    problems = [misfit(value, option, at) for option in meant]
    if None in problems:
        return None
    return max((problem or "" for problem in problems), key=len, default=f"{at}: there is no such thing as {value!r}")


def _is_meant(value: object, option: Any) -> bool:
    if not isinstance(value, dict) or not is_typeddict(option):
        return True
    kinds = {name: hint for name, hint in get_type_hints(option).items() if name in ("role", "type")}
    return all(value.get(name) in get_args(hint) for name, hint in kinds.items() if get_origin(hint) is Literal)


def _is_a(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is not int or not isinstance(value, bool))


def _misfit_object(value: object, hint: Any, at: str) -> str | None:
    if not isinstance(value, dict):
        return f"{at}: {value!r} is no object"
    members = get_type_hints(hint, include_extras=True)
    if unknown := set(value) - set(members):
        return f"{at}: there are no members {sorted(unknown)} in {hint.__name__}"
    if absent := {name for name, member in members.items() if get_origin(member) is Required} - set(value):
        return f"{at}: {sorted(absent)} must be in {hint.__name__}"
    return _first(misfit(member, members[name], f"{at}.{name}") for name, member in value.items())


def _first(problems: Iterable[str | None]) -> str | None:
    return next((problem for problem in problems if problem is not None), None)


def _check_messages(messages: list[Wire]) -> None:
    waiting: list[str] = []
    assert messages, "there is no message"
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] in waiting, "a result without a call right before it"
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting, "a call without its result right after it"
        if message["role"] == "assistant":
            calls = message.get("tool_calls", [])
            assert "tool_calls" not in message or calls, "an empty array of calls"
            assert message["content"] is not None or calls or message.get("refusal"), "a message that says nothing"
            waiting = [call["id"] for call in calls]
            assert all(_CALL_ID.match(call_id) for call_id in waiting), "an id that the wire does not take"
            assert all(_NAME.match(call["function"]["name"]) for call in calls)
        else:
            assert message["content"] != [], "a message without a part"
    assert not waiting, "a call without its result"


def _check_tools(body: Wire) -> None:
    names = [tool["function"]["name"] for tool in body.get("tools", [])]
    assert "tools" not in body or names, "an empty array of tools"
    assert all(_NAME.match(name) for name in names), "a name that the wire does not take"
    assert len(set(names)) == len(names), "two tools of one name"
    assert all(tool["function"]["parameters"].get("type") for tool in body.get("tools", []))
    if not names:
        assert not {"tool_choice", "parallel_tool_calls"} & set(body), "a choice without tools"
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        allowed = choice.get("allowed_tools", {"tools": [choice]})["tools"]
        assert allowed
        assert all(tool["function"]["name"] in names for tool in allowed), "a tool is chosen that is not declared"


def check(stream: bytes) -> list[Wire]:
    """Assert that the bytes are a whole, lawful stream, and return its chunks; an error is the last of them."""
    assert stream.endswith(b"\n\n"), "the stream ends inside an event"
    events = [event for event in stream[:-2].split(b"\n\n") if not re.fullmatch(rb": [^\n]*", event)]
    told = events[-1:] == [b"data: [DONE]"]
    lines = events[:-1] if told else events
    assert all(re.fullmatch(rb"data: \{[^\n]*", line) for line in lines), "something that is no chunk"
    chunks: list[Wire] = [json.loads(line[6:]) for line in lines]
    failed = bool(chunks) and "error" in chunks[-1]
    assert told != failed, "the end is told, or an error, and not both"
    if failed:
        assert set(chunks[-1]) == {"error"}
        assert {"message", "type", "param", "code"} <= set(chunks[-1]["error"])
    _check_chunks(chunks[:-1] if failed else chunks, failed)
    return chunks


def _check_chunks(chunks: list[Wire], failed: bool) -> None:
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert len({tuple(chunk.get(name) for name in FRAME) for chunk in chunks}) <= 1, "one reply has one frame"
    counted = [chunk for chunk in chunks if not chunk["choices"]]
    assert counted in ([], chunks[-1:]), "usage comes once, after everything else"
    for chunk in counted:
        usage = chunk["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
        assert all("usage" in other for other in chunks), "where usage comes, all other chunks say that it is not there"
    said = chunks[: len(chunks) - len(counted)]
    assert all(chunk.get("usage") is None for chunk in said), "usage comes once, after everything else"
    assert all(len(chunk["choices"]) == 1 for chunk in said)
    _check_choices([chunk["choices"][0] for chunk in said], failed)


def _check_choices(choices: list[Wire], failed: bool) -> None:
    deltas = [choice["delta"] for choice in choices]
    assert all(choice["index"] == 0 for choice in choices)
    assert [delta.get("role") for delta in deltas[:1]] == ["assistant"][: len(deltas)], "the role comes first"
    assert not any("role" in delta for delta in deltas[1:]), "the role comes once"
    assert all(choice["finish_reason"] is None for choice in choices[:-1]), "an end before the end"
    assert sum("annotations" in delta for delta in deltas) <= 1, "sources come once"
    details = [detail["index"] for delta in deltas for detail in delta.get("reasoning_details", [])]
    assert details == list(range(len(details))), "the states of thoughts are numbered"
    calls = _check_calls([call for delta in deltas for call in delta.get("tool_calls", [])], failed)
    if failed:
        return
    finish = choices[-1]["finish_reason"]
    assert finish in FINISH_REASONS, "no reason for the end"
    assert deltas[-1] == {}, "the last chunk says nothing but the reason"
    called = calls or any("function_call" in delta for delta in deltas)
    assert finish in ("length", "content_filter") or called == finish.endswith(("_calls", "_call"))


def _check_calls(pieces: list[Wire], failed: bool) -> bool:
    """Assert the rules of calls, and return whether there are any."""
    texts: list[tuple[str, str]] = []
    for piece in pieces:
        kind = "custom" if "custom" in piece else "function"
        member = "input" if kind == "custom" else "arguments"
        if piece["index"] == len(texts):
            assert set(piece) == {"index", "id", "type", kind}, "a call is named when it opens"
            assert piece["type"] == kind
            assert piece["id"]
            assert set(piece[kind]) == {"name", member}
            texts.append((kind, piece[kind][member]))
            continue
        assert piece["index"] == len(texts) - 1, "the numbers of the calls have a gap, or go back"
        assert set(piece) == {"index", kind}, "a call is named once"
        assert set(piece[kind]) == {member}
        texts[-1] = (kind, texts[-1][1] + piece[kind][member])
    assert failed or all(text.strip() for kind, text in texts if kind == "function"), "a call without arguments"
    return bool(texts)
