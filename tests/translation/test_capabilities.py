"""An operator's corrections of a model's profile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translation.relaying import CIRCUMSTANCES
from translation.capabilities import InvalidCapability, corrected, members_of, read_capabilities
from translation.profiles import EFFORTS, ForcedChoice, Profile, profile_for
from translation.translator import Destination, translate_request


def test_a_correction_replaces_one_member_and_leaves_the_others() -> None:
    """Words become what a profile has them as, in its own order."""
    written = {"thinking_efforts": ["high", "low"], "forced_choice": "never", "max_output_tokens": 9}
    profile = corrected(profile_for("claude-opus-5"), read_capabilities(written))
    assert (profile.thinking_efforts, profile.forced_choice) == (("low", "high"), ForcedChoice.NEVER)
    assert profile.max_output_tokens == 9
    untouched = {name: value for name, value in members_of(profile_for("claude-opus-5")).items() if name not in written}
    assert untouched.items() <= members_of(profile).items()


def test_every_profile_can_be_written_as_corrections() -> None:
    """What admin shows of a profile is what an operator may write."""
    for model in ("gpt-4o", "o1-mini", "claude-haiku-5-5", "anything"):
        profile = profile_for(model)
        written = msgspec.json.decode(msgspec.json.encode(members_of(profile)))
        assert corrected(Profile(), read_capabilities(written)) == profile


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"eforts": ["low"]}, "'eforts' is no capability: choose from"),
        ({"efforts": ["low", "huge"]}, f"efforts cannot be 'huge': choose from {', '.join(EFFORTS)}"),
        ({"efforts": ["low", "low"]}, "efforts lists a word twice"),
        ({"efforts": "low"}, "Expected `array`, got `str`"),
        ({"stop": 1}, "Expected `bool`, got `int`"),
        ({"max_output_tokens": 0}, "max_output_tokens is 0: write a whole number from 1"),
        ({"max_output_tokens": 10.5}, "Expected `int`"),
        ({"forced_choice": "sometimes"}, "Invalid enum value 'sometimes'"),
        ({"max_tokens_field": "max_length"}, "max_tokens_field cannot be 'max_length'"),
        ({"thinking": ["loud"]}, "thinking cannot be 'loud'"),
    ],
)
def test_a_correction_that_no_profile_can_take_is_refused(written: dict[str, Any], message: str) -> None:
    """The message says what was wrong, and what would be right where that is a choice."""
    with pytest.raises(InvalidCapability) as caught:
        read_capabilities(written)
    assert message in str(caught.value)


def test_the_destination_corrects_what_translation_assumes() -> None:
    """A model that the table takes for one that takes everything is asked for no more than the operator says."""
    wire = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}
    assumed = Destination(shape="chat", model="m")
    said = Destination(
        shape="chat", model="m", capabilities=read_capabilities({"sampling": False, "max_tokens_field": "max_tokens"})
    )
    bodies = [
        msgspec.json.decode(translate_request(wire, "messages", to, CIRCUMSTANCES, "m").body) for to in (assumed, said)
    ]
    assert (bodies[0]["temperature"], bodies[0]["max_completion_tokens"]) == (0.5, 5)
    assert "temperature" not in bodies[1]
    assert bodies[1]["max_tokens"] == 5
