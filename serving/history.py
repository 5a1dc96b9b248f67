"""The conversation that a Responses request goes on with: found before an upstream is asked, kept before the end.

An upstream that does not speak Responses gets the stored conversation as if the client had sent all of it. One that
does keeps its responses itself: then only which account has them is remembered, and follow-ups go there. An id that is
unknown, another project's, expired or malformed is one case, with one answer.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from conversations.items import (
    REFERENCE,
    as_items,
    history_of,
    items_by_id,
    kind_of,
    response_of,
    with_ids,
    without_repeats,
)
from conversations.replayed import pieces_told
from conversations.stored import (
    COMPLETED,
    ITEM,
    REMEMBERED,
    Chain,
    RecordRefused,
    ResponseStore,
    StoredResponse,
    StoreUnavailable,
    searchable,
)
from routing.table import Target
from serving.body import Body
from serving.calls import Call
from serving.errors import ClientError, GatewayFault, invalid_request
from serving.keeping import Keep, Memory
from serving.outgoing import Outgoing, deployment_of, read
from translation.failures import Failure, FailureKind
from translation.hub import Wire
from translation.ledger import Ledger
from translation.reply import Pieces, Reply
from translation.shapes import SHAPES
from translation.translator import Reading, Translation

SHAPE = "responses"
DAY_SECONDS = 86_400.0
PATIENCE_SECONDS = (0.05, 0.1, 0.0)
NOT_WRITTEN_YET = b": this response is not in the database yet, which does not answer; it will be\n\n"
_INDEX = re.compile(r"\binput\[(\d+)\]")


class History(Struct, frozen=True):
    """What a request takes up. `older` are the items before its own, `new` its own, None if they are as it has them.

    `chain` is the stored conversation, () without one; of what an upstream keeps, where that is. `stores`: the reply is
    to be kept.
    """

    stores: bool = False
    chain: Chain = ()
    older: tuple[Wire, ...] = ()
    new: tuple[Wire, ...] | None = None

    @property
    def is_held_here(self) -> bool:
        """Whether the upstream must be told the conversation, since only the gateway has it."""
        return self.new is not None

    def targets(self, targets: Sequence[Target]) -> tuple[Target, ...]:
        """Return the targets that can go on with the conversation, the account that it is with first.

        Raises ClientError if there is none: the conversation is then unknown to all that could be asked.
        """
        if not self.chain:
            return tuple(targets)
        last = self.chain[-1]
        same = [target for target in targets if deployment_of(target.upstream) == last.deployment]
        # An account whose key was changed has another tag and, as a rule, the same name.
        same = same or [target for target in targets if target.upstream.name == last.upstream]
        if last.status not in (REMEMBERED, ITEM):
            return (*same, *(target for target in targets if target not in same))
        able = [target for target in same if _is_native(target)]
        if not able:
            raise item_not_found(last.id, "input") if last.status == ITEM else previous_not_found(last.id)
        return tuple(able)

    def read(self, call: Call, body: Body) -> Reading:
        """Return the request, read as if the client had sent the whole conversation; raises ClientError."""
        if call.shape != SHAPE:
            return read(call, body)
        reading = read(call, self.told(body))
        echo = {**body.members, "store": self.stores}
        return replace(reading, request=replace(reading.request, echo=echo))

    def told(self, body: Body) -> Body:
        """Return the body with the members that it would have if the client had sent the whole conversation."""
        if self.new is None:
            return body
        members = {name: value for name, value in body.members.items() if name != "previous_response_id"}
        if as_items(members.get("input")) is not None:  # else the decoder says what is wrong with it
            members["input"] = [*self.older, *self.new]
        return replace(body, members=members)

    @contextmanager
    def own_paths(self) -> Iterator[None]:
        """Name the client's own items in an error by their places in the client's own input."""
        try:
            yield
        except ClientError as exc:
            if exc.failure.param is not None:
                exc.failure = replace(exc.failure, param=self._own_path(exc.failure.param))
            raise

    def own(self, outgoing: Outgoing) -> Outgoing:
        """Return what is sent, its losses named by the client's own paths, and its reply to be known by our own id."""
        translation = outgoing.translation
        assert translation is not None
        return replace(
            outgoing,
            translation=replace(
                translation,
                exchange=replace(translation.exchange, own_id=self.stores),
                dropped=tuple(self._own_path(path) for path in translation.dropped),
                coerced=tuple(self._own_path(path) for path in translation.coerced),
            ),
        )

    def keep(self, translation: Translation, target: Target, call: Call, memory: Memory) -> Keep | None:
        """Return how the reply is stored, None if it is not to be."""
        return _keeper(self, translation, target, call, memory) if self.stores else None

    def _own_path(self, path: str) -> str:
        count = len(self.older)
        if not count:
            return path
        return _INDEX.sub(lambda found: _place(int(found[1]), count), path, count=1)


