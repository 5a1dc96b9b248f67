"""Conversations that the gateway keeps for Responses clients, over a running gateway and the official SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, Received, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.test_workers import connect_to_each, is_ready, workers_of
from tests.serving.wires import CHAT_REPLY, CHAT_STREAM, RESPONSES_REPLY, RESPONSES_STREAM

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}", name: chat, shapes: [chat],
      prefer: chat, default: true}}
  - {{model: anthropic/claude-sonnet-4-5, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", name: messages,
      shapes: [messages], prefer: messages}}
  - {{model: openai/responses-model, access_key: $OPENAI_API_KEY, base_url: "{url}", name: native}}
"""
MODELS = ("chat-model", "claude-sonnet-4-5")
PIXEL = "data:image/png;base64,iVBORw0KGgo="
TOOLS: list[Any] = [{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}]

CHAT_CALL = CHAT_REPLY.replace(
    b'"content": "Hello"}, "finish_reason": "stop"',
    b'"content": null, "reasoning_content": "Hm.", "tool_calls": [{"id": "call_1", "type": "function", "function": '
    b'{"name": "look", "arguments": "{\\"at\\": 1.0}"}}]}, "finish_reason": "tool_calls"',
)
MESSAGES_CALL = (
    b'{"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m-1", "content": [{"type": "thinking", '
    b'"thinking": "Hm.", "signature": "c2lnbmVk"}, {"type": "text", "text": "I look."}, {"type": "tool_use", "id": '
    b'"call_1", "name": "look", "input": {"at": 1.0}}], "stop_reason": "tool_use", "stop_sequence": null, "usage": '
    b'{"input_tokens": 5, "output_tokens": 2}}'
)
MESSAGES_WORDS = (
    b'{"id": "msg_12345678", "type": "message", "role": "assistant", "model": "m-1", "content": [{"type": "text", '
    b'"text": "A cat"}, {"type": "text", "text": " and a dog."}], "stop_reason": "end_turn", "stop_sequence": null, '
    b'"usage": {"input_tokens": 5, "output_tokens": 2}}'
)
REPLIES = {
    "chat-model": (CHAT_CALL, CHAT_REPLY, CHAT_REPLY),
    "claude-sonnet-4-5": (MESSAGES_CALL, *[MESSAGES_WORDS] * 2),
}


