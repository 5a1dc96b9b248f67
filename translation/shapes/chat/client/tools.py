"""The tools that a chat client declares, and its choice among them; the deprecated `functions` are tools as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from translation import reading
from translation.failures import RequestRefused
from translation.hub import Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger

_MODES = ("auto", "none", "required")
_KINDS = ("function", "custom")
_FUNCTION_MEMBERS = ("name", "description", "parameters", "strict")
_PLACE_MEMBERS = ("city", "country", "region", "timezone")
_WEB_SEARCH_MEMBERS = ("search_context_size", "user_location")


def speaks_functions(wire: Mapping[str, Any]) -> bool:
    """Tell whether the client uses the deprecated `functions`, so that it looks for `function_call` in the reply."""
    return bool(wire.get("functions")) and not wire.get("tools")


def decode_tools(wire: Wire, ledger: Ledger) -> tuple[Tool, ...]:
    """Return the declared tools in the client's order; raises RequestRefused for two of one name."""
    declared = [_tool(tool, at, ledger) for tool, at in reading.elements(wire, "tools", "")]
    declared += [_function(function, at, ledger) for function, at in reading.elements(wire, "functions", "")]
    tools: dict[str, Tool] = {}
    for tool in [*declared, *_web_search(wire, ledger)]:
        if tool.name in tools:
            raise RequestRefused(
                f"Tool names must be unique, but '{tool.name[:64]}' is declared twice.",
                param=tool.at,
                code="invalid_value",
            )
        tools[tool.name] = tool
    return tuple(tools.values())


def _tool(wire: Wire, at: str, ledger: Ledger) -> Tool:
    # Some clients leave the type out, as there was once only one.
    kind = reading.one_of(wire, "type", _KINDS, at) or "function"
    reading.note_unknown(wire, ("type", kind), at, ledger)
    inner = reading.mapping(wire, kind, at)
    if inner is None:
        raise reading.missing(reading.path(at, kind))
    where = reading.path(at, kind)
    return _custom(inner, where, ledger) if kind == "custom" else _function(inner, where, ledger)


def _function(wire: Wire, at: str, ledger: Ledger) -> Tool:
    reading.note_unknown(wire, _FUNCTION_MEMBERS, at, ledger)
    return Tool(
        kind=ToolKind.FUNCTION,
        name=_name(wire, at),
        description=reading.text(wire, "description", at),
        parameters=reading.mapping(wire, "parameters", at),
        strict=reading.boolean(wire, "strict", at),
        at=at,
    )


def _custom(wire: Wire, at: str, ledger: Ledger) -> Tool:
    reading.note_unknown(wire, ("name", "description", "format"), at, ledger)
    form = reading.mapping(wire, "format", at)
    return Tool(
        kind=ToolKind.CUSTOM,
        name=_name(wire, at),
        description=reading.text(wire, "description", at),
        grammar=None if form is None else _grammar(form, reading.path(at, "format"), ledger),
        at=at,
    )


def _grammar(form: Wire, at: str, ledger: Ledger) -> tuple[str, str] | None:
    reading.note_unknown(form, ("type", "grammar"), at, ledger)
    kind = reading.one_of(form, "type", ("text", "grammar"), at)
    if kind is None:
        raise reading.missing(reading.path(at, "type"))
    if kind == "text":
        return None
    grammar, at = reading.mapping(form, "grammar", at), reading.path(at, "grammar")
    if grammar is None:
        raise reading.missing(at)
    reading.note_unknown(grammar, ("syntax", "definition"), at, ledger)
    syntax = reading.one_of(grammar, "syntax", ("lark", "regex"), at)
    if syntax is None:
        raise reading.missing(reading.path(at, "syntax"))
    return syntax, reading.required_text(grammar, "definition", at)


def _name(wire: Wire, at: str) -> str:
    name = reading.required_text(wire, "name", at)
    if not name:
        raise RequestRefused(f"Invalid '{at}.name': empty string.", param=reading.path(at, "name"), code="empty_string")
    return name


