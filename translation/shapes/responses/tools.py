"""Tools and the choice among them, as clients of the responses shape declare them.

A namespace's tools are decoded one by one, each with the namespace's name. Tools that OpenAI runs itself are kept
whole; the upstream's shape decides what becomes of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from translation import reading
from translation.failures import RequestRefused
from translation.hub import Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger

_CLIENT_RUN = {
    "shell": ToolKind.SHELL,
    "local_shell": ToolKind.LOCAL_SHELL,
    "apply_patch": ToolKind.APPLY_PATCH,
}
_MODES = ("auto", "none", "required")
_WEB_SEARCH = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")
_HOSTED = (
    "file_search",
    "code_interpreter",
    "image_generation",
    "computer",
    "computer_use",
    "computer_use_preview",
    "mcp",
    "programmatic_tool_calling",
)
_KNOWN = ("function", "custom", "namespace", "tool_search", *_CLIENT_RUN, *_WEB_SEARCH, *_HOSTED)

# Members that change how OpenAI serves a tool, not what the tool is.
_DROPPED_MEMBERS = ("output_schema", "async", "defer_loading", "allowed_callers", "environment")
_MEMBERS = frozenset({"type", "name", "description", "parameters", "strict", "format", *_DROPPED_MEMBERS})


def decode_tools(wires: Sequence[object], at: str, ledger: Ledger, namespace: str | None = None) -> list[Tool]:
    """Return the tools of an array at path `at`, in the client's order; duplicates are not looked for."""
    tools: list[Tool] = []
    for index, value in enumerate(wires):
        here = f"{at}[{index}]"
        tools += _decode_tool(reading.element(value, here), here, ledger, namespace)
    return tools


def _decode_tool(wire: Wire, at: str, ledger: Ledger, namespace: str | None) -> list[Tool]:
    kind = reading.text(wire, "type", at) or "function"
    if kind == "namespace" and namespace is None:
        for member in wire:
            if member == "description" and wire[member]:
                ledger.drop(reading.path(at, member))
            elif member not in ("type", "name", "description", "tools") and wire[member] is not None:
                ledger.drop(f"unknown:{at}.{member}")
        name = reading.required_text(wire, "name", at)
        return decode_tools(reading.sequence(wire, "tools", at) or [], reading.path(at, "tools"), ledger, name)
    if kind == "tool_search":
        ledger.drop(at)
        return []
    if kind in _WEB_SEARCH:
        return [Tool(kind=ToolKind.WEB_SEARCH, name="web_search", native=wire, at=at)]
    if kind in _HOSTED:
        return [Tool(kind=ToolKind.HOSTED, name=kind, native=wire, at=at)]
    if kind not in _KNOWN or kind == "namespace":
        raise reading.unsupported_value(reading.path(at, "type"), kind, _KNOWN)
    for member in wire:
        if wire[member] is None:
            continue
        if member in _DROPPED_MEMBERS:
            ledger.drop(reading.path(at, member))
        elif member not in _MEMBERS:
            ledger.drop(f"unknown:{at}.{member}")
    if kind in _CLIENT_RUN:
        return [Tool(kind=_CLIENT_RUN[kind], name=kind, native=wire, at=at)]
    return [_custom(wire, at, namespace) if kind == "custom" else _function(wire, at, namespace)]


def _function(wire: Wire, at: str, namespace: str | None) -> Tool:
    return Tool(
        kind=ToolKind.FUNCTION,
        name=_name(wire, at),
        description=reading.text(wire, "description", at),
        parameters=reading.mapping(wire, "parameters", at),
        strict=reading.boolean(wire, "strict", at),
        namespace=namespace,
        at=at,
    )


def _custom(wire: Wire, at: str, namespace: str | None) -> Tool:
    form, form_at = reading.mapping(wire, "format", at) or {"type": "text"}, reading.path(at, "format")
    grammar = None
    if reading.one_of(form, "type", ("text", "grammar"), form_at) == "grammar":
        syntax = reading.one_of(form, "syntax", ("lark", "regex"), form_at)
        grammar = (syntax or "lark", reading.required_text(form, "definition", form_at))
    return Tool(
        kind=ToolKind.CUSTOM,
        name=_name(wire, at),
        description=reading.text(wire, "description", at),
        namespace=namespace,
        grammar=grammar,
        at=at,
    )


