"""What a model can do, as data: the capabilities by which a request's encoder decides.

The table is keyed by the beginning of the model's name; the longest match wins. Sources: the vendors' model pages and
recorded refusals, November 2026.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Reasoning efforts, from least to most."""


class ForcedChoice(Enum):
    """When a model lets a client force the use of a tool."""

    ALWAYS = "always"
    WITHOUT_THINKING = "without_thinking"
    NEVER = "never"


class Profile(Struct, frozen=True, kw_only=True):
    """Capabilities of one model. `efforts` are those that it takes, () if it does not reason on request.

    `max_tokens_field` is the chat member for the output limit. `strict_tools`, `verbosity`: whether these members are
    taken. `reads_top_k`: the extension `top_k` is taken.

    For upstreams that speak messages: `max_output_tokens` is the most that the model can write in one reply. `thinking`
    are the forms that it takes (enabled with a budget, adaptive, between_tools, disabled) and `thinking_efforts` the
    efforts of the adaptive one. `temperature_with_top_p`: both at once are taken. `prefill`: a conversation may end
    with the model's own words. `system_messages`: instructions may stand among the messages. `structured_output`: an
    answer or a tool's input can be held to a schema. `bound_thinking`: thoughts are valid only after the very same
    tools and messages. `web_search`: the provider searches the web itself. `automatic_cache`: one mark for the whole
    request caches its longest beginning.
    """

    sampling: bool = True
    stop: bool = True
    efforts: tuple[str, ...] = EFFORTS
    max_tokens_field: str = "max_completion_tokens"
    strict_tools: bool = True
    verbosity: bool = True
    reads_top_k: bool = False
    system_role: str = "system"
    max_output_tokens: int = 4096
    thinking: tuple[str, ...] = ()
    thinking_efforts: tuple[str, ...] = ()
    temperature_with_top_p: bool = True
    prefill: bool = True
    forced_choice: ForcedChoice = ForcedChoice.ALWAYS
    system_messages: bool = False
    structured_output: bool = False
    bound_thinking: bool = False
    web_search: bool = False
    automatic_cache: bool = False


_REASONING = Profile(sampling=False, stop=False, efforts=("low", "medium", "high"))

_CLAUDE = Profile(web_search=True, automatic_cache=True)
_BUDGETED = replace(
    _CLAUDE,
    max_output_tokens=64_000,
    thinking=("enabled", "disabled"),
    forced_choice=ForcedChoice.WITHOUT_THINKING,
)
_CLAUDE_4_5 = replace(_BUDGETED, temperature_with_top_p=False, structured_output=True)
_CLAUDE_4_6 = replace(
    _CLAUDE,
    max_output_tokens=128_000,
    thinking=("adaptive", "enabled", "disabled"),
    thinking_efforts=("low", "medium", "high", "max"),
    temperature_with_top_p=False,
    prefill=False,
    structured_output=True,
)
_CLAUDE_4_7 = replace(
    _CLAUDE_4_6,
    sampling=False,
    thinking=("adaptive", "disabled"),
    thinking_efforts=("low", "medium", "high", "xhigh", "max"),
)
_CLAUDE_4_8 = replace(_CLAUDE_4_7, system_messages=True)
_ALWAYS_THINKING = replace(_CLAUDE_4_8, thinking=("adaptive",))
_FABLE = replace(_ALWAYS_THINKING, forced_choice=ForcedChoice.NEVER)
_CLAUDE_5_5 = replace(_ALWAYS_THINKING, bound_thinking=True)

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
    # A Claude that is newer than this table is taken for one of the newest that are in it.
    ("claude-", _CLAUDE_5_5),
    ("claude-instant", _CLAUDE),
    ("claude-2", _CLAUDE),
    ("claude-3", _CLAUDE),
    ("claude-3-5", replace(_CLAUDE, max_output_tokens=8192)),
    ("claude-3-7", _BUDGETED),
    ("claude-sonnet-4", _BUDGETED),
    ("claude-opus-4", replace(_BUDGETED, max_output_tokens=32_000)),
    (
        "claude-opus-4-1",
        replace(_BUDGETED, max_output_tokens=32_000, temperature_with_top_p=False, structured_output=True),
    ),
    ("claude-sonnet-4-5", _CLAUDE_4_5),
    ("claude-haiku-4-5", _CLAUDE_4_5),
    ("claude-opus-4-5", _CLAUDE_4_5),
    ("claude-sonnet-4-6", _CLAUDE_4_6),
    ("claude-opus-4-6", _CLAUDE_4_6),
    ("claude-opus-4-7", _CLAUDE_4_7),
    ("claude-opus-4-8", _CLAUDE_4_8),
    ("claude-sonnet-5", _CLAUDE_4_7),
    ("claude-opus-5", _CLAUDE_4_8),
    ("claude-fable-5", _FABLE),
    ("claude-mythos-5", _FABLE),
    ("claude-fable-5-1", replace(_FABLE, bound_thinking=True)),
    ("claude-mythos-5-1", replace(_FABLE, bound_thinking=True)),
    ("claude-fable-5-5", replace(_FABLE, bound_thinking=True)),
    ("claude-mythos-5-5", replace(_FABLE, bound_thinking=True)),
    ("claude-opus-5-5", _CLAUDE_5_5),
    ("claude-sonnet-5-5", replace(_CLAUDE_5_5, thinking=("adaptive", "between_tools"))),
    (
        "claude-haiku-5-5",
        replace(_CLAUDE_5_5, thinking=("adaptive", "disabled"), thinking_efforts=("low", "medium", "high")),
    ),
)


def profile_for(model: str) -> Profile:
    """Return the profile of a model by its upstream name; a model that is not in the table takes everything."""
    bare = _bare_name(model)
    matches = [(len(prefix), profile) for prefix, profile in MODELS if bare.startswith(prefix)]
    return max(matches, key=lambda match: match[0])[1] if matches else Profile()


def _bare_name(model: str) -> str:
    """Return the name without what resellers put before it; they also write Claude's versions with dots."""
    bare = model.rsplit("/", 1)[-1]
    before, claude, version = bare.partition("claude-")
    # Nothing but a region and a vendor (`us.anthropic.`) stands before the name: `my-claude-clone` is no Claude.
    return claude + version.replace(".", "-") if claude and (not before or before.endswith(".")) else bare


def clamp_effort(effort: str, profile: Profile) -> str:
    """Return the effort nearest to `effort` that the profile takes, never a higher one if a lower one exists."""
    if effort in profile.efforts or effort not in EFFORTS:
        return effort
    rank = EFFORTS.index(effort)
    lower = [known for known in profile.efforts if EFFORTS.index(known) < rank]
    return lower[-1] if lower else profile.efforts[0]
