"""A fourth shape, made of nothing but the record that a shape is: it speaks with the other three both ways.

A request is `{"model": m, "lines": [["user", text], ["model", text]]}`, a reply `{"line": text}`, a stream any number
of `{"piece": text}` and then `{"over": true}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from tests.translation import official_clients
from tests.translation.answers import Answer, events_of, stream_of, whole_of
from tests.translation.conversations import GRAMMARS, MODELS, REQUEST_RULES, conversation
from tests.translation.relaying import DEPLOYMENT, MINIMAL, cuts, streamed, translation
from translation.events import End, Event, Finish, PartDelta, PartEnd, PartKind, PartStart, Start, StopReason
from translation.exchange import Exchange
from translation.failures import TRUNCATED, Failure, RequestRefused
from translation.hub import AssistantText, Request, Text, UserItem
from translation.ledger import Ledger
from translation.profiles import Profile
from translation.reply import Reply, ReplyPart
from translation.shapes import SHAPES
from translation.shapes.shape import ClientSide, Shape, UpstreamSide
from translation.sse import ServerSentEvent, encode_event
from translation.translator import translate_reply

Wire = dict[str, Any]
OTHERS = ("chat", "messages", "responses")
LINES = [["user", "Grüße?"], ["model", "Hm 東."], ["user", "And now?"]]
STREAM = b'data: {"piece":"Gr\xc3\xbc"}\n\ndata: {"piece":"\xc3\x9fe \xf0\x9f\x91\xa9"}\n\ndata: {"over":true}\n\n'
WHOLE = '{"line":"Grüße 👩"}'.encode()


def decode_request(wire: Wire, ledger: Ledger) -> Request:
    """Return what a toy client asks for."""
    items = [
        UserItem(parts=(Text(text=text),)) if who == "user" else AssistantText(parts=(Text(text=text),))
        for who, text in wire["lines"]
    ]
    return Request(origin="toy", model=wire["model"], echo=wire, stream=wire.get("stream", False), items=tuple(items))


def encode_request(request: Request, model: str, profile: Profile, deployment: str, ledger: Ledger) -> Wire:
    """Return the body for a toy upstream; it takes text only."""
    lines = []
    for item in request.items:
        if not isinstance(item, UserItem | AssistantText):
            raise RequestRefused("A toy takes text only.", param=item.at)
        text = "".join(part.text for part in item.parts if isinstance(part, Text))
        lines.append(["user" if isinstance(item, UserItem) else "model", text])
    return {"model": model, "lines": lines}


def decode_reply(wire: Wire, exchange: Exchange) -> Reply:
    """Return what a toy upstream says."""
    said = ReplyPart(kind=PartKind.TEXT, text=wire["line"])
    return Reply(start=Start(), parts=(said,), finish=Finish(StopReason.END))


def encode_reply(reply: Reply, exchange: Exchange) -> Wire:
    """Return what a toy client reads."""
    return {"line": "".join(part.text for part in reply.parts if part.kind is PartKind.TEXT)}


class ToyDecoder:
    """Reads the stream of a toy upstream."""

    def __init__(self, exchange: Exchange) -> None:
        self._begun = False

    def decode(self, event: ServerSentEvent) -> Iterable[Event]:
        """Return a piece, or the end."""
        wire = msgspec.json.decode(event.data)
        opening = () if self._begun else (Start(), PartStart(0, PartKind.TEXT))
        self._begun = True
        told = (PartEnd(0), Finish(StopReason.END), End()) if "over" in wire else (PartDelta(0, wire["piece"]),)
        return (*opening, *told)

    def close(self) -> Iterable[Event]:
        """Return that the end is missing; it is asked for only where it did not come."""
        return (TRUNCATED,)


class ToyEncoder:
    """Writes the stream of a toy client."""

    def __init__(self, exchange: Exchange) -> None:
        self._texts: set[int] = set()

    def encode(self, event: Event) -> bytes:
        """Return a piece, the end, or an error."""
        match event:
            case PartStart(key=key, kind=PartKind.TEXT):
                self._texts.add(key)
            case PartDelta(key=key, text=text) if key in self._texts:
                return encode_event("", msgspec.json.encode({"piece": text}))
            case End():
                return encode_event("", b'{"over":true}')
            case Failure():
                return encode_event("", msgspec.json.encode({"error": event.message}))
        return b""

    def keep_alive(self) -> bytes:
        """Return a comment."""
        return b": wait\n\n"


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter the shape in the table, which is all that it takes; errors and tap are as good as any other's."""
    client = ClientSide(decode_request=decode_request, encode_reply=encode_reply, stream_encoder=ToyEncoder)
    upstream = UpstreamSide(
        encode_request=encode_request, decode_reply=decode_reply, stream_decoder=ToyDecoder, tool_name_max=64
    )
    shape = replace(SHAPES["chat"], name="toy", path="/toy", client=client, upstream=upstream)
    monkeypatch.setitem(cast(dict[str, Shape], SHAPES), "toy", shape)


