"""The door of the room: requests, whole replies, and what is refused before anything is sent."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from msgspec.structs import replace

from tests.translation.relaying import (
    CIRCUMSTANCES,
    CLIENTS,
    DEPLOYMENT,
    MINIMAL,
    chat_stream,
    chunk,
    sent,
    translation,
)
from translation.events import Usage
from translation.failures import RequestRefused, UpstreamProtocolError
from translation.shapes import SHAPES
from translation.shapes.shape import Shape
from translation.sse import MAX_EVENT_BYTES
from translation.translator import Destination, error_inside, translate_reply, translate_request

REPLY = {
    "id": "chatcmpl-12345678",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


@pytest.mark.parametrize("upstream", SHAPES)
@pytest.mark.parametrize("client", SHAPES)
def test_every_shape_serves_clients_of_every_other(client: str, upstream: str) -> None:
    """Each of the nine combinations can be translated: every shape has both of its sides."""
    assert SHAPES[client].client is not None
    assert SHAPES[upstream].upstream is not None


def test_shape_without_that_side_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape that only clients speak cannot be an upstream's; the client is told which API to use."""
    monkeypatch.setitem(cast(dict[str, Shape], SHAPES), "mute", replace(SHAPES["messages"], name="mute", upstream=None))
    with pytest.raises(RequestRefused, match="Ask for the model with the 'mute' API") as caught:
        translate_request({}, "chat", Destination(shape="mute", model="m"), CIRCUMSTANCES, "alias")
    assert (caught.value.failure.status, caught.value.failure.code) == (400, "unsupported_shape")


@pytest.mark.parametrize("client", CLIENTS)
def test_upstream_gets_its_own_name_of_the_model(client: str) -> None:
    """The body names the upstream's model, and the reply the one that the client asked for."""
    assert sent(client, MINIMAL[client], "upstream-model")["model"] == "upstream-model"
    reply = translate_reply(json.dumps(REPLY).encode(), translation(client))
    assert json.loads(reply.body)["model"] == "alias"


def test_quirks_of_the_destination_are_applied() -> None:
    """The body is as this upstream takes it."""
    destination = Destination(shape="chat", model="m", quirks=("old_max_tokens",))
    relay = translate_request(MINIMAL["messages"], "messages", destination, CIRCUMSTANCES, "alias")
    assert json.loads(relay.body)["max_tokens"] == 100


def test_losses_are_reported() -> None:
    """What was dropped and what was changed is in the translation, by its path in the client's body."""
    wire = {**MINIMAL["messages"], "top_k": 5, "output_config": {"effort": "max"}}
    relay = translation("messages", wire, "o3")
    assert relay.dropped == ("top_k",)
    assert relay.coerced == ("output_config.effort=max>high",)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("client", CLIENTS)
def test_reply_is_the_same_in_whichever_form_the_upstream_sent_it(client: str, streamed: bool) -> None:
    """A whole reply, and a stream that nobody asked for, become the same body with the same usage."""
    usage = {"choices": [], "usage": REPLY["usage"]}
    stream = chat_stream(chunk(None, content="Hel"), chunk(None, content="lo"), chunk("stop"), usage)
    reply = translate_reply(stream if streamed else json.dumps(REPLY).encode(), translation(client), streamed=streamed)
    assert reply.body == translate_reply(json.dumps(REPLY).encode(), translation(client)).body
    assert reply.reply.usage == Usage(input_tokens=9, output_tokens=3)


BROKEN_BODIES = [
    (b"", 502, "is not JSON"),
    (b"<html>502</html>", 502, "is not JSON"),
    (b"[" * 100_000, 502, "is not JSON"),
    (b"[1]", 502, "is not a JSON object"),
    (b"{}", 502, "no choice with a message"),
    (b'{"choices":[{"index":1,"message":{"content":"second"}}]}', 502, "no choice with a message"),
    (b'{"choices":[{"message":{},"finish_reason":"insufficient_system_resource"}]}', 502, "stopped with an error"),
    (b'{"error":{"message":"slow down","type":"rate_limit_error"},"choices":[]}', 429, "slow down"),
]


