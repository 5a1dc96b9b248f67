"""Conversations of both client shapes as chat messages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.grammar.chat import check_request
from tests.translation.relaying import DEPLOYMENT, MINIMAL, translation
from translation.envelope import Envelope, seal
from translation.failures import RequestRefused
from translation.translator import Translation

PNG = "iVBORw0KGgo="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
IMAGE_SENT = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
HI = {"role": "user", "content": "hi"}


def relayed(client: str, **fields: Any) -> tuple[list[dict[str, Any]], Translation]:
    """Return the messages that the smallest request with these fields becomes, and its translation."""
    relay = translation(client, {**MINIMAL[client], **fields})
    body = json.loads(relay.body)
    check_request(body)
    return body["messages"], relay


def text(words: str) -> dict[str, Any]:
    """Return a text part, which is the same in chat and in Messages."""
    return {"type": "text", "text": words}


def use(call_id: str, **given: Any) -> dict[str, Any]:
    """Return a call as a Messages block."""
    return {"type": "tool_use", "id": call_id, "name": "look", "input": given}


def answer(call_id: str, content: Any = "42", **members: Any) -> dict[str, Any]:
    """Return a result as a Messages block."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **members}


def call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    """Return a call as an input item."""
    return {"type": "function_call", "call_id": call_id, "name": "look", "arguments": arguments}


def output(call_id: str, content: Any = "42") -> dict[str, Any]:
    """Return a result as an input item."""
    return {"type": "function_call_output", "call_id": call_id, "output": content}


def called(*calls: tuple[str, str], content: str | None = None, **members: Any) -> dict[str, Any]:
    """Return the chat message of a turn with these calls."""
    tool_calls = [
        {"id": call_id, "type": "function", "function": {"name": "look", "arguments": arguments}}
        for call_id, arguments in calls
    ]
    return {"role": "assistant", "content": content, **members, "tool_calls": tool_calls}


