"""The items of stored conversations: which are new, which the client repeats, what each is called, how it is shown.

An item's id tells which response it belongs to: it holds that response's own 24 characters. So a reference to an item
is one look-up, without an index of items.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from conversations.stored import StoredResponse, wires
from translation.hub import Wire

RESPONSE_PREFIX = "resp_"
REFERENCE = "item_reference"
_ITEM_ID = re.compile(r"[a-z]+_([0-9a-f]{24})i?[0-9]{2,}")
_PREFIXES = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}
_PARTS = {"user": "input_text", "system": "input_text", "developer": "input_text", "assistant": "output_text"}
_WITHOUT_STATE = frozenset({"reasoning", "compaction", REFERENCE, "additional_tools", "configuration_update"})


def as_items(value: Any) -> list[Wire] | None:
    """Return a request's `input` as items, None if it is not one that can be read."""
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    return None


def kind_of(item: Wire) -> str:
    """Return an item's type; a message may leave it out, and so may a reference."""
    kind = item.get("type")
    if kind is None:
        return "message" if "role" in item else REFERENCE
    return kind if isinstance(kind, str) else ""


def without_repeats(new: Iterable[Wire], older: Iterable[Wire]) -> list[Wire]:
    """Return the new items without those that the conversation has already, each left out as often as it is there.

    A call is known by its type and call_id, other items by their id. A result is repeated if the conversation has one
    and no call that still waits for it: some models give the same call_id again and again.
    """
    seen = _Seen(older)
    return [item for item in new if not seen.again(item)]


class _Seen:
    """What a conversation has."""

    def __init__(self, older: Iterable[Wire]) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._results: Counter[tuple[str, str]] = Counter()
        self._open: Counter[str] = Counter()
        self._ids: Counter[tuple[str, str]] = Counter()
        self._known: set[str] = set()
        for item in older:
            self._note(item)

    def again(self, item: Wire) -> bool:
        """Tell whether the item is a repetition; it is noted if it is not."""
        kind, call_id, item_id = kind_of(item), _call_id(item), item.get("id")
        if kind.endswith("_output") and call_id:
            if self._open[call_id] <= 0 and _taken(self._results, (kind, call_id)):
                return True
            self._open[call_id] -= 1
            return False
        if call_id:
            if _taken(self._calls, (kind, call_id)):
                return True
            self._open[call_id] += 1
            return False
        if kind == REFERENCE:
            return isinstance(item_id, str) and item_id in self._known
        return isinstance(item_id, str) and _taken(self._ids, (kind, item_id))

    def _note(self, item: Wire) -> None:
        kind, call_id, item_id = kind_of(item), _call_id(item), item.get("id")
        if kind.endswith("_output") and call_id:
            self._results[kind, call_id] += 1
            self._open[call_id] -= 1
        elif call_id:
            self._calls[kind, call_id] += 1
            self._open[call_id] += 1
        if isinstance(item_id, str):
            self._ids[kind, item_id] += 1
            self._known.add(item_id)


def _call_id(item: Wire) -> str:
    """Return the id that ties a call and its result; the result of a local shell call may have it as its id."""
    found = item.get("call_id")
    if found is None and kind_of(item) == "local_shell_call_output":
        found = item.get("id")
    return found if isinstance(found, str) else ""


def _taken(counts: Counter[tuple[str, str]], key: tuple[str, str]) -> bool:
    """Take one of what is counted; tell whether there was one."""
    if counts[key] <= 0:
        return False
    counts[key] -= 1
    return True


def with_ids(items: Sequence[Wire], response_id: str) -> list[Wire]:
    """Return the items as they are stored with that response: each has an id, the client's own or one of ours."""
    seed = response_id.removeprefix(RESPONSE_PREFIX)
    return [_with_id(item, f"{seed}i{number:02d}") for number, item in enumerate(items)]


def _with_id(item: Wire, body: str) -> Wire:
    if isinstance(item.get("id"), str):
        return item
    return {**item, "id": _PREFIXES.get(kind_of(item), "item_") + body}


def response_of(item_id: str) -> str:
    """Return the id of the response that the item belongs to, "" if the item is none of ours."""
    match = _ITEM_ID.fullmatch(item_id)
    return "" if match is None else RESPONSE_PREFIX + match[1]


def items_by_id(records: Iterable[StoredResponse]) -> dict[str, Wire]:
    """Return all items of the records by their ids."""
    return {
        item["id"]: item
        for record in records
        for item in (*wires(record.items), *wires(record.output))
        if isinstance(item.get("id"), str)
    }


def history_of(chain: Iterable[StoredResponse]) -> list[Wire]:
    """Return everything that was said in the conversation, oldest first."""
    return [item for record in chain for item in (*wires(record.items), *wires(record.output))]


def shown(item: Wire, *, thoughts: bool = False) -> Wire:
    """Return an item as the API shows it: a message's content is a list, opaque thoughts only where asked for."""
    kind = kind_of(item)
    wire = {"type": kind, **item}
    if not thoughts:
        wire.pop("encrypted_content", None)
    if kind not in _WITHOUT_STATE:
        wire.setdefault("status", "completed")
    content = wire.get("content")
    if kind == "message" and isinstance(content, str):
        part: Wire = {"type": _PARTS.get(str(item.get("role")), "input_text"), "text": content}
        if part["type"] == "output_text":
            part |= {"annotations": [], "logprobs": []}
        wire["content"] = [part]
    return wire
