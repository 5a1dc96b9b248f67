"""What an upstream keeps by itself: which account is asked for it, and whose ids reach it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.serving.fake_upstream import FakeUpstream, streaming, whole
from tests.serving.operating import assert_served_in_time, edit
from tests.serving.running import RunningGateway
from tests.serving.wires import RESPONSES_REPLY, RESPONSES_STREAM

Wire = dict[str, Any]
ROUTES = """
model_providers:
  - {{model: openai/moved, access_key: $OPENAI_API_KEY, base_url: "{old}", name: first}}
  - {{model: openai/steady, access_key: $ANTHROPIC_API_KEY, base_url: "{new}", name: second}}
"""
ASK: Wire = {"model": "moved", "input": "Hi"}
MOVE = 'Target.objects.filter(route__name="moved").update(upstream=Upstream.objects.get(name="{name}"))'
KEPT = "/v1/responses/resp_12345678"


@dataclass
class House:
    """A gateway, a client of it, and the upstreams of two accounts."""

    gateway: RunningGateway
    http: httpx2.Client
    old: FakeUpstream
    new: FakeUpstream

    def move(self, name: str) -> None:
        """Let the route lead to that account alone."""
        saved = edit(self.gateway, MOVE.format(name=name))
        assert_served_in_time(saved, lambda: self.leads_to() == name)

    def leads_to(self) -> str:
        """Return the name of the account that is asked for the model."""
        return str(self.http.post("/v1/responses", json=ASK | {"store": False}).headers["x-gateway-upstream"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The gateway, started once."""
    folder: Path = tmp_path_factory.mktemp("native")
    with (
        FakeUpstream() as old,
        FakeUpstream() as new,
        RunningGateway(folder, ROUTES.format(old=old.url, new=new.url)) as gateway,
        httpx2.Client(base_url=gateway.url, timeout=15) as http,
    ):
        for upstream in (old, new):
            upstream.answer(whole(RESPONSES_REPLY))
        yield House(gateway, http, old, new)


def test_the_account_that_made_a_response_is_asked_though_the_route_left_it(house: House) -> None:
    """Once the route leads to another account, and no route to the first any more, everything that can be done with a
    response still reaches the account that made it, with that account's key; a follow-up is told that it cannot go on.
    """
    house.move("first")
    house.old.answer(streaming(RESPONSES_STREAM))
    assert house.http.post("/v1/responses", json=ASK | {"stream": True}).status_code == 200
    house.move("second")
    house.old.answer(whole(b'{"what":  "it says"}'))
    house.new.answer(whole(RESPONSES_REPLY))
    for method, path in (
        ("GET", KEPT),
        ("GET", f"{KEPT}/input_items?limit=2&order=asc"),
        ("POST", f"{KEPT}/cancel"),
        ("GET", f"{KEPT}?stream=true&starting_after=2"),
        ("DELETE", KEPT),
    ):
        refused = house.http.post("/v1/responses", json=ASK | {"previous_response_id": "resp_12345678"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
        assert house.http.request(method, path).content == b'{"what":  "it says"}'
        assert (house.old.last.method, house.old.last.path) == (method, path)
        assert house.old.last.headers["authorization"] == "Bearer upstream-key-of-openai"
    assert house.http.get(KEPT).status_code == 404
    assert house.new.requests == []


def test_a_conversation_does_not_come_along_with_a_response(house: House) -> None:
    """A request that names both a response and a conversation is refused, as the provider would: the conversation of
    somebody else must not ride along with a response of one's own.
    """
    house.move("first")
    house.old.answer(whole(RESPONSES_REPLY))
    assert house.http.post("/v1/responses", json=ASK).status_code == 200
    house.old.requests.clear()
    both = ASK | {"previous_response_id": "resp_12345678", "conversation": "conv_foreign"}
    refused = house.http.post("/v1/responses", json=both)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "mutually_exclusive_parameters")
    assert house.old.requests == []


def test_an_item_of_somebody_else_is_not_asked_for(house: House) -> None:
    """An item that an upstream keeps is known by those to whom it was told: another reference is refused."""
    house.move("first")
    known = {"type": "item_reference", "id": "msg_1"}
    for script in (whole(RESPONSES_REPLY), streaming(RESPONSES_STREAM)):
        house.old.answer(script, whole(RESPONSES_REPLY))
        told = house.http.post("/v1/responses", json=ASK | {"stream": len(script) > 1})
        assert told.status_code == 200
        assert house.http.post("/v1/responses", json=ASK | {"input": [known]}).status_code == 200
        assert json.loads(house.old.last.body)["input"] == [known]
    house.old.requests.clear()
    for members in ({}, {"previous_response_id": "resp_12345678"}):
        foreign = [known, {"type": "item_reference", "id": "msg_foreign"}]
        refused = house.http.post("/v1/responses", json=ASK | members | {"input": foreign})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "input[1]")
    assert house.old.requests == []
