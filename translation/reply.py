"""A whole reply, neutral, and its two ways: collected from events, and told as events again.

A reply that does not stream is decoded to this value; an encoder of whole replies takes it. Because a stream can be
collected and a reply can be told, an upstream that answers in the other form than asked costs nothing extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartSearch,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.failures import Failure
from translation.hub import Citation, ToolKind, WebSearch


class ReplyPart(Struct, frozen=True, kw_only=True):
    """One part of a reply: text, a refusal, reasoning (with `opaque` state) or a tool call (with `call_id`, `name`).

    `text` is the part's whole text; of a tool call, its argument string. `search` is a web search's. `summary` as of a
    PartStart.
    """

    kind: PartKind
    text: str = ""
    call_id: str = ""
    name: str = ""
    tool: ToolKind = ToolKind.FUNCTION
    phase: str | None = None
    opaque: str = ""
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[object, ...] = ()
    search: WebSearch | None = None
    summary: bool = False


class Reply(Struct, frozen=True, kw_only=True):
    """One reply, neutral; `usage` is None where the upstream did not say."""

    start: Start
    parts: tuple[ReplyPart, ...]
    finish: Finish
    usage: Usage | None = None


Pieces = tuple[tuple[int, ...], ...]
"""For each part of a reply, the lengths of the pieces in which it came; () of one that did not stream."""


def tell(reply: Reply) -> Iterator[Event]:
    """Yield the events that a stream of this reply would have brought, one delta a part."""
    yield reply.start
    for key, part in enumerate(reply.parts):
        yield PartStart(key, part.kind, part.call_id, part.name, part.tool, part.phase, part.summary)
        if part.text:
            yield PartDelta(key, part.text)
        if part.logprobs:
            yield PartLogprobs(key, part.logprobs)
        for citation in part.citations:
            yield PartCitation(key, citation)
        if part.opaque:
            yield PartOpaque(key, part.opaque)
        if part.search is not None:
            yield PartSearch(key, part.search)
        yield PartEnd(key)
    yield reply.finish
    if reply.usage is not None:
        yield reply.usage
    yield End()


class _OpenPart:
    """What has come of one part so far."""

    def __init__(self, start: PartStart) -> None:
        self.start = start
        self.pieces: list[str] = []
        self.opaque = ""
        self.citations: list[Citation] = []
        self.logprobs: list[object] = []
        self.search: WebSearch | None = None

    def closed(self) -> ReplyPart:
        """Return the part as a value."""
        return ReplyPart(
            kind=self.start.kind,
            text="".join(self.pieces),
            call_id=self.start.call_id,
            name=self.start.name,
            tool=self.start.tool,
            phase=self.start.phase,
            opaque=self.opaque,
            citations=tuple(self.citations),
            logprobs=tuple(self.logprobs),
            search=self.search,
            summary=self.start.summary,
        )


class PartCollector:
    """Gathers the parts of a reply from its events, in the order in which they opened."""

    def __init__(self) -> None:
        self._parts: dict[int, _OpenPart] = {}
        self.texts: dict[int, list[str]] = {}
        """The pieces of each part's text, by its key."""

    def take(self, event: Event) -> None:
        """Add one event; what is not about a part changes nothing."""
        match event:
            case PartDelta(key, text):
                self.texts[key].append(text)
            case PartStart():
                opened = self._parts[event.key] = _OpenPart(event)
                self.texts[event.key] = opened.pieces
            case PartOpaque(key, opaque):
                self._parts[key].opaque = opaque
            case PartCitation(key, citation):
                self._parts[key].citations.append(citation)
            case PartLogprobs(key, logprobs):
                self._parts[key].logprobs.extend(logprobs)
            case PartSearch(key, search):
                self._parts[key].search = search
            case _:
                pass

    def part(self, key: int) -> ReplyPart:
        """Return the part of that key as far as it has come."""
        return self._parts[key].closed()

    def parts(self) -> tuple[ReplyPart, ...]:
        """Return all parts as far as they have come."""
        return tuple(part.closed() for part in self._parts.values())

    def pieces(self) -> Pieces:
        """Return the lengths of the pieces in which each part came."""
        return tuple(tuple(map(len, part.pieces)) for part in self._parts.values())


class ReplyCollector:
    """Gathers a whole reply from its events."""

    def __init__(self) -> None:
        self._parts = PartCollector()
        self._start, self._finish = Start(), Finish(StopReason.UNKNOWN)
        self._usage: Usage | None = None
        self._texts = self._parts.texts

    def take(self, event: Event) -> None:
        """Add one event; a failure and the end are none of the reply."""
        if isinstance(event, PartDelta):
            # Most events are these, and a stream that is stored should cost no more than one that is not.
            self._texts[event.key].append(event.text)
            return
        match event:
            case Start():
                self._start = event
            case Finish():
                self._finish = event
            case Usage():
                self._usage = event
            case _:
                self._parts.take(event)

    def reply(self) -> Reply:
        """Return the reply as far as it has come."""
        return Reply(start=self._start, parts=self._parts.parts(), finish=self._finish, usage=self._usage)

    def pieces(self) -> Pieces:
        """Return, for each part of the reply, the lengths of the pieces in which it came."""
        return self._parts.pieces()


def collect(events: Iterable[Event]) -> Reply:
    """Return the reply that the events tell; they must be complete and without a Failure."""
    collector = ReplyCollector()
    finished = False
    for event in events:
        if isinstance(event, Failure):
            raise ValueError(f"a reply cannot be collected from {event!r}")
        finished = finished or isinstance(event, Finish)
        collector.take(event)
    if not finished:
        raise ValueError("a reply cannot be collected from events without a Finish")
    return collector.reply()
