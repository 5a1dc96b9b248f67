"""Turns taken up again: fingerprints of a conversation, what is kept under them, and when it is put back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from tests.translation.answers import ANSWERS, Answer, stream_of, thoughts_of, whole_of
from tests.translation.conversations import MODELS, answered, conversation, request, user
from tests.translation.relaying import CIRCUMSTANCES, DEPLOYMENT
from translation.hub import CacheMark, Request, Text, UserItem
from translation.replay import NOTHING, Scope, kept_turn, put_back, trace
from translation.reply import ReplyCollector
from translation.shapes import SHAPES
from translation.translator import Destination, read_request, translate, translate_reply

Wire = dict[str, Any]
SCOPE = Scope("acme", DEPLOYMENT, "claude-sonnet-4-5")
THINKING = ANSWERS["thinking before tools"]
WORDS = ANSWERS["text"]
NOT_UTF_8 = b"\x92\xc4\x01s\x91\x82\xa4type\xa9Reasoning\xa4text\xa1\xff"
TOO_DEEP = b"\x92\xc4\x01s\x91\x82\xa4type\xa6Opaque\xa6native\x81\xa1a" + b"\x91" * 100_000 + b"\x01"


class Session:
    """A chat client that keeps only role, content and calls, and the gateway with a store behind it."""

    def __init__(self, upstream: str, scope: Scope = SCOPE, store: dict[str, bytes] | None = None) -> None:
        self.upstream, self.scope = upstream, scope
        self.store = {} if store is None else store
        self.history: list[Wire] = []

    def ask(self, *said: Wire, answer: Answer, streamed: bool = True) -> list[Wire]:
        """Say something, let the upstream answer, and return the messages or items that the upstream got."""
        self.history += said
        reading = read_request(request("chat", self.history), "chat")
        found = trace(reading.request, self.scope)
        replayed = put_back(reading.request, found, self.store)
        to = Destination(shape=self.upstream, model=MODELS[self.upstream], deployment=DEPLOYMENT)
        made = translate(replace(reading, request=replayed.request), to, CIRCUMSTANCES, "alias")
        if streamed:
            collector = ReplyCollector()
            stream = made.stream(collector)
            stream.feed(stream_of(self.upstream, answer))
            reply = collector.reply()
        else:
            reply = translate_reply(whole_of(self.upstream, answer), made).reply
        side = SHAPES["chat"].client
        assert side is not None
        assert side.echoed is not None
        key, record = kept_turn(found, replayed.state, reply, side.echoed(reply, made.exchange), made.exchange)
        self.store[key] = record
        message = side.encode_reply(reply, made.exchange)["choices"][0]["message"]
        kept = {name: message[name] for name in ("role", "content", "tool_calls") if name in message}
        self.history.append(kept)
        return conversation(self.upstream, json.loads(made.body))

    def answer_calls(self) -> list[Wire]:
        """Return the results of the last turn's calls."""
        return answered("chat", [call["id"] for call in self.history[-1]["tool_calls"]], "done")


def native(upstream: str, sent: list[Wire]) -> list[Wire]:
    """Return the thoughts among what the upstream got, without their wrapping."""
    if upstream == "messages":
        turns = [message["content"] for message in sent if message["role"] == "assistant"]
        return [block for blocks in turns for block in blocks if "thinking" in block["type"]]
    if upstream == "responses":
        return [item for item in sent if item.get("type") == "reasoning"]
    return [{"reasoning_content": message["reasoning_content"]} for message in sent if "reasoning_content" in message]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("upstream", ["messages", "responses"])
def test_thoughts_come_back_though_the_client_kept_none(upstream: str, streamed: bool) -> None:
    """What the client does not send back is put back as the upstream said it, in both forms of a reply."""
    session = Session(upstream)
    session.ask(user("hi"), answer=THINKING, streamed=streamed)
    sent = session.ask(*session.answer_calls(), answer=WORDS, streamed=streamed)
    thoughts = thoughts_of(upstream, THINKING.thoughts)
    assert [{k: v for k, v in thought.items() if k != "id"} for thought in native(upstream, sent)] == [
        {k: v for k, v in thought.items() if k != "id"} for thought in thoughts
    ]


def test_blocks_of_text_come_back_apart() -> None:
    """The client has one string; the upstream gets the blocks that it wrote."""
    session = Session("messages")
    session.ask(user("hi"), answer=ANSWERS["everything"])
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert [block["type"] for block in sent[1]["content"]][:3] == ["thinking", "redacted_thinking", "text"]