@pytest.fixture(scope="module")
def sdk(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    """Give the official client."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0) as client:
        yield client


def asked(received: Received) -> Wire:
    """Return the body that the upstream got."""
    body: Wire = json.loads(received.body)
    return body


def said(sdk: openai.OpenAI, upstream: FakeUpstream) -> Any:
    """Return a stored response to a greeting."""
    upstream.answer(whole(CHAT_REPLY))
    return sdk.responses.create(model="chat-model", input="Hi")


def refusal(sdk: openai.OpenAI, **members: Any) -> Wire:
    """Return the error of a request that is refused with a 400."""
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="chat-model", **members)
    assert isinstance(refused.value.body, dict)
    return refused.value.body


@pytest.mark.parametrize("model", MODELS)
def test_a_chain_says_what_the_full_history_says(model: str, sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    """165. A chain of three responses with a tool, an image and reasoning, held together by previous_response_id alone,
    gives the upstream the very bytes that the full history in the input gives it.
    """
    first_reply, *later = REPLIES[model]
    upstream.answer(whole(first_reply), *map(whole, later))
    ask: Any = {"model": model, "tools": TOOLS, "reasoning": {"effort": "low"}}
    picture = {
        "role": "user",
        "content": [{"type": "input_text", "text": "?"}, {"type": "input_image", "image_url": PIXEL}],
    }
    first = sdk.responses.create(input=[picture], include=["reasoning.encrypted_content"], **ask)
    call = next(item for item in first.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "a cat"}
    second = sdk.responses.create(input=[result], previous_response_id=first.id, **ask)
    third = sdk.responses.create(input="And now?", previous_response_id=second.id, **ask)
    assert (second.previous_response_id, third.previous_response_id) == (first.id, second.id)
    chained = [received.body for received in upstream.requests]

    upstream.answer(whole(later[-1]))
    question = {"role": "user", "content": "And now?"}
    outputs = [[item.model_dump(mode="json", exclude_none=True) for item in reply.output] for reply in (first, second)]
    history = [picture, *outputs[0], result, *outputs[1], question]
    sdk.responses.create(input=history, store=False, include=["reasoning.encrypted_content"], **ask)
    assert upstream.last.body == chained[2]
    assert b"Hm." in chained[2]
    assert b"iVBORw0KGgo=" in chained[2]


@pytest.mark.parametrize("unknown", ["resp_0123456789abcdef01234567", "nonsense", "", "x" * 5000, "resp_\x00' OR 1=1"])
def test_an_unknown_previous_response_is_refused(unknown: str, sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    """166. A previous_response_id that nobody knows is refused with 400 previous_response_not_found, whatever it looks
    like and whatever the upstream speaks, before any upstream is asked.
    """
    upstream.answer(whole(CHAT_REPLY))
    for model in (*MODELS, "responses-model"):
        with pytest.raises(openai.BadRequestError) as refused:
            sdk.responses.create(model=model, input="Hi", previous_response_id=unknown)
        error: Any = refused.value.body
        assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
        assert error["message"] == f"Previous response with id '{unknown[:128]}' not found."
    assert upstream.requests == []


def test_instructions_and_tools_are_not_inherited(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    """170. The instructions and tools of the previous response are not inherited: the upstream gets the new request's
    own, or none.
    """
    upstream.answer(whole(CHAT_REPLY))
    first = sdk.responses.create(model="chat-model", input="Hi", instructions="Be brief.", tools=TOOLS)
    sdk.responses.create(model="chat-model", input="Why?", previous_response_id=first.id)
    assert "tools" not in asked(upstream.last)
    words = [(message["role"], message["content"]) for message in asked(upstream.last)["messages"]]
    assert words == [("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    sdk.responses.create(model="chat-model", input="Why?", previous_response_id=first.id, instructions="Be long.")
    assert asked(upstream.last)["messages"][0] == {"role": "system", "content": "Be long."}


def test_an_item_reference_is_resolved(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    """163. An item_reference stands for the stored item, of the input or of the output of a response; one that is not
    stored is refused with 400 and its path.
    """
    first = said(sdk, upstream)
    asked_items = [item.id for item in sdk.responses.input_items.list(first.id)]
    references: Any = [{"type": "item_reference", "id": item} for item in (*asked_items, first.output[0].id)]
    sdk.responses.create(model="chat-model", input=[*references, {"role": "user", "content": "Why?"}])
    words = [(message["role"], message["content"]) for message in asked(upstream.last)["messages"]]
    assert words == [("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    upstream.answer(whole(CHAT_REPLY))
    unknown = {"type": "item_reference", "id": "msg_0123456789abcdef0123456700"}
    error = refusal(sdk, input=[{"role": "user", "content": "Why?"}, unknown])
    assert (error["param"], "not found" in error["message"]) == ("input[1]", True)
    assert upstream.requests == []


def test_what_is_not_stored_is_not_there(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    """213. A response with store false can neither be retrieved nor deleted nor gone on with, whether the gateway or
    the upstream would have kept it.
    """
    for model, reply in (("chat-model", CHAT_REPLY), ("responses-model", RESPONSES_REPLY)):
        upstream.answer(whole(reply))
        response = sdk.responses.create(model=model, input="Hi", store=False)
        for act in (sdk.responses.retrieve, sdk.responses.delete, sdk.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                act(response.id)
        error = refusal(sdk, input="Why?", previous_response_id=response.id)
        assert error["code"] == "previous_response_not_found"
        assert len(upstream.requests) == 1


@pytest.mark.parametrize("model", ["chat-model", "responses-model"])
def test_a_follow_up_finds_the_history_at_once(model: str, sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    """214. A follow-up that is sent the moment response.completed was read finds the history, with the id of the first
    event and of the last.
    """
    streams = {"chat-model": CHAT_STREAM, "responses-model": RESPONSES_STREAM}
    for _ in range(20):
        upstream.answer(streaming(streams[model]), whole(CHAT_REPLY if model == "chat-model" else RESPONSES_REPLY))
        ids = []
        for event in sdk.responses.create(model=model, input="Hi", stream=True):
            if event.type in ("response.created", "response.completed"):
                ids.append(event.response.id)
            if event.type == "response.completed":
                follow_up = sdk.responses.create(model=model, input="Why?", previous_response_id=event.response.id)
        assert len(set(ids)) == 1
        if model == "chat-model":
            assert follow_up.previous_response_id == ids[0]
            contents = [message["content"] for message in asked(upstream.last)["messages"]]
            assert contents == ["Hi", "Hello €", "Why?"]
        else:
            assert asked(upstream.last)["previous_response_id"] == ids[0]


@pytest.fixture(scope="module")
def guarded(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Give a gateway that asks for keys."""
    folder = tmp_path_factory.mktemp("guarded")
    with RunningGateway(folder, ROUTES.format(url=upstream.url), GATEWAY_CLIENT_AUTH="required") as running:
        yield running


def is_let_in(gateway: RunningGateway, key: str) -> bool:
    """Tell whether the gateway knows the key by now."""
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.get(f"{gateway.url}/v1/models", headers=headers).status_code == 200


@pytest.fixture(scope="module")
def tenants(guarded: RunningGateway) -> Iterator[tuple[openai.OpenAI, openai.OpenAI]]:
    """Give the clients of two projects."""
    keys = [guarded.manage("create_key", "site", "--project", name).split()[-1] for name in ("one", "other")]
    clients = [openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=key, max_retries=0) for key in keys]
    wait_until(lambda: all(is_let_in(guarded, key) for key in keys), 10)
    yield clients[0], clients[1]
    for client in clients:
        client.close()