@pytest.mark.parametrize("upstream", OTHERS)
def test_toy_client_asks_every_upstream(upstream: str) -> None:
    """Its conversation is a lawful request of each other shape, turn by turn."""
    made = translation("toy", {"model": "alias", "lines": LINES}, MODELS[upstream], DEPLOYMENT, upstream)
    body = msgspec.json.decode(made.body)
    REQUEST_RULES[upstream](body)
    said = conversation(upstream, body)
    assert [message["role"] for message in said] == ["user", "assistant", "user"]
    assert all(text in msgspec.json.encode(message).decode() for message, (_, text) in zip(said, LINES, strict=True))


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("upstream", OTHERS)
def test_toy_client_reads_every_upstream(upstream: str, size: int) -> None:
    """It reads the text of each other shape's stream and whole reply."""
    relay = translation("toy", {"model": "alias", "lines": LINES[:1]}, MODELS[upstream], DEPLOYMENT, upstream)
    answer = Answer("Grüße 👩")
    told = streamed(relay, cuts(stream_of(upstream, answer), size))
    assert (
        told
        == b'data: {"piece":"Gr\xc3\xbc\xc3\x9fe"}\n\ndata: {"piece":" \xf0\x9f\x91\xa9"}\n\ndata: {"over":true}\n\n'
    )
    assert translate_reply(whole_of(upstream, answer), relay).body == WHOLE


@pytest.mark.parametrize("upstream", OTHERS)
def test_toy_client_is_told_that_a_stream_broke(upstream: str) -> None:
    """The end that never came is an error in its words."""
    relay = translation("toy", {"model": "alias", "lines": LINES[:1]}, MODELS[upstream], DEPLOYMENT, upstream)
    told = streamed(relay, [events_of(upstream, Answer("Grüße"))[0]])
    assert told.endswith(b'data: {"error":"the upstream ended its stream before the reply was complete"}\n\n')


@pytest.mark.parametrize("client", OTHERS)
def test_every_client_asks_a_toy_upstream(client: str) -> None:
    """The conversation of each other shape reaches it as lines."""
    said = [{"role": {"user": "user", "model": "assistant"}[who], "content": text} for who, text in LINES]
    wire = {**MINIMAL[client], "input" if client == "responses" else "messages": said}
    assert msgspec.json.decode(translation(client, wire, "toy-1", DEPLOYMENT, "toy").body) == {
        "model": "toy-1",
        "lines": LINES,
    }


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("client", OTHERS)
def test_every_client_reads_a_toy_upstream(client: str, size: int) -> None:
    """Each official client makes the same text of its stream, lawfully told, and of its whole reply."""
    relay = translation(client, None, "toy-1", DEPLOYMENT, "toy")
    told = streamed(relay, cuts(STREAM, size))
    assert GRAMMARS[client](told)
    whole = official_clients.of_whole(client, translate_reply(WHOLE, relay).body)
    assert text_of(client, official_clients.of_stream(client, told)) == text_of(client, whole) == "Grüße 👩"


def text_of(client: str, reply: Wire) -> str:
    """Return the text of a reply whose upstream counts nothing."""
    if client == "chat":
        return str(reply["choices"][0]["message"]["content"])
    parts = reply["content"] if client == "messages" else reply["output"][0]["content"]
    return "".join(part["text"] for part in parts)
