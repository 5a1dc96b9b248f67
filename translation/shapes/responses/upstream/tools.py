"""Tools and the choice among them, as a responses upstream takes them.

Functions and custom tools are said natively, and so is whatever the client declared in this shape. Other tools that the
client runs are wrapped in functions; a web search becomes this provider's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from translation.failures import RequestRefused
from translation.hub import McpServer, Request, Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger
from translation.names import sent_name
from translation.profiles import Profile
from translation.reading import missing, unsupported
from translation.wrappers import SCHEMAS, description

NAME_MAX = 128

_NATIVE = (ToolKind.SHELL, ToolKind.LOCAL_SHELL, ToolKind.APPLY_PATCH)
# No form of the choice names these alone; an allowed tool that is required is the same.
_CHOSEN_AMONG_ALLOWED = ("web_search", "web_search_2025_08_26", "local_shell")
_LOCATION = ("city", "country", "region", "timezone")


def encode_tools(request: Request, profile: Profile, ledger: Ledger) -> list[Wire]:
    """Return the tools, in the client's order.

    A tool that another provider would run itself is dropped and reported while others remain and none is forced; else
    it is refused, since the client counts on it.
    """
    kept = sent_tools(request)
    choice = request.tool_choice
    for tool in request.tools:
        if tool in kept:
            continue
        forced = choice is not None and choice.mode in ("named", "required") and (choice.name == tool.name or not kept)
        if forced or not (kept or request.mcp_servers):
            raise unsupported(
                tool.at,
                f"The tool '{tool.name}' is run by another provider.",
                "This model cannot use it; leave it out.",
            )
        ledger.drop(tool.at)
    _refuse_twins(kept)
    return [_tool(tool, request.origin, profile, ledger) for tool in kept]


def sent_tools(request: Request) -> list[Tool]:
    """Return the tools that this shape has a form for."""
    return [tool for tool in request.tools if tool.kind is not ToolKind.HOSTED or request.origin == "responses"]


def encode_mcp_servers(request: Request, profile: Profile) -> list[Wire]:
    """Return the servers that the provider shall call by itself; a client of them has no place for a question first."""
    if request.mcp_servers and not profile.mcp_servers:
        raise unsupported(
            "mcp_servers", "This model cannot reach MCP servers by itself.", "Declare their tools in 'tools'."
        )
    return [_mcp(server) for server in request.mcp_servers]


def _mcp(server: McpServer) -> Wire:
    for member, value in (("name", server.name), ("url", server.url)):
        if not value:
            raise missing(f"{server.at}.{member}")
    wire: Wire = {"type": "mcp", "server_label": server.name, "server_url": server.url}
    if server.authorization is not None:
        wire["authorization"] = server.authorization
    if server.allowed is not None:
        wire["allowed_tools"] = list(server.allowed)
    return {**wire, "require_approval": "never"}


def _refuse_twins(tools: Iterable[Tool]) -> None:
    seen = set()
    for tool in tools:
        if not _is_named(tool.kind):
            continue
        name = sent_name(tool.namespace, tool.name, NAME_MAX)
        if name in seen:
            raise RequestRefused(
                f"Tool names must be unique, but '{name}' is declared twice.", param=tool.at, code="invalid_value"
            )
        seen.add(name)


def _is_named(kind: ToolKind) -> bool:
    """Tell whether a tool of that kind is sent under a name of its own; the provider's own tools are not."""
    return kind not in _NATIVE and kind not in (ToolKind.HOSTED, ToolKind.WEB_SEARCH)


def _tool(tool: Tool, origin: str, profile: Profile, ledger: Ledger) -> Wire:
    match tool.kind:
        case ToolKind.CUSTOM:
            return _custom(tool)
        case ToolKind.WEB_SEARCH if origin != "responses":
            return _web_search(tool, ledger)
        case kind if not _is_named(kind):
            return dict(tool.native or {"type": kind.value})
        case _:
            return _function(tool, profile, ledger)


def _function(tool: Tool, profile: Profile, ledger: Ledger) -> Wire:
    wire: Wire = {"type": "function", "name": sent_name(tool.namespace, tool.name, NAME_MAX)}
    said = description(tool)
    if said is not None:
        wire["description"] = said
    wire["parameters"] = SCHEMAS[tool.kind] if tool.kind in SCHEMAS else _parameters(tool)
    strict = tool.kind is ToolKind.FUNCTION and bool(tool.strict)
    if strict and not profile.strict_tools:
        ledger.drop(f"{tool.at}.strict")
        strict = False
    # A tool without the member would be strict here, and is not in the other shapes.
    wire["strict"] = strict
    return wire


def _parameters(tool: Tool) -> Wire:
    if tool.parameters is None:
        return {"type": "object", "properties": {}}
    return dict(tool.parameters) if "type" in tool.parameters else {"type": "object", **tool.parameters}


def _custom(tool: Tool) -> Wire:
    wire: Wire = {"type": "custom", "name": sent_name(tool.namespace, tool.name, NAME_MAX)}
    if tool.description is not None:
        wire["description"] = tool.description
    if tool.grammar is not None:
        syntax, definition = tool.grammar
        wire["format"] = {"type": "grammar", "syntax": syntax, "definition": definition}
    return wire


def _web_search(tool: Tool, ledger: Ledger) -> Wire:
    """Return this provider's web search with what it knows of the other shape's wishes; the rest is reported."""
    wanted = tool.native or {}
    wire: Wire = {"type": "web_search"}
    if domains := _member(wanted, "allowed_domains", list):
        wire["filters"] = {"allowed_domains": domains}
    if size := _member(wanted, "search_context_size", str):
        wire["search_context_size"] = size
    if location := _member(wanted, "user_location", dict):
        known = _member(location, "approximate", dict) or location
        places = {name: known[name] for name in _LOCATION if isinstance(known.get(name), str)}
        wire["user_location"] = {"type": "approximate", **places}
    for name in ("blocked_domains", "max_uses"):
        if wanted.get(name):
            ledger.drop(f"{tool.at}.{name}")
    return wire


def _member(wire: Mapping[str, Any], name: str, kind: type) -> Any:
    value = wire.get(name)
    return value if isinstance(value, kind) else None


def encode_tool_choice(request: Request, choice: ToolChoice, sent: Sequence[Wire]) -> str | Wire:
    """Return the choice among the tools as they are `sent`; the allowed ones shrink to those."""
    tools = list(zip(sent_tools(request), sent, strict=True))
    names = (choice.name,) if choice.mode == "named" else choice.names
    chosen = [_named(wire) for name in names for tool, wire in tools if tool.name == name]
    if choice.mode not in ("named", "allowed"):
        return choice.mode
    if not chosen:
        at = choice.at if choice.mode == "named" else f"{choice.at}.tools"
        raise unsupported(at, "None of the chosen tools can be used by this model.", "Choose one of the other tools.")
    if choice.mode == "named" and chosen[0]["type"] not in _CHOSEN_AMONG_ALLOWED:
        return chosen[0]
    within = "required" if choice.mode == "named" else choice.within
    return {"type": "allowed_tools", "mode": within, "tools": chosen}


def _named(wire: Wire) -> Wire:
    return {member: wire[member] for member in ("type", "name", "server_label") if member in wire}
