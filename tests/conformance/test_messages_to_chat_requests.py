"""Statements about requests of Messages clients on their way to a chat upstream."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.grammar.chat import check_request
from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.running import RunningGateway
from tests.translation.answers import ANSWERS, whole_of
from tests.translation.relaying import CIRCUMSTANCES, DEPLOYMENT, MINIMAL
from translation.envelope import Envelope, seal
from translation.failures import RequestRefused
from translation.translator import Destination, Translation, translate_request

Wire = dict[str, Any]

ROUTES = 'model_providers: [{{model: acme/of-chat, access_key: $OPENAI_API_KEY, base_url: "{url}"}}]'
HI = {"role": "user", "content": "hi"}
ADD = {"name": "add", "input_schema": {"type": "object", "properties": {}}}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PNG_SENT = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


def asked(model: str = "upstream-model", quirks: tuple[str, ...] = (), **fields: Any) -> tuple[Wire, Translation]:
    """Return the lawful chat body that the smallest request with these fields becomes, and its translation."""
    to = Destination(shape="chat", model=model, quirks=quirks, deployment=DEPLOYMENT)
    made = translate_request({**MINIMAL["messages"], **fields}, "messages", to, CIRCUMSTANCES, "alias")
    body: Wire = json.loads(made.body)
    if not quirks:
        check_request(body)
    return body, made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningGateway, FakeUpstream]]:
    """A gateway with a chat upstream behind it."""
    folder = tmp_path_factory.mktemp("messages")
    with FakeUpstream() as upstream, RunningGateway(folder, ROUTES.format(url=upstream.url)) as serving:
        upstream.answer(whole(whole_of("chat", ANSWERS["text"])))
        yield serving, upstream


def refusal(**fields: Any) -> RequestRefused:
    """Return why the smallest request with these fields is refused."""
    with pytest.raises(RequestRefused) as caught:
        asked(**fields)
    assert caught.value.failure.status == 400
    return caught.value


def text(words: str, **members: Any) -> Wire:
    """Write a text block, which is a content part of chat as well."""
    return {"type": "text", "text": words, **members}


def use(call_id: str, **given: Any) -> Wire:
    """Write a call."""
    return {"type": "tool_use", "id": call_id, "name": "add", "input": given}


def result(call_id: str, content: Any = "3", **members: Any) -> Wire:
    """Write the result of a call."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **members}


def session(*said: Wire, then: list[Wire]) -> list[Wire]:
    """Write a conversation in which the model said these blocks and the user answers with others."""
    return [HI, {"role": "assistant", "content": list(said)}, {"role": "user", "content": then}]


@pytest.mark.parametrize(
    ("system", "sent", "dropped"),
    [
        ("One.", "One.", ()),
        ([text("One."), text("Two.")], "One.\n\nTwo.", ()),
        ([text("x-anthropic-billing-header: cc_version=2; cch=1;"), text("One.")], "One.", ("system[0]",)),
        ([text("One."), text("x-anthropic-billing-header: cch=1;")], "One.", ("system[1]",)),
        ("Never say x-anthropic-billing-header: aloud.", "Never say x-anthropic-billing-header: aloud.", ()),
    ],
)
def test_system_prompt(system: object, sent: str, dropped: tuple[str, ...]) -> None:
    """91. A system prompt, be it a string or an array, becomes one system message; of its blocks only those that begin
    with Claude Code's billing line are removed, and reported."""
    body, made = asked(system=system)
    assert body["messages"] == [{"role": "system", "content": sent}, HI]
    assert made.dropped == dropped


def test_results_and_text() -> None:
    """92. A user turn of two tool results and a text becomes two tool messages and a user message, in this order."""
    body, _ = asked(messages=session(use("1"), use("2"), then=[result("1", "a"), result("2", "b"), text("So?")]))
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "1", "content": "a"},
        {"role": "tool", "tool_call_id": "2", "content": "b"},
        {"role": "user", "content": "So?"},
    ]


def test_text_before_results() -> None:
    """93. Text that stands before a tool result in the same message is moved after it, as the result must follow its
    call at once."""
    body, _ = asked(messages=session(use("1"), then=[text("Here:"), result("1")]))
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "1", "content": "3"},
        {"role": "user", "content": "Here:"},
    ]


