"""An operator's corrections of a model's profile: what a model at one upstream can do that the table does not know.

Each correction has the name of a member of Profile, and its value as JSON has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from translation.profiles import EFFORTS, Profile

THINKING_FORMS = ("enabled", "adaptive", "between_tools", "disabled")
_CHOICES = {
    "efforts": EFFORTS,
    "thinking_efforts": EFFORTS,
    "thinking": THINKING_FORMS,
    "max_tokens_field": ("max_tokens", "max_completion_tokens"),
    "system_role": ("system", "developer", "user"),
}
_LISTS = ("efforts", "thinking_efforts", "thinking")


class InvalidCapability(ValueError):
    """A correction that no profile can take; the message says what would be right."""


def read_capabilities(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return corrections as a profile has its members; raises InvalidCapability."""
    for name in written:
        if name not in Profile.__struct_fields__:
            known = ", ".join(Profile.__struct_fields__)
            raise InvalidCapability(f"{name!r} is no capability: choose from {known}")
    try:
        profile = msgspec.convert(dict(written), Profile)
    except msgspec.ValidationError as exc:
        raise InvalidCapability(f"a capability has a value that it cannot have: {exc}") from exc
    read = {name: getattr(profile, name) for name in written}
    for name, value in read.items():
        _check(name, value)
    # A profile lists words from least to most; an operator may write them in any order.
    ordered = {name: tuple(word for word in _CHOICES[name] if word in read[name]) for name in _LISTS if name in read}
    return read | ordered


def corrected(profile: Profile, capabilities: Mapping[str, Any]) -> Profile:
    """Return the profile with an operator's corrections, as `read_capabilities` returns them."""
    return replace(profile, **capabilities) if capabilities else profile


def members_of(profile: Profile) -> dict[str, Any]:
    """Return what a profile says, as JSON has it and an operator writes it."""
    members: dict[str, Any] = msgspec.to_builtins(profile)
    return members


def _check(name: str, value: Any) -> None:
    known = _CHOICES.get(name)
    for word in value if isinstance(value, tuple) else (value,):
        if known is not None and word not in known:
            raise InvalidCapability(f"{name} cannot be {word!r}: choose from {', '.join(known)}")
    if isinstance(value, tuple) and len(set(value)) != len(value):
        raise InvalidCapability(f"{name} lists a word twice")
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise InvalidCapability(f"{name} is {value}: write a whole number from 1")
