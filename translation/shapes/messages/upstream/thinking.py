"""How hard the model shall think: the client's effort as the `thinking` and `output_config.effort` of the model's kind.

Models of one kind think within a budget of tokens, models of the other as much as the effort says. Thinking gives way
where the wire does not let it be: to a forced tool, to a tight output limit, and in the middle of a tool's use whose
first thoughts are lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from translation.efforts import asked_effort
from translation.hub import Request, ToolChoice, Wire
from translation.ledger import Ledger
from translation.profiles import EFFORTS, ForcedChoice, Profile
from translation.reading import unsupported_value
from translation.shapes.messages.upstream.conversation import THOUGHTS
from translation.shapes.messages.upstream.members import member

BUDGET_MIN = 1024

_BUDGETS: Mapping[str, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}


class Decision(Struct, frozen=True):
    """The members that the body gets: `thinking` and the effort of `output_config`, None for absent."""

    thinking: Wire | None = None
    effort: str | None = None

    @property
    def active(self) -> bool:
        """Tell whether the model has been asked to think."""
        return self.thinking is not None and self.thinking["type"] in ("enabled", "adaptive")


def decide_thinking(
    request: Request, profile: Profile, max_tokens: int, messages: Sequence[Wire], ledger: Ledger
) -> Decision:
    """Return what to ask of the model; reports what of the client's wish is lost."""
    asked, source = asked_effort(request)
    if asked is None:
        return _without_effort(request, profile, ledger)
    if asked not in EFFORTS:
        raise unsupported_value(source, asked, EFFORTS)
    if not profile.thinking:
        if asked != "none":
            ledger.drop(source)
        return Decision()
    display = _display(request)
    if asked == "none":
        return _silenced(source, profile, display, ledger)
    if "adaptive" in profile.thinking:
        effort = _adaptive_effort(asked, profile)
        if effort != asked:
            ledger.coerce(source, asked, effort)
        return Decision({"type": "adaptive", **display}, effort)
    wanted = _wanted_budget(request, asked)
    budget = min(wanted, max_tokens - 1)
    if budget < BUDGET_MIN or _must_not_think(request, profile, messages):
        ledger.drop(source)
        return Decision()
    if budget < wanted:
        ledger.coerce(source)
    return Decision({"type": "enabled", "budget_tokens": budget, **display})


def _without_effort(request: Request, profile: Profile, ledger: Ledger) -> Decision:
    """Return what a request without an effort gets: thinking only where the client or the model means it anyway."""
    wanted = request.thinking is not None and "adaptive" in profile.thinking
    always = "adaptive" in profile.thinking and "disabled" not in profile.thinking
    display = _display(request)
    if wanted or (display and always):
        return Decision({"type": "adaptive", **display})
    if request.thinking is not None:
        ledger.drop("thinking")
    elif display:
        ledger.drop(member(request.origin, "summary"))
    return Decision()


def _silenced(source: str, profile: Profile, display: Wire, ledger: Ledger) -> Decision:
    """Return how the model is asked not to think, or to think least where it cannot help it."""
    if "disabled" in profile.thinking:
        return Decision({"type": "disabled"})
    if "between_tools" in profile.thinking:
        ledger.coerce(source, "none", "between_tools")
        return Decision({"type": "between_tools"})
    ledger.coerce(source, "none", "low")
    return Decision({"type": "adaptive", **display}, "low")


def _adaptive_effort(asked: str, profile: Profile) -> str:
    """Return the effort itself, or the next lower one that the model takes, or its lowest."""
    rank = EFFORTS.index(asked)
    known = [effort for effort in profile.thinking_efforts if EFFORTS.index(effort) <= rank]
    return known[-1] if known else profile.thinking_efforts[0]


def _display(request: Request) -> Wire:
    if request.thinking is not None and request.thinking.display is not None:
        return {"display": request.thinking.display}
    return {"display": "summarized"} if request.reasoning_summary is not None else {}


def _wanted_budget(request: Request, effort: str) -> int:
    """Return the budget that the client names, or that stands for its effort."""
    thinking = request.thinking
    named = thinking.budget if request.effort is None and thinking is not None else None
    return max(named or _BUDGETS[effort], BUDGET_MIN)


def _must_not_think(request: Request, profile: Profile, messages: Sequence[Wire]) -> bool:
    """Tell whether the wire refuses a budget: beside a forced tool, or in a tool's use that began without thoughts."""
    choice = request.tool_choice
    forced = bool(request.tools) and choice is not None and is_forced(choice)
    return (forced and profile.forced_choice is ForcedChoice.WITHOUT_THINKING) or _is_in_thoughtless_use(messages)


def is_forced(choice: ToolChoice) -> bool:
    """Tell whether a choice leaves the model no way but to use a tool."""
    return choice.mode in ("required", "named") or (choice.mode == "allowed" and choice.within == "required")


def _is_in_thoughtless_use(messages: Sequence[Wire]) -> bool:
    """Tell whether the conversation ends with results of calls before which the model's thoughts are missing."""
    if messages[-1]["role"] != "user" or messages[-1]["content"][0]["type"] != "tool_result":
        return False
    thoughtless = True
    for message in reversed(messages):
        kind = message["content"][0]["type"]
        if message["role"] == "assistant":
            thoughtless = thoughtless and kind not in THOUGHTS
        elif kind != "tool_result":
            break
    return thoughtless
