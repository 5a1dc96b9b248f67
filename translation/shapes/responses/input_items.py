"""The `input` of a request: its items in order, and what some items change besides the conversation.

Most item types are a row of `_READERS`. Items of tools that only OpenAI runs are dropped and reported, since the answer
that followed them keeps its meaning; a search of the web goes on, for upstreams whose thoughts depend on it. An item
whose loss would lose content is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from translation import reading
from translation.envelope import unseal
from translation.failures import RequestRefused
from translation.hub import (
    AssistantText,
    Item,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    Refusal,
    SystemItem,
    Text,
    Tool,
    ToolCall,
    ToolKind,
    ToolResult,
    UserItem,
    Wire,
)
from translation.ledger import Ledger
from translation.shapes.responses.content_parts import (
    ASSISTANT_PARTS,
    OUTPUT_PARTS,
    SYSTEM_PARTS,
    USER_PARTS,
    decode_content,
)
from translation.shapes.responses.freeform import action_arguments
from translation.shapes.responses.text_format import decode_format
from translation.shapes.responses.tools import decode_tools

ItemReader = Callable[[Wire, str, Ledger], Item]

# What the wire takes as one string.
OUTPUT_MAX_CHARACTERS = 10_485_760

# What a reply in another shape shows of a result that failed; a client that sends it back means the same.
TOOL_ERROR_MARK = "[tool_error] "


class Input(Struct, frozen=True):
    """The decoded input: the conversation, the tools that items brought along, and settings that items changed.

    `settings` are fields of hub.Request.
    """

    items: tuple[Item, ...]
    tools: tuple[Tool, ...] = ()
    settings: Mapping[str, str | OutputFormat | None] = {}


def decode_input(wire: Wire, ledger: Ledger) -> Input:
    """Return the request's input; raises RequestRefused with the path of the item that cannot be read."""
    value = wire.get("input")
    if value is None:
        raise reading.missing("input")
    if isinstance(value, str):
        return Input((UserItem(parts=(Text(text=value, at="input"),), at="input"),))
    if not isinstance(value, list):
        raise reading.wrong_type("input", "a string or an array", value)
    conversation = _Conversation(ledger)
    for index, element in enumerate(value):
        conversation.take(reading.element(element, f"input[{index}]"), f"input[{index}]")
    return conversation.decoded()


class _Conversation:
    """The input as far as it has been read."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._items: list[Item] = []
        self._tools: list[Tool] = []
        self._updates: list[tuple[str, Wire]] = []
        self._local_shell_calls: dict[str, str] = {}
        self._dropped_calls: set[str] = set()
        self._model_has_spoken = False

    def take(self, item: Wire, at: str) -> None:
        """Read one item."""
        kind = _item_type(item, at)
        if kind == "function_call_output" and reading.text(item, "call_id", at) in self._dropped_calls:
            self._ledger.drop(at)
        elif kind in _READERS:
            _report_unknown(item, kind, at, self._ledger)
            self._append(item, _READERS[kind](item, at, self._ledger))
        elif kind in _HOSTED:
            self._ledger.drop(at)
            if call_id := reading.text(item, "call_id", at):
                self._dropped_calls.add(call_id)
            self._model_spoke()
        elif kind in _REFUSED:
            raise reading.unsupported(at, f"Items of type '{kind}' cannot be sent to this model.", _REFUSED[kind])
        elif kind == "additional_tools" and self._model_has_spoken:
            raise reading.unsupported(at, "Tools cannot be added after the model's first output.", "Use 'tools'.")
        elif kind in ("additional_tools", "tool_search_output"):
            tools_at = reading.path(at, "tools")
            self._tools += decode_tools(reading.sequence(item, "tools", at) or [], tools_at, self._ledger)
        elif kind == "configuration_update":
            self._updates.append((at, item))
        else:
            raise RequestRefused(
                f"Invalid value: '{kind[:64]}' is not a type of input item.", param=at, code="invalid_value"
            )

    def decoded(self) -> Input:
        """Return the whole input."""
        check_pairs(self._items)
        settings: dict[str, str | OutputFormat | None] = {}
        for at, update in self._updates:
            reasoning = reading.mapping(update, "reasoning", at) or {}
            text = reading.mapping(update, "text", at) or {}
            if effort := reading.text(reasoning, "effort", f"{at}.reasoning"):
                settings["effort"] = effort
            if text.get("format") is not None:
                settings["output_format"] = decode_format(text, f"{at}.text", self._ledger)
        return Input(tuple(self._items), tuple(self._tools), settings)

    def _append(self, wire: Wire, item: Item) -> None:
        if isinstance(item, ToolCall) and item.kind is ToolKind.LOCAL_SHELL and isinstance(wire.get("id"), str):
            self._local_shell_calls[wire["id"]] = item.call_id
        if isinstance(item, ToolResult) and item.kind is ToolKind.LOCAL_SHELL:
            item = replace(item, call_id=self._local_shell_calls.get(item.call_id, item.call_id))
        if isinstance(item, AssistantText | Reasoning | ToolCall | Opaque):
            self._model_spoke()
        self._items.append(item)

    def _model_spoke(self) -> None:
        self._model_has_spoken = True
        for at, _ in self._updates:
            self._ledger.drop(at)
        self._updates = []


def _item_type(item: Wire, at: str) -> str:
    """Return the item's type; a message may leave it out, and so may a reference, which is nothing but an id."""
    kind = reading.text(item, "type", at)
    if kind is not None:
        return kind
    if "role" in item:
        return "message"
    if "id" in item:
        return "item_reference"
    raise reading.missing(reading.path(at, "type"))


