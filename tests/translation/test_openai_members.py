"""What the bodies for Chat Completions and for Responses have alike."""

from __future__ import annotations

import pytest

from translation.hub import OutputFormat, Request
from translation.ledger import Ledger
from translation.shapes.openai_members import bookkeeping_members, sampling_members, schema_members

CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def request(**fields: object) -> Request:
    """Return a request with these fields."""
    return Request(origin="chat", model="m", echo={}, **fields)  # type: ignore[arg-type]


def test_sampling_is_sent_where_it_is_taken() -> None:
    """Else each member that the client sent is reported."""
    ledger = Ledger()
    asked = request(temperature=0.0, top_p=0.5)
    assert sampling_members(asked, ledger, taken=True) == {"temperature": 0.0, "top_p": 0.5}
    assert sampling_members(asked, ledger, taken=False) == {}
    assert ledger.dropped == ("temperature", "top_p")


def test_bookkeeping_says_only_what_the_client_said() -> None:
    """Members that are absent or empty are left out."""
    asked = request(user="u", metadata={}, prompt_cache_options={"ttl": "1h"})
    assert bookkeeping_members(asked, None) == {"user": "u", "prompt_cache_options": {"ttl": "1h"}}
    assert bookkeeping_members(request(), "flex") == {"service_tier": "flex"}


def test_a_request_for_no_output_warms_the_cache_up() -> None:
    """The limit 0 of the Messages API is the option `prewarm` here, beside the client's own options."""
    asked = request(max_tokens=0, prompt_cache_options={"ttl": "1h"})
    assert bookkeeping_members(asked, None) == {"prompt_cache_options": {"ttl": "1h", "prewarm": True}}


@pytest.mark.parametrize(
    ("schema", "said", "strict"),
    [(CLOSED, None, True), ({"type": "object"}, None, False), (CLOSED, False, False), ({"type": "object"}, True, True)],
)
def test_a_schema_is_as_strict_as_the_client_says(schema: dict[str, object], said: bool | None, strict: bool) -> None:
    """A client that leaves it open gets a schema held to where the schema permits it."""
    members = schema_members(OutputFormat(schema=schema, description="d", strict=said))
    assert members == {"name": "output", "description": "d", "schema": schema, "strict": strict}
    assert list(members) == ["name", "description", "schema", "strict"]
