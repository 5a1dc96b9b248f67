"""Streams to chat clients.

    chunk(role)  chunk*  chunk(finish_reason)  [chunk(usage)]  [DONE]        or, at any point, an error and nothing more

The role is told with the first thing that there is to tell, since only then it is known whether the text is "" or null.
A call is named once, when it opens; while one is open, the events of other calls wait, for official clients take a call
for complete when the next one begins. Sources come all at once before the finish. The finish waits for the end, since
the usage may come in between. After an error there is no `[DONE]`: a lenient client would take it for success.
"""

from __future__ import annotations

import msgspec

from translation.events import (
    End,
    Event,
    Finish,
    PartCitation,
    PartDelta,
    PartEnd,
    PartKind,
    PartLogprobs,
    PartOpaque,
    PartSearch,
    PartStart,
    Start,
    StopReason,
    Usage,
)
from translation.exchange import Exchange
from translation.failures import Failure
from translation.hub import Citation, ToolKind, Wire
from translation.shapes.chat.client.calls import Call, call_object, call_text, restored_call
from translation.shapes.chat.client.response import (
    THOUGHTS_JOINT,
    Said,
    finish_reason,
    frame,
    is_silent,
    shows_thoughts,
    surplus_call,
    thought_detail,
    unsaid_refusal,
    url_citations,
)
from translation.shapes.chat.client.tools import speaks_functions
from translation.shapes.chat.usage import encode_usage
from translation.shapes.openai_errors import error_object
from translation.sse import encode_event
from translation.stream_state import Phase, after

KEEP_ALIVE = b": keep-alive\n\n"
DONE = b"data: [DONE]\n\n"

_json = msgspec.json.Encoder().encode
_MEMBERS = {PartKind.TEXT: b"content", PartKind.REFUSAL: b"refusal", PartKind.REASONING: b"reasoning_content"}

_PartEvent = PartStart | PartDelta | PartOpaque | PartCitation | PartLogprobs | PartSearch | PartEnd


class _Part:
    """A part of the reply. `head` and `tail` enclose each of its deltas; without them, deltas are gathered or held."""

    __slots__ = ("call", "citations", "head", "kind", "opaque", "pieces", "place", "tail")

    def __init__(self, kind: PartKind) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.head = b""
        self.tail = b""
        self.opaque = ""
        self.citations: list[Citation] = []
        self.call: Call | None = None
        # Of thoughts: how many characters and calls came before them.
        self.place = (0, 0)


