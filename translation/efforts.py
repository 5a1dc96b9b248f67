"""How much a model shall think: the effort that a client asked for, in OpenAI's words or in a budget of tokens."""

from __future__ import annotations

from translation.hub import Request

# Upper limits of the thinking budgets that count as one effort; a budget above the last is `xhigh`.
_EFFORT_OF_BUDGET = ((2048, "low"), (8192, "medium"), (24576, "high"))
_MEMBERS = {"messages": "output_config.effort", "responses": "reasoning.effort"}


def asked_effort(request: Request) -> tuple[str | None, str]:
    """Return the effort that the client means, None if it leaves that open, and its member that says so."""
    if request.effort is not None:
        return request.effort, _effort_member(request)
    thinking = request.thinking
    if thinking is None or thinking.mode == "adaptive":
        return None, ""
    if thinking.mode == "disabled":
        return "none", "thinking"
    if thinking.mode == "between_tools":
        return "low", "thinking"
    budget = thinking.budget or 0
    return next((name for limit, name in _EFFORT_OF_BUDGET if budget <= limit), "xhigh"), _thinking_member(request)


def overruled_member(request: Request) -> str | None:
    """Return the client's member that asks for another thinking than its effort, which counts; None if none does."""
    thinking = request.thinking
    if request.effort is None or thinking is None or thinking.mode == "adaptive":
        return None
    if thinking.mode == "enabled" and "thinking" in request.echo:
        return "thinking.budget_tokens"
    return None if thinking.mode == "disabled" and request.effort == "none" else _thinking_member(request)


def _effort_member(request: Request) -> str:
    if request.origin == "chat" and request.echo.get("reasoning_effort") is None and "reasoning" in request.echo:
        return "reasoning.effort"
    return _MEMBERS.get(request.origin, "reasoning_effort")


def _thinking_member(request: Request) -> str:
    return "thinking" if request.echo.get("thinking") or "reasoning" not in request.echo else "reasoning.max_tokens"
