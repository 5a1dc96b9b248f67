"""Quirks on requests that pass through: the body is the client's own, and may be anything that is JSON."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.table import Target, Upstream
from serving.body import changes_of, parse_body
from serving.calls import Call
from serving.outgoing import passed_on
from translation.quirks import QUIRKS

ODD = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "required", "system", "x", "call_1"])
NAMES = st.sampled_from(
    ["role", "content", "name", "tool_calls", "tool_call_id", "id", "type", "text", "reasoning_content", "mode",
     "allowed_tools"]
)  # fmt: skip
ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool"])
ANYTHING = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=6
)
MESSAGES = st.fixed_dictionaries(
    {"role": ROLES | ANYTHING}, optional={"content": ANYTHING, "name": ANYTHING, "tool_calls": ANYTHING}
)
BODIES = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGES | ANYTHING, max_size=4) | ANYTHING},
    optional=dict.fromkeys(
        ("tool_choice", "tools", "max_tokens", "max_completion_tokens", "stream_options", "user", "store"), ANYTHING
    ),
)


@pytest.mark.parametrize("name", QUIRKS)
@settings(max_examples=60, deadline=None)
@given(BODIES)
def test_a_quirk_takes_any_body(name: str, members: dict[str, Any]) -> None:
    """No body makes a quirk fail; it changes nothing that it was given, and what is sent says what it said."""
    quirk = QUIRKS[name]
    body = parse_body(b'{"x" : 1.0,' + msgspec.json.encode(members)[1:])
    given_before = copy.deepcopy(body.members)
    new = body.members if quirk.edit is None else quirk.edit(body.members)
    assert body.members == given_before
    sent = body.with_members(new)
    assert msgspec.json.decode(sent) == new
    assert sent.startswith(b'{"x" : 1.0')
    dropped, coerced = changes_of(body.members, new)
    assert {*dropped, *coerced} <= set(members)


def test_a_request_without_quirks_is_the_same_object() -> None:
    """Nothing to edit, nothing copied: the bytes of the client are what is sent."""
    raw = b'{"model": "m", "messages": [], "max_completion_tokens": 5}'
    upstream = Upstream(name="u", provider="p", base_url="http://h", shapes=("chat",), prefer="chat")
    call = Call(shape="chat", body=raw, headers=[], request_id="r")
    assert passed_on(call, parse_body(raw), Target(upstream, "m")).body is raw
    quirky = msgspec.structs.replace(upstream, quirks=("no_stream_options", "no_developer_role"), asks_usage=True)
    outgoing = passed_on(call, parse_body(raw), Target(quirky, "m"))
    assert outgoing.body == raw
    assert (outgoing.dropped, outgoing.coerced, outgoing.unasked) == ((), (), None)