def tool(call_id: str, content: Any = "42") -> dict[str, Any]:
    """Return the chat message of a result."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


MESSAGES = [
    pytest.param({"system": "Be brief."}, [{"role": "system", "content": "Be brief."}, HI], id="system text"),
    pytest.param(
        {"system": [text("a"), {**text("b"), "cache_control": {"type": "ephemeral"}}]},
        [{"role": "system", "content": "a\n\nb"}, HI],
        id="system blocks are one message, without cache marks",
    ),
    pytest.param(
        {"system": [text("x-anthropic-billing-header: cc=1"), text("Be brief.")]},
        [{"role": "system", "content": "Be brief."}, HI],
        id="the attribution block goes",
    ),
    pytest.param(
        {"system": "See x-anthropic-billing-header: in the docs."},
        [{"role": "system", "content": "See x-anthropic-billing-header: in the docs."}, HI],
        id="its words within a text stay",
    ),
    pytest.param({"system": ""}, [HI], id="an empty system text is no message"),
    pytest.param(
        {"messages": [HI, {"role": "system", "content": "Now in French."}, {"role": "assistant", "content": "ok"}]},
        [HI, {"role": "system", "content": "Now in French."}, {"role": "assistant", "content": "ok"}],
        id="a later system message keeps its place",
    ),
    pytest.param(
        {"messages": [{"role": "user", "content": [text("a"), IMAGE, text("b")]}]},
        [{"role": "user", "content": [text("a"), IMAGE_SENT, text("b")]}],
        id="parts keep their order",
    ),
    pytest.param(
        {"messages": [HI, {"role": "assistant", "content": [text("a"), text("b")]}, HI]},
        [HI, {"role": "assistant", "content": "ab"}, HI],
        id="text blocks are joined without a separator",
    ),
    pytest.param(
        {"messages": [HI, {"role": "assistant", "content": "The answer is "}]},
        [HI, {"role": "assistant", "content": "The answer is "}],
        id="a beginning of the answer stays at the end",
    ),
    pytest.param(
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [text("a"), use("1", b=1.0, a="é"), use("2")]},
                {"role": "user", "content": [text("late"), answer("2"), answer("1", [text("x"), text("y")])]},
            ]
        },
        [
            HI,
            called(("1", '{"b":1.0,"a":"é"}'), ("2", "{}"), content="a"),
            tool("2"),
            tool("1", [text("x"), text("y")]),
            {"role": "user", "content": "late"},
        ],
        id="results come first, one message each, then the user's words",
    ),
    pytest.param(
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [use("1")]},
                {"role": "user", "content": [answer("1", [])]},
            ]
        },
        [HI, called(("1", "{}")), tool("1", "")],
        id="no text is null, no result is an empty text",
    ),
    pytest.param(
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [use("1"), use("2")]},
                {"role": "user", "content": [answer("1", [text("see"), IMAGE]), answer("2", [IMAGE]), text("So?")]},
            ]
        },
        [
            HI,
            called(("1", "{}"), ("2", "{}")),
            tool("1", [text("see"), text("[image 1 attached below]")]),
            tool("2", "[image 2 attached below]"),
            {
                "role": "user",
                "content": [
                    text("Attachment for tool call 1:"),
                    IMAGE_SENT,
                    text("Attachment for tool call 2:"),
                    IMAGE_SENT,
                    text("So?"),
                ],
            },
        ],
        id="images of results follow the whole run of results",
    ),
    pytest.param(
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [use("toolu:1")]},
                {"role": "user", "content": [answer("toolu:1")]},
            ]
        },
        [HI, called(("tc_bpbcgmndtukwyxhl4likt743gy", "{}")), tool("tc_bpbcgmndtukwyxhl4likt743gy")],
        id="an id that the wire does not take is the same in call and result",
    ),
    pytest.param(
        {
            "messages": [
                HI,
                {"role": "assistant", "content": [{**use("1"), "input": {"INVALID_JSON": '{"a":'}}]},
                {"role": "user", "content": [answer("1")]},
            ]
        },
        [HI, called(("1", '{"a":')), tool("1")],
        id="broken arguments are the model's own text again",
    ),
    pytest.param(
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
                        {
                            "type": "document",
                            "title": "a.pdf",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
                        },
                    ],
                }
            ]
        },
        [
            {
                "role": "user",
                "content": [
                    text("<document>\nwords\n</document>"),
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
                    },
                ],
            }
        ],
        id="documents are text or files",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), MESSAGES)
def test_messages_become_chat_messages(fields: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    """A Messages conversation has these messages in chat."""
    assert relayed("messages", **fields)[0] == expected


FILE = "data:text/plain;base64," + base64.b64encode(b"words").decode()
THINKING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}

RESPONSES = [
    pytest.param("hi", [HI], id="a text is the user's"),
    pytest.param(
        [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}], [HI], id="one text is a string"
    ),
    pytest.param([{"type": "message", "role": "user", "content": ""}], [{"role": "user", "content": ""}], id="no text"),
    pytest.param([{"role": "user", "content": []}], [{"role": "user", "content": ""}], id="no parts are no text"),
    pytest.param(
        [{"role": "developer", "content": "a"}, HI, {"role": "developer", "content": "b"}, HI],
        [{"role": "developer", "content": "a"}, HI, {"role": "developer", "content": "b"}, HI],
        id="instructions keep their role and their place",
    ),
    pytest.param(
        [
            {
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": "https://e.test/a.png", "detail": "low"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
                    {"type": "input_file", "filename": "a.txt", "file_data": FILE},
                ],
            }
        ],
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://e.test/a.png", "detail": "low"}},
                    IMAGE_SENT,
                    text('<document title="a.txt">\nwords\n</document>'),
                ],
            }
        ],
        id="images and files",
    ),
    pytest.param(
        [
            HI,
            THINKING,
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            call("1", '{"x": 1}'),
            call("2"),
            output("2"),
            output(
                "1", [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "https://e.test/i"}]
            ),
            {"role": "user", "content": "So?"},
        ],
        [
            HI,
            called(("1", '{"x": 1}'), ("2", "{}"), content="a"),
            tool("2"),
            tool("1", [text("x"), text("[image 1 attached below]")]),
            {
                "role": "user",
                "content": [
                    text("Attachment for tool call 1:"),
                    {"type": "image_url", "image_url": {"url": "https://e.test/i"}},
                    text("So?"),
                ],
            },
        ],
        id="one turn is one message, its results follow it",
    ),
    pytest.param(
        [HI, call("1"), {"role": "user", "content": "wait"}, output("1")],
        [HI, called(("1", "{}")), tool("1"), {"role": "user", "content": "wait"}],
        id="a result that comes late moves up to its call",
    ),
    pytest.param(
        [HI, call("1", ""), output("1", "")],
        [HI, called(("1", "{}")), tool("1", "")],
        id="no arguments are an empty object",
    ),
    pytest.param(
        [HI, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, HI],
        [HI, {"role": "assistant", "content": None, "refusal": "No."}, HI],
        id="a refusal stays one",
    ),
    pytest.param(
        [HI, call("1"), output("1", [{"type": "input_image", "image_url": "https://e.test/i"}])],
        [
            HI,
            called(("1", "{}")),
            tool("1", "[image 1 attached below]"),
            {
                "role": "user",
                "content": [
                    text("Attachment for tool call 1:"),
                    {"type": "image_url", "image_url": {"url": "https://e.test/i"}},
                ],
            },
        ],
        id="an image of the last result is attached at the end",
    ),
    pytest.param(
        [HI, {"type": "web_search_call", "id": "ws_1", "status": "completed"}, {"role": "assistant", "content": "a"}],
        [HI, {"role": "assistant", "content": "a"}],
        id="a search of the provider goes, the answer stays",
    ),
]


@pytest.mark.parametrize(("given", "expected"), RESPONSES)
def test_input_items_become_chat_messages(given: Any, expected: list[dict[str, Any]]) -> None:
    """An input of Responses has these messages in chat."""
    assert relayed("responses", input=given)[0] == expected


def test_instructions_come_before_everything() -> None:
    """`instructions` are the first message, before the developer's."""
    messages, _ = relayed("responses", instructions="a", input=[{"role": "developer", "content": "b"}, HI])
    assert messages == [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, HI]


