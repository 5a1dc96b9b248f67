"""The phases of a reply: what may follow what, and that nothing follows the end."""

from __future__ import annotations

import pytest

from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartLogprobs,
    PartOpaque,
    PartStart,
    Start,
    Usage,
)
from translation.failures import Failure
from translation.stream_state import OutOfOrder, Phase, after

PARTS: list[type[Event]] = [PartStart, PartDelta, PartOpaque, PartCitation, PartLogprobs, PartEnd]
EVENTS: list[type[Event]] = [Start, *PARTS, Finish, Usage, End, Failure]
LAWFUL: dict[tuple[Phase, type[Event]], Phase] = {
    (Phase.WAITING, Start): Phase.STREAMING,
    (Phase.WAITING, Failure): Phase.FAILED,
    **{(Phase.STREAMING, part): Phase.STREAMING for part in PARTS},
    (Phase.STREAMING, Finish): Phase.FINISHED,
    (Phase.STREAMING, Failure): Phase.FAILED,
    (Phase.FINISHED, Usage): Phase.FINISHED,
    (Phase.FINISHED, End): Phase.ENDED,
    (Phase.FINISHED, Failure): Phase.FAILED,
}


@pytest.mark.parametrize(("phase", "event"), LAWFUL)
def test_lawful_event_leads_to_its_phase(phase: Phase, event: type[Event]) -> None:
    """Each event that may come in a phase leads to one phase."""
    assert after(phase, event) is LAWFUL[phase, event]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("phase", Phase)
def test_other_event_is_out_of_order(phase: Phase, event: type[Event]) -> None:
    """Any other event raises and says which one came when; after the end and after a failure that is every event."""
    if (phase, event) not in LAWFUL:
        with pytest.raises(OutOfOrder, match=f"{event.__name__} in phase {phase.value}"):
            after(phase, event)
