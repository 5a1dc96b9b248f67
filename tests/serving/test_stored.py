"""Stored responses over a running gateway: their resources, and what a follow-up may and may not do."""

from __future__ import annotations

import json
import threading
from http.client import HTTPConnection
from typing import Any

import httpx2
import pytest

from tests.serving.fake_upstream import OPEN_STREAM, FakeUpstream, chunked, streaming, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_REPLY, CHAT_STREAM, RESPONSES_REPLY, RESPONSES_STREAM

Wire = dict[str, Any]
ASK: Wire = {"model": "only-chat", "input": "Hi"}
NATIVE: Wire = {"model": "responses-model", "input": "Hi"}
THINKING_REPLY = CHAT_REPLY.replace(b'"content": "Hello"', b'"content": "Hello", "reasoning_content": "Hm."')
CALL_REPLY = CHAT_REPLY.replace(
    b'"content": "Hello"',
    b'"content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]',
)


def ask(client: httpx2.Client, **members: Any) -> httpx2.Response:
    """Ask for a response."""
    return client.post("/v1/responses", json=ASK | members)


def asked(client: httpx2.Client, upstream: FakeUpstream, **members: Any) -> Wire:
    """Return a stored response."""
    upstream.answer(whole(CHAT_REPLY))
    answer = ask(client, **members)
    assert answer.status_code == 200, answer.text
    wire: Wire = answer.json()
    return wire


def messages(upstream: FakeUpstream) -> list[tuple[str, str]]:
    """Return what the chat upstream was told last: roles and words."""
    return [(message["role"], message["content"]) for message in json.loads(upstream.last.body)["messages"]]