FREEFORM = [
    (
        {"type": "custom_tool_call", "call_id": "1", "name": "sql", "input": "SELECT 1"},
        {"type": "custom_tool_call_output", "call_id": "1", "output": "1"},
        ("sql", '{"input":"SELECT 1"}', "1"),
    ),
    (
        {"type": "shell_call", "call_id": "1", "action": {"commands": ["ls"], "timeout_ms": 5}},
        {
            "type": "shell_call_output",
            "call_id": "1",
            "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
        (
            "shell",
            '{"commands":["ls"],"timeout_ms":5}',
            '[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]',
        ),
    ),
    (
        {"type": "local_shell_call", "call_id": "1", "action": {"type": "exec", "command": ["ls"], "env": {}}},
        {"type": "local_shell_call_output", "id": "1", "output": "a"},
        ("local_shell", '{"command":["ls"],"env":{}}', "a"),
    ),
    (
        {"type": "apply_patch_call", "call_id": "1", "operation": {"type": "delete_file", "path": "a"}},
        {"type": "apply_patch_call_output", "call_id": "1", "status": "completed"},
        ("apply_patch", '{"operation":{"type":"delete_file","path":"a"}}', "completed"),
    ),
]


@pytest.mark.parametrize(("item", "result", "expected"), FREEFORM)
def test_call_of_another_kind_is_a_call_of_its_function(
    item: dict[str, Any], result: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    """A custom, shell or patch call in the history reads as a call of the function that stands for the tool."""
    messages, _ = relayed("responses", input=[HI, item, result])
    function = messages[1]["tool_calls"][0]["function"]
    assert (function["name"], function["arguments"], messages[2]["content"]) == expected


def test_failed_result_is_marked_and_reported() -> None:
    """Chat has no flag for a failed result, so that its text begins with a mark; the change is reported."""
    messages, relay = relayed(
        "messages",
        messages=[
            HI,
            {"role": "assistant", "content": [use("1"), use("2")]},
            {"role": "user", "content": [answer("1", "no such city", is_error=True), answer("2", [], is_error=True)]},
        ],
    )
    assert [message["content"] for message in messages[2:]] == ["[tool_error] no such city", "[tool_error] "]
    assert relay.coerced == ("messages[2].content[0].is_error", "messages[2].content[1].is_error")


def test_text_after_a_call_is_kept_and_reported() -> None:
    """Chat has a turn's text before its calls: a text that came after one moves up, and the change is reported."""
    messages, relay = relayed(
        "messages",
        messages=[
            HI,
            {"role": "assistant", "content": [text("a"), use("1"), text("b")]},
            {"role": "user", "content": [answer("1")]},
        ],
    )
    assert messages[1] == called(("1", "{}"), content="ab")
    assert relay.coerced == ("messages[1].content[2]",)


def envelope(native: dict[str, Any], origin: str = "chat", deployment: str = DEPLOYMENT) -> str:
    """Return the opaque string that a client keeps for an upstream."""
    return seal(Envelope(origin, deployment, (native,)))


def thinking(signature: str) -> dict[str, Any]:
    """Return a Messages conversation whose model thought before it spoke."""
    block = {"type": "thinking", "thinking": "Hm.", "signature": signature}
    return {"messages": [HI, {"role": "assistant", "content": [block, text("a")]}, HI]}


def reasoned(opaque: str) -> dict[str, Any]:
    """Return a Responses input whose model reasoned before it spoke."""
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": opaque}
    return {"input": [HI, item, {"role": "assistant", "content": "a"}, HI]}


HISTORIES = [("messages", thinking), ("responses", reasoned)]


@pytest.mark.parametrize(("client", "history"), HISTORIES)
@pytest.mark.parametrize(
    "native",
    [
        {"reasoning_content": "Hm."},
        {"reasoning": "Hm."},
        {"reasoning": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s"}]},
    ],
)
def test_thoughts_go_back_to_who_had_them(client: str, history: Any, native: dict[str, Any]) -> None:
    """The upstream's reasoning members come back to the same account under the names that it uses."""
    messages, relay = relayed(client, **history(envelope(native)))
    assert messages[1] == {"role": "assistant", "content": "a", **native}
    assert relay.dropped == ()


@pytest.mark.parametrize(("client", "history"), HISTORIES)
@pytest.mark.parametrize(
    "opaque",
    [
        "EooCCkYICxgCKkDYW6Ka",
        "gw1.broken",
        envelope({"reasoning_content": "Hm."}, deployment="another"),
        envelope({"type": "reasoning"}, origin="responses"),
    ],
)
def test_thoughts_of_others_are_dropped_and_reported(client: str, history: Any, opaque: str) -> None:
    """Reasoning of another provider or account, cut or edited, is neither sent nor turned into text."""
    messages, relay = relayed(client, **history(opaque))
    assert messages[1] == {"role": "assistant", "content": "a"}
    assert len(relay.dropped) == 1


@pytest.mark.parametrize(("client", "history"), HISTORIES)
def test_thoughts_among_the_content_go_back_there(client: str, history: Any) -> None:
    """An upstream that writes its thoughts as a part of the content gets them there, and refuses them elsewhere."""
    relay = translation(client, {**MINIMAL[client], **history(envelope({"content_thoughts": "Hm."}))})
    messages = json.loads(relay.body)["messages"]
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    assert messages[1] == {"role": "assistant", "content": [thinking, {"type": "text", "text": "a"}]}
    assert relay.dropped == ()


def test_call_comes_back_with_what_its_upstream_wants_with_it() -> None:
    """Some upstreams sign their calls: the signature goes back with its call, and is no thought of the turn."""
    extra = {"google": {"thought_signature": "Sig+1="}}
    sealed = envelope({"call_id": "2", "extra_content": extra})
    blocks = [use("1"), {"type": "thinking", "thinking": "", "signature": sealed}, use("2")]
    results = {"role": "user", "content": [answer("1"), answer("2")]}
    relay = translation(
        "messages", {**MINIMAL["messages"], "messages": [HI, {"role": "assistant", "content": blocks}, results]}
    )
    message = json.loads(relay.body)["messages"][1]
    assert [call.get("extra_content") for call in message["tool_calls"]] == [None, extra]
    assert set(message) == {"role", "content", "tool_calls"}
    assert relay.dropped == ()


def test_thoughts_between_words_are_joined() -> None:
    """A turn that thought twice is one message, whose thoughts are both, as the upstream itself would have them."""
    first = envelope({"reasoning_content": "One.", "reasoning_details": [{"index": 0}]})
    second = envelope({"reasoning_content": "Two.", "reasoning_details": [{"index": 1}]})
    blocks = [
        {"type": "thinking", "thinking": "One.", "signature": first},
        text("a"),
        {"type": "thinking", "thinking": "Two.", "signature": second},
    ]
    messages, _ = relayed("messages", messages=[HI, {"role": "assistant", "content": blocks}, HI])
    assert messages[1]["reasoning_content"] == "One.Two."
    assert messages[1]["reasoning_details"] == [{"index": 0}, {"index": 1}]


@pytest.mark.parametrize(
    ("opaque", "expected"),
    [
        (envelope({"reasoning_content": "Hm."}), [{"role": "assistant", "content": "", "reasoning_content": "Hm."}]),
        ("foreign", []),
    ],
)
def test_turn_of_nothing_but_thoughts(opaque: str, expected: list[dict[str, Any]]) -> None:
    """A turn that was cut while thinking is a message without words, or none if the thoughts cannot be sent."""
    block = {"type": "thinking", "thinking": "Hm.", "signature": opaque}
    messages, _ = relayed("messages", messages=[HI, {"role": "assistant", "content": [block]}, HI])
    assert messages == [HI, *expected, HI]


MARKABLE = "gpt-5.6-sol"
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
BREAKPOINT = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def test_cache_marks_are_breakpoints_where_the_model_has_them() -> None:
    """Marks of instructions, words, images and results become breakpoints, the last four of them; calls have none."""
    conversation = [
        {"role": "user", "content": [text("first") | MARK, IMAGE | MARK]},
        {"role": "assistant", "content": [text("spoken") | MARK, use("1")]},
        {"role": "user", "content": [answer("1", "42", **MARK), text("last") | MARK]},
    ]
    system = [text("One.") | MARK, text("Two.")]
    messages = json.loads(
        translation("messages", {**MINIMAL["messages"], "system": system, "messages": conversation}, MARKABLE).body
    )["messages"]
    assert messages == [
        {"role": "system", "content": [text("One."), text("Two.")]},
        {"role": "user", "content": [text("first") | BREAKPOINT, IMAGE_SENT | BREAKPOINT]},
        called(("1", "{}"), content="spoken"),
        tool("1", [text("42") | BREAKPOINT]),
        {"role": "user", "content": [text("last") | BREAKPOINT]},
    ]


def test_instructions_stay_apart_where_the_model_has_breakpoints() -> None:
    """There the parts of an instruction are parts in every request, so that a mark that moves changes no beginning."""
    wire = {**MINIMAL["messages"], "system": [text("One."), text("Two.")]}
    assert json.loads(translation("messages", wire, MARKABLE).body)["messages"][0] == {
        "role": "system",
        "content": [text("One."), text("Two.")],
    }


@pytest.mark.parametrize("client", ["messages", "responses"])
def test_model_without_instructions_hears_them_from_the_user(client: str) -> None:
    """The first small reasoning model refuses both roles of instructions: they are the user's words there."""
    said = {
        "messages": {"system": "Be brief."},
        "responses": {"input": [{"role": "developer", "content": "Be brief."}]},
    }
    wire = {**MINIMAL[client], **said[client]}
    assert json.loads(translation(client, wire, "o1-mini").body)["messages"][0] == {
        "role": "user",
        "content": "Be brief.",
    }


def test_context_of_a_document_comes_before_it() -> None:
    """What the client says about a file is a text before the file, whatever form the file has."""
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}
    document = {"type": "document", "title": "a.pdf", "context": "Read this.", "source": source}
    messages, _ = relayed("messages", messages=[{"role": "user", "content": [document]}])
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    assert messages[0]["content"] == [text("Read this."), {"type": "file", "file": file}]


REFUSED = [
    ("messages", {"messages": [HI, {"role": "assistant", "content": [use("1")]}, HI]}, "without `tool_result`"),
    ("messages", {"messages": [{"role": "user", "content": [answer("1")]}]}, "unexpected `tool_use_id`"),
    (
        "messages",
        {
            "messages": [
                {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "https://e.test"}}]}
            ]
        },
        "document by URL",
    ),
    (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
        "file id",
    ),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
    ("responses", {"input": [HI, call("1")]}, "No tool output found"),
    ("responses", {"input": [HI, output("1")]}, "No tool call found"),
    ("responses", {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "file id"),
    (
        "responses",
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://e.test"}]}]},
        "document by URL",
    ),
    ("responses", {"input": [{"type": "compaction", "encrypted_content": "gAAAA"}]}, "compacted conversation"),
    ("responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
]


@pytest.mark.parametrize(("client", "fields", "words"), REFUSED)
def test_what_chat_cannot_carry_is_refused(client: str, fields: dict[str, Any], words: str) -> None:
    """Content whose loss would change the conversation is a 400 in the client's own words, and never repaired."""
    with pytest.raises(RequestRefused, match=words) as caught:
        relayed(client, **fields)
    assert caught.value.failure.status == 400
    assert caught.value.failure.param
