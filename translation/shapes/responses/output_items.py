"""Output items: what a reply consists of on the responses wire. The stream and the whole reply are made of the same.

A call comes back as the kind of item that the client declared its tool to be, under the name that the client gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from translation.events import PartKind
from translation.exchange import Exchange
from translation.hub import Citation, ToolKind, WebSearch, Wire
from translation.reply import ReplyPart
from translation.shapes.responses.freeform import action, is_whole
from translation.wrappers import custom_input

MESSAGE_PREFIX = "msg_"
REASONING_PREFIX = "rs_"
SEARCH_PREFIX = "ws_"
CALL_PREFIXES: Mapping[ToolKind, str] = {
    ToolKind.FUNCTION: "fc_",
    ToolKind.CUSTOM: "ctc_",
    ToolKind.SHELL: "sh_",
    ToolKind.LOCAL_SHELL: "lsh_",
    ToolKind.APPLY_PATCH: "apc_",
}
_WITH_ACTIONS = (ToolKind.SHELL, ToolKind.LOCAL_SHELL, ToolKind.APPLY_PATCH)


class Call(Struct, frozen=True, kw_only=True):
    """A tool call as the client knows it; `wrapped` if the upstream saw the tool as a function and it is none."""

    kind: ToolKind
    call_id: str
    name: str
    namespace: str | None = None
    wrapped: bool = False


def restored_call(call_id: str, name: str, tool: ToolKind, exchange: Exchange) -> Call:
    """Return the call that the upstream names `name`, with the client's own name, namespace and kind of tool."""
    namespace, own_name = exchange.sent_names.get(name, (None, name))
    declared = next(
        (t.kind for t in exchange.request.tools if t.name == own_name and t.namespace == namespace), ToolKind.FUNCTION
    )
    if declared not in CALL_PREFIXES:
        declared = ToolKind.FUNCTION
    kind = ToolKind.CUSTOM if tool is ToolKind.CUSTOM else declared
    wrapped = kind is not ToolKind.FUNCTION and tool is not ToolKind.CUSTOM
    return Call(kind=kind, call_id=call_id, name=own_name, namespace=namespace, wrapped=wrapped)


def call_text(call: Call, text: str) -> str:
    """Return what the item shows as arguments or input for what the upstream sent; arguments are never empty."""
    if call.kind is ToolKind.FUNCTION:
        return text if text.strip() else text + "{}"
    return custom_input(text) if call.kind is ToolKind.CUSTOM and call.wrapped else text


def call_item(call: Call, item_id: str, text: str, status: str) -> Wire:
    """Return the item of a call whose arguments or input, as `call_text` gives them, are `text`."""
    item: Wire = {"id": item_id, "status": status, "call_id": call.call_id}
    named = {"name": call.name} if call.namespace is None else {"name": call.name, "namespace": call.namespace}
    match call.kind:
        case ToolKind.CUSTOM:
            return {"type": "custom_tool_call", **item, **named, "input": text}
        case ToolKind.SHELL:
            return {"type": "shell_call", **item, "action": action(call.kind, text), "environment": None}
        case ToolKind.LOCAL_SHELL:
            return {"type": "local_shell_call", **item, "action": action(call.kind, text)}
        case ToolKind.APPLY_PATCH:
            return {"type": "apply_patch_call", **item, "operation": action(call.kind, text)}
        case _:
            return {"type": "function_call", **item, **named, "arguments": text}


def reasoning_item(item_id: str, part: ReplyPart, status: str, exchange: Exchange) -> Wire:
    """Return a reasoning item; the opaque state is part of it only if the client wants to keep it."""
    item: Wire = {"type": "reasoning", "id": item_id, "summary": [], "status": status}
    if part.text:
        item["summary" if part.summary else "content"] = [thought_part(part.text, summary=part.summary)]
    if part.opaque and exchange.request.wants_reasoning_state:
        item["encrypted_content"] = part.opaque
    return item


