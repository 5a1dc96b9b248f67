"""The tools that a request declares, and its choice among them."""

from __future__ import annotations

from translation import reading
from translation.failures import RequestRefused
from translation.hub import Tool, ToolChoice, ToolKind, Wire
from translation.ledger import Ledger
from translation.shapes.messages.blocks import compact_json
from translation.shapes.messages.mcp import is_toolset

# Tools that the client itself runs and whose schema the model knows: the vendor writes them as a name and a date.
_KNOWN_TOOLS = (
    ("bash_", ToolKind.BASH),
    ("text_editor_", ToolKind.TEXT_EDITOR),
    ("memory_", ToolKind.MEMORY),
    ("web_search_", ToolKind.WEB_SEARCH),
)
_SCREEN_TOOLS = ("computer_", "browser_")
_FUNCTION_MEMBERS = (
    "type",
    "name",
    "description",
    "input_schema",
    "strict",
    "input_examples",
    "allowed_callers",
)
_KNOWN_MEMBERS = ("type", "name", "allowed_callers")
_SEARCH_MEMBERS = (*_KNOWN_MEMBERS, "allowed_domains", "blocked_domains", "max_uses", "user_location")
# Members that change how the vendor serves a tool, not what the tool is.
_DROPPED_MEMBERS = ("cache_control", "eager_input_streaming", "defer_loading")
_MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}
_CHOICE_MEMBERS = ("type", "name", "disable_parallel_tool_use")


def decode_tools(wire: Wire, ledger: Ledger) -> tuple[Tool, ...]:
    """Return the declared tools in the client's order; equal names and tools that drive a screen are refused."""
    tools: dict[str, Tool] = {}
    for declared, at in reading.elements(wire, "tools", ""):
        if is_toolset(declared, wire) or _is_out_of_reach(declared, at, ledger):
            continue
        tool = _tool(declared, at, ledger)
        if tool.name in tools:
            raise RequestRefused(
                "tools: Tool names must be unique.", param=reading.path(at, "name"), code="invalid_value"
            )
        tools[tool.name] = tool
    return tuple(tools.values())


def decode_tool_choice(wire: Wire, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, bool | None]:
    """Return the choice, and False if parallel calls are switched off; a named tool must be among `tools`."""
    choice = reading.mapping(wire, "tool_choice")
    if choice is None:
        return None, None
    kind = reading.one_of(choice, "type", tuple(_MODES), "tool_choice")
    if kind is None:
        raise reading.missing("tool_choice.type")
    parallel = False if reading.boolean(choice, "disable_parallel_tool_use", "tool_choice") else None
    if kind != "tool":
        return ToolChoice(mode=_MODES[kind]), parallel
    name = reading.required_text(choice, "name", "tool_choice")
    kinds = {tool.name: tool.kind for tool in tools}
    if kinds and name not in kinds:
        raise RequestRefused(
            f"Tool '{name[:128]}' not found in provided tools.", param="tool_choice.name", code="invalid_value"
        )
    return ToolChoice(mode="named", name=name, kind=kinds.get(name, ToolKind.FUNCTION)), parallel


def note_unknown_choice_members(wire: Wire, ledger: Ledger) -> None:
    """Report the members of `tool_choice` that no rule knows."""
    reading.note_unknown(reading.mapping(wire, "tool_choice") or {}, _CHOICE_MEMBERS, "tool_choice", ledger)


def _is_out_of_reach(declared: Wire, at: str, ledger: Ledger) -> bool:
    """Tell whether only code that the vendor runs may call the tool; report what that leaves out."""
    where = reading.path(at, "allowed_callers")
    callers = reading.sequence(declared, "allowed_callers", at)
    words = [reading.word(caller, f"{where}[{index}]") for index, caller in enumerate(callers or ["direct"])]
    if "direct" not in words:
        ledger.drop(at)
        return True
    if len(words) > 1:
        ledger.drop(where)
    return False


def _tool(declared: Wire, at: str, ledger: Ledger) -> Tool:
    kind = reading.text(declared, "type", at) or "custom"
    if kind == "custom":
        return _function(declared, at, ledger)
    if kind.startswith(_SCREEN_TOOLS):
        raise reading.unsupported(
            reading.path(at, "type"),
            f"The tool type '{kind[:64]}' drives a screen.",
            "This model cannot do that; leave it out.",
        )
    for prefix, known in _KNOWN_TOOLS:
        if kind.startswith(prefix):
            _note_lost(declared, _KNOWN_MEMBERS if known is not ToolKind.WEB_SEARCH else _SEARCH_MEMBERS, at, ledger)
            return Tool(kind=known, name=reading.required_text(declared, "name", at), native=declared, at=at)
    return Tool(kind=ToolKind.HOSTED, name=reading.text(declared, "name", at) or kind, native=declared, at=at)


def _function(declared: Wire, at: str, ledger: Ledger) -> Tool:
    _note_lost(declared, _FUNCTION_MEMBERS, at, ledger)
    schema = reading.mapping(declared, "input_schema", at)
    if schema is None:
        raise reading.missing(reading.path(at, "input_schema"))
    return Tool(
        kind=ToolKind.FUNCTION,
        name=reading.required_text(declared, "name", at),
        description=_description(declared, at, ledger),
        parameters=schema,
        strict=reading.boolean(declared, "strict", at),
        at=at,
    )


def _note_lost(declared: Wire, known: tuple[str, ...], at: str, ledger: Ledger) -> None:
    reading.note_unknown(declared, (*known, *_DROPPED_MEMBERS), at, ledger)
    for key in _DROPPED_MEMBERS:
        if declared.get(key):
            ledger.drop(reading.path(at, key))


def _description(declared: Wire, at: str, ledger: Ledger) -> str | None:
    """Return the description, with the examples appended for which no other shape has a member."""
    description = reading.text(declared, "description", at)
    examples = reading.sequence(declared, "input_examples", at)
    if not examples:
        return description
    where = reading.path(at, "input_examples")
    lines = [f"Example input: {compact_json(value, f'{where}[{index}]')}" for index, value in enumerate(examples)]
    ledger.coerce(where)
    return "\n".join([description, *lines] if description else lines)