def _place(index: int, older: int) -> str:
    return f"input[{index - older}]" if index >= older else f"previous_response_id[{index}]"


NO_HISTORY = History()


async def take_up(call: Call, body: Body, targets: Sequence[Target], memory: Memory) -> History:
    """Return what the request goes on with; raises ClientError if that is unknown, GatewayFault if it cannot be told.

    Nothing is looked up for a request that refers to nothing.
    """
    if call.shape != SHAPE:
        return NO_HISTORY
    members = body.members
    stores = members.get("store") is not False and members.get("background") is not True
    items = as_items(members.get("input"))
    previous, conversation = members.get("previous_response_id"), _conversation(members)
    now = time.time()
    chain: Chain = ()
    if items is None:
        await check_references(body, call.project, memory, "input")
    if isinstance(previous, str):
        if members.get("conversation") is not None:
            raise _both_named()
        with answering():
            chain = await memory.responses.chain(call.project, searchable(previous), now)
        if not chain or chain[-1].status not in (COMPLETED, REMEMBERED):
            raise previous_not_found(previous)
        if sum(record.size for record in chain) > memory.most_bytes:
            raise _too_long(memory.most_bytes)
        if chain[-1].is_remembered():
            await _items_of_upstreams(items, call.project, memory.responses)
            return History(stores, chain)
    elif conversation and any(_is_native(target) for target in targets):
        with answering():
            found = await memory.responses.get(call.project, [searchable(conversation)], now)
        if not found or not found[0].is_remembered():
            raise _conversation_not_found(conversation)
        await _items_of_upstreams(items, call.project, memory.responses)
        return History(stores, tuple(found))
    elif items is None or not any(kind_of(item) == REFERENCE for item in items):
        return History(stores)
    older = history_of(chain)
    if items is None:
        return History(stores, chain, new=())
    new = await _resolved(items, without_repeats(items, older), call.project, memory.responses, now)
    if isinstance(new, str):
        if chain or not any(_is_native(target) for target in targets):
            raise _no_such_item(items, new)
        return History(stores, await _items_of_upstreams(items, call.project, memory.responses))
    return History(stores, chain, tuple(older), tuple(new))


async def _resolved(
    items: Sequence[Wire], new: Sequence[Wire], project: str, responses: ResponseStore, now: float
) -> list[Wire] | str:
    """Return the items with what their references mean; or the id of the first that is not stored."""
    wanted = [str(item.get("id")) for item in new if kind_of(item) == REFERENCE]
    if not wanted:
        return list(new)
    owners = {owner for item_id in wanted if (owner := response_of(item_id))}
    with answering():
        found = items_by_id(await responses.get(project, sorted(owners), now)) if owners else {}
    for item_id in wanted:
        if item_id not in found:
            return item_id
    return [found[str(item["id"])] if kind_of(item) == REFERENCE else item for item in new]


async def check_references(body: Body, project: str, memory: Memory, member: str = "items") -> None:
    """Raise ClientError (400) if one of the items refers to one that this project does not know.

    By default they are those that are put into a conversation.
    """
    items = body.members.get(member)
    if isinstance(items, list):
        # Each in its place; what is no item is the upstream's to refuse.
        named = [item if isinstance(item, dict) else {"type": ""} for item in items]
        await _items_of_upstreams(named, project, memory.responses, member)


async def _items_of_upstreams(
    items: Sequence[Wire] | None, project: str, responses: ResponseStore, member: str = "input"
) -> Chain:
    """Return where one of the items is that are referred to, () for none; raises ClientError for an unknown one.

    Their upstream would take any id of its account, another project's as well.
    """
    wanted = [str(item.get("id")) for item in items or () if kind_of(item) == REFERENCE]
    if not wanted:
        return ()
    asked = sorted({searchable(item_id) for item_id in wanted})
    for patience in PATIENCE_SECONDS:
        with answering():
            found = {record.id: record for record in await responses.get(project, asked, time.time())}
        unknown = next((item_id for item_id in wanted if item_id not in found), None)
        if unknown is None:
            return (found[wanted[-1]],)
        # Another worker may be about to write down what it told a moment ago.
        await asyncio.sleep(patience)
    assert unknown is not None
    raise _no_such_item(items or (), unknown, member)