def report_lost_arguments(call: Call, text: str, number: int, exchange: Exchange) -> None:
    """Report arguments of the upstream's that the action of the `number`-th item cannot say."""
    member = "operation" if call.kind is ToolKind.APPLY_PATCH else "action"
    if call.kind in _WITH_ACTIONS and not is_whole(call.kind, text):
        exchange.lost.coerce(f"reply:output[{number}].{member}")


def thought_part(text: str, *, summary: bool) -> Wire:
    """Return what can be read of reasoning: the thoughts themselves, or a summary of them."""
    return {"type": "summary_text", "text": text} if summary else prose_part(PartKind.REASONING, text)


def search_item(item_id: str, search: WebSearch | None, status: str, exchange: Exchange) -> Wire:
    """Return the item of a search of the web; what was found is part of it only if the client asked for it.

    The provider's own objects go along like the opaque state of reasoning, in a member that the wire has there alone:
    without them a model whose thoughts are bound to all that was before them loses these.
    """
    search = search or WebSearch()
    action: Wire = {"type": "search", "query": "".join(search.queries[:1]), "queries": list(search.queries)}
    if exchange.request.wants_search_sources:
        action["sources"] = [{"type": "url", "url": source.url} for source in search.sources]
    item: Wire = {"type": "web_search_call", "id": item_id, "status": status, "action": action}
    if search.opaque and exchange.request.wants_reasoning_state and status == "completed":
        item["encrypted_content"] = search.opaque
    return item


def message_item(item_id: str, content: list[Wire], status: str) -> Wire:
    """Return a message item."""
    return {"type": "message", "id": item_id, "status": status, "role": "assistant", "content": content}


def prose_part(kind: PartKind, text: str, annotations: Sequence[Wire] = (), logprobs: Sequence[object] = ()) -> Wire:
    """Return a content part of text, refusal or reasoning."""
    match kind:
        case PartKind.REFUSAL:
            return {"type": "refusal", "refusal": text}
        case PartKind.REASONING:
            return {"type": "reasoning_text", "text": text}
        case _:
            return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": list(logprobs)}


def annotation(citation: Citation) -> Wire:
    """Return the annotation of a web source; a source without a title is called by its URL."""
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or citation.url,
        "start_index": citation.start,
        "end_index": citation.end,
    }


def logprobs_shown(logprobs: Iterable[object]) -> list[object]:
    """Return the log probabilities with `bytes` always a list, as this wire has it; chat has null as well."""
    return [_with_bytes(entry) if isinstance(entry, dict) else entry for entry in logprobs]


def _with_bytes(entry: Wire) -> Wire:
    top = [{**other, "bytes": other.get("bytes") or []} for other in entry.get("top_logprobs") or ()]
    return {**entry, "bytes": entry.get("bytes") or [], "top_logprobs": top}


def encode_output(parts: Iterable[ReplyPart], exchange: Exchange) -> list[Wire]:
    """Return the output of a whole reply: text and refusals that follow one another are one message."""
    output: list[Wire] = []
    content: list[Wire] | None = None
    for part in parts:
        if part.kind in (PartKind.TEXT, PartKind.REFUSAL):
            if not part.text and not part.citations:
                continue
            if content is None:
                content = []
                output.append(message_item(exchange.item_id(MESSAGE_PREFIX, len(output)), content, "completed"))
            logprobs = logprobs_shown(part.logprobs) if exchange.request.logprobs else ()
            content.append(prose_part(part.kind, part.text, [annotation(c) for c in part.citations], logprobs))
            continue
        content = None
        output.append(_item(part, len(output), exchange))
    return output


def _item(part: ReplyPart, number: int, exchange: Exchange) -> Wire:
    """Return the item that a part other than prose is."""
    if part.kind is PartKind.REASONING:
        return reasoning_item(exchange.item_id(REASONING_PREFIX, number), part, "completed", exchange)
    if part.kind is PartKind.WEB_SEARCH:
        return search_item(exchange.item_id(SEARCH_PREFIX, number), part.search, "completed", exchange)
    call = restored_call(part.call_id, part.name, part.tool, exchange)
    item_id = exchange.item_id(CALL_PREFIXES[call.kind], number)
    report_lost_arguments(call, part.text, number, exchange)
    return call_item(call, item_id, call_text(call, part.text), "completed")
