"""Tools and the choice among them, as this wire says them: functions, and the provider's own search of the web."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translation import reading
from translation.failures import RequestRefused
from translation.hub import Request, Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger
from translation.names import sent_name
from translation.profiles import ForcedChoice, Profile
from translation.reading import unsupported
from translation.shapes.messages.upstream.conversation import NAME_MAX
from translation.shapes.messages.upstream.schema import reduced
from translation.wrappers import SCHEMAS, description

_MODES = {"auto": "auto", "required": "any", "none": "none"}
_WEB_SEARCH = "web_search_20250305"

SEARCH_OPTION = "web_search_options"
"""The member by which a client lets the model search the web without declaring a tool: a wish, and no contract."""


def encode_tools(request: Request, profile: Profile, ledger: Ledger) -> list[Wire]:
    """Return the tools, in the client's order.

    A tool that only another provider can run is dropped and reported while others remain and none is forced; else it is
    refused, since the client counts on it.
    """
    kept = [tool for tool in request.tools if _is_taken(tool, profile)]
    choice = request.tool_choice
    for tool in request.tools:
        if _is_taken(tool, profile):
            continue
        named = choice is not None and choice.mode == "named" and choice.name == tool.name
        if (named or not kept) and tool.at != SEARCH_OPTION:
            raise unsupported(
                tool.at, f"The tool '{tool.name}' is run by another provider.", "This model takes function tools only."
            )
        ledger.drop(tool.at)
    _refuse_twins(kept)
    return _capped([_tool(tool, profile, ledger) for tool in _allowed(kept, choice, profile)], request, ledger)


def encode_tool_choice(request: Request, tools: Sequence[Wire], profile: Profile, ledger: Ledger) -> Wire | None:
    """Return the choice among `tools`, the sent ones, and whether several may be called at once; None for no wish."""
    choice = request.tool_choice
    wire = None
    if choice is not None:
        wire = _choice(choice, request.tools, tools, profile)
        if choice.mode == "allowed" and profile.bound_thinking:
            ledger.coerce(choice.at)
        if wire["type"] in ("any", "tool") and profile.forced_choice is ForcedChoice.NEVER:
            if choice.mode == "required":
                ledger.coerce(choice.at, "required", "auto")
            else:
                ledger.coerce(choice.at)
            wire = {"type": "auto"}
    if request.parallel_tool_calls is False and (wire is None or wire["type"] != "none"):
        wire = {**(wire or {"type": "auto"}), "disable_parallel_tool_use": True}
    return wire


def _capped(tools: list[Wire], request: Request, ledger: Ledger) -> list[Wire]:
    """Return the tools with the limit of what the provider does by itself, which is to search the web."""
    limit = request.max_tool_calls
    if limit is None:
        return tools
    if not any(tool.get("type") == _WEB_SEARCH for tool in tools):
        ledger.drop("max_tool_calls")
    return [{**tool, "max_uses": limit} if tool.get("type") == _WEB_SEARCH else tool for tool in tools]


def _is_taken(tool: Tool, profile: Profile) -> bool:
    return (
        tool.kind is ToolKind.FUNCTION
        or tool.kind in SCHEMAS
        or (tool.kind is ToolKind.WEB_SEARCH and profile.web_search)
    )


def _refuse_twins(tools: Iterable[Tool]) -> None:
    seen = set()
    for tool in tools:
        name = _name(tool)
        if name in seen:
            raise RequestRefused(
                f"Tool names must be unique, but '{name}' is declared twice.", param=tool.at, code="invalid_value"
            )
        seen.add(name)


def _name(tool: Tool) -> str:
    return sent_name(tool.namespace, tool.name, NAME_MAX)


def _allowed(tools: list[Tool], choice: ToolChoice | None, profile: Profile) -> list[Tool]:
    """Return the tools that may be used; all of them for a model whose thoughts are bound to the list of tools."""
    if choice is None or choice.mode != "allowed" or profile.bound_thinking:
        return tools
    allowed = [tool for tool in tools if tool.name in choice.names]
    if not allowed:
        raise unsupported(
            f"{choice.at}.tools", "The allowed tools are run by another provider.", "Allow function tools."
        )
    return allowed


def _tool(tool: Tool, profile: Profile, ledger: Ledger) -> Wire:
    if tool.kind is ToolKind.WEB_SEARCH:
        return _web_search(tool, ledger)
    wire: Wire = {"name": _name(tool)}
    said = description(tool)
    if said is not None:
        wire["description"] = said
    wire["input_schema"] = SCHEMAS[tool.kind] if tool.kind in SCHEMAS else _parameters(tool)
    if tool.strict and tool.kind is ToolKind.FUNCTION:
        if profile.structured_output:
            wire |= {"input_schema": reduced(wire["input_schema"]), "strict": True}
            if wire["input_schema"] != tool.parameters:
                ledger.coerce(f"{tool.at}.strict")
        else:
            ledger.drop(f"{tool.at}.strict")
    return wire


def _parameters(tool: Tool) -> Wire:
    if tool.parameters is None:
        return {"type": "object", "properties": {}}
    return dict(tool.parameters) if "type" in tool.parameters else {"type": "object", **tool.parameters}


def _web_search(tool: Tool, ledger: Ledger) -> Wire:
    """Return the vendor's search tool; clients nest the place of the user in one way or another."""
    native = dict(tool.native or {})
    wire: Wire = {"type": _WEB_SEARCH, "name": "web_search"}
    filters = reading.mapping(native, "filters", tool.at) or {}
    for key in ("allowed_domains", "blocked_domains"):
        domains = reading.sequence(filters, key, f"{tool.at}.filters")
        if domains:
            wire[key] = [reading.word(name, f"{tool.at}.filters.{key}[{at}]") for at, name in enumerate(domains)]
    at = f"{tool.at}.user_location"
    place = reading.mapping(native, "user_location", tool.at) or {}
    place = reading.mapping(place, "approximate", at) or place
    known = {key: value for key in ("city", "region", "country", "timezone") if (value := reading.text(place, key, at))}
    if known:
        wire["user_location"] = {"type": "approximate", **known}
    for name, value in native.items():
        if name not in ("type", "filters", "user_location") and value is not None:
            ledger.drop(f"{tool.at}.{name}")
    return wire


def _choice(choice: ToolChoice, declared: Iterable[Tool], sent: Sequence[Wire], profile: Profile) -> Wire:
    match choice.mode:
        case "named" if choice.kind in (ToolKind.WEB_SEARCH, ToolKind.HOSTED):
            # The wire has no way to force a tool that the provider runs, except by leaving no other.
            if len(sent) > 1:
                raise unsupported(
                    choice.at, f"The use of '{choice.name}' cannot be forced.", "Declare no other tool, or use 'auto'."
                )
            return {"type": "any"}
        case "named":
            names = {tool.name: _name(tool) for tool in declared}
            return {"type": "tool", "name": names.get(choice.name, choice.name)}
        case "allowed":
            free = profile.bound_thinking or choice.within == "auto"
            return {"type": "auto" if free else "any"}
        case mode:
            return {"type": _MODES.get(mode, "auto")}
