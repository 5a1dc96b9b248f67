"""Quirks: each one's edit of a body, on well-formed bodies and on those that the upstream will refuse anyway."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from translation.quirks import QUIRKS, apply_quirks

USER = {"role": "user", "content": "hi"}
DEVELOPER = {"role": "developer", "content": "Be brief."}


@pytest.mark.parametrize(
    ("quirk", "body", "edited"),
    [
        ("old_max_tokens", {"max_completion_tokens": 5, "n": 1}, {"max_tokens": 5, "n": 1}),
        ("old_max_tokens", {"max_tokens": 5}, {"max_tokens": 5}),
        ("old_max_tokens", {"max_completion_tokens": 5, "max_tokens": 7}, {"max_tokens": 5}),
        ("old_max_tokens", {"max_tokens": 7, "max_completion_tokens": 5}, {"max_tokens": 5}),
        (
            "no_developer_role",
            {"messages": [DEVELOPER, USER]},
            {"messages": [{"role": "system", "content": "Be brief."}, USER]},
        ),
        ("no_developer_role", {"messages": [USER]}, {"messages": [USER]}),
        ("no_developer_role", {"messages": "hi"}, {"messages": "hi"}),
        ("no_developer_role", {"messages": [None, USER]}, {"messages": [None, USER]}),
        ("no_developer_role", {}, {}),
        ("no_stream_options", {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ("no_stream_options", {"stream": True}, {"stream": True}),
    ],
)
def test_quirk_edits_the_body(quirk: str, body: dict[str, Any], edited: dict[str, Any]) -> None:
    """The quirk changes what it is about and leaves the body that it was given alone."""
    before = deepcopy(body)
    assert apply_quirks((quirk,), "chat", body) == edited
    assert body == before


def test_edit_keeps_the_order_of_the_members() -> None:
    """A renamed member stands where it stood, so that the upstream's prompt cache sees the same beginning."""
    body = {"model": "m", "max_completion_tokens": 5, "messages": []}
    assert list(apply_quirks(("old_max_tokens",), "chat", body)) == ["model", "max_tokens", "messages"]


@pytest.mark.parametrize(("names", "shape"), [(("no_such_quirk",), "chat"), (("no_stream_options",), "messages")])
def test_quirk_of_no_name_or_of_another_shape_changes_nothing(names: tuple[str, ...], shape: str) -> None:
    """A name that is no quirk, or one of another shape, leaves the body as it is."""
    body = {"stream_options": {"include_usage": True}}
    assert apply_quirks(names, shape, body) == body


def test_quirks_add_up() -> None:
    """Several quirks are applied one after another."""
    body = {"max_completion_tokens": 5, "stream_options": {}, "messages": [DEVELOPER]}
    edited = apply_quirks(tuple(QUIRKS), "chat", body)
    assert edited == {"max_tokens": 5, "messages": [{"role": "system", "content": "Be brief."}]}


@pytest.mark.parametrize("name", QUIRKS)
def test_quirk_says_what_it_does_and_where_it_was_seen(name: str) -> None:
    """Operators choose quirks by their help and their evidence, so that each has both."""
    quirk = QUIRKS[name]
    assert quirk.name == name
    assert quirk.help.endswith(".")
    assert quirk.evidence
