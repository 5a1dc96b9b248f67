"""Responses that an upstream keeps: which account has them is written down beside the relay, which hardly waits."""

from __future__ import annotations

import asyncio
import logging
import time

import msgspec
from msgspec import Struct

from conversations.stored import ID_LENGTH, REMEMBERED, RecordRefused, StoredResponse
from routing.table import Target
from serving.body import Body
from serving.calls import Call
from serving.keeping import Memory
from serving.outgoing import deployment_of
from translation.shapes.responses.tap import ResponsesTap
from translation.shapes.shape import Tap
from translation.sse import SseDecoder

logger = logging.getLogger("serving.noting")

SHAPE = "responses"
NATIVE_DAYS = 30
"""How long OpenAI keeps what it stores."""
NOTING_SECONDS = 0.05
DAY_SECONDS = 86_400.0


class Noted:
    """A response that its upstream keeps: where it is, is written down as soon as its id is seen, beside the relay."""

    def __init__(self, call: Call, target: Target, memory: Memory) -> None:
        self._call, self._target, self._memory = call, target, memory
        self._writing: asyncio.Task[None] | None = None

    def see(self, response_id: str) -> None:
        """Take the id, if it is one and the first."""
        if response_id and len(response_id) <= ID_LENGTH and self._writing is None:
            self._writing = asyncio.create_task(self._write(response_id))
            _writing.add(self._writing)
            self._writing.add_done_callback(_writing.discard)

    def see_stream(self, first: bytes) -> None:
        """Take the id from the beginning of a stream."""
        if self._writing is None:
            self.see(next((found for event in SseDecoder().feed(first) if (found := _id_in(event.data))), ""))

    async def see_reply(self, body: bytes) -> None:
        """Take the id from a whole reply, which waits a moment for it to be written, and no longer."""
        self.see(_id_in(body))
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=NOTING_SECONDS)

    async def _write(self, response_id: str) -> None:
        now = time.time()
        record = StoredResponse(
            project=self._call.project,
            id=response_id,
            root=response_id,
            status=REMEMBERED,
            created=now,
            expires=now + NATIVE_DAYS * DAY_SECONDS,
            upstream=self._target.upstream.name,
            deployment=deployment_of(self._target.upstream),
        )
        try:
            await self._memory.responses.put(record)
        except RecordRefused as exc:
            logger.error("a response of an upstream is not remembered: %s", exc)


class _Identified(Struct):
    id: str = ""
    response: _Identified | None = None


_identified = msgspec.json.Decoder(_Identified)
_writing: set[asyncio.Task[None]] = set()
"""Keeps the tasks from being collected while they run."""


def noted(call: Call, body: Body, target: Target, memory: Memory) -> Noted | None:
    """Return who remembers the response of a passthrough; None where the upstream does not keep it."""
    keeps = body.members.get("store") is not False or body.members.get("background") is True
    return Noted(call, target, memory) if call.shape == SHAPE and keeps else None


def _id_in(data: bytes) -> str:
    """Return the id of the response that an event or a body holds, "" if there is none."""
    try:
        wire = _identified.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return wire.id if wire.response is None else wire.response.id


def response_id_of(tap: Tap) -> str:
    """Return the id of the response that a passed-through stream has told so far."""
    return tap.response_id if isinstance(tap, ResponsesTap) else ""
