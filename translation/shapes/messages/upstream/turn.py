"""A message kept as the upstream wrote it, block by block, to be sent back word for word.

Only requests that let the vendor run tools of its own need it: a long turn of those is paused by the vendor and goes on
when it gets back what it has said so far; and what its tools found means something to nobody but itself.
"""

from __future__ import annotations

import msgspec

from translation.hub import Wire
from translation.sse import ServerSentEvent

_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class NativeTurn:
    """Gathers the content of one message. What cannot be read is left to the decoder, which says so."""

    def __init__(self) -> None:
        self._blocks: list[Wire] = []
        self._pieces: dict[int, list[str]] = {}

    @property
    def content(self) -> list[Wire]:
        """The blocks so far, whole."""
        return [self._whole(number, block) for number, block in enumerate(self._blocks)]

    def see(self, event: ServerSentEvent) -> None:
        """Read one event of the stream."""
        try:
            wire = msgspec.json.decode(event.data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        if not isinstance(wire, dict):
            return
        if wire.get("type") == "content_block_start" and isinstance(wire.get("content_block"), dict):
            self._pieces[len(self._blocks)] = []
            self._blocks.append(wire["content_block"])
        elif wire.get("type") == "content_block_delta" and isinstance(wire.get("delta"), dict) and self._blocks:
            self._add(wire["delta"])

    def _add(self, delta: Wire) -> None:
        block, kind = self._blocks[-1], delta.get("type")
        member = _PIECES.get(kind) if isinstance(kind, str) else None
        if member is not None and isinstance(delta.get(member), str):
            self._pieces[len(self._blocks) - 1].append(delta[member])
        elif kind == "signature_delta":
            self._blocks[-1] = {**block, "signature": delta.get("signature", "")}
        elif kind == "citations_delta":
            cited = block.get("citations")
            cited = cited if isinstance(cited, list) else []
            self._blocks[-1] = {**block, "citations": [*cited, delta.get("citation")]}

    def _whole(self, number: int, block: Wire) -> Wire:
        said = "".join(self._pieces.get(number, ()))
        kind = block.get("type")
        if not said:
            return block
        if kind in ("text", "thinking"):
            begun = block.get(kind)
            return {**block, kind: (begun if isinstance(begun, str) else "") + said}
        return {**block, "input": msgspec.Raw(said)} if "input" in block and _is_json(said) else block


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
