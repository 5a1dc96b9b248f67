"""Turns taken up again: what the model said and thought, put back where a client sends only its words and calls.

Many chat clients keep of a reply its role, text and tool calls. What else was in it (thoughts with their signatures,
where one block of text ended and the next began) is kept by the gateway, under a fingerprint of the whole conversation
up to and including the turn, as such a client sends it. The chain of fingerprints begins with the tenant, the account
at the provider and the model, so that nothing ever comes back to another one.

A kept turn also says which turns had been put back before it when it was made. If one of those is missing now, the turn
stays as the client sent it: its thoughts are valid only behind the very same words (all of them, or none).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from translation.events import PartKind
from translation.exchange import Exchange
from translation.hub import (
    AssistantText,
    Document,
    Image,
    Item,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    SystemItem,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UserItem,
)
from translation.reply import Reply, ReplyPart

DIGEST_BYTES = 20
_OF_THE_MODEL = frozenset({AssistantText, Reasoning, ToolCall, Opaque})
_A_MARK = b'"cache":{'
NOTHING = b""
"""The record of a turn that the client sends back whole by itself."""


class Scope(Struct, frozen=True):
    """Whose turns they are: the tenant, the tag of the provider account (envelope.py) and the model there.

    `binds`: thoughts are valid only behind the very same instructions and tools as well.
    """

    tenant: str
    deployment: str
    model: str
    binds: bool = False


class Place(Struct, frozen=True):
    """A turn of the model's in a request: its items are items[start:end], `key` is its fingerprint."""

    start: int
    end: int
    key: str


class Trace(Struct, frozen=True):
    """The fingerprints of a conversation: the places of the model's turns, and the fingerprint of all of it."""

    places: tuple[Place, ...]
    last: bytes


class Replayed(Struct, frozen=True):
    """A request with the model's turns put back. `state` says which; `missed` are the paths of those not found."""

    request: Request
    state: bytes
    restored: int
    missed: int


class _Record(Struct, frozen=True, array_like=True):
    state: bytes
    items: tuple[AssistantText | Reasoning | ToolCall | Opaque, ...]


def trace(request: Request, scope: Scope) -> Trace:
    """Return the fingerprints of the request's conversation; the same history has the same ones, however it goes on."""
    chain = _digest(msgspec.json.encode((scope.tenant, scope.deployment, scope.model)))
    before: tuple[SystemItem | Tool, ...] = request.instructions + (request.tools if scope.binds else ())
    for each in before:
        chain = _digest(chain + _encoded(each))
    places: list[Place] = []
    items = request.items
    start = 0
    while start < len(items):
        end = start
        while end < len(items) and _is_models(items[end]):
            end += 1
        if end > start:
            chain = _digest(chain + _view(items[start:end]))
            places.append(Place(start, end, chain.hex()))
            start = end
        else:
            chain = _digest(chain + _encoded(items[start]))
            start += 1
    return Trace(tuple(places), chain)


def put_back(request: Request, found: Trace, records: Mapping[str, bytes]) -> Replayed:
    """Return the request with every turn put back that is among the records and still valid."""
    items: list[Item] = []
    done = restored = missed = 0
    state = NOTHING
    for place in found.places:
        record = records.get(place.key)
        kept = None if record in (None, NOTHING) else _read(record)
        if kept is not None and kept.state == state:
            items += request.items[done : place.start]
            items += (replace(item, at=request.items[place.start].at) for item in kept.items)
            done, restored = place.end, restored + 1
            state = _digest(state + place.key.encode())
        elif record != NOTHING:
            missed += 1
    if not restored:
        return Replayed(request, state, 0, missed)
    return Replayed(replace(request, items=(*items, *request.items[done:])), state, restored, missed)


def kept_turn(found: Trace, state: bytes, reply: Reply, echo: Sequence[Item], exchange: Exchange) -> tuple[str, bytes]:
    """Return under which key to keep the reply, and as what; `echo` are its items as they come back from the client."""
    key = _digest(found.last + _view(echo)).hex()
    items = tuple(_items(reply, exchange))
    if not any(_is_more_than_words(item) for item in items) and len(items) == len(echo):
        return key, NOTHING
    return key, msgspec.msgpack.encode(_Record(state, items))


def _items(reply: Reply, exchange: Exchange) -> Iterator[AssistantText | Reasoning | ToolCall | Opaque]:
    calls = 0
    for part in reply.parts:
        match part.kind:
            case PartKind.TEXT:
                yield AssistantText(parts=(Text(text=part.text, annotations=part.citations),), phase=part.phase)
            case PartKind.REFUSAL:
                yield AssistantText(parts=(Refusal(text=part.text),), phase=part.phase)
            case PartKind.REASONING:
                if part.opaque:
                    yield Reasoning(text=part.text, opaque=part.opaque)
            case PartKind.TOOL_CALL:
                yield _call(part, calls, exchange)
                calls += 1
            case PartKind.WEB_SEARCH:
                # The provider's own doing, which only the provider takes back.
                if part.search is not None and part.search.opaque:
                    native = {"encrypted_content": part.search.opaque}
                    yield Opaque(origin="", kind="web_search_call", native=native)


def _call(part: ReplyPart, number: int, exchange: Exchange) -> ToolCall:
    namespace, name = exchange.sent_names.get(part.name, (None, part.name))
    call_id = part.call_id or exchange.item_id("call_", number)
    return ToolCall(call_id=call_id, name=name, namespace=namespace, arguments=part.text, kind=part.tool)


def _is_more_than_words(item: AssistantText | Reasoning | ToolCall | Opaque) -> bool:
    """Tell whether a client that keeps words and calls loses something of the item."""
    return isinstance(item, Reasoning | Opaque) or (isinstance(item, AssistantText) and item.phase is not None)


def _read(record: bytes | None) -> _Record | None:
    """Return the record, None if it is not one of this version's."""
    try:
        return msgspec.msgpack.decode(record or b"", type=_Record)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _is_models(item: Item) -> bool:
    return type(item) in _OF_THE_MODEL


def _view(items: Sequence[Item]) -> bytes:
    """Return what identifies a turn: its words and its calls, whatever else a client sends back with them."""
    texts: list[str] = []
    refusals: list[str] = []
    calls: list[tuple[str, str | None, str, str]] = []
    for item in items:
        if isinstance(item, AssistantText):
            texts += [part.text for part in item.parts if isinstance(part, Text)]
            refusals += [part.text for part in item.parts if isinstance(part, Refusal)]
        elif isinstance(item, ToolCall):
            calls.append((item.call_id, item.namespace, item.name, _same_json(item.arguments)))
    return msgspec.json.encode(("".join(texts), "".join(refusals), calls))


def _same_json(arguments: str) -> str:
    """Return one form of arguments that are the same: many clients parse them and write them anew."""
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments or "{}"), order="deterministic").decode()
    except (msgspec.MsgspecError, RecursionError):
        return arguments


def _encoded(item: Item | Tool) -> bytes:
    """Return what the client's side says, without cache marks: they move while the conversation stays the same."""
    encoded = msgspec.json.encode(item)
    if _A_MARK not in encoded or isinstance(item, Tool):
        return encoded
    return msgspec.json.encode(_unmarked(item))


def _unmarked(item: Item) -> Item:
    if not isinstance(item, SystemItem | UserItem | ToolResult):
        return item
    parts = [replace(part, cache=None) if isinstance(part, Text | Image | Document) else part for part in item.parts]
    return replace(item, parts=tuple(parts))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()