@contextmanager
def answering() -> Iterator[None]:
    """Turn a store that does not answer into a 503: an answer without the history would be a wrong one."""
    try:
        yield
    except StoreUnavailable as exc:
        raise state_unavailable() from exc


def previous_not_found(response_id: str) -> ClientError:
    """Return the error of a conversation that cannot be gone on with, whatever the reason."""
    message = f"Previous response with id '{response_id[:128]}' not found."
    return invalid_request(message, param="previous_response_id", code="previous_response_not_found")


def _too_long(most_bytes: int) -> ClientError:
    """Return the error of a conversation that is longer than a request could be that holds all of it."""
    message = (
        f"The conversation before this request is longer than {most_bytes} bytes, the most that this gateway takes. "
        "Begin a new one, with a summary of it."
    )
    return invalid_request(message, status=413, param="previous_response_id", code="request_too_large")


def _conversation(members: Wire) -> str:
    """Return the id of the upstream's conversation that the request goes on with, "" for none."""
    value = members.get("conversation")
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _conversation_not_found(conversation: str) -> ClientError:
    message = f"Conversation with id '{conversation[:128]}' not found."
    return invalid_request(message, param="conversation", code="conversation_not_found")


def _both_named() -> ClientError:
    message = "Mutually exclusive parameters: only one of 'previous_response_id' and 'conversation' may be there."
    return invalid_request(message, param="conversation", code="mutually_exclusive_parameters")


def _no_such_item(items: Sequence[Wire], item_id: str, member: str = "input") -> ClientError:
    places = (
        place for place, item in enumerate(items) if kind_of(item) == REFERENCE and str(item.get("id")) == item_id
    )
    return item_not_found(item_id, f"{member}[{next(places)}]")


def item_not_found(item_id: str, param: str) -> ClientError:
    """Return the error of an item that is referred to and is not there, whatever the reason."""
    message = f"Item with id '{item_id[:128]}' not found. Send the item itself, or store the response that it is of."
    return invalid_request(message, param=param, code="item_not_found")


def state_unavailable() -> GatewayFault:
    """Return the error of a request that needs what is stored while the store does not answer."""
    message = "The gateway cannot read its stored responses at the moment. Try again shortly."
    failure = Failure(status=503, kind=FailureKind.OVERLOADED, message=message, code="state_unavailable")
    return GatewayFault(failure, ((b"retry-after", b"1"),))


def state_not_stored() -> GatewayFault:
    """Return the error of a reply that cannot be stored though the client counts on it."""
    message = "The reply is complete, but the gateway could not store it. Try again, or send 'store': false."
    return GatewayFault(Failure(status=503, kind=FailureKind.OVERLOADED, message=message, code="state_not_stored"))


def _is_native(target: Target) -> bool:
    return target.upstream.shape_for(SHAPE) == SHAPE


def _keeper(history: History, translation: Translation, target: Target, call: Call, memory: Memory) -> Keep:
    async def keep(reply: Reply, pieces: Pieces) -> bytes:
        record = _record(history, reply, pieces, translation, target, call, memory)
        try:
            return b"" if await memory.responses.put(record) else NOT_WRITTEN_YET
        except RecordRefused as exc:
            raise state_not_stored() from exc

    return keep


def _record(
    history: History,
    reply: Reply,
    pieces: Pieces,
    translation: Translation,
    target: Target,
    call: Call,
    memory: Memory,
) -> StoredResponse:
    """Return what is stored of a reply: the response that the client gets, and with it the model's opaque thoughts."""
    client = SHAPES[SHAPE].client
    assert client is not None
    exchange = translation.exchange
    whole = replace(exchange, request=replace(exchange.request, wants_reasoning_state=True), lost=Ledger())
    response: dict[str, Any] = client.encode_reply(reply, whole)
    output = response.pop("output")
    new = history.new
    if new is None:
        new = tuple(as_items(exchange.request.echo.get("input")) or ())
    chain, response_id, now = history.chain, response["id"], time.time()
    return StoredResponse(
        project=call.project,
        id=response_id,
        root=chain[0].id if chain else response_id,
        previous=chain[-1].id if chain else "",
        status=response["status"],
        created=now,
        expires=now + memory.days * DAY_SECONDS,
        model=exchange.model_shown,
        upstream=target.upstream.name,
        deployment=deployment_of(target.upstream),
        items=msgspec.json.encode(with_ids(new, response_id)),
        output=msgspec.json.encode(output),
        response=msgspec.json.encode(response),
        pieces=msgspec.json.encode(pieces_told(output, reply.parts, pieces)),
        shows_thoughts=exchange.request.wants_reasoning_state,
    )
