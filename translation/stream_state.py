"""Where a reply's stream is: named phases and one table of what may follow what.

    WAITING --Start--> STREAMING --Finish--> FINISHED --End--> ENDED
       \\________________\\______________________\\--Failure--> FAILED

ENDED and FAILED are final: whatever an upstream sends after them is no part of the reply.
"""

from __future__ import annotations

from enum import Enum

from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartLogprobs,
    PartOpaque,
    PartSearch,
    PartStart,
    Start,
    Usage,
)
from translation.failures import Failure


class Phase(Enum):
    """The phase of one reply."""

    WAITING = "waiting"
    STREAMING = "streaming"
    FINISHED = "finished"
    ENDED = "ended"
    FAILED = "failed"


class OutOfOrder(Exception):
    """A decoder told an event that may not come in this phase: a defect of ours, never of the upstream."""


_PARTS = (PartStart, PartDelta, PartOpaque, PartCitation, PartLogprobs, PartSearch, PartEnd)

TRANSITIONS: dict[tuple[Phase, type], Phase] = {
    (Phase.WAITING, Start): Phase.STREAMING,
    **{(Phase.STREAMING, part): Phase.STREAMING for part in _PARTS},
    (Phase.STREAMING, Finish): Phase.FINISHED,
    (Phase.FINISHED, Usage): Phase.FINISHED,
    (Phase.FINISHED, End): Phase.ENDED,
    **{(phase, Failure): Phase.FAILED for phase in (Phase.WAITING, Phase.STREAMING, Phase.FINISHED)},
}


def after(phase: Phase, event: type[Event]) -> Phase:
    """Return the phase after an event of that type; raises OutOfOrder where the table has no row."""
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise OutOfOrder(f"{event.__name__} in phase {phase.value}") from None