def test_resources_of_a_stored_response(
    tenants: tuple[openai.OpenAI, openai.OpenAI], guarded: RunningGateway, upstream: FakeUpstream
) -> None:
    """212. A response can be retrieved, streamed again, listed by its input, cancelled and deleted: one that the
    gateway stored by the gateway, one of an upstream that speaks Responses byte for byte by the account that made it;
    and for another project it is as unknown as an id that never was.
    """
    owner, other = tenants
    upstream.answer(whole(CHAT_REPLY))
    first = owner.responses.create(model="chat-model", input="Hi", metadata={"a": "b"})
    second = owner.responses.create(model="chat-model", input="Why?", previous_response_id=first.id)
    upstream.answer(whole(RESPONSES_REPLY))
    native = owner.responses.create(model="responses-model", input="Hi")
    never = ("resp_0123456789abcdef01234567", "x" * 200)
    with http_of(guarded, owner) as owners, http_of(guarded, other) as others:
        assert answers_for(others, [first.id, second.id, native.id, *never]) == answers_for(owners, never)
        assert len(upstream.requests) == 1
        assert_kept_by_the_gateway(owner, first, second)
        assert_passed_to_its_upstream(owners, native.id, upstream)


def http_of(gateway: RunningGateway, client: openai.OpenAI) -> httpx2.Client:
    """Return a plain client with the key of that one."""
    headers = {"authorization": f"Bearer {client.api_key}"}
    return httpx2.Client(base_url=f"{gateway.url}/v1", headers=headers, timeout=15)


