"""Responses that an upstream keeps: which account has them is written down beside the relay, which hardly waits.

Their items are written down as well. An account is shared by all projects, and what it keeps is asked for by id: only
those ids reach it that the same project was told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from conversations.stored import ITEM, REMEMBERED, RecordRefused, StoredResponse, searchable
from routing.table import Target, Upstream
from serving.body import Body
from serving.calls import Call
from serving.keeping import Memory
from serving.outgoing import deployment_of
from serving.streaming import PassedThrough, Reader
from translation.shapes.responses.tap import ResponsesTap
from translation.sse import SseDecoder

logger = logging.getLogger("serving.noting")

SHAPE = "responses"
NATIVE_DAYS = 30
"""How long OpenAI keeps what it stores."""
NOTING_SECONDS = 0.05
MOST_ITEMS = 1_000
DAY_SECONDS = 86_400.0


class Noted:
    """What its upstream keeps of one relay: where it is, is written down as soon as an id is seen, beside the relay.

    `root` is the response or conversation whose own id is written down already, "" before there is one.
    """

    def __init__(self, project: str, upstream: Upstream, memory: Memory, root: str = "") -> None:
        self._project, self._upstream, self._memory = project, upstream, memory
        self._root = root
        self._seen = {root}
        self._writing: set[asyncio.Task[None]] = set()

    def see(self, body: bytes) -> None:
        """Take the ids of a response, as JSON: its own, and those of its output.

        Not those of a list: it repeats ids that a client gave to its own items, and they may be another's.
        """
        ids = [found for found in _ids_in(body) if found not in self._seen]
        if not ids:
            return
        self._seen.update(ids)
        self._root = self._root or ids[0]
        writing = asyncio.create_task(self._write(ids))
        for tasks in (self._writing, _all_writing):
            tasks.add(writing)
            writing.add_done_callback(tasks.discard)

    def see_stream(self, first: bytes, reader: Reader) -> None:
        """Take the ids from the beginning of a stream, and from what follows when it comes."""
        for event in SseDecoder().feed(first):
            if b'"response"' in event.data:
                self.see(event.data)
        if isinstance(reader, PassedThrough) and isinstance(reader.tap, ResponsesTap):
            reader.tap.on_response = self.see

    async def see_reply(self, body: bytes) -> None:
        """Take the ids from a whole reply, which waits a moment for them to be written, and no longer."""
        self.see(body)
        if self._writing:
            await asyncio.wait(self._writing, timeout=NOTING_SECONDS)

    async def _write(self, ids: Sequence[str]) -> None:
        now = time.time()
        records = (
            StoredResponse(
                project=self._project,
                id=found,
                root=self._root,
                status=REMEMBERED if found == self._root else ITEM,
                created=now,
                expires=now + NATIVE_DAYS * DAY_SECONDS,
                upstream=self._upstream.name,
                deployment=deployment_of(self._upstream),
            )
            for found in ids
        )
        for refused in await asyncio.gather(*map(self._memory.responses.put, records), return_exceptions=True):
            if isinstance(refused, RecordRefused):
                logger.error("a response of an upstream is not remembered: %s", refused)
            elif isinstance(refused, BaseException):
                raise refused


class _Item(Struct):
    id: str | None = None


class _Told(Struct):
    id: str = ""
    response: _Told | None = None
    output: Raw = Raw(b"null")


_told = msgspec.json.Decoder(_Told)
_items = msgspec.json.Decoder(list[_Item] | None)
_all_writing: set[asyncio.Task[None]] = set()
"""Keeps the tasks from being collected while they run."""


def noted(call: Call, body: Body, target: Target, memory: Memory) -> Noted | None:
    """Return who remembers the response of a passthrough; None where the upstream does not keep it."""
    keeps = body.members.get("store") is not False or body.members.get("background") is True
    return Noted(call.project, target.upstream, memory) if call.shape == SHAPE and keeps else None


def _ids_in(data: bytes) -> list[str]:
    """Return the id of the response that an event or a body holds, and those of its items; [] if there are none."""
    try:
        wire = _told.decode(data)
        wire = wire if wire.response is None else wire.response
        items = _items.decode(wire.output) or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    ids = dict.fromkeys([wire.id, *(item.id or "" for item in items[:MOST_ITEMS])])
    return [found for found in ids if found and found == searchable(found)]