@pytest.mark.parametrize(("sent", "stored"), [({}, True), ({"store": True}, True), ({"store": False}, False)])
def test_a_response_says_whether_it_is_stored(
    sent: Wire, stored: bool, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """`store` in the reply is what became of it, and its id is made of the gateway's own request id if it is stored."""
    upstream.answer(whole(CHAT_REPLY))
    answer = ask(client, **sent)
    response = answer.json()
    assert response["store"] is stored
    assert response["id"] == ("resp_" + answer.headers["x-request-id"] if stored else "resp_12345678")
    assert client.get(f"/v1/responses/{response['id']}").status_code == (200 if stored else 404)


def test_the_input_is_listed_by_pages(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """`limit`, `after` and `order` give the pages of a list; the newest item comes first if nothing else is asked."""
    questions = [{"role": "user", "content": f"{number}"} for number in range(5)]
    path = f"/v1/responses/{asked(client, upstream, input=questions)['id']}/input_items"
    newest = client.get(path).json()
    assert (newest["object"], newest["has_more"]) == ("list", False)
    assert [item["content"][0]["text"] for item in newest["data"]] == ["4", "3", "2", "1", "0"]
    assert (newest["first_id"], newest["last_id"]) == (newest["data"][0]["id"], newest["data"][-1]["id"])
    page = client.get(path, params={"order": "asc", "limit": 2}).json()
    assert ([item["content"][0]["text"] for item in page["data"]], page["has_more"]) == (["0", "1"], True)
    rest = client.get(path, params={"order": "asc", "limit": 3, "after": page["last_id"]}).json()
    assert ([item["content"][0]["text"] for item in rest["data"]], rest["has_more"]) == (["2", "3", "4"], False)
    beyond = client.get(path, params={"after": newest["last_id"]}).json()
    assert (beyond["data"], beyond["first_id"], beyond["has_more"]) == ([], None, False)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/input_items?limit=0", "limit"),
        ("/input_items?limit=101", "limit"),
        ("/input_items?limit=many", "limit"),
        ("/input_items?order=up", "order"),
        ("/input_items?after=msg_unknown", "after"),
        ("?stream=true&starting_after=-1", "starting_after"),
        ("?stream=perhaps", "stream"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(
    path: str, param: str, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """The error names the parameter."""
    answer = client.get(f"/v1/responses/{asked(client, upstream)['id']}{path}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_opaque_thoughts_are_shown_to_whoever_asks(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Encrypted reasoning is stored in any case, and shown as the client had it, or where `include` asks for it."""
    upstream.answer(whole(THINKING_REPLY))
    plain, wanted = ask(client).json(), ask(client, include=["reasoning.encrypted_content"]).json()
    for response, shows in ((plain, False), (wanted, True)):
        path = f"/v1/responses/{response['id']}"
        assert client.get(path).json() == response
        assert ("encrypted_content" in response["output"][0]) is shows
        for name in ("include", "include[]"):
            seen = client.get(path, params={name: "reasoning.encrypted_content"}).json()["output"][0]
            assert seen["encrypted_content"].startswith("gw1.")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "", "GET, DELETE"), ("GET", "/cancel", "POST"), ("DELETE", "/input_items", "GET")],
)
def test_a_resource_has_its_methods(method: str, path: str, allowed: str, client: httpx2.Client) -> None:
    """Another method is a 405 that names those which there are."""
    answer = client.request(method, f"/v1/responses/resp_1{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("response_id", ["resp_a%2Fb", "..%2F..%2Fetc", "a/b/c", "%00", "%F0%9F%90%88"])
def test_what_cannot_be_an_id_is_not_found(response_id: str, client: httpx2.Client) -> None:
    """A malformed id has the answer of an unknown one."""
    answer = client.get(f"/v1/responses/{response_id}")
    assert (answer.status_code, answer.json()["error"]["message"].endswith("not found.")) == (404, True)


def test_two_follow_ups_fork_a_conversation(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Each goes on from the response that it names, and knows nothing of the other."""
    first = asked(client, upstream)
    for question in ("Left?", "Right?"):
        asked(client, upstream, input=question, previous_response_id=first["id"])
        assert messages(upstream) == [("user", "Hi"), ("assistant", "Hello"), ("user", question)]


def test_what_the_client_repeats_is_sent_once(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A client that sends the model's call again with its result does not double it."""
    upstream.answer(whole(CALL_REPLY), whole(CHAT_REPLY))
    first = ask(client).json()
    result = {"type": "function_call_output", "call_id": "c1", "output": "done"}
    assert ask(client, input=[*first["output"], result], previous_response_id=first["id"]).status_code == 200
    assert [role for role, _ in messages(upstream)] == ["user", "assistant", "tool"]


def test_a_chain_that_is_not_stored_any_further(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A follow-up with store false has the history, and cannot be gone on with itself."""
    first = asked(client, upstream)
    second = asked(client, upstream, previous_response_id=first["id"], store=False, input="Why?")
    assert len(messages(upstream)) == 3
    assert ask(client, previous_response_id=second["id"]).status_code == 400


def test_errors_and_losses_are_named_by_the_clients_own_paths(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The items before the client's own do not count: its first one is `input[0]`, in an error as in the header."""
    first = asked(client, upstream)
    wrong = ask(client, previous_response_id=first["id"], input=[{"type": "strange"}])
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "input[0]")
    for members, param in (({"input": 5}, "input"), ({"input": ["Hi"]}, "input[0]"), ({"input": None}, "input")):
        wrong = ask(client, previous_response_id=first["id"], **members)
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, param)
    items = [{"role": "user", "content": "Why?", "mood": "sad"}]
    upstream.answer(whole(CHAT_REPLY))
    lossy = ask(client, previous_response_id=first["id"], input=items)
    assert lossy.headers["x-gateway-dropped"] == "unknown:input[0].mood"


def test_the_reference_that_is_unknown_is_named(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Of several references the error names the first one that leads nowhere, with and without a conversation."""
    first = asked(client, upstream)
    known = {"type": "item_reference", "id": first["output"][0]["id"]}
    for unknown in ("msg_0123456789abcdef0123456700", "nonsense", None):
        items = [known, {"type": "item_reference", "id": unknown}]
        for members in ({}, {"previous_response_id": first["id"]}):
            refused = ask(client, input=items, **members)
            assert (refused.status_code, refused.json()["error"]["param"]) == (400, "input[1]")


def test_a_missing_result_is_refused(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A follow-up without the result of the model's call is refused, in OpenAI's words."""
    upstream.answer(whole(CALL_REPLY))
    first = ask(client).json()
    refused = ask(client, previous_response_id=first["id"], input="Well?")
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        400,
        "No tool output found for function call c1.",
    )


def test_an_upstream_of_responses_is_told_a_conversation_that_it_does_not_have(
    client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """A conversation that the gateway stores goes on with a model whose provider speaks Responses, and stays here."""
    first = asked(client, upstream)
    upstream.answer(whole(RESPONSES_REPLY))
    answer = client.post("/v1/responses", json=NATIVE | {"previous_response_id": first["id"]})
    assert answer.headers["x-gateway-translation"] == "responses>responses"
    second = answer.json()
    sent = json.loads(upstream.last.body)
    assert "previous_response_id" not in sent
    assert [item["role"] for item in sent["input"]] == ["user", "assistant", "user"]
    assert second["previous_response_id"] == first["id"]
    asked(client, upstream, previous_response_id=second["id"], input="Why?")
    assert [role for role, _ in messages(upstream)] == ["user", "assistant", "user", "assistant", "user"]


def test_a_conversation_of_an_upstream_does_not_go_on_elsewhere(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """What an upstream keeps is unknown to every other account; nobody is asked without the history."""
    upstream.answer(whole(RESPONSES_REPLY))
    native = client.post("/v1/responses", json=NATIVE).json()
    follow_up = NATIVE | {"previous_response_id": native["id"]}
    assert client.post("/v1/responses", json=follow_up).status_code == 200
    assert json.loads(upstream.last.body) == follow_up
    asked_before = len(upstream.requests)
    refused = ask(client, previous_response_id=native["id"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
    assert len(upstream.requests) == asked_before


def test_a_passed_on_stream_is_replayed_by_its_upstream(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A stream of an upstream that speaks Responses can be had again from there, byte for byte."""
    upstream.answer(streaming(RESPONSES_STREAM))
    assert client.post("/v1/responses", json=NATIVE | {"stream": True}).content == RESPONSES_STREAM
    upstream.answer(streaming(RESPONSES_STREAM, cut=7))
    replay = client.get("/v1/responses/resp_12345678?stream=true&starting_after=2")
    assert (replay.content, replay.headers["content-type"]) == (RESPONSES_STREAM, "text/event-stream; charset=utf-8")
    assert upstream.last.path == "/v1/responses/resp_12345678?stream=true&starting_after=2"


def test_an_upstreams_refusal_of_a_resource_is_its_own(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """What the upstream says of a response that it lost is passed on with its status."""
    upstream.answer(whole(RESPONSES_REPLY))
    client.post("/v1/responses", json=NATIVE)
    body = b'{"error": {"message": "It is  gone.", "type": "invalid_request_error", "param": null, "code": null}}'
    upstream.answer(whole(body, status=404))
    answer = client.get("/v1/responses/resp_12345678")
    assert (answer.status_code, answer.content) == (404, body)


def test_compacting_is_for_upstreams_that_can(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """An upstream that speaks Responses is asked in the client's own words; for another model it is a 400."""
    upstream.answer(whole(b'{"id": "resp_compacted", "object":  "response.compaction", "output": []}'))
    done = client.post("/v1/responses/compact", json=NATIVE)
    assert (done.status_code, json.loads(upstream.last.body)) == (200, NATIVE)
    assert (done.content, upstream.last.path) == (
        b'{"id": "resp_compacted", "object":  "response.compaction", "output": []}',
        "/v1/responses/compact",
    )
    refused = client.post("/v1/responses/compact", json=ASK)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unsupported_endpoint")


def test_an_unknown_conversation_is_not_found(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Conversations that no upstream of ours began are unknown, as resources and in a request."""
    upstream.answer(whole(RESPONSES_REPLY))
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/items"),
        ("POST", "/items"),
        ("DELETE", "/items/msg_1"),
    ):
        assert client.request(method, f"/v1/conversations/conv_unknown{path}").status_code == 404
    for conversation in ("conv_unknown", {"id": "conv_unknown"}):
        refused = client.post("/v1/responses", json=NATIVE | {"conversation": conversation})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "conversation")
    assert upstream.requests == []


def test_a_client_that_leaves_leaves_nothing_behind(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """A stream whose client left before its end is not stored: there is no half conversation."""
    go_on, seen = threading.Event(), len(gateway.log())
    upstream.answer([OPEN_STREAM, chunked(CHAT_STREAM[:400]), go_on, chunked(CHAT_STREAM[400:]), b"0\r\n\r\n"])
    with client.stream("POST", "/v1/responses", json=ASK | {"stream": True}) as stream:
        begun = next(stream.iter_raw())
    wait_until(lambda: "client_closed" in gateway.log()[seen:], 5)
    go_on.set()
    response_id = begun.partition(b'"id":"')[2].partition(b'"')[0].decode()
    assert client.get(f"/v1/responses/{response_id}").status_code == 404
    assert ask(client, previous_response_id=response_id).status_code == 400


def test_a_stream_that_fails_is_not_stored(
    gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """A reply that broke off can be neither retrieved nor gone on with."""
    upstream.answer(streaming(CHAT_STREAM[:400]))
    events = client.post("/v1/responses", json=ASK | {"stream": True}).text
    response_id = events.partition('"id":"resp_')[2].partition('"')[0]
    assert "response.failed" in events
    assert client.get(f"/v1/responses/resp_{response_id}").status_code == 404
    assert ask(client, previous_response_id=f"resp_{response_id}").status_code == 400


def test_a_cut_response_is_kept_but_not_gone_on_with(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A response that is incomplete can be retrieved; a follow-up is refused as if it were unknown."""
    upstream.answer(whole(CHAT_REPLY.replace(b'"finish_reason": "stop"', b'"finish_reason": "length"')))
    cut = client.post("/v1/responses", json=ASK).json()
    assert cut["status"] == "incomplete"
    assert client.get(f"/v1/responses/{cut['id']}").json() == cut
    refused = client.post("/v1/responses", json=ASK | {"previous_response_id": cut["id"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")


def test_a_conversation_that_an_upstream_began_is_its_own(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """It is made by the default model's provider, found and changed there, and gone on with there only."""
    upstream.answer(whole(b'{"id": "conv_123", "object": "conversation"}'))
    assert client.post("/v1/conversations", json={"metadata": {"a": "b"}}).json()["id"] == "conv_123"
    assert (upstream.last.path, json.loads(upstream.last.body)) == ("/v1/conversations", {"metadata": {"a": "b"}})
    item = client.post("/v1/conversations/conv_123/items?limit=1", json={"items": []})
    assert (item.status_code, upstream.last.path) == (200, "/v1/conversations/conv_123/items?limit=1")
    assert json.loads(upstream.last.body) == {"items": []}
    upstream.answer(whole(RESPONSES_REPLY))
    assert client.post("/v1/responses", json=NATIVE | {"conversation": "conv_123"}).status_code == 200
    assert json.loads(upstream.last.body) == NATIVE | {"conversation": "conv_123"}
    assert client.delete("/v1/conversations/conv_123").status_code == 200
    assert client.get("/v1/conversations/conv_123").status_code == 404


@pytest.mark.parametrize(
    "rest",
    [
        "/../../responses/resp_foreign",
        "/items/../../conv_foreign",
        "/%2e%2e/conv_foreign",
        "%2F..%2Fconv_foreign",
        "/items/..%5C..%5Cconv_foreign",
        "/items/%252e%252e%252fconv_foreign",
        "/unknown",
    ],
)
def test_no_path_leads_out_of_a_conversation(
    rest: str, gateway: RunningGateway, client: httpx2.Client, upstream: FakeUpstream
) -> None:
    """Behind a conversation of one's own there are its items alone: an upstream's key opens more than that."""
    upstream.answer(whole(b'{"id": "conv_own", "object": "conversation"}'))
    assert client.post("/v1/conversations", json={}).status_code == 200
    upstream.requests.clear()
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=15)  # it sends a path as it is
    connection.request("GET", f"/v1/conversations/conv_own{rest}")
    assert (connection.getresponse().status, upstream.requests) == (404, [])
    connection.close()


@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/conversations/conv_own/items"])
def test_a_conversation_takes_no_items_of_others(path: str, client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A reference among a conversation's items reaches the upstream if this project was told the item, as elsewhere."""
    upstream.answer(whole(b'{"id": "conv_own", "object": "conversation"}'), whole(RESPONSES_REPLY))
    assert client.post("/v1/conversations", json={}).status_code == 200
    own = client.post("/v1/responses", json=NATIVE).json()["output"][0]["id"]
    upstream.answer(whole(b'{"object": "list", "data": []}'))
    references = [{"type": "item_reference", "id": item_id} for item_id in (own, "msg_foreign")]
    assert client.post(path, json={"items": references[:1]}).status_code == 200
    upstream.requests.clear()
    refused = client.post(path, json={"items": references})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "items[1]")
    assert upstream.requests == []


def test_a_reference_is_found_among_what_is_no_item(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """Input that the gateway cannot read goes to an upstream that may, without references to what others have there."""
    upstream.answer(whole(RESPONSES_REPLY))
    mixed = ["Hi", {"type": "item_reference", "id": "msg_foreign"}]
    refused = client.post("/v1/responses", json=NATIVE | {"input": mixed})
    assert (refused.status_code, refused.json()["error"]["param"], upstream.requests) == (400, "input[1]", [])


def test_an_id_that_the_client_gave_is_not_told_by_an_upstream(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """A list of the input repeats the ids in it: whoever gives an item the id of another's has not learned of that."""
    upstream.answer(whole(RESPONSES_REPLY))
    claimed = {"type": "message", "role": "user", "content": "Hi", "id": "msg_claimed"}
    assert client.post("/v1/responses", json=NATIVE | {"input": [claimed]}).status_code == 200
    upstream.answer(whole(json.dumps({"object": "list", "data": [claimed]}).encode()))
    assert client.get("/v1/responses/resp_12345678/input_items").status_code == 200
    upstream.answer(whole(RESPONSES_REPLY))
    refused = client.post("/v1/responses", json=NATIVE | {"input": [{"type": "item_reference", "id": "msg_claimed"}]})
    assert (refused.status_code, upstream.requests) == (400, [])


def test_a_count_has_the_history(client: httpx2.Client, upstream: FakeUpstream) -> None:
    """The tokens of a follow-up are those of the whole conversation; an unknown one is refused."""
    first = asked(client, upstream, input="word " * 1000)
    count = client.post("/v1/responses/input_tokens", json=ASK | {"previous_response_id": first["id"]})
    assert count.json()["input_tokens"] > 500
    refused = client.post("/v1/responses/input_tokens", json=NATIVE | {"previous_response_id": "resp_unknown"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
