"""The grammar of a chat stream, as one check that every stream to a chat client must pass.

chunk(role)  chunk*  chunk(finish_reason)  [chunk(usage)]  [DONE]        one id, one model, one choice
"""

from __future__ import annotations

import json
from typing import Any

FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter"}


def check(stream: bytes) -> list[dict[str, Any]]:
    """Assert the whole grammar of a stream and return its chunks, in order."""
    assert stream.endswith(b"\n\n"), "the stream ends inside an event"
    *lines, last = stream[:-2].split(b"\n\n")
    assert last == b"data: [DONE]", "the end is not told"
    assert all(line.startswith(b"data: {") for line in lines), "something that is no chunk"
    chunks: list[dict[str, Any]] = [json.loads(line[6:]) for line in lines]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1, "one reply has one frame"
    counted = [chunk for chunk in chunks if not chunk["choices"]]
    assert counted in ([], chunks[-1:]), "usage comes once, after everything else"
    assert all(chunk["usage"]["total_tokens"] > 0 for chunk in counted)
    _check_choices([choice for chunk in chunks for choice in chunk["choices"]])
    return chunks


def _check_choices(choices: list[dict[str, Any]]) -> None:
    assert {choice["index"] for choice in choices} == {0}
    assert choices[0]["delta"]["role"] == "assistant", "the role comes first"
    assert all("role" not in choice["delta"] for choice in choices[1:]), "the role comes once"
    assert [choice["finish_reason"] for choice in choices[:-1]] == [None] * (len(choices) - 1), "an end before the end"
    assert choices[-1]["finish_reason"] in FINISH_REASONS, "no reason for the end"
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls", [])]
    assert bool(calls) == (choices[-1]["finish_reason"] == "tool_calls"), "the reason and the calls differ"
    known = 0
    for call in calls:
        assert call["index"] in (known - 1, known), "the numbers of the calls have a gap, or go back"
        opens = call["index"] == known
        assert ("id" in call) == ("name" in call["function"]) == opens, "a call is named once, when it opens"
        known = call["index"] + 1
