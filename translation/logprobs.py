"""The probabilities of the answer's tokens: by which of its members a client asks for them."""

from __future__ import annotations

from translation.hub import Request

INCLUDED = "message.output_text.logprobs"
"""The word by which a member `include` asks for them."""


def logprobs_members(request: Request) -> tuple[str, ...]:
    """Return the paths in the client's body that ask for log probabilities."""
    asked = [name for name in ("logprobs", "top_logprobs") if request.echo.get(name)]
    include = request.echo.get("include")
    words = include if isinstance(include, list) else []
    return (*asked, *(f"include[{index}]" for index, word in enumerate(words) if word == INCLUDED))