def _web_search(wire: Wire, ledger: Ledger) -> list[Tool]:
    """Return the tool that `web_search_options` asks for, its declaration in the words of the responses shape."""
    at = "web_search_options"
    options = reading.mapping(wire, at)
    if options is None:
        return []
    reading.note_unknown(options, _WEB_SEARCH_MEMBERS, at, ledger)
    native: Wire = {"type": "web_search"}
    size = reading.one_of(options, "search_context_size", ("low", "medium", "high"), at)
    if size is not None:
        native["search_context_size"] = size
    location = reading.mapping(options, "user_location", at)
    if location is not None:
        reading.note_unknown(location, ("type", "approximate"), f"{at}.user_location", ledger)
        place = reading.mapping(location, "approximate", f"{at}.user_location") or {}
        reading.note_unknown(place, _PLACE_MEMBERS, f"{at}.user_location.approximate", ledger)
        native["user_location"] = {"type": "approximate", **place}
    return [Tool(kind=ToolKind.WEB_SEARCH, name="web_search", native=native, at=at)]


def decode_tool_choice(wire: Wire, tools: Sequence[Tool], ledger: Ledger) -> ToolChoice | None:
    """Return the request's choice among its tools; raises RequestRefused for a tool that is not among them."""
    member = "tool_choice" if wire.get("tool_choice") is not None else "function_call"
    choice = wire.get(member)
    if choice is None:
        return None
    if not isinstance(choice, str | dict):
        raise reading.wrong_type(member, "a string or an object", choice)
    if not tools:
        # There is nothing to choose from, and upstreams refuse a choice without tools.
        if choice not in ("auto", "none"):
            ledger.drop(member)
        return None
    if isinstance(choice, str):
        reading.one_of(wire, member, _MODES)
        return ToolChoice(mode=choice, at=member)
    if member == "function_call":
        return _named(ToolKind.FUNCTION, choice, member, tools, member)
    if choice.get("type") == "allowed_tools":
        return _allowed(choice, tools)
    kind, called, at = _chosen(choice, member)
    return _named(kind, called, at, tools, member)


def _named(kind: ToolKind, called: Wire, at: str, tools: Sequence[Tool], member: str) -> ToolChoice:
    return ToolChoice(mode="named", name=_declared(kind, called, at, tools), kind=kind, at=member)


def _allowed(choice: Wire, tools: Sequence[Tool]) -> ToolChoice:
    at = "tool_choice.allowed_tools"
    allowed = reading.mapping(choice, "allowed_tools", "tool_choice")
    if allowed is None:
        raise reading.missing(at)
    mode = reading.one_of(allowed, "mode", ("auto", "required"), at)
    if mode is None:
        raise reading.missing(f"{at}.mode")
    names = [_declared(*_chosen(wire, where), tools) for wire, where in reading.elements(allowed, "tools", at)]
    if not names:
        raise reading.missing(f"{at}.tools")
    return ToolChoice(mode="allowed", names=tuple(names), within=mode, at=at)


def _chosen(wire: Wire, at: str) -> tuple[ToolKind, Wire, str]:
    """Return the kind of the tool that is meant, and the object with its name and its path."""
    # As in a declaration, the type of a function may be left out.
    kind = reading.one_of(wire, "type", _KINDS, at) or ("function" if "function" in wire else None)
    if kind is None:
        raise reading.missing(reading.path(at, "type"))
    called, at = reading.mapping(wire, kind, at), reading.path(at, kind)
    if called is None:
        raise reading.missing(at)
    return ToolKind(kind), called, at


def _declared(kind: ToolKind, called: Wire, at: str, tools: Sequence[Tool]) -> str:
    name = reading.required_text(called, "name", at)
    if not any(tool.kind is kind and tool.name == name for tool in tools):
        raise RequestRefused(
            f"Tool choice '{name[:64]}' not found in 'tools' parameter.",
            param=reading.path(at, "name"),
            code="invalid_value",
        )
    return name
