"""What a provider's name alone says about its upstreams."""

from __future__ import annotations

import pytest

from routing.export import write_seed
from routing.presets import asks_usage, betas, preset_for
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


@pytest.mark.parametrize(
    ("provider", "quirks"),
    [
        ("openai", ()),
        ("anthropic", ()),
        ("anybody", ("old_max_tokens",)),
        ("mistral", ("nine_character_call_ids", "no_openai_bookkeeping", "no_stream_options", "old_max_tokens")),
        ("deepseek", ("old_max_tokens", "reasoning_with_calls")),
        ("vllm", ("old_max_tokens", "takes_top_k")),
    ],
)
def test_unnamed_quirks_are_the_presets(provider: str, quirks: tuple[str, ...]) -> None:
    """An entry that names no quirks gets those of its provider: most servers know `max_tokens` only."""
    seed = read_seed(PLAIN.format(provider=provider))
    assert next(iter(seed.configuration.upstreams.values())).quirks == quirks


def test_empty_list_of_quirks_switches_the_presets_off() -> None:
    """`quirks: []` means none, and is written again on export."""
    seed = read_seed(PLAIN.format(provider="anybody") + "  quirks: []\n")
    assert next(iter(seed.configuration.upstreams.values())).quirks == ()
    assert "quirks: []" in write_seed(seed.configuration)


@pytest.mark.parametrize(
    ("provider", "base_url", "quirks", "asked"),
    [
        ("openai", "https://api.openai.com", (), True),
        ("anthropic", "https://api.anthropic.com", (), True),
        ("xai", "https://api.x.ai", (), True),
        ("azure_openai", "https://acme.example/openai/v1", (), True),
        ("openai", "http://127.0.0.1:51001", (), False),
        ("openai", "https://api.openai.com", ("no_stream_options",), False),
        ("mistral", "https://api.mistral.ai", (), False),
        ("anybody", "https://llm.example", (), False),
    ],
)
def test_usage_is_asked_of_servers_that_are_known_to_take_it(
    provider: str, base_url: str, quirks: tuple[str, ...], asked: bool
) -> None:
    """A provider's own servers are known; another address under its name may be anything."""
    assert asks_usage(provider, base_url, quirks) is asked


@pytest.mark.parametrize(("provider", "taken"), [("anthropic", ("*",)), ("claude", ("*",)), ("ollama", ()), ("x", ())])
def test_only_anthropic_is_known_to_take_every_beta(provider: str, taken: tuple[str, ...]) -> None:
    """A look-alike is sent none, unless its operator says so."""
    assert betas(provider) == taken
