"""MCP servers that the model's provider shall call, and the entries of `tools` that say which of their tools.

Source: the MCP connector of the Messages API. Since November 2025 the choice of tools is a `mcp_toolset` among the
tools, before that it was a member of the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translation import reading
from translation.hub import McpServer, Wire
from translation.ledger import Ledger

_TOOLSET = "mcp_toolset"


def is_toolset(declared: Mapping[str, Any], wire: Mapping[str, Any]) -> bool:
    """Tell whether an entry of `tools` is about the tools of one of the request's MCP servers."""
    return declared.get("type") == _TOOLSET and bool(wire.get("mcp_servers"))


def decode_mcp_servers(wire: Wire, ledger: Ledger) -> tuple[McpServer, ...]:
    """Return the servers in the client's order, without those of which no tool may be called."""
    toolsets = {
        reading.required_text(toolset, "mcp_server_name", at): (toolset, at)
        for toolset, at in reading.elements(wire, "tools", "")
        if is_toolset(toolset, wire)
    }
    servers = []
    for server, at in reading.elements(wire, "mcp_servers", ""):
        name = reading.text(server, "name", at) or ""
        allowed = _allowed_by_server(server, at)
        if name in toolsets:
            allowed = _allowed_by_toolset(*toolsets.pop(name), ledger)
        if allowed != ():
            url, token = reading.text(server, "url", at) or "", reading.text(server, "authorization_token", at)
            servers.append(McpServer(name=name, url=url, authorization=token, allowed=allowed, at=at))
    for _, at in toolsets.values():
        raise reading.unsupported(
            reading.path(at, "mcp_server_name"), "There is no such server in 'mcp_servers'.", "Name one that is there."
        )
    return tuple(servers)


def _allowed_by_server(server: Wire, at: str) -> tuple[str, ...] | None:
    choice, at = reading.mapping(server, "tool_configuration", at) or {}, reading.path(at, "tool_configuration")
    if reading.boolean(choice, "enabled", at) is False:
        return ()
    names = reading.sequence(choice, "allowed_tools", at)
    if names is None:
        return None
    return tuple(reading.word(name, f"{at}.allowed_tools[{index}]") for index, name in enumerate(names))


def _allowed_by_toolset(toolset: Wire, at: str, ledger: Ledger) -> tuple[str, ...] | None:
    """Return the tools that are switched on; a list of those that are switched off has no place elsewhere."""
    default = reading.mapping(toolset, "default_config", at) or {}
    configs, configs_at = reading.mapping(toolset, "configs", at) or {}, reading.path(at, "configs")
    switches = {
        name: reading.boolean(reading.mapping(configs, name, configs_at) or {}, "enabled", f"{configs_at}.{name}")
        for name in configs
    }
    for member in ("cache_control", "tools"):
        if toolset.get(member) is not None:
            ledger.drop(reading.path(at, member))
    if reading.boolean(default, "defer_loading", f"{at}.default_config"):
        ledger.drop(f"{at}.default_config.defer_loading")
    if reading.boolean(default, "enabled", f"{at}.default_config") is False:
        return tuple(name for name, enabled in switches.items() if enabled)
    if False in switches.values():
        raise reading.unsupported(
            configs_at,
            "This model's provider cannot be told which tools of a server not to call.",
            "Disable all by 'default_config' and enable the others.",
        )
    return None
