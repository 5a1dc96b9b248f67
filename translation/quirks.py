"""Known deviations of upstreams, as data: what to change in a request so that the upstream takes it.

A quirk is switched on per upstream, by its preset or by an operator. Adding one is an entry here and a test; admin
shows it by itself, with its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from translation.hub import Wire


class Quirk(Struct, frozen=True, kw_only=True):
    """One deviation: the shape it is about, what it does in plain words, where it was seen, and the edit of the body.

    `edit` returns a new body and leaves the one that it was given alone; it touches top-level members only.
    """

    name: str
    shape: str
    help: str
    evidence: str
    edit: Callable[[Wire], Wire]


def _old_max_tokens(body: Wire) -> Wire:
    if "max_completion_tokens" not in body:
        return body
    old = {name: value for name, value in body.items() if name != "max_tokens"}
    return {("max_tokens" if name == "max_completion_tokens" else name): value for name, value in old.items()}


def _system_only(body: Wire) -> Wire:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body  # the upstream says what is wrong with it
    return {**body, "messages": [_as_system(message) for message in messages]}


def _as_system(message: object) -> object:
    if isinstance(message, dict) and message.get("role") == "developer":
        return {**message, "role": "system"}
    return message


def _no_stream_options(body: Wire) -> Wire:
    return {name: value for name, value in body.items() if name != "stream_options"}


QUIRKS: Mapping[str, Quirk] = {
    quirk.name: quirk
    for quirk in (
        Quirk(
            name="old_max_tokens",
            shape="chat",
            help="Writes the output limit as max_tokens; the upstream does not know max_completion_tokens.",
            evidence="vLLM, Ollama, llama.cpp and most compatible servers, 2026: they know max_tokens only.",
            edit=_old_max_tokens,
        ),
        Quirk(
            name="no_developer_role",
            shape="chat",
            help="Sends developer messages as system messages; the upstream refuses the developer role.",
            evidence="Mistral, Groq and chat templates of open models, 2026: unknown role 'developer'.",
            edit=_system_only,
        ),
        Quirk(
            name="no_stream_options",
            shape="chat",
            help="Leaves stream_options out; the upstream refuses it and reports usage without being asked.",
            evidence="Mistral's API, 2026: 422 on stream_options, usage in the last chunk.",
            edit=_no_stream_options,
        ),
    )
}
"""Every quirk by its name."""


def apply_quirks(names: tuple[str, ...], shape: str, body: Wire) -> Wire:
    """Return the body as the upstream takes it; names that are not quirks of the shape change nothing."""
    for name in names:
        quirk = QUIRKS.get(name)
        if quirk is not None and quirk.shape == shape:
            body = quirk.edit(body)
    return body