def _report_unknown(item: Wire, kind: str, at: str, ledger: Ledger) -> None:
    for member, value in item.items():
        if member not in _MEMBERS and member not in _MEMBERS_OF[kind] and value is not None:
            ledger.drop(f"unknown:{at}.{member}")


def check_pairs(items: Iterable[Item]) -> None:
    """Raise RequestRefused, in OpenAI's words, unless every call has its result and every result its call before it."""
    unanswered: dict[str, list[ToolCall]] = {}
    for item in items:
        if isinstance(item, ToolCall):
            unanswered.setdefault(item.call_id, []).append(item)
        elif isinstance(item, ToolResult):
            if not unanswered.get(item.call_id):
                name, call_id = _NAMES_IN_REFUSALS[item.kind], item.call_id
                raise RequestRefused(f"No tool call found for {name} output with call_id {call_id}.", param="input")
            unanswered[item.call_id].pop()
    for calls in unanswered.values():
        for call in calls:
            name = _NAMES_IN_REFUSALS[call.kind]
            raise RequestRefused(f"No tool output found for {name} {call.call_id}.", param="input")


_NAMES_IN_REFUSALS: Mapping[ToolKind, str] = {
    ToolKind.FUNCTION: "function call",
    ToolKind.CUSTOM: "custom tool call",
    ToolKind.SHELL: "shell call",
    ToolKind.LOCAL_SHELL: "local shell call",
    ToolKind.APPLY_PATCH: "apply patch call",
}


def _message(item: Wire, at: str, ledger: Ledger) -> Item:
    role = reading.required_text(item, "role", at)
    if role == "user":
        return UserItem(parts=decode_content(item, "content", at, USER_PARTS, ledger), at=at)
    if role == "assistant":
        parts = decode_content(item, "content", at, ASSISTANT_PARTS, ledger)
        spoken = tuple(part for part in parts if isinstance(part, Text | Refusal))
        return AssistantText(parts=spoken, phase=reading.text(item, "phase", at), at=at)
    if role in ("system", "developer"):
        parts = decode_content(item, "content", at, SYSTEM_PARTS, ledger)
        return SystemItem(role=role, parts=tuple(part for part in parts if isinstance(part, Text)), at=at)
    raise reading.unsupported_value(reading.path(at, "role"), role, ("user", "assistant", "system", "developer"))


def _reasoning(item: Wire, at: str, _: Ledger) -> Item:
    return Reasoning(
        text="".join(_texts(item, "content", at)),
        summaries=tuple(_texts(item, "summary", at)),
        opaque=reading.text(item, "encrypted_content", at) or "",
        at=at,
    )


def _texts(item: Wire, key: str, at: str) -> Iterable[str]:
    where = reading.path(at, key)
    for index, part in enumerate(reading.sequence(item, key, at) or ()):
        yield reading.required_text(reading.element(part, f"{where}[{index}]"), "text", f"{where}[{index}]")


def _compaction(item: Wire, at: str, _: Ledger) -> Item:
    if unseal(reading.required_text(item, "encrypted_content", at)) is None:
        raise reading.unsupported(
            at, "This compacted conversation can only be read by the provider that made it.", "Send it in full."
        )
    return Opaque(origin="responses", kind="compaction", native=item, at=at)


def _web_search(item: Wire, at: str, _: Ledger) -> Item:
    return Opaque(origin="responses", kind="web_search_call", native=item, at=at)


def _function_call(item: Wire, at: str, _: Ledger) -> Item:
    return ToolCall(
        call_id=reading.required_text(item, "call_id", at),
        name=reading.required_text(item, "name", at),
        arguments=reading.required_text(item, "arguments", at),
        namespace=reading.text(item, "namespace", at),
        at=at,
    )


def _custom_call(item: Wire, at: str, _: Ledger) -> Item:
    return ToolCall(
        call_id=reading.required_text(item, "call_id", at),
        name=reading.required_text(item, "name", at),
        arguments=reading.required_text(item, "input", at),
        kind=ToolKind.CUSTOM,
        namespace=reading.text(item, "namespace", at),
        at=at,
    )


def _action_call(kind: ToolKind, member: str) -> ItemReader:
    def read(item: Wire, at: str, _: Ledger) -> Item:
        action = reading.mapping(item, member, at)
        if action is None:
            raise reading.missing(reading.path(at, member))
        arguments = action_arguments(kind, action)
        return ToolCall(
            call_id=reading.required_text(item, "call_id", at), name=kind.value, arguments=arguments, kind=kind, at=at
        )

    return read


