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
    taken. `reads_top_k`: the extension `top_k` is taken. `sampling`: temperature and its kin are taken while nothing is
    said of an effort, `sampling_with_effort`: also beside one, `sampling_at_none`: at least while the model is told not
    to reason; see `takes_sampling`.

    For upstreams that speak chat: `chat_tools_need_effort_none`: function tools are taken only while the model does not
    reason. `chat_effort_max`: the effort max is taken, if the model has it. `web_search_options`: the provider searches
    the web itself, if this member asks for it. `bookkeeping`: members about users, caches, tiers and metadata are
    taken. `logprobs`: log probabilities can be asked for. `required_choice`: the client can require a call without
    naming the tool. `think_tags`: the text of a reply begins with the thoughts, between tags.

    For upstreams that speak responses: `cache_breakpoints`: parts of the prompt can be marked for the cache, and the
    cache can be warmed up without an answer. `mcp_servers`: the provider calls them itself. `compaction`: the provider
    shortens a conversation that grows too long.

    For upstreams that speak messages: `max_output_tokens` is the most that the model can write in one reply. `thinking`
    are the forms that it takes (enabled with a budget, adaptive, between_tools, disabled) and `thinking_efforts` the
    efforts of the adaptive one. `temperature_with_top_p`: both at once are taken. `prefill`: a conversation may end
    with the model's own words. `system_messages`: instructions may stand among the messages. `structured_output`: an
    answer or a tool's input can be held to a schema. `bound_thinking`: thoughts are valid only after the very same
    tools and messages. `web_search`: the provider searches the web itself. `automatic_cache`: one mark for the whole
    request caches its longest beginning.
    """

    sampling: bool = True
    sampling_with_effort: bool = True
    sampling_at_none: bool = False
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
    chat_tools_need_effort_none: bool = False
    chat_effort_max: bool = True
    bookkeeping: bool = True
    logprobs: bool = True
    required_choice: bool = True
    think_tags: bool = False
    web_search_options: bool = False
    cache_breakpoints: bool = False
    mcp_servers: bool = False
    compaction: bool = False

    def takes_sampling(self, effort: str | None) -> bool:
        """Tell whether temperature and its kin are taken beside that effort, None for the model's own.

        A model that reasons refuses them, and one that can be told not to reason takes them then.
        """
        if effort == "none":
            return self.sampling or self.sampling_at_none
        return self.sampling and (effort is None or self.sampling_with_effort)


_REASONING = Profile(
    sampling=False, sampling_with_effort=False, stop=False, efforts=("low", "medium", "high"), mcp_servers=True
)
# These reason only if they are told to.
_REASONING_ON_REQUEST = Profile(
    sampling_with_effort=False, efforts=("none", "low", "medium", "high", "xhigh"), mcp_servers=True
)
_REASONING_WITH_CACHE = replace(
    _REASONING, chat_tools_need_effort_none=True, chat_effort_max=False, cache_breakpoints=True, compaction=True
)
_SILENCEABLE = replace(_REASONING, sampling_at_none=True, chat_tools_need_effort_none=True)
_SILENCEABLE_WITH_CACHE = replace(
    _REASONING_WITH_CACHE, sampling_at_none=True, efforts=("none", "low", "medium", "high", "xhigh", "max")
)
_SEARCHING = Profile(sampling=False, efforts=(), web_search_options=True)
_WITHOUT_REASONING = Profile(efforts=(), mcp_servers=True)

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
    # These take instructions in the user's words only.
    ("o1-mini", replace(_REASONING, efforts=(), system_role="user")),
    ("o1-preview", replace(_REASONING, efforts=(), system_role="user")),
    ("o3", _REASONING),
    ("o4", _REASONING),
    ("gpt-5", replace(_REASONING, efforts=("minimal", "low", "medium", "high"))),
    ("gpt-5-chat", _WITHOUT_REASONING),
    ("gpt-5.1", replace(_REASONING_ON_REQUEST, efforts=("none", "low", "medium", "high"))),
    ("gpt-5.2", _REASONING_ON_REQUEST),
    ("gpt-5.3", _REASONING_ON_REQUEST),
    ("gpt-5.4", replace(_REASONING_ON_REQUEST, chat_tools_need_effort_none=True)),
    ("gpt-5.5", replace(_SILENCEABLE, efforts=("none", "low", "medium", "high", "xhigh"))),
    ("gpt-5.6", _SILENCEABLE_WITH_CACHE),
    ("gpt-6", replace(_REASONING_WITH_CACHE, efforts=("low", "medium", "high", "xhigh", "max"))),
    ("gpt-5-search-api", _SEARCHING),
    ("gpt-4o-search-preview", _SEARCHING),
    ("gpt-4o-mini-search-preview", _SEARCHING),
    ("gpt-4", _WITHOUT_REASONING),
    ("gpt-3.5", Profile(efforts=())),
    # xAI's models that reason refuse `stop`, and most of them to be told how much.
    ("grok-3-mini", Profile(stop=False, efforts=("low", "high"))),
    ("grok-4", Profile(stop=False, efforts=())),
    ("grok-4.3", Profile(stop=False, efforts=("none", "low", "medium", "high"))),
    ("grok-4.5", Profile(stop=False, efforts=("low", "medium", "high"))),
    ("grok-4.6", Profile(stop=False, efforts=("low", "medium", "high", "xhigh"))),
    ("grok-code", Profile(stop=False, efforts=())),
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
    # All from 5.1 on; a date behind the name of 5 begins with a 2 and is taken for one of them, which is the safe side.
    *((f"claude-fable-5-{minor}", replace(_FABLE, bound_thinking=True)) for minor in range(1, 10)),
    *((f"claude-mythos-5-{minor}", replace(_FABLE, bound_thinking=True)) for minor in range(1, 10)),
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
