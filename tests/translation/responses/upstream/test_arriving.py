"""What comes to be known of an item while it arrives: its phase, the kind of its words, what it led to."""

from __future__ import annotations

import pytest

from tests.translation.responses.upstream.asking import (
    added,
    call,
    completed,
    delta,
    done,
    lost_by,
    message,
    reply_of,
    rs,
)
from translation.envelope import unseal

SUMMARY = "reasoning_summary_text"


@pytest.mark.parametrize("known", ["announced", "repeated", "at the end"])
def test_phase_of_a_message_is_that_of_its_parts(known: str) -> None:
    """Comment and answer are told apart, as soon as the upstream tells them apart."""
    item = message("a", phase="commentary")
    start = {"announced": [added(0, **message(phase="commentary")), delta("output_text", 0, "a")]}
    told = {"repeated": [added(0, **message()), done(0, **item)]}
    events = [*start.get(known, ()), *told.get(known, ()), completed(item, message("b", phase="final_answer"))]
    assert [(part.text, part.phase) for part in reply_of(*events).parts] == [("a", "commentary"), ("b", "final_answer")]


def test_reasoning_says_whether_its_words_are_a_summary() -> None:
    """A summary of the thoughts is told apart from the thoughts themselves."""
    summary, thoughts = delta(SUMMARY, 0, "hm"), delta("reasoning_text", 0, "hm")
    assert [reply_of(piece, completed()).parts[0].summary for piece in (summary, thoughts)] == [True, False]


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_server_of_tools_did_is_kept_with_the_reasoning_before(whole: bool) -> None:
    """The client cannot be told of it; the wire wants it behind the reasoning that led to it."""
    used = {"type": "mcp_call", "id": "mcp_1", "name": "find", "arguments": "{}", "server_label": "maps", "output": "x"}
    output = (rs(encrypted_content="E"), used, message("a", phase="commentary"))
    streamed = [event for number, item in enumerate(output) for event in (added(number, **item), done(number, **item))]
    events = [*([] if whole else streamed), completed(*output)]
    sealed = unseal(reply_of(*events).parts[0].opaque)
    assert sealed is not None
    assert sealed.blocks == (*output[:2], {"type": "message", "phase": "commentary"})
    assert lost_by(*events) == (("reply:output[1]",), ())


def test_unfinished_reasoning_at_the_end_leads_to_nothing_before_it() -> None:
    """A reply that was cut inside its thoughts does not tie them to a call that came first."""
    first, last = call("c", "f", "{}"), rs(encrypted_content="E")
    reply = reply_of(done(0, **first), done(1, **last), completed(first, last))
    sealed = unseal(reply.parts[1].opaque)
    assert sealed is not None
    assert sealed.blocks == (last,)
