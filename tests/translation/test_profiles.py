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
        ("gpt-4o-search-preview-2025-03-11", "gpt-4o-search-preview"),
        ("gpt-6.1-sol", "gpt-6"),
        ("o1-mini-2024-09-12", "o1-mini"),
        ("o1-2024-12-17", "o1"),
        ("xai/grok-4-0709", "grok-4"),
        ("grok-4.3", "grok-4.3"),
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


OPENAIS = "o3 gpt-4.1 gpt-5 gpt-5.1 gpt-5.4 gpt-5.5 gpt-5.6-sol gpt-6-astra claude-opus-5 qwen3-coder"


@pytest.mark.parametrize(
    ("capability", "models"),
    [
        ("cache_breakpoints", "gpt-5.6-sol gpt-6-astra"),
        ("compaction", "gpt-5.6-sol gpt-6-astra"),
        ("mcp_servers", "o3 gpt-4.1 gpt-5 gpt-5.1 gpt-5.4 gpt-5.5 gpt-5.6-sol gpt-6-astra"),
    ],
)
def test_openais_models_can_what_the_vendor_says(capability: str, models: str) -> None:
    """The models whose provider does this are these and no others; of one that is not in the table nothing is known."""
    assert [name for name in OPENAIS.split() if getattr(profile_for(name), capability)] == models.split()


@pytest.mark.parametrize(
    ("model", "by_default", "silent", "thinking"),
    [
        ("gpt-4.1", True, True, True),
        ("gpt-5", False, False, False),
        ("gpt-5.1", True, True, False),
        ("gpt-5.6", False, True, False),
        ("gpt-6", False, False, False),
        ("qwen3-coder", True, True, True),
    ],
)
def test_sampling_is_taken_by_models_that_do_not_reason(
    model: str, by_default: bool, silent: bool, thinking: bool
) -> None:
    """Beside an effort, beside none at all, and where nothing is said of it, each model takes it or refuses it."""
    profile = profile_for(model)
    taken = [profile.takes_sampling(effort) for effort in (None, "none", "low")]
    assert taken == [by_default, silent, thinking]


@pytest.mark.parametrize(
    ("model", "efforts", "needs_none", "max_on_chat", "breakpoints"),
    [
        ("o3", "low medium high", False, True, False),
        ("gpt-5", "minimal low medium high", False, True, False),
        ("gpt-5.2", "none low medium high xhigh", False, True, False),
        ("gpt-5.4-mini", "none low medium high xhigh", True, True, False),
        ("gpt-5.5", "none low medium high xhigh", True, True, False),
        ("gpt-5.6-sol", "none low medium high xhigh max", True, False, True),
        ("gpt-6-astra", "low medium high xhigh max", True, False, True),
        ("gpt-4o", "", False, True, False),
    ],
)
def test_openai_reasons_as_the_vendor_says(
    model: str, efforts: str, needs_none: bool, max_on_chat: bool, breakpoints: bool
) -> None:
    """Efforts, the trouble with function tools on the chat wire, and cache breakpoints are those of each generation."""
    profile = profile_for(model)
    assert profile.efforts == tuple(efforts.split())
    assert (profile.chat_tools_need_effort_none, profile.chat_effort_max) == (needs_none, max_on_chat)
    assert profile.cache_breakpoints is breakpoints


@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [
        ("o3", None, False),
        ("o3", "low", False),
        ("gpt-5.1", None, True),
        ("gpt-5.1", "none", True),
        ("gpt-5.1", "low", False),
        ("gpt-5.6-sol", None, False),
        ("gpt-5.6-sol", "none", True),
        ("gpt-5.6-sol", "low", False),
        ("claude-opus-4-7", None, False),
        ("claude-opus-4-7", "none", False),
        ("claude-opus-4-7", "low", False),
        ("claude-sonnet-4-5", "low", True),
        ("gpt-4o-search-preview", None, False),
        ("qwen3-coder", "low", True),
    ],
)
def test_sampling_depends_on_the_effort(model: str, effort: str | None, taken: bool) -> None:
    """Some models take temperature always, some while they do not reason, and some never."""
    assert profile_for(model).takes_sampling(effort) is taken