@pytest.mark.parametrize(("body", "status", "words"), BROKEN_BODIES)
def test_body_that_is_no_reply_is_the_upstreams_fault(body: bytes, status: int, words: str) -> None:
    """A body that is no completion raises with the status that the client shall see."""
    with pytest.raises(UpstreamProtocolError, match=words) as caught:
        translate_reply(body, translation("messages"))
    assert caught.value.failure.status == status


BROKEN_STREAMS = [
    (b"", 502, "before the reply was complete"),
    (chat_stream(chunk(None, content="Half"), done=False), 502, "before the reply was complete"),
    (b"data: {\n\n", 502, "not JSON"),
    (b"data: " + b"a" * MAX_EVENT_BYTES, 502, "larger than"),
    (b'data: {"error":{"message":"no more","code":503}}\n\n', 503, "no more"),
]


@pytest.mark.parametrize(("body", "status", "words"), BROKEN_STREAMS)
def test_stream_that_breaks_is_never_collected(body: bytes, status: int, words: str) -> None:
    """A stream that is to be one reply and breaks off raises with the status that the client shall see."""
    with pytest.raises(UpstreamProtocolError, match=words) as caught:
        translate_reply(body, translation("messages"), streamed=True)
    assert caught.value.failure.status == status


@pytest.mark.parametrize(
    ("body", "inside"),
    [
        (b'{"error":{"message":"m"}}', True),
        (b'{"error":"m"}', True),
        (b'{"type":"error","error":{"type":"api_error"}}', True),
        (b'{"type":"error"}', True),
        (b'{"error":null,"choices":[]}', False),
        (b'{"choices":[]}', False),
        (b'{"type":"message"}', False),
        (b"[]", False),
        (b"", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_error_behind_a_success_status_is_known(body: bytes, inside: bool) -> None:
    """A body that holds an error is one, whatever its status said; any other bytes are not."""
    assert error_inside(body) is inside


def nested(depth: int) -> dict[str, Any]:
    """Return a closed schema of objects within objects."""
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}
    return schema


def test_deep_schema_is_translated() -> None:
    """How deep a schema is nested is the client's affair, as far as JSON goes."""
    wire = {**MINIMAL["messages"], "output_config": {"format": {"type": "json_schema", "schema": nested(400)}}}
    assert sent("messages", wire)["response_format"]["json_schema"]["strict"] is True


def test_request_that_is_nested_beyond_reason_is_refused() -> None:
    """A body too deep to be written as JSON is the client's fault, and says so."""
    wire = {**MINIMAL["messages"], "output_config": {"format": {"type": "json_schema", "schema": nested(100_000)}}}
    with pytest.raises(RequestRefused, match="nested too deeply"):
        translation("messages", wire)


@pytest.mark.parametrize(
    ("upstream_id", "shown"),
    [
        ("chatcmpl-A1b2C3d4", "msg_A1b2C3d4"),
        ("chatcmpl-0f8e4c2a-9d11-4b6e", "msg_0f8e4c2a_9d11_4b6e"),
        ("gen-1734567890-Xyz", "msg_gen_1734567890_Xyz"),
        ("resp_0123456789", "msg_0123456789"),
        ("12345678é", "msg_12345678_"),
        ("short", f"msg_{CIRCUMSTANCES.seed}"),
        ("", f"msg_{CIRCUMSTANCES.seed}"),
    ],
)
def test_id_of_the_reply_is_the_upstreams_own(upstream_id: str, shown: str) -> None:
    """The reply's id is the upstream's without its prefix, in the client's alphabet; a new one where that is short."""
    body = json.dumps({**REPLY, "id": upstream_id}).encode()
    assert json.loads(translate_reply(body, translation("messages")).body)["id"] == shown


def test_deployment_of_the_relay_is_known_on_the_way_back() -> None:
    """The exchange holds what the way back needs: the account's tag, the request's id and the client's request."""
    exchange = translation("responses").exchange
    assert (exchange.deployment, exchange.request_id, exchange.request.origin) == (DEPLOYMENT, "req_1", "responses")
