"""Writing a configuration as a seed file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from routing.changes import changes_between
from routing.configuration import Configuration
from routing.export import check_prices, write_seed
from routing.rules import InvalidValue
from routing.seed import read_seed
from tests.routing.strategies import configurations

WHOLE = """\
model_providers:
- model: anthropic/claude-sonnet-4-5
  name: anthropic
  default: true
  access_key: $ANTHROPIC_API_KEY
  prices: {input: 3, output: 15}
- model: acme/claude-sonnet-4-5
  name: acme
  base_url: https://llm.acme.example
  access_key: fingerprint:0a1b2c3d
  headers: {X-Team: search}
  timeouts: {idle: 60}
  shapes: [messages]
  prefer: messages
  tier: 1
  weight: 2
  enabled: false
- model: openai/*
  name: openai
- model: openai/gpt-4o
  name: openai
  route: smart

model_aliases:
  fast: {target: openai/gpt-4o-mini}

upstreams:
- name: spare
  provider: openai
  access_key: $SPARE
  enabled: false

routes:
- {name: openai/*, enabled: false}
"""


def test_a_configuration_reads_like_a_seed_file() -> None:
    """The export is what a person would write: nothing that a preset or a default says already is in it."""
    assert write_seed(read_seed(WHOLE).configuration) == WHOLE


def test_an_empty_configuration_is_a_valid_file() -> None:
    """Nothing configured is an empty list of providers."""
    assert write_seed(Configuration(upstreams={}, routes={}, aliases={})) == "model_providers: []\n"


@settings(max_examples=150, deadline=None)
@given(configurations())
def test_what_is_written_is_read_back(configuration: Configuration) -> None:
    """Every configuration survives the way to YAML and back, and gives the same text again."""
    text = write_seed(configuration)
    reread = read_seed(text).configuration
    assert changes_between(configuration, reread) == []
    assert write_seed(reread) == text


@pytest.mark.parametrize("prices", [{}, {"input": 0.15, "tiers": [{"above": 200000, "input": 3}], "unit": None}])
def test_prices_are_kept_as_they_are(prices: dict[str, Any]) -> None:
    """Any mapping of numbers, texts and lists may be a price."""
    check_prices(prices)


def _deep(levels: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {"a": nested}
    return nested


@pytest.mark.parametrize(
    "prices", [[], 5, "x", {"a": float("nan")}, {"a": 10**60}, _deep(40), _deep(5000), {"a": "\x00"}]
)
def test_prices_that_cannot_be_exported_are_refused(prices: object) -> None:
    """What a seed file could not hold is an error when it is saved, not when it is exported."""
    with pytest.raises(InvalidValue, match="prices"):
        check_prices(prices)
