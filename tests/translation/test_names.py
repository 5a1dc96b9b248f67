"""Names and call ids on the upstream's wire: kept where it takes them, else rewritten, always the same way."""

from __future__ import annotations

import re

import pytest

from translation.hub import Tool, ToolKind
from translation.names import sent_call_id, sent_name, sent_names

LONG = "x" * 65


@pytest.mark.parametrize("name", ["add", "get_weather-2", "A" * 64])
def test_name_that_the_wire_takes_is_kept(name: str) -> None:
    """A name of the wire's alphabet and length reaches the upstream unchanged."""
    assert sent_name(None, name, 64) == name


@pytest.mark.parametrize("name", [LONG, "mcp.server/tool", "größe", "", "line\n"])
def test_other_name_is_rewritten_to_one_that_the_wire_takes(name: str) -> None:
    """Any other name becomes its beginning and a hash of the whole, within the wire's alphabet and length."""
    sent = sent_name(None, name, 64)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", sent)
    assert sent == sent_name(None, name, 64)


def test_different_names_stay_different() -> None:
    """Names that differ only where the wire allows nothing, or only after its limit, stay apart."""
    names = ["a.b", "a/b", LONG + "1", LONG + "2", "ä", "ö"]
    assert len({sent_name(None, name, 64) for name in names}) == len(names)


def test_namespace_is_part_of_the_name() -> None:
    """A tool of a namespace is called by both, so that two namespaces may have tools of one name."""
    assert sent_name("files", "read", 64) == "files__read"


def test_table_leads_back_to_what_the_client_declared() -> None:
    """The table names every rewritten tool and no other."""
    plain = Tool(kind=ToolKind.FUNCTION, name="add")
    long = Tool(kind=ToolKind.FUNCTION, name=LONG)
    spaced = Tool(kind=ToolKind.FUNCTION, name="read", namespace="files")
    table = sent_names([plain, long, spaced], 64)
    assert table == {sent_name(None, LONG, 64): (None, LONG), "files__read": ("files", "read")}


@pytest.mark.parametrize("call_id", ["call_9", "toolu_01AbC", "a" * 64, "A-b_9"])
def test_call_id_that_every_wire_takes_is_kept(call_id: str) -> None:
    """A call id of the common alphabet and length is passed on verbatim."""
    assert sent_call_id(call_id) == call_id


@pytest.mark.parametrize("call_id", ["functions.Bash:0", "a" * 65, "resp_1:call_1", "", "ü", "call_9\n", "\ud800"])
def test_other_call_id_is_rewritten_the_same_way_every_time(call_id: str) -> None:
    """Any other id becomes a hash of itself, so that a call and its result still belong together."""
    assert re.fullmatch(r"tc_[a-z2-7]{26}", sent_call_id(call_id))
    assert sent_call_id(call_id) == sent_call_id(call_id)
    assert sent_call_id(call_id) != sent_call_id(call_id + "x")