def test_failed_result() -> None:
    """94. A tool result with is_error begins with the mark `[tool_error] ` in chat, and the change is reported; in a
    chat client's tool message the mark becomes is_error again."""
    body, made = asked(messages=session(use("1"), then=[result("1", "no such city", is_error=True)]))
    assert body["messages"][2] == {"role": "tool", "tool_call_id": "1", "content": "[tool_error] no such city"}
    assert made.coerced == ("messages[2].content[0].is_error",)
    wire = {"model": "alias", "messages": body["messages"]}
    to = Destination(shape="messages", model="claude-sonnet-4-5")
    back = json.loads(translate_request(wire, "chat", to, CIRCUMSTANCES, "alias").body)["messages"][2]["content"][0]
    assert (back["content"], back["is_error"]) == ("no such city", True)


def test_image_in_a_result() -> None:
    """95. An image in a tool result leaves a placeholder in its tool message and is attached, under the id of its call,
    in one user message after all tool messages."""
    then = [result("1", [text("a"), PNG]), result("2", [PNG]), text("So?")]
    body, _ = asked(messages=session(use("1"), use("2"), then=then))
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "1", "content": [text("a"), text("[image 1 attached below]")]},
        {"role": "tool", "tool_call_id": "2", "content": "[image 2 attached below]"},
        {
            "role": "user",
            "content": [
                text("Attachment for tool call 1:"),
                PNG_SENT,
                text("Attachment for tool call 2:"),
                PNG_SENT,
                text("So?"),
            ],
        },
    ]


@pytest.mark.parametrize(
    "spelling",
    ["{}", '{"b": 1.0, "a":1e3,\n"n":18446744073709551617}', '{"t":"\\u00e9\\/ \\"q\\""}', '{ "z":{"a":[ ]}}'],
)
def test_input_of_a_call(served: tuple[RunningGateway, FakeUpstream], spelling: str) -> None:
    """96. The bytes of a tool_use block's input are the arguments string of the chat call, exactly as the client wrote
    them."""
    wire = {**MINIMAL["messages"], "model": "of-chat", "messages": session(use("1", x="?"), then=[result("1")])}
    serving, upstream = served
    httpx2.post(f"{serving.url}/v1/messages", content=json.dumps(wire).replace('{"x": "?"}', spelling).encode())
    (call,) = json.loads(upstream.last.body)["messages"][1]["tool_calls"]
    assert call["function"] == {"name": "add", "arguments": spelling}


def test_text_after_a_call() -> None:
    """97. Text after a tool_use block in one turn keeps its words, which move before the call, and is reported."""
    body, made = asked(messages=session(text("a"), use("1"), text("b"), then=[result("1")]))
    assert body["messages"][1]["content"] == "ab"
    assert [call["id"] for call in body["messages"][1]["tool_calls"]] == ["1"]
    assert made.coerced == ("messages[1].content[2]",)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "secret", "signature": "EooCCkYI"},
        {"type": "thinking", "thinking": "secret", "signature": ""},
        {"type": "redacted_thinking", "data": "secret"},
        {
            "type": "thinking",
            "thinking": "secret",
            "signature": seal(Envelope("chat", "another", ({"reasoning_content": "secret"},))),
        },
        {
            "type": "thinking",
            "thinking": "secret",
            "signature": seal(Envelope("responses", DEPLOYMENT, ({"type": "reasoning"},))),
        },
    ],
)
def test_foreign_thinking(block: Wire) -> None:
    """98. Thinking that another provider or account made, signed or redacted, is dropped and reported; nothing of it is
    sent, not even as text."""
    body, made = asked(messages=[HI, {"role": "assistant", "content": [block, text("a")]}, HI])
    assert body["messages"] == [HI, {"role": "assistant", "content": "a"}, HI]
    assert made.dropped == ("messages[1].content[0]",)
    assert b"secret" not in made.body


