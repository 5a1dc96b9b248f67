"""What a provider's name alone says about its upstreams."""

from __future__ import annotations

import pytest

from routing.export import write_seed
from routing.presets import preset_for
from routing.seed import read_seed

PLAIN = """\
model_providers:
- model: {provider}/m
  base_url: http://127.0.0.1:1
"""


@pytest.mark.parametrize(
    ("provider", "shapes", "prefer", "auth"),
    [
        ("openai", ("chat", "responses"), "chat", "bearer"),
        ("xai", ("chat", "responses"), "chat", "bearer"),
        ("anthropic", ("messages", "chat"), "chat", "x-api-key"),
        ("anybody", ("chat",), "chat", "bearer"),
    ],
)
def test_shapes_and_credential_follow_the_provider(
    provider: str, shapes: tuple[str, ...], prefer: str, auth: str
) -> None:
    """Native shapes, the preferred one and the form of the credential are the documented ones."""
    preset = preset_for(provider)
    assert (preset.shapes, preset.prefer, preset.auth) == (shapes, prefer, auth)


@pytest.mark.parametrize(("provider", "quirks"), [("openai", ()), ("anthropic", ()), ("anybody", ("old_max_tokens",))])
def test_unnamed_quirks_are_the_presets(provider: str, quirks: tuple[str, ...]) -> None:
    """An entry that names no quirks gets those of its provider: most servers know `max_tokens` only."""
    seed = read_seed(PLAIN.format(provider=provider))
    assert next(iter(seed.configuration.upstreams.values())).quirks == quirks


def test_empty_list_of_quirks_switches_the_presets_off() -> None:
    """`quirks: []` means none, and is written again on export."""
    seed = read_seed(PLAIN.format(provider="anybody") + "  quirks: []\n")
    assert next(iter(seed.configuration.upstreams.values())).quirks == ()
    assert "quirks: []" in write_seed(seed.configuration)
