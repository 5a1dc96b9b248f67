"""The neutral events of a reply: what every stream decoder yields and every stream encoder takes.

Rules, kept by decoders and relied on by encoders: one Start comes first; a PartStart before any PartDelta of its key
and exactly one PartEnd after them; then exactly one Finish, at most one Usage after it, and one End. A Failure may come
at any time and is the last. Keys are small integers, unique in one reply; parts of several keys may be open at once.

A reply that does not stream is the same list of events (see `reply.py`), so both forms share every rule.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from msgspec import Struct

from translation.failures import Failure
from translation.hub import Citation, ToolKind, WebSearch


class PartKind(Enum):
    """What a part of a reply is."""

    TEXT = "text"
    REFUSAL = "refusal"
    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    WEB_SEARCH = "web_search"


class StopReason(Enum):
    """Why the model stopped. TOOL_CALLS and END are both normal; an encoder looks at what was emitted as well."""

    END = "end"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_CALLS = "tool_calls"
    MAX_TOKENS = "max_tokens"
    CONTEXT_WINDOW = "context_window"
    REFUSAL = "refusal"
    PAUSE = "pause"
    UNKNOWN = "unknown"


class Start(Struct, frozen=True, gc=False):
    """The reply begins; `id` and `model` as the upstream gave them, `created` in Unix seconds (0: not given)."""

    id: str = ""
    model: str = ""
    created: int = 0
    service_tier: str | None = None


class PartStart(Struct, frozen=True, gc=False):
    """A part opens. `call_id` and `name` are a tool call's; `tool` its kind as the upstream said it.

    `phase` is a text's, where the wire has it. A web search has the provider's id of it as its `call_id`. `summary`
    marks reasoning whose words are a summary of the thoughts, not the thoughts themselves.
    """

    key: int
    kind: PartKind
    call_id: str = ""
    name: str = ""
    tool: ToolKind = ToolKind.FUNCTION
    phase: str | None = None
    summary: bool = False


class PartDelta(Struct, frozen=True, gc=False):
    """A piece of the part's text: words, thoughts, or the characters of a call's arguments."""

    key: int
    text: str


class PartOpaque(Struct, frozen=True, gc=False):
    """The opaque state of a reasoning part, sealed (see `envelope.py`) or native; replaces an earlier one."""

    key: int
    opaque: str


class PartCitation(Struct, frozen=True, gc=False):
    """A source of the text part."""

    key: int
    citation: Citation


class PartLogprobs(Struct, frozen=True):
    """Log probabilities of the tokens of the part's last delta, as both OpenAI shapes write them."""

    key: int
    logprobs: tuple[Any, ...]


class PartSearch(Struct, frozen=True):
    """What the provider searched the web for, and found; replaces an earlier one."""

    key: int
    search: WebSearch


class PartEnd(Struct, frozen=True, gc=False):
    """The part is complete."""

    key: int


class Finish(Struct, frozen=True, gc=False):
    """The model stopped. `stop_sequence` is the string that matched.

    `detail` is a refusal's explanation: "" where the model declined without one, None where a filter stopped it.
    """

    reason: StopReason
    stop_sequence: str | None = None
    detail: str | None = None


class Usage(Struct, frozen=True, gc=False):
    """Tokens of one reply. `input_tokens` excludes both cache counts; `output_tokens` includes `reasoning_tokens`."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int | None = None
    web_searches: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All input tokens, cached or not: what the OpenAI shapes count as the prompt."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


class End(Struct, frozen=True, gc=False):
    """The upstream said that the reply is over."""


Event = (
    Start
    | PartStart
    | PartDelta
    | PartOpaque
    | PartCitation
    | PartLogprobs
    | PartSearch
    | PartEnd
    | Finish
    | Usage
    | Failure
    | End
)
