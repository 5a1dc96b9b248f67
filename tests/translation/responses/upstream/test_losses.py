"""What of a reply has no place in other shapes: the exchange's ledger names it by its place in the upstream's reply."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translation.responses.upstream.asking import (
    added,
    call,
    completed,
    created,
    delta,
    done,
    message,
    reply_of,
    rs,
)
from tests.translation.responses.upstream.asking import lost_by as lost
from translation.events import PartKind

SUMMARY = "reasoning_summary_text"


def cited(*annotations: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose text has these annotations."""
    return {"type": "message", "content": [{"type": "output_text", "text": "abcd", "annotations": list(annotations)}]}


FILES = ("file_citation", "container_file_citation", "file_path")


@pytest.mark.parametrize("kind", FILES)
def test_source_that_is_no_web_page_is_reported(kind: str) -> None:
    """A file of the upstream's has no place elsewhere, which the reply's ledger says, in both forms of a reply."""
    item, gone = cited({"type": kind, "file_id": "f"}), ("reply:output[0].content[0].annotations",)
    told = {"type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0}
    pieces = [delta("output_text", 0, "abcd"), {**told, "annotation": {"type": kind, "file_id": "f"}}]
    assert lost(*pieces, done(0, **item), completed(item)) == lost(completed(item)) == (gone, ())


@pytest.mark.parametrize("kind", ["mcp_list_tools", "code_interpreter_call", "compaction", "brand_new"])
def test_item_of_the_providers_own_tools_is_reported(kind: str) -> None:
    """It is no part of the reply, and named by its place, once, however often the upstream repeats it."""
    item = {"type": kind, "id": "x_1"}
    streamed = (added(0, **item), done(0, **item), done(1, **message("a")), completed(item, message("a")))
    assert [(part.kind, part.text) for part in reply_of(*streamed).parts] == [(PartKind.TEXT, "a")]
    assert lost(*streamed) == lost(completed(item, message("a"))) == (("reply:output[0]",), ())


OTHERWISE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "reply:output[0].content[0].text": (delta("output_text", 0, "hi there"), message("Hi there.")),
    "reply:output[0].content[0].refusal": (
        delta("refusal", 0, "No"),
        {"type": "message", "content": [{"type": "refusal", "refusal": "Never."}]},
    ),
    "reply:output[0].summary": (delta(SUMMARY, 0, "Hm"), rs(summary=[{"type": "summary_text", "text": "Well"}])),
    "reply:output[0].content": (
        delta("reasoning_text", 0, "Hm"),
        rs(content=[{"type": "reasoning_text", "text": "Well"}]),
    ),
    "reply:output[0].arguments": (delta("function_call_arguments", 0, '{"a":1}'), call("c", "f", '{"a": 1}')),
    "reply:output[0].input": (
        delta("custom_tool_call_input", 0, "ab"),
        {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "bc"},
    ),
}


@pytest.mark.parametrize("path", OTHERWISE)
def test_text_that_turns_out_different_is_reported(path: str) -> None:
    """What was told stays, and the ledger names the text whose end says otherwise."""
    piece, item = OTHERWISE[path]
    assert lost(piece, completed(item)) == ((), (path,))


def test_text_that_turns_out_different_stays_as_it_was_told() -> None:
    """What the client has read cannot be taken back, and is not told a second time."""
    reply = reply_of(created(), delta("output_text", 0, "hi there"), completed(message("Hi there.")))
    assert [(part.kind, part.text) for part in reply.parts] == [(PartKind.TEXT, "hi there")]


def test_call_that_is_never_named_is_reported() -> None:
    """Arguments of nobody knows what are no call."""
    assert lost(delta("function_call_arguments", 0, "{}"), completed()) == (("reply:output[0]",), ())


@pytest.mark.parametrize(("reason", "coerced"), [("steered", True), (None, True), ("content_filter", False)])
def test_reason_for_the_end_that_no_other_shape_has_is_reported(reason: str | None, coerced: bool) -> None:
    """The client reads that the reply is over, and the ledger says that there was more to it."""
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}, "output": []}
    expected = ("reply:incomplete_details.reason",) if coerced else ()
    assert lost({"type": "response.incomplete", "response": response}) == ((), expected)


def test_status_that_nobody_knows_is_reported() -> None:
    """The event's name says how the reply ended, and the ledger that its status said something else."""
    assert lost(completed(message("a"), status="brand_new")) == ((), ("reply:status",))


def test_ordinary_reply_loses_nothing() -> None:
    """Pieces, their repetitions and the last event agree, so that there is nothing to report."""
    item = message("abcd")
    stream = (created(), added(0, **message()), delta("output_text", 0, "ab"), done(0, **item), completed(item))
    assert lost(*stream) == ((), ())