def test_arguments_that_the_client_wrote_anew_are_the_same_turn() -> None:
    """A client that parses arguments and writes them with other blanks and order still gets its thoughts back."""
    session = Session("messages")
    session.ask(user("hi"), answer=THINKING)
    for call in session.history[-1]["tool_calls"]:
        call["function"]["arguments"] = json.dumps(json.loads(call["function"]["arguments"]), indent=2, sort_keys=True)
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == thoughts_of("messages", THINKING.thoughts)
    assert [json.dumps(block["input"], ensure_ascii=False) for block in sent[1]["content"] if "input" in block] == [
        json.dumps(json.loads(call.arguments), ensure_ascii=False) for call in THINKING.calls
    ]


def test_turn_without_thoughts_does_not_hide_those_of_others() -> None:
    """A reply without anything to keep is known as such, so that later thoughts still come back."""
    session = Session("messages")
    session.ask(user("hi"), answer=WORDS)
    assert NOTHING in session.store.values()
    session.ask(user("go on"), answer=THINKING)
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == thoughts_of("messages", THINKING.thoughts)


def test_words_that_no_upstream_said_do_not_hide_the_thoughts_behind_them() -> None:
    """Examples that the client wrote itself are part of the conversation in which the thoughts were made."""
    session = Session("messages")
    session.history = [user("2+2?"), {"role": "assistant", "content": "4"}]
    session.ask(user("hi"), answer=THINKING)
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == thoughts_of("messages", THINKING.thoughts)


def test_missing_turn_takes_all_later_thoughts_with_it() -> None:
    """Thoughts are valid only behind the very same conversation: without the first turn's, no later ones are sent."""
    session = Session("messages")
    session.ask(user("hi"), answer=THINKING)
    first = next(key for key, record in session.store.items() if record)
    session.ask(*session.answer_calls(), answer=THINKING._replace(thoughts="Second."))
    assert len([record for record in session.store.values() if record]) == 2
    del session.store[first]
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == []


def test_edited_turn_is_another_conversation() -> None:
    """A client that changes a word of an old turn gets no thoughts back from there on."""
    session = Session("messages")
    session.ask(user("hi"), answer=ANSWERS["everything"])
    session.ask(*session.answer_calls(), answer=THINKING)
    session.history[0]["content"] = "hello"
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == []


@pytest.mark.parametrize(
    "other",
    [
        Scope("rival", DEPLOYMENT, "claude-sonnet-4-5"),
        Scope("acme", "ffffffffffff", "claude-sonnet-4-5"),
        Scope("acme", DEPLOYMENT, "claude-opus-4-5"),
    ],
)
def test_turns_are_those_of_one_tenant_account_and_model(other: Scope) -> None:
    """The same conversation of another tenant, at another account or model has other fingerprints."""
    session = Session("messages")
    session.ask(user("hi"), answer=THINKING)
    session.scope = other
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == []


def of_words(*words: str) -> Request:
    """Return a request with what the user says."""
    items = tuple(UserItem(parts=(Text(text=each),)) for each in words)
    return Request(origin="chat", model="m", echo={}, items=items)


def test_fingerprint_is_of_what_is_said_and_not_of_how_it_is_marked() -> None:
    """Cache marks, which move from request to request, change no fingerprint; words do."""
    plain = of_words("a", "b")
    marked = replace(plain, items=(UserItem(parts=(Text(text="a", cache=CacheMark()),)), plain.items[1]))
    assert trace(plain, SCOPE) == trace(marked, SCOPE)
    assert trace(plain, SCOPE) == trace(replace(plain, items=(*marked.items[:1], *plain.items[1:])), SCOPE)
    assert trace(plain, SCOPE) != trace(of_words("ab"), SCOPE)
    assert trace(plain, SCOPE) != trace(of_words("a", "b", ""), SCOPE)


def test_thoughts_that_are_bound_to_the_tools_are_so_here() -> None:
    """Where a model checks the tools too, other tools are another conversation; elsewhere they are not."""
    reading = read_request(request("chat", [user("hi")]), "chat").request
    fewer = replace(reading, tools=())
    assert trace(reading, SCOPE) == trace(fewer, SCOPE)
    assert trace(reading, replace(SCOPE, binds=True)) != trace(fewer, replace(SCOPE, binds=True))


@pytest.mark.parametrize("record", [b"garbage", b"\x92\xa0", b"\xc1", NOT_UTF_8, TOO_DEEP])
def test_record_that_cannot_be_read_is_none(record: bytes) -> None:
    """What another version kept, or what was damaged, is missed and breaks nothing."""
    session = Session("messages")
    session.ask(user("hi"), answer=THINKING)
    for key in session.store:
        session.store[key] = record
    sent = session.ask(*session.answer_calls(), answer=WORDS)
    assert native("messages", sent) == []
