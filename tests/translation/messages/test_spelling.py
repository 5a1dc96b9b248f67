"""Inputs of calls keep the text in which the client wrote them."""

from __future__ import annotations

import msgspec
import pytest

from tests.translation.relaying import CIRCUMSTANCES
from translation.shapes.messages.spelling import Spelled, with_spellings
from translation.translator import Destination, read_request, translate

BODY = (
    b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"go"},{"role":"assistant","content":['
    b'{"type":"text","text":"Now."},{"type":"tool_use","id":"1","name":"f","input":%b}]},'
    b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]}]}'
)
SPELLINGS = [
    b"{}",
    b'{ "b" : 1.0, "a":1e3 ,"c":[ 1 ]\n}',
    b'{"n":18446744073709551617,"f":0.10,"t":"\\u00e9\\/"}',
    b'{"type":"tool_use","input":{"input":{}}}',
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_arguments_are_the_very_text(spelling: bytes) -> None:
    """Blanks, escapes and numbers reach the upstream as they were written, and nothing else of the body changes."""
    raw = BODY % spelling
    wire = msgspec.json.decode(raw)
    spelled = with_spellings(wire, raw)
    assert spelled == wire
    given = spelled["messages"][1]["content"][1]["input"]
    assert isinstance(given, Spelled)
    assert given.spelling == spelling.decode()
    to = Destination(shape="chat", model="m")
    body = msgspec.json.decode(translate(read_request(wire, "messages", raw=raw), to, CIRCUMSTANCES, "m").body)
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == spelling.decode()


@pytest.mark.parametrize(
    "raw",
    [
        b'{"messages":[{"content":"no \\"tool_use\\" here"}]}',
        b'{"messages":"\\"tool_use\\"","x":"tool_use"}',
        b'{"messages":[{"content":[7]}],"x":"tool_use"}',
        b'{"messages":[{"content":[{"type":"tool_use","input":7}]}]}',
        b'{"messages":[{"content":[{"type":"tool_use"}]}]}',
        b'{"messages":[{"content":[{"type":"text","input":{"a":1}}]}],"x":"tool_use"}',
        b'{"x":"tool_use"}',
    ],
)
def test_body_without_a_readable_input_stays(raw: bytes) -> None:
    """What is no call's input is not looked at, and what is malformed is left to whoever reads the body."""
    wire = msgspec.json.decode(raw)
    assert msgspec.json.encode(with_spellings(wire, raw)) == msgspec.json.encode(wire)
