"""Items: what is new in a request, what it repeats, what each item is called and how it is shown."""

from __future__ import annotations

import time
from typing import Any

import pytest

from conversations.items import as_items, items_by_id, response_of, shown, with_ids, without_repeats
from tests.conversations.records import record

Wire = dict[str, Any]
SEED = "0123456789abcdef01234567"
CALL: Wire = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}", "id": "fc_1"}
RESULT: Wire = {"type": "function_call_output", "call_id": "c1", "output": "a cat"}
MESSAGE: Wire = {"type": "message", "role": "assistant", "id": "msg_1", "content": "I look."}
THOUGHT: Wire = {"type": "reasoning", "id": "rs_1", "summary": []}
QUESTION: Wire = {"role": "user", "content": "And now?"}
PATCH_CALL: Wire = {"type": "apply_patch_call", "call_id": "c1", "operation": {}}
SHELL_RESULT: Wire = {"type": "local_shell_call_output", "id": "c2", "output": "done"}
SHELL_CALL: Wire = {"type": "local_shell_call", "call_id": "c2", "id": "lsh_1", "action": {}}


@pytest.mark.parametrize(
    ("older", "sent", "new"),
    [
        pytest.param([CALL], [CALL, RESULT], [RESULT], id="a call before its result"),
        pytest.param([CALL], [{**CALL, "id": "fc_9"}, RESULT], [RESULT], id="a call under another id"),
        pytest.param([CALL, RESULT], [CALL, RESULT, QUESTION], [QUESTION], id="a call and its result"),
        pytest.param([THOUGHT, MESSAGE, CALL], [THOUGHT, MESSAGE, CALL, RESULT], [RESULT], id="a whole output"),
        pytest.param([CALL, RESULT, CALL], [RESULT], [RESULT], id="a result of a call_id that is used again"),
        pytest.param([CALL, RESULT, CALL], [CALL, RESULT], [RESULT], id="a used call_id, with its call"),
        pytest.param([CALL], [CALL, CALL, RESULT, RESULT], [CALL, RESULT, RESULT], id="once is left out once"),
        pytest.param([QUESTION], [QUESTION], [QUESTION], id="the same question asked again"),
        pytest.param([], [CALL, RESULT, MESSAGE], [CALL, RESULT, MESSAGE], id="a history that is not stored"),
        pytest.param([MESSAGE], [{"type": "item_reference", "id": "msg_1"}], [], id="a reference to the conversation"),
        pytest.param([MESSAGE], [{"id": "msg_2"}], [{"id": "msg_2"}], id="a reference to something else"),
        pytest.param([SHELL_CALL], [SHELL_RESULT], [SHELL_RESULT], id="a result that is named by its id"),
        pytest.param([SHELL_CALL, SHELL_RESULT], [SHELL_RESULT], [], id="a result that is named by its id, again"),
        pytest.param([CALL], [PATCH_CALL], [PATCH_CALL], id="a call of another type"),
    ],
)  # fmt: skip
def test_what_the_client_repeats_is_not_doubled(older: list[Wire], sent: list[Wire], new: list[Wire]) -> None:
    """A call is known by type and call_id, another item by type and id, each left out as often as it is there."""
    assert without_repeats(sent, older) == new


def test_many_references_to_a_long_conversation_take_no_time() -> None:
    """Each reference is one look-up, however much was said: whoever sends thousands holds nobody up."""
    older = [{**MESSAGE, "id": f"msg_{number}"} for number in range(20_000)]
    asked = [{"type": "item_reference", "id": f"other_{number}"} for number in range(20_000)]
    started = time.process_time()
    assert without_repeats(asked, older) == asked
    assert time.process_time() - started < 2


def test_input_is_read_as_items() -> None:
    """A text is the user's message; what cannot be read is left to whoever says what is wrong with it."""
    assert as_items("Hi") == [{"type": "message", "role": "user", "content": "Hi"}]
    assert as_items([QUESTION]) == [QUESTION]
    assert [as_items(value) for value in (None, 5, ["Hi"], {"role": "user"})] == [None] * 4


def test_an_item_id_leads_to_its_response() -> None:
    """Items of the input get ids that hold their response's own characters, as those of the output do."""
    kept = with_ids([QUESTION, RESULT, MESSAGE], f"resp_{SEED}")
    assert [item["id"] for item in kept] == [f"msg_{SEED}i00", f"item_{SEED}i01", "msg_1"]
    assert QUESTION == {"role": "user", "content": "And now?"}
    found = [response_of(item) for item in (f"msg_{SEED}i00", f"fc_{SEED}00", f"rs_{SEED}100", "msg_1", f"msg_{SEED}")]
    assert found == [f"resp_{SEED}"] * 3 + ["", ""]


def test_all_items_of_a_record_are_found() -> None:
    """Items of the input and of the output are found by their ids; one without an id is not."""
    assert set(items_by_id([record("a")])) == {"msg_a"}


@pytest.mark.parametrize(
    ("item", "seen"),
    [
        (
            {**QUESTION, "id": "msg_1"},
            {
                "type": "message",
                "role": "user",
                "id": "msg_1",
                "status": "completed",
                "content": [{"type": "input_text", "text": "And now?"}],
            },
        ),
        (
            MESSAGE,
            {
                **MESSAGE,
                "status": "completed",
                "content": [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}],
            },
        ),
        (RESULT, {**RESULT, "status": "completed"}),
        ({**CALL, "status": "incomplete"}, {**CALL, "status": "incomplete"}),
        ({**THOUGHT, "encrypted_content": "gw1.x"}, THOUGHT),
    ],
    ids=["question", "answer", "result", "status", "thought"],
)
def test_an_item_is_shown_in_its_full_form(item: Wire, seen: Wire) -> None:
    """A message shows its content as a list, every item its status; opaque thoughts are shown only where asked for."""
    assert shown(item) == seen


def test_opaque_thoughts_are_shown_where_asked_for() -> None:
    """`include` brings them."""
    thought = {**THOUGHT, "encrypted_content": "gw1.x"}
    assert shown(thought, thoughts=True) == thought
