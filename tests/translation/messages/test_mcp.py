"""MCP servers of a messages client: which there are, and which of their tools may be called."""

from __future__ import annotations

from typing import Any

import pytest

from translation.failures import RequestRefused
from translation.hub import McpServer, Request
from translation.ledger import Ledger
from translation.shapes.messages.request import decode_request

SERVER = {"type": "url", "name": "maps", "url": "https://maps.test/mcp"}
OFF = {"enabled": False}
ON = {"enabled": True}


def decoded(*servers: dict[str, Any], **members: Any) -> tuple[Request, Ledger]:
    """Return the request with these servers, and the ledger."""
    wire = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "mcp_servers": [*servers]}
    ledger = Ledger()
    return decode_request({**wire, **members}, ledger), ledger


def toolset(name: str = "maps", **members: Any) -> dict[str, Any]:
    """Return the entry of `tools` about a server."""
    return {"type": "mcp_toolset", "mcp_server_name": name, **members}


def test_server_is_read_with_its_key() -> None:
    """A server is its name, its address and the token that it asks for."""
    request, ledger = decoded({**SERVER, "authorization_token": "t"}, {**SERVER, "name": "mail"})
    first, second = request.mcp_servers
    assert first == McpServer(name="maps", url="https://maps.test/mcp", authorization="t", at="mcp_servers[0]")
    assert (second.name, second.authorization, ledger.dropped) == ("mail", None, ())


@pytest.mark.parametrize(
    ("choice", "allowed"),
    [
        ({}, None),
        ({"configs": {"find": ON}}, None),
        ({"default_config": OFF, "configs": {"find": ON, "route": OFF, "look": {}}}, ("find",)),
        ({"default_config": ON}, None),
    ],
)
def test_toolset_says_which_tools_may_be_called(choice: dict[str, Any], allowed: tuple[str, ...] | None) -> None:
    """The tools are all of the server's, or those that are switched on; the entry itself is no tool."""
    request, ledger = decoded(SERVER, tools=[toolset(**choice)])
    assert [server.allowed for server in request.mcp_servers] == [allowed]
    assert (request.tools, ledger.dropped) == ((), ())


@pytest.mark.parametrize(
    ("choice", "allowed"),
    [({"allowed_tools": ["find"]}, [("find",)]), ({"enabled": False}, []), ({"enabled": True}, [None])],
)
def test_older_clients_choose_at_the_server(choice: dict[str, Any], allowed: list[Any]) -> None:
    """Before there were toolsets, the server itself said it; one of which nothing may be called is left out."""
    request, _ = decoded({**SERVER, "tool_configuration": choice})
    assert [server.allowed for server in request.mcp_servers] == allowed


def test_several_toolsets_are_each_about_their_server() -> None:
    """They have no name of their own, so that two of them are no clash."""
    request, _ = decoded(
        SERVER, {**SERVER, "name": "mail"}, tools=[toolset("mail", default_config=OFF, configs={"send": ON}), toolset()]
    )
    assert [(server.name, server.allowed) for server in request.mcp_servers] == [("maps", None), ("mail", ("send",))]


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([toolset(configs={"find": OFF})], "tools[0].configs"),
        ([toolset("mail")], "tools[0].mcp_server_name"),
        ([toolset(default_config=3)], "tools[0].default_config"),
        ([toolset(configs={"find": 3})], "tools[0].configs.find"),
    ],
)
def test_choice_that_cannot_be_kept_is_refused(tools: list[dict[str, Any]], param: str) -> None:
    """A tool that must not be called is a promise; and a choice must be about a server that is there."""
    with pytest.raises(RequestRefused) as caught:
        decoded(SERVER, tools=tools)
    assert caught.value.failure.param == param


def test_wishes_about_cost_are_dropped_with_a_report() -> None:
    """Marks for the cache, late loading and a listing of before change no answer."""
    members = {"cache_control": {"type": "ephemeral"}, "tools": [], "default_config": {"defer_loading": True}}
    _, ledger = decoded(SERVER, tools=[toolset(**members)])
    assert ledger.dropped == ("tools[0].cache_control", "tools[0].tools", "tools[0].default_config.defer_loading")
