"""Thoughts between tags at the beginning of a text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.translation.relaying import CIRCUMSTANCES, DEPLOYMENT, MINIMAL, chat_stream, chunk, cuts
from translation.envelope import Envelope, unseal
from translation.events import PartKind
from translation.reply import Reply
from translation.shapes.chat.think_tags import ThinkTags
from translation.translator import Destination, Translation, translate_reply, translate_request

TEXTS = [
    ("<think>Hm.</think>So.", "Hm.", "So.", "<think>Hm.</think>"),
    ("\n<think>\nHm.\n</think>\n\nSo.", "\nHm.\n", "So.", "\n<think>\nHm.\n</think>\n\n"),
    ("<think>a < b </thin </think>So </think>.", "a < b </thin ", "So </think>.", "<think>a < b </thin </think>"),
    ("<think></think>So.", "", "So.", "<think></think>"),
    ("<think>Hm.", "Hm.", "", "<think>Hm."),
    ("<think>Hm.</thi", "Hm.</thi", "", "<think>Hm.</thi"),
    ("<think>Hm.</think>\n", "Hm.", "", "<think>Hm.</think>\n"),
    ("So <think>Hm.</think>", "", "So <think>Hm.</think>", ""),
    ("<thi", "", "<thi", ""),
    ("  \n", "", "  \n", ""),
    ("<thinking>Hm.", "", "<thinking>Hm.", ""),
    ("", "", "", ""),
]


@pytest.mark.parametrize(("text", "thought", "words", "native"), TEXTS)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_text_is_split_at_its_tags(text: str, thought: str, words: str, native: str, size: int) -> None:
    """However the text is cut, what stands between the tags is thought, what follows are words, and no other is."""
    tags = ThinkTags()
    said = [tags.feed(text[at : at + size]) for at in range(0, len(text), size)]
    said.append(tags.close())
    assert ("".join(piece[0] for piece in said), "".join(piece[1] for piece in said)) == (thought, words)
    assert tags.native == native


def asked(quirks: tuple[str, ...] = ("think_tags",), **fields: Any) -> Translation:
    """Return the translation of the smallest request to such an upstream."""
    to = Destination(shape="chat", model="m", quirks=quirks, deployment=DEPLOYMENT)
    return translate_request({**MINIMAL["messages"], **fields}, "messages", to, CIRCUMSTANCES, "m")


def replied(text: str, *, streamed: bool, quirks: tuple[str, ...] = ("think_tags",)) -> Reply:
    """Return the reply of an upstream that says this text."""
    if streamed:
        pieces = [chunk(None, content=piece.decode()) for piece in cuts(text.encode(), 3)]
        return translate_reply(chat_stream(*pieces, chunk("stop")), asked(quirks), streamed=True).reply
    body = {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}
    return translate_reply(json.dumps(body).encode(), asked(quirks)).reply


@pytest.mark.parametrize("streamed", [True, False])
def test_tagged_thoughts_come_and_go_back(streamed: bool) -> None:
    """The thoughts of such an upstream are a part of their own, and go back to it as they stood in its text."""
    text = "<think>\nHm.\n</think>\n\nSo."
    thought, said = replied(text, streamed=streamed).parts
    assert (thought.kind, thought.text, said.text) == (PartKind.REASONING, "\nHm.\n", "So.")
    assert unseal(thought.opaque) == Envelope("chat", DEPLOYMENT, ({"think_tags": text.removesuffix("So.")},))
    block = {"type": "thinking", "thinking": thought.text, "signature": thought.opaque}
    hi = {"role": "user", "content": "hi"}
    history = [hi, {"role": "assistant", "content": [block, {"type": "text", "text": "So."}]}, hi]
    assert json.loads(asked(messages=history).body)["messages"][1] == {"role": "assistant", "content": text}


def test_tags_of_other_upstreams_are_words() -> None:
    """Where nothing is known of such tags, a model may write them like any words."""
    (said,) = replied("<think>Hm.</think>So.", streamed=True, quirks=()).parts
    assert (said.kind, said.text) == (PartKind.TEXT, "<think>Hm.</think>So.")
