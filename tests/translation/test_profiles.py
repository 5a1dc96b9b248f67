"""What models can do: which row of the table is meant, and what becomes of an effort that a model does not take."""

from __future__ import annotations

import pytest

from translation.profiles import EFFORTS, MODELS, ForcedChoice, Profile, clamp_effort, profile_for

TABLE = dict(MODELS)


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("o3", "o3"),
        ("o4-mini-2025-04-16", "o4"),
        ("gpt-5", "gpt-5"),
        ("gpt-5-mini", "gpt-5"),
        ("gpt-5-chat-latest", "gpt-5-chat"),
        ("gpt-5.2-codex", "gpt-5.2"),
        ("openai/gpt-5.6-sol", "gpt-5.6"),
        ("gpt-4o-mini", "gpt-4"),
        ("claude-sonnet-4-0", "claude-sonnet-4"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-3-7-sonnet-latest", "claude-3-7"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("anthropic/claude-opus-4.6", "claude-opus-4-6"),
        ("claude-sonnet-5", "claude-sonnet-5"),
        ("claude-sonnet-5-5", "claude-sonnet-5-5"),
        ("claude-mythos-5-1", "claude-mythos-5-1"),
        ("claude-nova-7", "claude-"),
    ],
)
def test_longest_beginning_of_the_name_decides(model: str, row: str) -> None:
    """A model has the profile of the longest row that its name begins with, whatever stands before a slash."""
    assert profile_for(model) == TABLE[row]


@pytest.mark.parametrize("model", ["mistral-large", "llama-3.3-70b-versatile", "", "my/gpt", "/", "my-claude-4"])
def test_unknown_model_takes_everything(model: str) -> None:
    """A model that is not in the table is sent what the client asked for: the upstream knows better."""
    assert profile_for(model) == Profile()


@pytest.mark.parametrize(("prefix", "profile"), MODELS)
def test_efforts_of_a_row_are_known_and_in_order(prefix: str, profile: Profile) -> None:
    """The efforts of each row are words of the scale, from least to most, as the clamping relies on."""
    for efforts in (profile.efforts, profile.thinking_efforts):
        ranks = [EFFORTS.index(effort) for effort in efforts]
        assert ranks == sorted(set(ranks)), prefix


@pytest.mark.parametrize(
    ("asked", "efforts", "given"),
    [
        ("medium", ("low", "medium", "high"), "medium"),
        ("max", ("low", "medium", "high"), "high"),
        ("xhigh", ("low", "medium", "high"), "high"),
        ("minimal", ("none", "low"), "none"),
        ("none", ("low", "medium", "high"), "low"),
        ("minimal", ("low", "medium"), "low"),
        ("medium", ("none", "low", "high"), "low"),
        ("ultra", ("low", "high"), "ultra"),
    ],
)
def test_effort_is_clamped_downward(asked: str, efforts: tuple[str, ...], given: str) -> None:
    """An effort that the model lacks becomes the next lower one, or its lowest; a word of no scale is left alone."""
    assert clamp_effort(asked, Profile(efforts=efforts)) == given


BUDGETED = ("enabled", "disabled")
SILENCEABLE = ("adaptive", "disabled")


@pytest.mark.parametrize(
    ("model", "limit", "thinking", "efforts"),
    [
        ("claude-opus-4-0", 32_000, BUDGETED, ""),
        ("claude-opus-4-1", 32_000, BUDGETED, ""),
        ("claude-sonnet-4-0", 64_000, BUDGETED, ""),
        ("claude-sonnet-4-5", 64_000, BUDGETED, ""),
        ("claude-haiku-4-5", 64_000, BUDGETED, ""),
        ("claude-opus-4-5", 64_000, BUDGETED, ""),
        ("claude-sonnet-4-6", 128_000, ("adaptive", "enabled", "disabled"), "low medium high max"),
        ("claude-opus-4-6", 128_000, ("adaptive", "enabled", "disabled"), "low medium high max"),
        ("claude-opus-4-7", 128_000, SILENCEABLE, "low medium high xhigh max"),
        ("claude-opus-4-8", 128_000, SILENCEABLE, "low medium high xhigh max"),
        ("claude-sonnet-5", 128_000, SILENCEABLE, "low medium high xhigh max"),
        ("claude-opus-5", 128_000, SILENCEABLE, "low medium high xhigh max"),
        ("claude-fable-5", 128_000, ("adaptive",), "low medium high xhigh max"),
        ("claude-mythos-5", 128_000, ("adaptive",), "low medium high xhigh max"),
        ("claude-opus-5-5", 128_000, ("adaptive",), "low medium high xhigh max"),
        ("claude-sonnet-5-5", 128_000, ("adaptive", "between_tools"), "low medium high xhigh max"),
        ("claude-haiku-5-5", 128_000, SILENCEABLE, "low medium high"),
        ("qwen3-coder", 4096, (), ""),
    ],
)
def test_claude_thinks_as_the_vendor_says(model: str, limit: int, thinking: tuple[str, ...], efforts: str) -> None:
    """The output limit, the forms of thinking and the efforts of each model are those of the vendor's pages."""
    profile = profile_for(model)
    assert (profile.max_output_tokens, profile.thinking) == (limit, thinking)
    assert profile.thinking_efforts == tuple(efforts.split())


@pytest.mark.parametrize(
    ("capability", "models"),
    [
        ("sampling", "opus-4-0 opus-4-1 sonnet-4-0 sonnet-4-5 haiku-4-5 opus-4-5 sonnet-4-6 opus-4-6"),
        ("temperature_with_top_p", "opus-4-0 sonnet-4-0"),
        ("prefill", "opus-4-0 opus-4-1 sonnet-4-0 sonnet-4-5 haiku-4-5 opus-4-5"),
        ("system_messages", "opus-4-8 opus-5 fable-5 mythos-5 fable-5-1 opus-5-5 sonnet-5-5 haiku-5-5"),
        ("bound_thinking", "fable-5-1 opus-5-5 sonnet-5-5 haiku-5-5"),
    ],
)
def test_claude_can_what_the_vendor_says(capability: str, models: str) -> None:
    """The models that have a capability are these and no others."""
    every = (
        "opus-4-0 opus-4-1 sonnet-4-0 sonnet-4-5 haiku-4-5 opus-4-5 sonnet-4-6 opus-4-6 opus-4-7 opus-4-8 sonnet-5 "
        "opus-5 fable-5 mythos-5 fable-5-1 opus-5-5 sonnet-5-5 haiku-5-5"
    )
    able = [name for name in every.split() if getattr(profile_for(f"claude-{name}"), capability)]
    assert able == models.split()


@pytest.mark.parametrize(
    ("model", "forced"),
    [
        ("claude-sonnet-4-5", ForcedChoice.WITHOUT_THINKING),
        ("claude-opus-4-6", ForcedChoice.ALWAYS),
        ("claude-fable-5", ForcedChoice.NEVER),
        ("claude-opus-5-5", ForcedChoice.ALWAYS),
        ("qwen3-coder", ForcedChoice.ALWAYS),
    ],
)
def test_claude_can_be_forced_as_the_vendor_says(model: str, forced: ForcedChoice) -> None:
    """Some models use a tool on demand, some only when they need not think, some never."""
    assert profile_for(model).forced_choice is forced
