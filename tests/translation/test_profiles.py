"""What models can do: which row of the table is meant, and what becomes of an effort that a model does not take."""

from __future__ import annotations

import pytest

from translation.profiles import EFFORTS, MODELS, Profile, clamp_effort, profile_for

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
    ],
)
def test_longest_beginning_of_the_name_decides(model: str, row: str) -> None:
    """A model has the profile of the longest row that its name begins with, whatever stands before a slash."""
    assert profile_for(model) == TABLE[row]


@pytest.mark.parametrize("model", ["mistral-large", "llama-3.3-70b-versatile", "", "my/gpt", "/"])
def test_unknown_model_takes_everything(model: str) -> None:
    """A model that is not in the table is sent what the client asked for: the upstream knows better."""
    assert profile_for(model) == Profile()


@pytest.mark.parametrize(("prefix", "profile"), MODELS)
def test_efforts_of_a_row_are_known_and_in_order(prefix: str, profile: Profile) -> None:
    """The efforts of each row are words of the scale, from least to most, as the clamping relies on."""
    ranks = [EFFORTS.index(effort) for effort in profile.efforts]
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
