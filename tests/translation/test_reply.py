"""Whole replies and their events: each can be made of the other, and nothing is lost on the way."""

from __future__ import annotations

import pytest

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
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.failures import Failure, FailureKind
from translation.hub import Citation, ToolKind
from translation.reply import PartCollector, Reply, ReplyPart, collect, tell
from translation.stream_state import Phase, after

START = Start("id", "model", 7, "default")
FINISH = Finish(StopReason.TOOL_CALLS)
SOURCE = Citation("https://example.test", "Example", "hi", 0, 2)
REPLY = Reply(
    start=START,
    parts=(
        ReplyPart(kind=PartKind.REASONING, text="Hm.", opaque="gw1.x", summary=True),
        ReplyPart(kind=PartKind.TEXT, text="hi", citations=(SOURCE,), logprobs=({"token": "hi"},)),
        ReplyPart(kind=PartKind.TOOL_CALL, text="x", call_id="call_1", name="run", tool=ToolKind.CUSTOM),
        ReplyPart(kind=PartKind.REFUSAL, text="No."),
        ReplyPart(kind=PartKind.TEXT),
    ),
    finish=FINISH,
    usage=Usage(input_tokens=3, output_tokens=2),
)


@pytest.mark.parametrize("reply", [REPLY, Reply(start=Start(), parts=(), finish=FINISH)])
def test_reply_that_is_told_and_collected_is_the_same(reply: Reply) -> None:
    """A reply's events are those of a lawful stream, and make the same reply again."""
    events = list(tell(reply))
    phase = Phase.WAITING
    for event in events:
        phase = after(phase, type(event))
    assert phase is Phase.ENDED
    assert collect(events) == reply


def test_parts_that_interleave_are_told_apart() -> None:
    """Pieces of parts that are open at once are gathered by their keys, in the order in which the parts opened."""
    collector = PartCollector()
    for event in (
        PartStart(5, PartKind.TOOL_CALL, "a", "one"),
        PartStart(2, PartKind.TOOL_CALL, "b", "two"),
        PartDelta(5, "1"),
        PartDelta(2, "2"),
        PartDelta(5, "3"),
        PartEnd(5),
    ):
        collector.take(event)
    assert [(part.name, part.text) for part in collector.parts()] == [("one", "13"), ("two", "2")]
    assert collector.part(2).call_id == "b"


def test_what_comes_last_replaces_or_adds() -> None:
    """The last opaque state of a part counts; sources and log probabilities add up."""
    other = Citation("https://other.test")
    events: list[Event] = [
        START,
        PartStart(0, PartKind.TEXT),
        PartOpaque(0, "old"),
        PartOpaque(0, "new"),
        PartCitation(0, SOURCE),
        PartCitation(0, other),
        PartLogprobs(0, (1,)),
        PartLogprobs(0, (2, 3)),
        PartEnd(0),
        FINISH,
        End(),
    ]
    (part,) = collect(events).parts
    assert (part.opaque, part.citations, part.logprobs) == ("new", (SOURCE, other), (1, 2, 3))


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([START, Failure(status=502, kind=FailureKind.SERVER, message="broken")], "broken"),
        ([START, End()], "without a Finish"),
    ],
)
def test_events_of_no_complete_reply_are_not_collected(events: list[Event], message: str) -> None:
    """A failure, or events without a finish, never become a reply."""
    with pytest.raises(ValueError, match=message):
        collect(events)
