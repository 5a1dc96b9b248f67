"""Requests that are always refused, since a loss would break a promise of output, state, privacy, safety or the bill.

One row for each entry of the specification's list, in each form that a client may send it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.conformance import losses_of_chat as chat
from tests.conformance import losses_of_messages as messages
from tests.conformance import losses_of_responses as responses
from tests.conformance.losses import MODELS, Wire
from tests.translation.relaying import MINIMAL


class Refused(NamedTuple):
    """A request on its way to an upstream that cannot serve it, and the path that the refusal names."""

    name: str
    client: str
    upstream: str
    wire: Wire
    at: str


Table = Mapping[str, tuple[Wire, str]]
"""By the name of the feature, the members of the request and the path that is named."""

SPEECH: Wire = {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}
BLOCK: Wire = {"moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "block"}}}}
CHAT: Table = {
    "more than one choice": ({"n": 2}, "n"),
    "sound as an answer": ({"modalities": ["text", "audio"]}, "modalities[1]"),
    "a voice": ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
    "sound as a question": (chat.said(SPEECH), "messages[0].content[0]"),
    "sound in the history": (chat.told_before(content=None, audio={"id": "audio_1"}), "messages[1].audio"),
    "unknown part": (chat.said({"type": "smell"}), "messages[0].content[0].type"),
    "unknown part of the model's": (chat.told_before(content=[{"type": "smell"}]), "messages[1].content[0].type"),
    "unknown role": ({"messages": [{"role": "critic", "content": "no"}]}, "messages[0].role"),
    "unknown kind of tool": ({"tools": [{"type": "hammer"}]}, "tools[0].type"),
    "unknown kind of call": (
        chat.told_before(tool_calls=[{"type": "hammer", "id": "c"}]),
        "messages[1].tool_calls[0].type",
    ),
    "nothing said": ({"messages": [{"role": "assistant", "content": ""}]}, "messages"),
    "missing result": (
        {"messages": [chat.USER, {"role": "assistant", "tool_calls": [chat.CALL]}, chat.USER]},
        "messages[1].tool_calls[0]",
    ),
    "orphan result": ({"messages": [chat.USER, chat.RESULT]}, "messages[1].role"),
}
CHAT_TO_MESSAGES: Table = {
    "file id": (chat.said({"type": "file", "file": {"file_id": "file-1"}}), "messages[0].content[0]"),
    "moderation that blocks": (BLOCK, "moderation.policy.input.mode"),
    "image that nobody reads": (
        chat.said({"type": "image_url", "image_url": {"url": "data:image/bmp;base64,QQ=="}}),
        "messages[0].content[0]",
    ),
}

FETCH: Wire = {"type": "web_fetch_20250910", "name": "web_fetch"}
MESSAGES: Table = {
    "no max_tokens": ({"max_tokens": None}, "max_tokens"),
    "no max_tokens but a warm cache": ({"max_tokens": 0}, "max_tokens"),
    "created thread": ({"thread": {"type": "create"}}, "thread"),
    "continued thread": ({"thread": {"type": "continue", "id": "t"}}, "thread"),
    "region": ({"inference_geo": "eu"}, "inference_geo"),
    "bill to another": ({"billing_policy": {"bill_to": "customer"}}, "billing_policy.bill_to"),
    "skills": ({"container": {"id": "c", "skills": [{"skill_id": "s"}]}}, "container.skills"),
    "MCP servers": ({"mcp_servers": [{"name": "a", "type": "url", "url": "https://a.example"}]}, "mcp_servers"),
    "compaction": ({"compaction": {"type": "auto"}}, "compaction"),
    "sealed compaction": (
        messages.told_before({"type": "compaction", "encrypted_content": "s"}),
        "messages[1].content[0]",
    ),
    "image by id": (
        messages.said({"type": "image", "source": {"type": "file", "file_id": "f"}}),
        "messages[0].content[0]",
    ),
    "document by id": (
        messages.said({"type": "document", "source": {"type": "file", "file_id": "f"}}),
        "messages[0].content[0]",
    ),
    "upload": (messages.said({"type": "container_upload", "file_id": "f"}), "messages[0].content[0]"),
    "tool for a screen": ({"tools": [{"type": "computer_20250124", "name": "computer"}]}, "tools[0].type"),
    "tool for a browser": ({"tools": [{"type": "browser_20260101", "name": "browser"}]}, "tools[0].type"),
    "use of a toolset": (
        messages.told_before({**messages.CALL, "toolset_name": "browser"}, result=messages.RESULT),
        "messages[1].content[0].toolset_name",
    ),
    "forced hosted tool": (
        {"tools": [messages.TOOL, FETCH], "tool_choice": {"type": "tool", "name": "web_fetch"}},
        "tools[1]",
    ),
    "nothing but a hosted tool": ({"tools": [FETCH]}, "tools[0]"),
    "tool that goes away": (
        {
            "tools": [messages.TOOL],
            "messages": [messages.USER, {"role": "system", "content": [{"type": "tool_removal", "name": "look"}]}],
        },
        "messages[1].content[0]",
    ),
    "unknown block": (messages.said({"type": "smell"}), "messages[0].content[0].type"),
    "unknown block of the model's": (messages.told_before({"type": "smell"}), "messages[1].content[0].type"),
    "unknown block in a result": (
        messages.told_before(messages.CALL, result={**messages.RESULT, "content": [{"type": "smell"}]}),
        "messages[2].content[0].content[0].type",
    ),
    "unknown role": ({"messages": [{"role": "critic", "content": "no"}]}, "messages[0].role"),
    "nothing said": ({"messages": [{"role": "assistant", "content": []}]}, "messages"),
    "missing result": (messages.told_before(messages.CALL), "messages[1]"),
    "orphan result": (messages.said(messages.RESULT), "messages[0].content[0]"),
}
MESSAGES_TO_CHAT: Table = {
    "document by URL": (
        messages.said({"type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"}}),
        "messages[0].content[0]",
    ),
}

STORE: Wire = {"type": "file_search", "vector_store_ids": ["v"]}
RESPONSES: Table = {
    "background": ({"background": True}, "background"),
    "conversation": ({"conversation": "conv_1"}, "conversation"),
    "previous response": ({"previous_response_id": "resp_1"}, "previous_response_id"),
    "prompt template": ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    "warm cache": ({"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options.prewarm"),
    "other access": ({"access_programs": {"cyber": "trusted"}}, "access_programs.cyber"),
    "reference": ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
    "foreign compaction": ({"input": [{"type": "compaction", "encrypted_content": "s"}]}, "input[0]"),
    "wish to compact": (responses.told_before({"type": "compaction_trigger"}), "input[1]"),
    "call of a computer": (responses.told_before({"type": "computer_call", "call_id": "c"}), "input[1]"),
    "screen of a computer": (responses.told_before({"type": "computer_call_output", "call_id": "c"}), "input[1]"),
    "question of MCP": (responses.told_before({"type": "mcp_approval_request", "id": "m"}), "input[1]"),
    "approval of MCP": (responses.told_before({"type": "mcp_approval_response", "approve": True}), "input[1]"),
    "image by id": (responses.said({"type": "input_image", "file_id": "f"}), "input[0].content[0]"),
    "file by id": (responses.said({"type": "input_file", "file_id": "f"}), "input[0].content[0]"),
    "sound": (responses.said(SPEECH), "input[0].content[0]"),
    "late tools": (
        responses.told_before(
            {"role": "assistant", "content": "a"}, {"type": "additional_tools", "role": "developer", "tools": []}
        ),
        "input[2]",
    ),
    "forced hosted tool": ({"tools": [responses.TOOL, STORE], "tool_choice": {"type": "file_search"}}, "tools[1]"),
    "nothing but a hosted tool": ({"tools": [STORE]}, "tools[0]"),
    "unknown part": (responses.said({"type": "smell"}), "input[0].content[0]"),
    "unknown item": ({"input": [{"type": "smell"}]}, "input[0]"),
    "unknown role": ({"input": [{"role": "critic", "content": "no"}]}, "input[0].role"),
    "unknown kind of tool": ({"tools": [{"type": "hammer"}]}, "tools[0].type"),
    "nothing said": ({"input": []}, "input"),
    "missing result": (responses.told_before(responses.CALL), "input"),
    "orphan result": (responses.told_before(responses.RESULT), "input"),
}
RESPONSES_TO_MESSAGES: Table = {"moderation that blocks": (BLOCK, "moderation.policy.input.mode")}
RESPONSES_TO_CHAT: Table = {
    "file by URL": (
        responses.said({"type": "input_file", "file_url": "https://a.example/b.pdf"}),
        "input[0].content[0]",
    ),
}

_TABLES: tuple[tuple[str, tuple[str, ...], Table], ...] = (
    ("chat", ("messages", "responses"), CHAT),
    ("chat", ("messages",), CHAT_TO_MESSAGES),
    ("messages", ("chat", "responses"), MESSAGES),
    ("messages", ("chat",), MESSAGES_TO_CHAT),
    ("responses", ("messages", "chat"), RESPONSES),
    ("responses", ("messages",), RESPONSES_TO_MESSAGES),
    ("responses", ("chat",), RESPONSES_TO_CHAT),
)


def _cases() -> Iterator[Refused]:
    for client, upstreams, table in _TABLES:
        for name, (members, at) in table.items():
            for upstream in upstreams:
                given: dict[str, Any] = {**MINIMAL[client], **members, "model": MODELS[upstream]}
                wire = {member: value for member, value in given.items() if value is not None}
                yield Refused(f"{client}>{upstream}: {name}", client, upstream, wire, at)


REFUSED = tuple(_cases())