def _name(wire: Wire, at: str) -> str:
    name = reading.required_text(wire, "name", at)
    if not name:
        raise RequestRefused(f"Invalid '{at}.name': empty string.", param=reading.path(at, "name"), code="empty_string")
    return name


def merge_tools(declared: Iterable[Tool], brought: Iterable[Tool]) -> tuple[Tool, ...]:
    """Return the declared tools and those that input items brought along; one that is known already stays where it is.

    Raises RequestRefused for two declared tools of one name: no upstream could tell their calls apart.
    """
    merged: dict[tuple[str | None, str, int], Tool] = {}
    for tool in declared:
        key = _key(tool, len(merged))
        if key in merged:
            raise RequestRefused(
                f"Tool names must be unique, but '{tool.name}' is declared twice.", param=tool.at, code="invalid_value"
            )
        merged[key] = tool
    for tool in brought:
        merged.setdefault(_key(tool, len(merged)), tool)
    return tuple(merged.values())


def _key(tool: Tool, number: int) -> tuple[str | None, str, int]:
    # A client may declare several servers or stores of one hosted kind, which have no names of their own.
    hosted = tool.kind in (ToolKind.HOSTED, ToolKind.WEB_SEARCH)
    return tool.namespace, tool.name, number + 1 if hosted else 0


def decode_tool_choice(wire: Wire, tools: Sequence[Tool]) -> ToolChoice | None:
    """Return the request's choice among its tools; raises RequestRefused for a tool that is not among them."""
    choice = wire.get("tool_choice")
    if choice is None:
        return None
    if isinstance(choice, str):
        reading.one_of(wire, "tool_choice", _MODES)
        return ToolChoice(mode=choice)
    if not isinstance(choice, dict):
        raise reading.wrong_type("tool_choice", "a string or an object", choice)
    if choice.get("type") == "allowed_tools":
        return _allowed(choice, tools)
    kind, name = _chosen(choice, "tool_choice")
    _check_declared(kind, name, tools, "tool_choice")
    return ToolChoice(mode="named", name=name, kind=kind)


def _allowed(choice: Wire, tools: Sequence[Tool]) -> ToolChoice:
    at = "tool_choice.tools"
    mode = reading.one_of(choice, "mode", ("auto", "required"), "tool_choice") or "auto"
    names = []
    for index, value in enumerate(reading.sequence(choice, "tools", "tool_choice") or ()):
        kind, name = _chosen(reading.element(value, f"{at}[{index}]"), f"{at}[{index}]")
        _check_declared(kind, name, tools, f"{at}[{index}]")
        names.append(name)
    if not names:
        raise reading.missing(at)
    return ToolChoice(mode="allowed", names=tuple(names), within=mode)


def _chosen(wire: Wire, at: str) -> tuple[ToolKind, str]:
    """Return the kind and the name of the tool that is meant; only functions and custom tools have own names."""
    kind = reading.required_text(wire, "type", at)
    if kind in ("function", "custom"):
        return ToolKind(kind), reading.required_text(wire, "name", at)
    if kind in _CLIENT_RUN:
        return _CLIENT_RUN[kind], kind
    if kind in _WEB_SEARCH:
        return ToolKind.WEB_SEARCH, "web_search"
    if kind in _HOSTED:
        return ToolKind.HOSTED, kind
    raise reading.unsupported_value(reading.path(at, "type"), kind, (*_KNOWN, "allowed_tools"))


def _check_declared(kind: ToolKind, name: str, tools: Sequence[Tool], at: str) -> None:
    if not any(tool.kind is kind and tool.name == name for tool in tools):
        message = f"Tool choice '{name[:64]}' not found in 'tools' parameter."
        raise RequestRefused(message, param=at, code="invalid_value")
