"""An upstream's reasoning on its way through a client of another shape: sealed with the reply, restored in the request.

The envelope holds the reasoning item as it came, what the provider's own tools did right after it, and a word about the
item that all this led to: the call's id, or the phase of a message, which has no place in other shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from translation.envelope import Envelope, seal, unseal
from translation.hub import AssistantText, Opaque, Reasoning, ToolCall, Wire
from translation.shapes.responses.upstream.searches import SEARCH_CALL

ORIGIN = "responses"

KEPT_HOSTED = (SEARCH_CALL, "mcp_call")
"""Items of tools of the provider's that clients can ask for; the wire wants them behind their reasoning."""

_PHASES = ("commentary", "final_answer")
# Members that are taken back; `status` and the like are refused by some versions of the API.
_MEMBERS = ("type", "id", "summary", "content", "encrypted_content")


class Thought(Struct, frozen=True):
    """Reasoning that can go back: the items as they came, and what they led to."""

    natives: tuple[Wire, ...]
    at: str
    call_id: str = ""
    phase: str | None = None

    def led_to(self, item: AssistantText | ToolCall | Opaque, calls: AbstractSet[str]) -> bool:
        """Tell whether the item may be what this led to; a client may have moved text before the turn's `calls`."""
        if self.call_id not in calls:
            return True
        return isinstance(item, ToolCall) and item.call_id == self.call_id


def sealed_thought(natives: Sequence[Wire], successor: Wire | None, deployment: str) -> str:
    """Return the envelope of reasoning and what tools did after it; `successor` is the item that follows, if any.

    Returns "" if there is nothing in it that the upstream could read again.
    """
    if not natives or not _is_readable(natives[0]):
        return ""
    return seal(Envelope(ORIGIN, deployment, (*natives, *_hint(successor or {}))))


def _hint(successor: Wire) -> tuple[Wire, ...]:
    if successor.get("type") == "message":
        return ({"type": "message", "phase": successor["phase"]},) if successor.get("phase") in _PHASES else ()
    call_id = successor.get("call_id")
    return ({"type": "function_call", "call_id": call_id},) if isinstance(call_id, str) and call_id else ()


def _is_readable(native: Wire) -> bool:
    # A summary alone is for people; without storage the id alone points nowhere.
    return bool(native.get("encrypted_content") or native.get("content"))


def restored_thought(reasoning: Reasoning, deployment: str) -> Thought | None:
    """Return the reasoning as the account behind `deployment` takes it back, None if it cannot read it."""
    envelope = unseal(reasoning.opaque)
    if envelope is None or (envelope.origin, envelope.deployment) != (ORIGIN, deployment) or not envelope.blocks:
        return None
    native, *others = envelope.blocks
    if native.get("type") != "reasoning" or not _is_readable(native):
        return None
    # The envelope went through the client's hands: nothing is sent on but what we would have put in.
    hosted = [other for other in others if other.get("type") in KEPT_HOSTED]
    hint: Wire = next((other for other in others if other.get("type") in ("message", "function_call")), {})
    call_id, phase = hint.get("call_id"), hint.get("phase")
    return Thought(
        natives=(_taken_back(native), *hosted),
        at=reasoning.at,
        call_id=call_id if isinstance(call_id, str) else "",
        phase=phase if phase in _PHASES else None,
    )


def _taken_back(native: Wire) -> Wire:
    kept = {name: native[name] for name in _MEMBERS if native.get(name)}
    return {**kept, "summary": native.get("summary") or []}
