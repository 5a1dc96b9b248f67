"""Where a client asks for log probabilities, in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from translation.hub import Request
from translation.logprobs import logprobs_members


@pytest.mark.parametrize(
    ("echo", "members"),
    [
        ({}, ()),
        ({"logprobs": True}, ("logprobs",)),
        ({"logprobs": True, "top_logprobs": 2}, ("logprobs", "top_logprobs")),
        ({"logprobs": False, "top_logprobs": 0}, ()),
        ({"top_logprobs": 2, "include": ["a", "message.output_text.logprobs"]}, ("top_logprobs", "include[1]")),
        ({"include": None}, ()),
    ],
)
def test_members_that_ask_are_known(echo: dict[str, Any], members: tuple[str, ...]) -> None:
    """Every member that asks for them is told, with its place, and no other."""
    assert logprobs_members(Request(origin="any", model="m", echo=echo)) == members