def test_reasoning_content_in_a_tool_loop() -> None:
    """99. The reasoning_content of an upstream such as DeepSeek's goes back to it beside the calls that it led to, and
    where it is lost, an upstream that insists on it gets a blank one."""
    sealed = seal(Envelope("chat", DEPLOYMENT, ({"reasoning_content": "Hm."},)))
    thinking = {"type": "thinking", "thinking": "Hm.", "signature": sealed}
    loop = session(thinking, use("1"), then=[result("1")])
    body, made = asked(messages=loop, quirks=("reasoning_with_calls",))
    assert body["messages"][1]["reasoning_content"] == "Hm."
    assert body["messages"][1]["tool_calls"][0]["id"] == "1"
    assert made.dropped == ()
    lost, _ = asked(messages=session(use("1"), then=[result("1")]), quirks=("reasoning_with_calls",))
    assert lost["messages"][1]["reasoning_content"] == " "


@pytest.mark.parametrize(
    ("choice", "members"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "add"}, {"tool_choice": {"type": "function", "function": {"name": "add"}}}),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            {"tool_choice": "required", "parallel_tool_calls": False},
        ),
        ({"type": "auto", "disable_parallel_tool_use": False}, {"tool_choice": "auto"}),
    ],
)
def test_tool_choice(choice: Wire, members: Wire) -> None:
    """100. The tool choices auto, any, none and tool become auto, required, none and the named function, and
    disable_parallel_tool_use becomes parallel_tool_calls false."""
    body, made = asked(tools=[ADD], tool_choice=choice)
    assert {name: body[name] for name in ("tool_choice", "parallel_tool_calls") if name in body} == members
    assert (made.dropped, made.coerced) == ((), ())


def test_stop_sequences() -> None:
    """101. Of more than four stop sequences the first four are sent, and the rest is reported."""
    body, made = asked(stop_sequences=list("abcdef"))
    assert body["stop"] == list("abcd")
    assert made.dropped == ("stop_sequences[4:]",)


CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (CLOSED, True),
        ({**CLOSED, "additionalProperties": True}, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"a": CLOSED}}, True),
    ],
)
def test_output_format(schema: Wire, strict: bool) -> None:
    """102. A JSON schema for the answer is sent as it is, and as strict exactly if every object in it is closed and
    requires all of its members."""
    body, _ = asked(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "output", "schema": schema, "strict": strict},
    }


@pytest.mark.parametrize(
    ("model", "fields", "effort", "coerced"),
    [
        *[
            ("upstream-model", {"output_config": {"effort": word}}, word, ())
            for word in ("low", "medium", "high", "max")
        ],
        ("upstream-model", {"thinking": {"type": "disabled"}}, "none", ()),
        ("upstream-model", {"thinking": {"type": "between_tools"}}, "low", ("thinking=between_tools>low",)),
        ("upstream-model", {"thinking": {"type": "adaptive"}}, None, ()),
        ("upstream-model", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}, "xhigh", ()),
        *[
            ("upstream-model", {"thinking": {"type": "enabled", "budget_tokens": budget}}, word, ())
            for budget, word in [(1024, "low"), (2048, "low"), (2049, "medium"), (8193, "high"), (24577, "xhigh")]
        ],
        ("upstream-model", {}, None, ()),
        ("o3", {"thinking": {"type": "disabled"}}, "low", ("thinking=none>low",)),
        ("gpt-5", {"thinking": {"type": "disabled"}}, "minimal", ("thinking=none>minimal",)),
        ("gpt-5.2", {"output_config": {"effort": "max"}}, "xhigh", ("output_config.effort=max>xhigh",)),
    ],
)
def test_effort(model: str, fields: Wire, effort: str | None, coerced: tuple[str, ...]) -> None:
    """103. Efforts keep their word, thinking that is disabled becomes the effort none, and a budget the effort of its
    size; what the model lacks becomes the next lower effort it has, or its lowest, and is reported."""
    body, made = asked(model, **fields)
    assert (body.get("reasoning_effort"), made.coerced) == (effort, coerced)