def answers_for(http: httpx2.Client, ids: Sequence[str]) -> set[tuple[int, str]]:
    """Return the different answers to everything that can be done with these ids, which are all unknown."""
    told = set()
    for wanted in ids:
        answers = [http.request(*what) for what in resources(wanted)]
        for model in ("chat-model", "responses-model"):
            ask = {"model": model, "input": "?", "previous_response_id": wanted}
            answers.append(http.post("/responses", json=ask))
        told |= {(answer.status_code, answer.text.replace(wanted[:128], "ID")) for answer in answers}
    assert sorted(status for status, _ in told) == [400, 404]
    return told


def resources(response_id: str) -> list[tuple[str, str]]:
    """Return every method and path of a response."""
    path = f"/responses/{response_id}"
    return [("GET", path), ("GET", f"{path}/input_items"), ("POST", f"{path}/cancel"), ("DELETE", path)]


def assert_kept_by_the_gateway(owner: openai.OpenAI, first: Any, second: Any) -> None:
    """Assert that a response and its follow-up can be had again, until they are deleted."""
    assert owner.responses.retrieve(first.id) == first
    words = [item.model_dump()["content"][0]["text"] for item in owner.responses.input_items.list(second.id)]
    assert words == ["Why?", "Hello", "Hi"]
    replay: list[Any] = list(owner.responses.retrieve(second.id, stream=True, starting_after=1))
    assert [event.sequence_number for event in replay] == list(range(2, len(replay) + 2))
    assert (replay[-1].type, replay[-1].response) == ("response.completed", second)
    with pytest.raises(openai.BadRequestError, match="background"):
        owner.responses.cancel(first.id)
    owner.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        owner.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError, match="not found"):
        owner.responses.create(model="chat-model", input="?", previous_response_id=first.id)


def assert_passed_to_its_upstream(http: httpx2.Client, response_id: str, upstream: FakeUpstream) -> None:
    """Assert that the upstream is asked in the client's own words, with its own key, until it deleted the response."""
    said = b'{"what":  "it says"}'
    for method, path in resources(response_id):
        upstream.answer(whole(said))
        assert http.request(method, f"{path}?include%5B%5D=a&limit=2").content == said
        assert (upstream.last.method, upstream.last.path) == (method, f"/v1{path}?include%5B%5D=a&limit=2")
        assert upstream.last.headers["authorization"] == "Bearer upstream-key-of-openai"
    assert http.get(f"/responses/{response_id}").status_code == 404


def test_workers_share_what_is_stored(upstream: FakeUpstream, tmp_path: Path) -> None:
    """215. Two processes of the gateway share the stored responses: what one of them has answered, the other one goes
    on with, retrieves and deletes.
    """
    with RunningGateway(tmp_path, ROUTES.format(url=upstream.url), GATEWAY_WORKERS="2") as gateway:
        wait_until(lambda: len(workers_of(gateway)) == 2, 5)
        one, other = connect_to_each(gateway).values()
        for client in (one, other):
            wait_until(partial(is_ready, client), 5)
        previous = None
        upstream.answer(streaming(CHAT_STREAM))
        for number in range(20):
            ask = {"model": "chat-model", "input": f"{number}", "previous_response_id": previous, "stream": True}
            answer = (one, other)[number % 2].post("/v1/responses", json=ask)
            assert answer.status_code == 200, answer.text
            previous = json.loads(answer.text.rpartition("data: ")[2])["response"]["id"]
        questions = [message["content"] for message in asked(upstream.last)["messages"][::2]]
        assert questions == [f"{number}" for number in range(20)]
        native = {"model": "responses-model", "input": "Hi"}
        upstream.answer(whole(RESPONSES_REPLY))
        kept = one.post("/v1/responses", json=native).json()["id"]
        assert other.post("/v1/responses", json=native | {"previous_response_id": kept}).status_code == 200
        assert other.get(f"/v1/responses/{previous}").status_code == 200
        assert one.delete(f"/v1/responses/{previous}").status_code == 200
        assert other.get(f"/v1/responses/{previous}").status_code == 404
        one.close()
        other.close()