class ChatStreamEncoder:
    """Turns hub events into one chat stream; what comes after its end is not told."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._phase = Phase.WAITING
        self._parts: dict[int, _Part] = {}
        self._flowing: dict[int, _Part] = {}
        self._texts: list[_Part] = []
        self._said = Said()
        self._role_told = False
        self._thought = False
        self._details = 0
        # The call that is open, how many there were, and the events of those that wait for its end.
        self._open_call: int | None = None
        self._calls = 0
        self._waiting: dict[int, list[_PartEvent]] = {}
        # A delta that waits for the log probabilities of its tokens.
        self._held = ""
        self._legacy = speaks_functions(exchange.request.echo)
        self._shows_thoughts = shows_thoughts(exchange)
        self._finish = Finish(StopReason.UNKNOWN)
        self._usage: Usage | None = None
        # What every chunk begins with, and the members after `choices` that all but the one with the usage have.
        self._frame = b""
        self._rest = b',"usage":null}\n\n' if exchange.request.include_usage else b"}\n\n"

    def encode(self, event: Event) -> bytes:
        """Return the bytes that one hub event becomes; b"" if none."""
        if type(event) is PartDelta:
            part = self._flowing.get(event.key)
            if part is not None and event.text:
                part.pieces.append(event.text)
                return part.head + _json(event.text) + part.tail
        if self._phase in (Phase.ENDED, Phase.FAILED):
            return b""
        self._phase = after(self._phase, type(event))
        before = b"" if isinstance(event, PartLogprobs) else self._released(())
        match event:
            case Start():
                self._frame = b"data: " + _json(frame(event, "chat.completion.chunk", self._exchange))[:-1]
                return b""
            case Finish():
                self._finish = event
                return before
            case Usage():
                self._usage = event
                return b""
            case End():
                return self._ended()
            case Failure():
                self._flowing.clear()
                return before + encode_event("", _json({"error": {**error_object(event), "param": None}}))
            case _:
                return before + self._about_part(event)

    def keep_alive(self) -> bytes:
        """Return a comment, which is legal between any two chunks."""
        return KEEP_ALIVE

    def _about_part(self, event: _PartEvent) -> bytes:
        if event.key in self._waiting:
            self._waiting[event.key].append(event)
            return b""
        if isinstance(event, PartStart) and event.kind is PartKind.TOOL_CALL and self._open_call is not None:
            self._waiting[event.key] = [event]
            return b""
        told = self._told(event)
        while self._open_call is None and self._waiting:
            key = next(iter(self._waiting))
            told += b"".join([self._told(waited) for waited in self._waiting.pop(key)])
        return told

    def _told(self, event: _PartEvent) -> bytes:
        match event:
            case PartStart():
                return self._started(event)
            case PartDelta():
                return self._delta(event.key, event.text)
            case PartOpaque():
                self._parts[event.key].opaque = event.opaque
                return b""
            case PartCitation():
                self._parts[event.key].citations.append(event.citation)
                return b""
            case PartLogprobs():
                return self._released(event.logprobs) if self._parts[event.key].kind is PartKind.TEXT else b""
            case PartSearch():
                return b""
            case PartEnd():
                return self._part_ended(event.key)

    def _started(self, start: PartStart) -> bytes:
        part = self._parts[start.key] = _Part(start.kind)
        if start.kind is PartKind.TEXT:
            self._texts.append(part)
        if start.kind is PartKind.REASONING:
            part.place = sum(len(piece) for text in self._texts for piece in text.pieces), self._calls_begun()
        if start.kind is not PartKind.TOOL_CALL:
            return b""
        self._said.call = True
        self._open_call = start.key
        number = self._calls
        self._calls += 1
        call = part.call = restored_call(start.call_id, start.name, start.tool, number, self._exchange)
        opening = call_object(call, "")
        if not self._legacy:
            told = self._chunk({"tool_calls": [{"index": number, **opening}]})
            self._open_deltas(part, _call_delta(call, number), b"}}]}")
        elif number == 0:
            told = self._chunk({"function_call": opening["function"]})
            self._open_deltas(part, b'{"function_call":{"arguments":', b"}}")
        else:
            self._exchange.lost.drop(surplus_call(number))
            return b""
        if not call.rewritten:
            self._flowing[start.key] = part
        return told

    def _delta(self, key: int, text: str) -> bytes:
        """Take a delta that does not flow, or has waited: a part's first one, one with logprobs, or a call's."""
        part = self._parts[key]
        if not text or (part.kind is PartKind.REASONING and not self._shows_thoughts):
            return b""
        first = not part.pieces
        part.pieces.append(text)
        if part.call is not None:
            return part.head + _json(text) + part.tail if key in self._flowing else b""
        before = self._role("" if part.kind is PartKind.TEXT else None)
        if part.kind is PartKind.TEXT:
            self._said.text = True
            if self._exchange.request.logprobs:
                self._held = text
                return before
        elif part.kind is PartKind.REFUSAL:
            self._said.refusal = True
        elif first:
            text = THOUGHTS_JOINT + text if self._thought else text
            self._thought = True
        self._open_deltas(part, b'{"%b":' % _MEMBERS[part.kind], b"}")
        self._flowing[key] = part
        return before + part.head + _json(text) + part.tail

    def _part_ended(self, key: int) -> bytes:
        self._flowing.pop(key, None)
        part = self._parts.pop(key)
        if part.call is None:
            return self._detail(part)
        self._open_call = None
        if not part.head:
            return b""
        text = "".join(part.pieces)
        shown = call_text(part.call, text)
        unsent = shown if part.call.rewritten else shown[len(text) :]
        return part.head + _json(unsent) + part.tail if unsent else b""

    def _detail(self, part: _Part) -> bytes:
        if not part.opaque or part.kind is not PartKind.REASONING:
            return b""
        self._details += 1
        return self._chunk({"reasoning_details": [thought_detail(part.opaque, self._details - 1, *part.place)]})

    def _calls_begun(self) -> int:
        return self._calls + len(self._waiting)

    def _released(self, logprobs: tuple[object, ...]) -> bytes:
        """Return the chunk of the delta that was held back until its log probabilities came, or none did."""
        text, self._held = self._held, ""
        if not text and not (logprobs and self._exchange.request.logprobs):
            return b""
        found = {"content": logprobs, "refusal": None} if logprobs else None
        return self._chunk({"content": text} if text else {}, logprobs=found)

    def _role(self, content: str | None) -> bytes:
        """Return the chunk with the role if it was not told yet; `content` is what the text is until there is more."""
        if self._role_told:
            return b""
        self._role_told = True
        return self._chunk({"role": "assistant", "content": content, "refusal": None})

    def _open_deltas(self, part: _Part, head: bytes, tail: bytes) -> None:
        part.head = self._frame + b',"choices":[{"index":0,"delta":' + head
        part.tail = tail + b',"logprobs":null,"finish_reason":null}]' + self._rest

    def _chunk(self, delta: Wire, finish: str | None = None, logprobs: Wire | None = None) -> bytes:
        role = b"" if "role" in delta else self._role(None)
        choice = _json({"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish})
        return b'%b%b,"choices":[%b]%b' % (role, self._frame, choice, self._rest)

    def _ended(self) -> bytes:
        told = [self._unsaid()]
        if sources := url_citations([("".join(part.pieces), part.citations) for part in self._texts]):
            told.append(self._chunk({"annotations": sources}))
        told.append(self._chunk({}, finish_reason(self._finish, self._said, self._usage, self._exchange)))
        if self._usage is not None and self._exchange.request.include_usage:
            told.append(b'%b,"choices":[],"usage":%b}\n\n' % (self._frame, _json(encode_usage(self._usage))))
        return b"".join([*told, DONE])

    def _unsaid(self) -> bytes:
        """Return what a reply without words and calls still says: its refusal, or that its text is empty."""
        if not is_silent(self._said):
            return b""
        refusal = unsaid_refusal(self._finish, self._said)
        if refusal:
            return self._chunk({"refusal": refusal})
        return self._chunk({"content": ""}) if self._role_told else self._role("")


def _call_delta(call: Call, number: int) -> bytes:
    if call.kind is ToolKind.CUSTOM:
        return b'{"tool_calls":[{"index":%d,"custom":{"input":' % number
    return b'{"tool_calls":[{"index":%d,"function":{"arguments":' % number