def test_stream_asks_for_usage() -> None:
    """104. A stream is asked for together with its token counts, and no stream without them."""
    assert asked(stream=True)[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in asked(stream=False)[0]


@pytest.mark.parametrize(
    ("user_id", "plain"), [("user-1", True), ("x" * 64, True), ("x" * 65, False), ("someone@example.test", False)]
)
def test_end_user(user_id: str, plain: bool) -> None:
    """105. The end user's id becomes safety_identifier and prompt_cache_key, as it is or, if it is longer than 64
    characters or looks like a mail address, as its SHA-256 of 64 characters."""
    body, _ = asked(metadata={"user_id": user_id})
    sent = user_id if plain else hashlib.sha256(user_id.encode()).hexdigest()
    assert body["safety_identifier"] == body["prompt_cache_key"] == sent
    assert len(sent) <= 64


FETCH = {"type": "web_fetch_20250910", "name": "web_fetch"}
SEARCH = {
    "type": "web_search_20250305",
    "name": "web_search",
    "user_location": {"type": "approximate", "city": "Oslo"},
}


def test_server_tools() -> None:
    """106. A tool that the client's vendor runs is dropped and reported while other tools remain, and refused where it
    is forced or the only one; web search goes to a model that searches by itself."""
    body, made = asked(tools=[FETCH, ADD, SEARCH])
    assert [tool["function"]["name"] for tool in body["tools"]] == ["add"]
    assert made.dropped == ("tools[0]", "tools[2]")
    assert refusal(tools=[FETCH]).failure.param == "tools[0]"
    assert refusal(tools=[ADD, SEARCH], tool_choice={"type": "tool", "name": "web_search"}).failure.param == "tools[1]"
    searching, _ = asked("gpt-4o-search-preview", tools=[SEARCH])
    place = {"type": "approximate", "approximate": {"city": "Oslo"}}
    assert searching["web_search_options"] == {"user_location": place}
    assert "tools" not in searching


def test_cache_marks() -> None:
    """107. No cache_control reaches an upstream without explicit cache breakpoints, in whatever place it stood."""
    mark = {"cache_control": {"type": "ephemeral"}}
    marked: Wire = {
        **mark,
        "system": [text("One.", **mark)],
        "tools": [ADD | mark],
        "messages": session(
            text("a", **mark), use("1") | mark, then=[result("1", [text("3", **mark)], **mark), PNG | mark]
        ),
    }
    _, made = asked(**marked)
    assert b"cache_control" not in made.body
    assert b"breakpoint" not in made.body
    _, taken = asked("gpt-5.6-sol", **marked)
    assert b"cache_control" not in taken.body
    assert taken.body.count(b'"prompt_cache_breakpoint":{"mode":"explicit"}') == 3


def test_output_limit() -> None:
    """108. The output limit is written as max_completion_tokens, and as max_tokens for an upstream that knows that name
    only."""
    body, _ = asked(max_tokens=7)
    assert ("max_tokens" in body, body["max_completion_tokens"]) == (False, 7)
    old, _ = asked(max_tokens=7, quirks=("old_max_tokens",))
    assert ("max_completion_tokens" in old, old["max_tokens"]) == (False, 7)


@pytest.mark.parametrize("member", ["temperature", "top_p", "top_k"])
def test_removed_sampling(served: tuple[RunningGateway, FakeUpstream], member: str) -> None:
    """109. From version 2026-10-21 of the API on, temperature, top_p and top_k are refused with status 400, in the
    native API's own words; a client of an older version may send them."""
    serving, _ = served
    wire = {**MINIMAL["messages"], "model": "of-chat", member: 1}

    def answer(**headers: str) -> httpx2.Response:
        return httpx2.post(f"{serving.url}/v1/messages", json=wire, headers=headers)

    refused = answer(**{"anthropic-version": "2026-10-21"})
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "type": "invalid_request_error",
        "message": f"{member}: Extra inputs are not permitted",
    }
    assert answer(**{"anthropic-version": "2023-06-01"}).status_code == 200
    assert answer().status_code == 200


def test_documents() -> None:
    """110. A document of text is sent as text between document tags, with its title; a document by URL is refused with
    status 400, since chat has no place for one."""
    source = {"type": "text", "media_type": "text/plain", "data": "words"}
    body, _ = asked(messages=[{"role": "user", "content": [{"type": "document", "title": "a", "source": source}]}])
    assert body["messages"][0]["content"] == '<document title="a">\nwords\n</document>'
    by_url = {"type": "document", "source": {"type": "url", "url": "https://a.example/a.pdf"}}
    assert refusal(messages=[{"role": "user", "content": [by_url]}]).failure.param == "messages[0].content[0]"
