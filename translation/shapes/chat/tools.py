"""Tools and the choice among them, as chat says them: everything is a function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from translation.failures import RequestRefused
from translation.hub import Request, Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger
from translation.names import sent_name
from translation.profiles import ForcedChoice, Profile
from translation.reading import unsupported
from translation.shapes.chat.web_search import web_search_options
from translation.wrappers import SCHEMAS, description

NAME_MAX = 64


def encode_tools(request: Request, profile: Profile, ledger: Ledger) -> Wire:
    """Return the members with the tools, in the client's order: functions, and the provider's own web search.

    Any other tool that the provider of the origin would run itself is dropped and reported while others remain and none
    is forced; else it is refused, since the client counts on it. No choice can force the search.
    """
    functions = [tool for tool in request.tools if _is_function(tool)]
    wire: Wire = {}
    hosted = [tool for tool in request.tools if not _is_function(tool)]
    searches = [tool for tool in hosted if tool.kind is ToolKind.WEB_SEARCH and profile.web_search_options]
    for tool in hosted:
        if _is_forced(tool, request.tool_choice, functions) or not (functions or searches):
            raise unsupported(
                tool.at, f"The tool '{tool.name}' is run by another provider.", "This model takes function tools only."
            )
        if tool in searches:
            wire["web_search_options"] = web_search_options(tool, ledger)
        else:
            ledger.drop(tool.at)
    _refuse_twins(functions)
    if functions:
        wire["tools"] = [_tool(tool, profile, ledger) for tool in functions]
    return wire


def _is_forced(tool: Tool, choice: ToolChoice | None, functions: Sequence[Tool]) -> bool:
    """Tell whether the choice forces a tool that is no function."""
    if choice is None or choice.mode not in ("named", "required"):
        return False
    return choice.name == tool.name or not functions


def _refuse_twins(tools: Iterable[Tool]) -> None:
    seen = set()
    for tool in tools:
        name = sent_name(tool.namespace, tool.name, NAME_MAX)
        if name in seen:
            raise RequestRefused(
                f"Tool names must be unique, but '{name}' is declared twice.", param=tool.at, code="invalid_value"
            )
        seen.add(name)


def _is_function(tool: Tool) -> bool:
    return tool.kind is ToolKind.FUNCTION or tool.kind in SCHEMAS


def _tool(tool: Tool, profile: Profile, ledger: Ledger) -> Wire:
    function: Wire = {"name": sent_name(tool.namespace, tool.name, NAME_MAX)}
    said = description(tool)
    if said is not None:
        function["description"] = said
    function["parameters"] = SCHEMAS[tool.kind] if tool.kind in SCHEMAS else _parameters(tool)
    if tool.strict is not None and tool.kind is ToolKind.FUNCTION:
        if profile.strict_tools:
            function["strict"] = tool.strict
        elif tool.strict:
            ledger.drop(f"{tool.at}.strict")
    return {"type": "function", "function": function}


def _parameters(tool: Tool) -> Wire:
    if tool.parameters is None:
        return {"type": "object", "properties": {}}
    return dict(tool.parameters) if "type" in tool.parameters else {"type": "object", **tool.parameters}


def possible_choice(choice: ToolChoice, profile: Profile, ledger: Ledger) -> ToolChoice:
    """Return the choice as far as the client may make it at this upstream; otherwise it is the model's, reported."""
    forced = choice.mode in ("named", "required") or (choice.mode == "allowed" and choice.within == "required")
    unnamed = choice.mode == "required" or choice.mode == "allowed"
    if not forced or not (profile.forced_choice is ForcedChoice.NEVER or (unnamed and not profile.required_choice)):
        return choice
    if choice.mode == "allowed":
        ledger.coerce(f"{choice.at}.mode", "required", "auto")
        return replace(choice, within="auto")
    ledger.coerce(choice.at, choice.mode, "auto")
    return ToolChoice(mode="auto", at=choice.at)


def encode_tool_choice(choice: ToolChoice, tools: Sequence[Tool]) -> str | Wire:
    """Return the chat form of the choice among the request's tools; the allowed ones shrink to those that are sent."""
    sent = {tool.name: sent_name(tool.namespace, tool.name, NAME_MAX) for tool in tools if _is_function(tool)}
    match choice.mode:
        case "named":
            return _named(sent.get(choice.name, choice.name))
        case "allowed":
            allowed = [_named(sent[name]) for name in choice.names if name in sent]
            if not allowed:
                raise unsupported(
                    f"{choice.at}.tools", "The allowed tools are run by another provider.", "Allow function tools."
                )
            return {"type": "allowed_tools", "allowed_tools": {"mode": choice.within, "tools": allowed}}
        case _:
            return choice.mode


def _named(name: str) -> Wire:
    return {"type": "function", "function": {"name": name}}
