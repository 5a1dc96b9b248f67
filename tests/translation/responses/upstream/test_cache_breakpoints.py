"""Cache marks of a client on their way to a responses upstream: which parts keep them, and in which form."""

from __future__ import annotations

from typing import Any

from tests.translation.responses.upstream.asking import asked
from translation.hub import AssistantText, CacheMark, Image, Request, SystemItem, Text, ToolCall, ToolResult, UserItem
from translation.ledger import Ledger
from translation.profiles import Profile, profile_for
from translation.shapes.responses.upstream.request import encode_request

MARKABLE = "gpt-5.6-sol"
MARK = CacheMark()
BREAKPOINT = {"mode": "explicit"}
EPHEMERAL = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(words: str, **members: Any) -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "text": words, **members}


def encoded(*items: Any, profile: Profile | None = None, **fields: Any) -> tuple[dict[str, Any], Ledger]:
    """Return the body of a chat client's items, and the ledger."""
    request, ledger = Request(origin="chat", model="a", echo={}, items=items, **fields), Ledger()
    return encode_request(request, "m", profile or profile_for(MARKABLE), "d", ledger), ledger


def test_marks_become_breakpoints_without_their_lifetime() -> None:
    """Each marked part of a messages client has a breakpoint, also in a result; the other wire's lifetimes stay out."""
    result = {"type": "tool_result", "tool_use_id": "t", "content": [text("ok")], **EPHEMERAL}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    pixel = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
    body, relay = asked(
        MARKABLE,
        system=[text("One."), text("Two.", **EPHEMERAL)],
        messages=[
            {"role": "user", "content": [text("a"), {"type": "image", "source": pixel, **EPHEMERAL}]},
            {"role": "assistant", "content": [text("b", **EPHEMERAL), call]},
            {"role": "user", "content": [result]},
        ],
    )
    instruction, user, said, _, output = body["input"]
    assert instruction == {
        "type": "message",
        "role": "developer",
        "content": [
            {"type": "input_text", "text": "One."},
            {"type": "input_text", "text": "Two.", "prompt_cache_breakpoint": BREAKPOINT},
        ],
    }
    assert [part.get("prompt_cache_breakpoint") for part in user["content"]] == [None, BREAKPOINT]
    assert "prompt_cache_breakpoint" not in said["content"][0]
    assert output["output"] == [{"type": "input_text", "text": "ok", "prompt_cache_breakpoint": BREAKPOINT}]
    assert (relay.dropped, "instructions" in body) == ((), False)


def test_model_without_breakpoints_gets_none_and_nothing_is_said_of_it() -> None:
    """Agents mark every request; a report of each would bury those that matter."""
    body, relay = asked("gpt-5.4", system=[text("One.", **EPHEMERAL)])
    assert (body["instructions"], relay.dropped, relay.coerced) == ("One.", (), ())


def test_last_four_marks_are_kept() -> None:
    """The wire writes no more; a chat client is told of the others, and of marks on the model's own words."""
    texts = tuple(Text(text=str(n), cache=MARK, at=f"messages[0].content[{n}]") for n in range(5))
    said = AssistantText(parts=(Text(text="b", cache=MARK, at="messages[1].content[0]"),))
    body, ledger = encoded(UserItem(parts=texts), said, UserItem(parts=(Text(text="c"),)))
    assert ["prompt_cache_breakpoint" in part for part in body["input"][0]["content"]] == [False] + [True] * 4
    assert ledger.dropped == tuple(f"messages[{n}].content[0].prompt_cache_breakpoint" for n in range(2))


def test_lifetime_in_this_wires_own_words_is_kept() -> None:
    """A chat client's mark is the same member of the same vendor."""
    image = Image(url="https://a.test/b.png", cache=CacheMark("12h"), at="messages[0].content[0]")
    body, _ = encoded(UserItem(parts=(image,)))
    assert body["input"][0]["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit", "ttl": "12h"}


def test_mark_of_a_chat_client_that_a_model_cannot_take_is_reported() -> None:
    """The client chose the place of its mark itself, and learns that it has no effect."""
    _, ledger = encoded(UserItem(parts=(Text(text="a", cache=MARK, at="here"),)), profile=profile_for("gpt-5.4"))
    assert ledger.dropped == ("here.prompt_cache_breakpoint",)


def test_mark_that_moves_on_changes_nothing_else() -> None:
    """A result has one form, marked or not: the next request, whose mark is further on, begins with the same prompt."""
    call = ToolCall(call_id="t", name="f", arguments="{}")
    lead = (SystemItem(role="system", parts=(Text(text="Be brief."),)),)
    bodies = []
    for mark in (MARK, None):
        answer = ToolResult(call_id="t", parts=(Text(text="ok", cache=mark, at="messages[2].content"),))
        body, _ = encoded(UserItem(parts=(Text(text="a"),)), call, answer, instructions=lead)
        for part in body["input"][-1]["output"]:
            part.pop("prompt_cache_breakpoint", None)
        bodies.append(body)
    assert bodies[0] == bodies[1]
    assert bodies[0]["input"][-1]["output"] == [{"type": "input_text", "text": "ok"}]