def _call_output(kind: ToolKind) -> ItemReader:
    def read(item: Wire, at: str, ledger: Ledger) -> Item:
        call_id = reading.required_text(item, "call_id", at)
        return _result(call_id, decode_content(item, "output", at, OUTPUT_PARTS, ledger), kind, at)

    return read


def _result(call_id: str, parts: Sequence[Part], kind: ToolKind, at: str, failed: bool = False) -> ToolResult:
    for part in parts:
        if isinstance(part, Text) and len(part.text) > OUTPUT_MAX_CHARACTERS:
            raise RequestRefused(
                f"The output at '{part.at}' has {len(part.text)} characters, more than {OUTPUT_MAX_CHARACTERS}.",
                param=part.at,
                code="string_above_max_length",
                too_large=True,
            )
    if parts and isinstance(parts[0], Text) and parts[0].text.startswith(TOOL_ERROR_MARK):
        failed = True
        parts = (replace(parts[0], text=parts[0].text.removeprefix(TOOL_ERROR_MARK)), *parts[1:])
    return ToolResult(call_id=call_id, parts=tuple(parts), is_error=failed, kind=kind, at=at)


def _shell_output(item: Wire, at: str, _: Ledger) -> Item:
    chunks = reading.sequence(item, "output", at) or []
    shown = [
        {name: chunk[name] for name in ("stdout", "stderr", "outcome") if name in chunk}
        for index, value in enumerate(chunks)
        if (chunk := reading.element(value, f"{at}.output[{index}]"))
    ]
    text = Text(text=msgspec.json.encode(shown).decode(), at=reading.path(at, "output"))
    return _result(reading.required_text(item, "call_id", at), (text,), ToolKind.SHELL, at)


def _local_shell_output(item: Wire, at: str, _: Ledger) -> Item:
    # The wire names the call by `id` here; clients that follow the other outputs send `call_id`.
    call_id = reading.text(item, "call_id", at) or reading.required_text(item, "id", at)
    text = Text(text=reading.required_text(item, "output", at), at=reading.path(at, "output"))
    return _result(call_id, (text,), ToolKind.LOCAL_SHELL, at)


def _patch_output(item: Wire, at: str, _: Ledger) -> Item:
    status = reading.one_of(item, "status", ("completed", "failed"), at)
    text = Text(text=reading.text(item, "output", at) or status or "", at=reading.path(at, "output"))
    call_id = reading.required_text(item, "call_id", at)
    return _result(call_id, (text,), ToolKind.APPLY_PATCH, at, failed=status == "failed")


_READERS: Mapping[str, ItemReader] = {
    "message": _message,
    "reasoning": _reasoning,
    "compaction": _compaction,
    "web_search_call": _web_search,
    "function_call": _function_call,
    "function_call_output": _call_output(ToolKind.FUNCTION),
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _call_output(ToolKind.CUSTOM),
    "shell_call": _action_call(ToolKind.SHELL, "action"),
    "shell_call_output": _shell_output,
    "local_shell_call": _action_call(ToolKind.LOCAL_SHELL, "action"),
    "local_shell_call_output": _local_shell_output,
    "apply_patch_call": _action_call(ToolKind.APPLY_PATCH, "operation"),
    "apply_patch_call_output": _patch_output,
}

_HOSTED = frozenset(
    {
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "tool_search_call",
    }
)

_REFUSED: Mapping[str, str] = {
    "computer_call": "Use a model whose provider runs the computer tool.",
    "computer_call_output": "Use a model whose provider runs the computer tool.",
    "mcp_approval_request": "Use a model whose provider runs MCP tools.",
    "mcp_approval_response": "Use a model whose provider runs MCP tools.",
    "compaction_trigger": "Shorten the conversation yourself.",
    "item_reference": "Stored items are not available; send the item itself.",
}

# Members that say nothing to a model: ids and states that the API gives to stored items, and how a call was made.
_MEMBERS = frozenset({"type", "id", "status", "created_by", "caller", "async"})

_MEMBERS_OF: Mapping[str, frozenset[str]] = {
    "message": frozenset({"role", "content", "phase"}),
    "reasoning": frozenset({"content", "summary", "encrypted_content"}),
    "compaction": frozenset({"encrypted_content"}),
    "web_search_call": frozenset({"action", "results", "encrypted_content"}),
    "function_call": frozenset({"call_id", "name", "arguments", "namespace"}),
    "function_call_output": frozenset({"call_id", "output", "name", "namespace"}),
    "custom_tool_call": frozenset({"call_id", "name", "input", "namespace"}),
    "custom_tool_call_output": frozenset({"call_id", "output", "name", "namespace"}),
    "shell_call": frozenset({"call_id", "action", "environment"}),
    "shell_call_output": frozenset({"call_id", "output", "max_output_length"}),
    "local_shell_call": frozenset({"call_id", "action"}),
    "local_shell_call_output": frozenset({"call_id", "output"}),
    "apply_patch_call": frozenset({"call_id", "operation"}),
    "apply_patch_call_output": frozenset({"call_id", "output"}),
}
