"""What is stored for one project is not there for another one, by whatever id and with whatever is asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.operating import wait_until
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_REPLY, RESPONSES_REPLY

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}", name: chat, shapes: [chat],
      prefer: chat}}
  - {{model: openai/responses-model, access_key: $OPENAI_API_KEY, base_url: "{url}", name: native, default: true}}
"""
NEVER = "resp_0123456789abcdef01234567"
NATIVE_ID, NATIVE_ITEM, CONVERSATION = "resp_12345678", "msg_1", "conv_12345678"


@dataclass
class House:
    """A gateway that asks for keys, an upstream, and the clients of two projects; `stored` is what the first one has.

    `expired` was the second one's own.
    """

    owner: httpx2.Client
    other: httpx2.Client
    upstream: FakeUpstream
    stored: str
    expired: str

    def forms(self) -> dict[str, str]:
        """Return ids that are nothing to the second project."""
        return {
            "of another project": self.stored,
            "of another project's item": f"msg_{self.stored.removeprefix('resp_')}i00",
            "of another project, at the upstream": NATIVE_ID,
            "of another project's item, at the upstream": NATIVE_ITEM,
            "of another project's conversation": CONVERSATION,
            "expired": self.expired,
            "without its prefix": self.stored.removeprefix("resp_"),
            "in capitals": self.stored.upper(),
            "with a blank": f"{self.stored} ",
            "with a wildcard": f"{self.stored[:-2]}%",
            "with a quote": "resp_' OR '1'='1",
            "with a control character": "resp_\x00",
            "too long": "x" * 5000,
            "not ASCII": "resp_☃",
        }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house, with a response of each kind."""
    folder = tmp_path_factory.mktemp("isolated")
    with (
        FakeUpstream() as upstream,
        RunningGateway(folder, ROUTES.format(url=upstream.url), GATEWAY_CLIENT_AUTH="required") as gateway,
    ):
        keys = [gateway.manage("create_key", "site", "--project", name).split()[-1] for name in ("one", "other")]
        owner, other = (
            httpx2.Client(base_url=f"{gateway.url}/v1", headers={"authorization": f"Bearer {key}"}, timeout=15)
            for key in keys
        )
        wait_until(lambda: all(client.get("/models").status_code == 200 for client in (owner, other)), 10)
        upstream.answer(whole(CHAT_REPLY))
        stored, expired = (
            client.post("/responses", json={"model": "chat-model", "input": "Hi"}).json()["id"]
            for client in (owner, other)
        )
        upstream.answer(whole(RESPONSES_REPLY), whole(b'{"id": "%b"}' % CONVERSATION.encode()))
        assert owner.post("/responses", json={"model": "responses-model", "input": "Hi"}).status_code == 200
        assert owner.post("/conversations", json={}).json()["id"] == CONVERSATION
        with sqlite3.connect(folder / "gateway.sqlite3") as database:
            database.execute("UPDATE conversations_response SET expires = 1 WHERE response_id = ?", [expired])
        database.close()
        upstream.answer(whole(CHAT_REPLY))
        yield House(owner, other, upstream, stored, expired)
        owner.close()
        other.close()


def asks(wanted: str) -> list[tuple[str, str, Wire | None]]:
    """Return everything that can be asked with an id: the resources of it, and requests that go on with it."""
    path = quote(wanted, safe="")
    resources = [
        *(("GET", f"/responses/{path}{rest}") for rest in ("", "?stream=true", "/input_items", "/input_items?limit=1")),
        ("DELETE", f"/responses/{path}"),
        ("POST", f"/responses/{path}/cancel"),
        *((method, f"/conversations/{path}") for method in ("GET", "POST", "DELETE")),
        *((method, f"/conversations/{path}/items") for method in ("GET", "POST")),
        *((method, f"/conversations/{path}/items/msg_1") for method in ("GET", "DELETE")),
    ]
    requests = [
        ("POST", place, {"model": model, "input": "?", "previous_response_id": wanted})
        for place in ("/responses", "/responses/input_tokens", "/responses/compact")
        for model in ("chat-model", "responses-model")
    ]
    reference = [{"type": "item_reference", "id": wanted}]
    requests += [("POST", "/responses", {"model": m, "input": reference}) for m in ("chat-model", "responses-model")]
    requests += [
        ("POST", "/responses", {"model": "responses-model", "input": "?", "conversation": conversation})
        for conversation in (wanted, {"id": wanted})
    ]
    return [*((method, place, None) for method, place in resources), *requests]


def answers(client: httpx2.Client, wanted: str) -> list[tuple[int, Wire]]:
    """Return what is said to all of it, with the id taken out."""
    told = []
    for method, place, body in asks(wanted):
        answer = client.request(method, place, json=body) if body is not None else client.request(method, place)
        error = answer.json()["error"]
        error["message"] = error["message"].replace(wanted[:128], "ID")
        told.append((answer.status_code, error))
    return told


@pytest.mark.parametrize(
    "form",
    [
        "of another project",
        "of another project's item",
        "of another project, at the upstream",
        "of another project's item, at the upstream",
        "of another project's conversation",
        "expired",
        "without its prefix",
        "in capitals",
        "with a blank",
        "with a wildcard",
        "with a quote",
        "with a control character",
        "too long",
        "not ASCII",
    ],
)
def test_what_is_not_ones_own_was_never_there(house: House, form: str) -> None:
    """Whatever is asked with such an id, the answer is that of an id that never was, and no upstream is asked."""
    asked = len(house.upstream.requests)
    told = answers(house.other, house.forms()[form])
    assert told == answers(house.other, NEVER)
    assert {status for status, _ in told} == {400, 404}
    assert len(house.upstream.requests) == asked


def test_the_owner_still_has_it(house: House) -> None:
    """What others asked for changed nothing."""
    assert house.owner.get(f"/responses/{house.stored}").json()["id"] == house.stored
    house.upstream.answer(whole(RESPONSES_REPLY))
    for path in (f"/responses/{NATIVE_ID}", f"/conversations/{CONVERSATION}"):
        assert house.owner.get(path).status_code == 200
    reference = [{"type": "item_reference", "id": NATIVE_ITEM}]
    assert house.owner.post("/responses", json={"model": "responses-model", "input": reference}).status_code == 200
