"""What the mock model says: one neutral prompt in, one neutral reply out, the same for every shape.

The script, in order: results of tools are told back; tools that the user names, or that the request forces, are called;
a wished-for JSON schema is filled in; anything else is answered by repeating the user's words.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from serving.mock.sample import sample

FORCE_ANY = "*"
"""The value of `Prompt.forced` when some tool must be called, whichever it is."""

_MOST_PIECES = 40
_ARGUMENT_PIECE_CHARACTERS = 6


class Tool(Struct, frozen=True):
    """One function that the request offers, with the JSON schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


class Prompt(Struct, frozen=True, kw_only=True):
    """What the mock understands of a request; `text` is the last user message, `results` what tools answered since."""

    model: str
    text: str
    results: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    forced: str | None = None
    parallel: bool = True
    thinks: bool = False
    schema: Mapping[str, Any] | None = None
    tokens: int = 0


class Call(Struct, frozen=True):
    """One call of a tool; `key` is unique, and each shape puts its own prefix before it."""

    key: str
    name: str
    arguments: str


class Reply(Struct, frozen=True, kw_only=True):
    """What the mock answers; a reply with calls waits for their results."""

    thinking: str
    text: str
    calls: tuple[Call, ...]

    @property
    def thinking_tokens(self) -> int:
        """Count the tokens of the thinking."""
        return count_tokens(self.thinking)

    @property
    def tokens(self) -> int:
        """Count all tokens of the reply, thinking included."""
        said = [self.text, *(f"{call.name} {call.arguments}" for call in self.calls)]
        return self.thinking_tokens + count_tokens(said)


def fresh_key() -> str:
    """Return a key that no other reply or call has."""
    return secrets.token_hex(12)


def count_tokens(value: object) -> int:
    """Count the words of every string inside a wire value: the mock's idea of a token."""
    match value:
        case str():
            return len(value.split())
        case list() | tuple():
            return sum(count_tokens(entry) for entry in value)
        case dict():
            return sum(count_tokens(entry) for entry in value.values())
        case _:
            return 0


def reply_to(prompt: Prompt) -> Reply:
    """Decide what the mock answers."""
    thinking = f"The user wrote {count_tokens(prompt.text)} words. I will give a short answer." if prompt.thinks else ""
    if prompt.results:
        return Reply(thinking=thinking, text=f"The tool answered: {'; '.join(prompt.results)}", calls=())
    if called := _called(prompt):
        calls = tuple(Call(fresh_key(), tool.name, json.dumps(sample(tool.schema, prompt.text))) for tool in called)
        return Reply(thinking=thinking, text=f"I will call {' and '.join(call.name for call in calls)}.", calls=calls)
    if prompt.schema is not None:
        return Reply(thinking=thinking, text=json.dumps(sample(prompt.schema, prompt.text)), calls=())
    greeting = f"Hello from {prompt.model}!"
    return Reply(thinking=thinking, text=f"{greeting} You said: {prompt.text}" if prompt.text else greeting, calls=())


def _called(prompt: Prompt) -> list[Tool]:
    named = [tool for tool in prompt.tools if _mentions(prompt.text, tool.name)]
    if prompt.forced == FORCE_ANY:
        called = named or list(prompt.tools[:1])
    elif prompt.forced:
        called = [tool for tool in prompt.tools if tool.name == prompt.forced]
    else:
        called = named
    return called if prompt.parallel else called[:1]


def _mentions(text: str, name: str) -> bool:
    """Tell whether the text names the tool, also as separate words: "the echo tool" names `echo_tool`."""
    spoken, wanted = (" ".join(re.findall(r"[a-z0-9]+", words.lower())) for words in (text, name))
    return bool(wanted) and f" {wanted} " in f" {spoken} "


def pieces(text: str) -> Iterator[str]:
    """Cut text between its words into the pieces of a stream: one word each, more where the text is long."""
    words = re.findall(r"^\s+|\S+\s*", text)
    step = -(-len(words) // _MOST_PIECES) or 1
    for start in range(0, len(words), step):
        yield "".join(words[start : start + step])


def argument_pieces(arguments: str) -> Iterator[str]:
    """Cut a call's arguments into pieces that no JSON parser accepts alone, as models send them."""
    step = max(_ARGUMENT_PIECE_CHARACTERS, -(-len(arguments) // _MOST_PIECES))
    for start in range(0, len(arguments), step):
        yield arguments[start : start + step]
