"""Requests of Responses clients on their way to an upstream that speaks Chat Completions."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.grammar.chat import check_request
from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.running import RunningGateway
from tests.translation import official_clients
from tests.translation.relaying import DEPLOYMENT, chat_stream, chunk, streamed, translation
from translation.envelope import Envelope, seal
from translation.failures import RequestRefused
from translation.translator import translate_reply

Wire = dict[str, Any]
USER: Wire = {"role": "user", "content": "hi"}
ADD: Wire = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
PNG = "data:image/png;base64,QQ=="
LARK = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}


def said(*items: Wire, **members: Any) -> list[Wire]:
    """Return the messages that the upstream gets for these items; they are lawful."""
    return list(body(input=list(items), **members)["messages"])


def body(**members: Any) -> Wire:
    """Return the body that the upstream gets; it is lawful."""
    wire: Wire = json.loads(translation("responses", {"model": "alias", "input": "hi", **members}).body)
    check_request(wire)
    return wire


def refused(*items: Wire, **members: Any) -> tuple[str | None, int]:
    """Return the path and the status of the refusal that a request meets."""
    with pytest.raises(RequestRefused) as caught:
        translation("responses", {"model": "alias", "input": list(items) or "hi", **members})
    return caught.value.failure.param, caught.value.failure.status


def called(name: str, arguments: str, *, stream: bool, **members: Any) -> Wire:
    """Return the one item that the official client gets when the upstream calls this function."""
    relay = translation("responses", {"model": "alias", "input": "hi", **members})
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    if stream:
        told = chat_stream(chunk(None, role="assistant", tool_calls=[call]), chunk("tool_calls"))
        reply = official_clients.of_stream("responses", streamed(relay, [told]))
    else:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        whole_reply = json.dumps({"id": "chatcmpl-12345678", "choices": [choice]}).encode()
        reply = official_clients.of_whole("responses", translate_reply(whole_reply, relay).body)
    (item,) = reply["output"]
    return dict(item)


@pytest.mark.parametrize(
    "given",
    [
        "hi",
        [USER],
        [{"type": "message", **USER}],
        [{"type": None, **USER}],
        [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        [
            {
                "type": "message",
                "id": "msg_1",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_text", "text": "hi"}],
            }
        ],
    ],
)
def test_message_may_be_written_in_many_ways(given: object) -> None:
    """158. The input may be a string, an easy message, a typed message or an item with a role and no type; all of them
    reach the upstream as the same message.
    """
    assert body(input=given)["messages"] == [{"role": "user", "content": "hi"}]


def test_turn_of_the_model_is_one_message() -> None:
    """159. Reasoning, a message and two function calls that follow one another are one turn of the model's, and become
    one assistant message, followed by a tool message for each result.
    """
    sealed = seal(Envelope("chat", DEPLOYMENT, ({"reasoning_content": "Hm."},)))
    calls = [{**ADD_CALL, "call_id": call_id} for call_id in ("call_1", "call_2")]
    results = [
        {"type": "function_call_output", "call_id": call_id, "output": call_id} for call_id in ("call_2", "call_1")
    ]
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed}
    spoken = {"role": "assistant", "content": [{"type": "output_text", "text": "I add.", "annotations": []}]}
    function = {"name": "add", "arguments": '{"a": 1.0}'}
    messages = said(USER, reasoning, spoken, *calls, *results, tools=[ADD])
    assert messages == [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": "I add.",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": function},
                {"id": "call_2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "call_2", "content": "call_2"},
        {"role": "tool", "tool_call_id": "call_1", "content": "call_1"},
    ]


ADD_CALL: Wire = {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a": 1.0}'}


def test_image_in_a_result_is_attached_after_the_results() -> None:
    """160. An image in a function_call_output leaves a placeholder in the tool message, and is attached in one user
    message after all results of the turn, under the id of its call.
    """
    shown = [
        {"type": "input_text", "text": "See:"},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ]
    messages = said(
        USER,
        ADD_CALL,
        {**ADD_CALL, "call_id": "call_2"},
        {"type": "function_call_output", "call_id": "call_1", "output": shown},
        {"type": "function_call_output", "call_id": "call_2", "output": "two"},
        tools=[ADD],
    )
    assert messages[2:] == [
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": [{"type": "text", "text": "See:"}, {"type": "text", "text": "[image 1 attached below]"}],
        },
        {"role": "tool", "tool_call_id": "call_2", "content": "two"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Attachment for tool call call_1:"},
                {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
            ],
        },
    ]


@pytest.mark.parametrize("stream", [True, False])
def test_namespace_is_flattened_and_restored(stream: bool) -> None:
    """161. The tools of a namespace are sent under the namespace's and their own name, in the declaration, the choice
    and the history; a call of one comes back to the client with its namespace and its own name.
    """
    tools = [{"type": "namespace", "name": "math", "description": "Sums.", "tools": [ADD]}]
    call = {**ADD_CALL, "namespace": "math"}
    result = {"type": "function_call_output", "call_id": "call_1", "output": "2"}
    wire = body(input=[USER, call, result], tools=tools, tool_choice={"type": "function", "name": "add"})
    assert [tool["function"]["name"] for tool in wire["tools"]] == ["math__add"]
    assert wire["tool_choice"] == {"type": "function", "function": {"name": "math__add"}}
    assert wire["messages"][1]["tool_calls"][0]["function"]["name"] == "math__add"
    item = called("math__add", "{}", stream=stream, tools=tools)
    assert (item["type"], item["namespace"], item["name"]) == ("function_call", "math", "add")


FREEFORM: dict[str, tuple[Wire, Wire, Wire, str, str]] = {
    "custom": (
        {"type": "custom", "name": "say", "description": "Says.", "format": LARK},
        {"type": "custom_tool_call", "name": "say", "input": 'a "b"'},
        {"type": "custom_tool_call_output", "output": "done"},
        "say",
        '{"input":"a \\"b\\""}',
    ),
    "shell": (
        {"type": "shell"},
        {"type": "shell_call", "action": {"commands": ["ls"], "timeout_ms": 5}},
        {
            "type": "shell_call_output",
            "output": [{"stdout": "a", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}],
        },
        "shell",
        '{"commands":["ls"],"timeout_ms":5}',
    ),
    "local_shell": (
        {"type": "local_shell"},
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {"A": "b"}}},
        {"type": "local_shell_call_output", "output": "a"},
        "local_shell",
        '{"command":["ls"],"env":{"A":"b"}}',
    ),
    "apply_patch": (
        {"type": "apply_patch"},
        {"type": "apply_patch_call", "operation": {"type": "update_file", "path": "a", "diff": "+x"}},
        {"type": "apply_patch_call_output", "status": "completed", "output": "done"},
        "apply_patch",
        '{"operation":{"type":"update_file","path":"a","diff":"+x"}}',
    ),
}
"""For each tool: its declaration, a call and a result, and the function name and arguments that say the same."""


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", FREEFORM)
def test_tool_that_is_no_function_is_wrapped_and_restored(kind: str, stream: bool) -> None:
    """162. Custom, shell, local_shell and apply_patch tools are sent as functions, and so are their calls and results
    in the history; a call of one comes back as the item type of the declared tool, with what it was called with.
    """
    tool, call, result, name, arguments = FREEFORM[kind]
    history = [USER, {**call, "id": "x_1", "call_id": "call_1"}, {**result, "call_id": "call_1"}]
    wire = body(input=history, tools=[tool])
    function = wire["tools"][0]["function"]
    assert (wire["tools"][0]["type"], function["name"]) == ("function", name)
    assert set(json.loads(arguments)) <= set(function["parameters"]["properties"])
    if kind == "custom":
        assert function["description"] == "Says.\nThe input must match this lark grammar:\nstart: WORD"
    (asked, answered) = wire["messages"][1:]
    assert asked["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    ]
    assert (answered["role"], answered["tool_call_id"]) == ("tool", "call_1")
    assert answered["content"] == (
        json.dumps(result["output"], separators=(",", ":")) if kind == "shell" else result["output"]
    )
    item = called(name, arguments, stream=stream, tools=[tool])
    assert {member: item[member] for member in call} == call
    assert item["call_id"] == "call_1"


@pytest.mark.parametrize(
    "opaque",
    ["gAAAAforeign", "gw1.broken", seal(Envelope("messages", DEPLOYMENT, ({"type": "compaction", "content": None},)))],
)
def test_compaction_that_nobody_here_can_read_is_refused(opaque: str) -> None:
    """Without what was compacted, the conversation would silently lose its beginning."""
    assert refused({"type": "compaction", "encrypted_content": opaque}, USER) == ("input[0]", 400)


def test_compaction_is_restored_from_an_envelope_of_ours() -> None:
    """164. A compaction item that another provider made is refused with 400 and its path; one with an envelope of ours
    is restored: as its native block for the account that made it, and for any other wire as its readable summary.
    """
    assert refused({"type": "compaction", "encrypted_content": "gAAAAforeign"}, USER) == ("input[0]", 400)
    native = {"type": "compaction", "content": "We added.", "encrypted_content": "Sealed+1="}
    item = {"type": "compaction", "encrypted_content": seal(Envelope("messages", DEPLOYMENT, (native,)))}
    wire = {"model": "alias", "input": [item, USER]}
    restored = json.loads(translation("responses", wire, "claude-opus-4-8", upstream="messages").body)["messages"]
    assert restored[0] == {"role": "assistant", "content": [native]}
    with pytest.raises(RequestRefused):
        translation("responses", wire, "claude-opus-4-8", "another", "messages")
    relay = translation("responses", wire)
    summary = {"role": "user", "content": "<conversation-summary>We added.</conversation-summary>"}
    assert json.loads(relay.body)["messages"] == [summary, USER]
    assert relay.coerced == ("input[0]",)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("background", True),
        ("conversation", "conv_1"),
        ("conversation", {"id": "conv_1"}),
        ("prompt", {"id": "pmpt_1"}),
    ],
)
def test_feature_of_openais_platform_is_refused(member: str, value: object) -> None:
    """167. A request with background, a conversation or a prompt template is refused with 400 and the member's name."""
    assert refused(**{member: value}) == (member, 400)


