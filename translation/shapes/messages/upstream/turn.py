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
        block = self._blocks[-1]
        member = _PIECES.get(delta.get("type", ""))
        if member is not None and isinstance(delta.get(member), str):
            self._pieces[len(self._blocks) - 1].append(delta[member])
        elif delta.get("type") == "signature_delta":
            self._blocks[-1] = {**block, "signature": delta.get("signature", "")}
        elif delta.get("type") == "citations_delta":
            self._blocks[-1] = {**block, "citations": [*(block.get("citations") or ()), delta.get("citation")]}

    def _whole(self, number: int, block: Wire) -> Wire:
        said = "".join(self._pieces.get(number, ()))
        kind = block.get("type")
        if not said:
            return block
        if kind in ("text", "thinking"):
            return {**block, kind: block.get(kind, "") + said}
        return {**block, "input": msgspec.Raw(said)} if "input" in block else block
