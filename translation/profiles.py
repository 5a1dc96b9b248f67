"""What a model can do, as data: the capabilities by which a request's encoder decides.

The table is keyed by the beginning of the model's name; the longest match wins. Sources: the vendors' model pages and
recorded refusals, November 2026.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Reasoning efforts, from least to most."""


class Profile(Struct, frozen=True, kw_only=True):
    """Capabilities of one model. `efforts` are those that it takes, () if it does not reason on request.

    `max_tokens_field` is the chat member for the output limit. `strict_tools`, `verbosity`: whether these members are
    taken. `reads_top_k`: the extension `top_k` is taken.
    """

    sampling: bool = True
    stop: bool = True
    efforts: tuple[str, ...] = EFFORTS
    max_tokens_field: str = "max_completion_tokens"
    strict_tools: bool = True
    verbosity: bool = True
    reads_top_k: bool = False
    system_role: str = "system"


_REASONING = Profile(sampling=False, stop=False, efforts=("low", "medium", "high"))

MODELS: tuple[tuple[str, Profile], ...] = (
    ("o1", _REASONING),
    ("o3", _REASONING),
    ("o4", _REASONING),
    ("gpt-5", replace(_REASONING, efforts=("minimal", "low", "medium", "high"))),
    ("gpt-5-chat", Profile(efforts=())),
    ("gpt-5.1", Profile(efforts=("none", "low", "medium", "high"))),
    ("gpt-5.2", Profile(efforts=("none", "low", "medium", "high", "xhigh"))),
    ("gpt-5.3", Profile(efforts=("none", "low", "medium", "high", "xhigh"))),
    ("gpt-5.4", Profile(efforts=("none", "low", "medium", "high", "xhigh"))),
    ("gpt-5.5", replace(_REASONING, efforts=EFFORTS)),
    ("gpt-5.6", replace(_REASONING, efforts=EFFORTS)),
    ("gpt-6", replace(_REASONING, efforts=("minimal", "low", "medium", "high", "xhigh"))),
    ("gpt-4", Profile(efforts=())),
    ("gpt-3.5", Profile(efforts=())),
)


def profile_for(model: str) -> Profile:
    """Return the profile of a model by its upstream name; a model that is not in the table takes everything."""
    bare = model.rsplit("/", 1)[-1]
    matches = [(len(prefix), profile) for prefix, profile in MODELS if bare.startswith(prefix)]
    return max(matches, key=lambda match: match[0])[1] if matches else Profile()


def clamp_effort(effort: str, profile: Profile) -> str:
    """Return the effort nearest to `effort` that the profile takes, never a higher one if a lower one exists."""
    if effort in profile.efforts or effort not in EFFORTS:
        return effort
    rank = EFFORTS.index(effort)
    lower = [known for known in profile.efforts if EFFORTS.index(known) < rank]
    return lower[-1] if lower else profile.efforts[0]