def test_form_of_the_answer_is_mapped() -> None:
    """168. text.format json_object becomes response_format and text.verbosity becomes verbosity; truncation auto is
    reported, as nothing is cut off a conversation here.
    """
    wire = body(text={"format": {"type": "json_object"}, "verbosity": "low"})
    assert (wire["response_format"], wire["verbosity"]) == ({"type": "json_object"}, "low")
    relay = translation("responses", {"model": "alias", "input": "hi", "truncation": "auto"})
    assert relay.dropped == ("truncation",)
    assert b"truncation" not in relay.body


ROUTES = """
model_providers:
  - {{model: openai/native, access_key: $OPENAI_API_KEY, base_url: "{url}", name: openai, shapes: [responses]}}
  - {{model: acme/other, access_key: $OPENAI_API_KEY, base_url: "{url}", name: acme, shapes: [chat]}}
"""


def test_unknown_item_is_refused_unless_the_shape_is_the_same(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    """169. An item of a type that nobody knows is refused with 400 and its path where it would have to be translated,
    and reaches an upstream that speaks Responses byte for byte.
    """
    given = b'{"model": "%b", "input": [{"role": "user", "content": "hi"}, {"type": "brand_new", "x": 1.0}]}'
    reply = b'{"id": "resp_12345678", "object": "response", "status": "completed", "output": []}'
    upstream.answer(whole(reply))
    with httpx2.Client(base_url=gateway.url, headers={"content-type": "application/json"}) as client:
        answer = client.post("/v1/responses", content=given % b"other")
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "input[1]"
        assert upstream.requests == []
        assert client.post("/v1/responses", content=given % b"native").content == reply
    assert upstream.last.body == given % b"native"
