"""Tokens counted beforehand, with upstreams of every shape."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.running import RunningGateway

ROUTES = """
model_providers:
  - {{model: acme/of-messages, access_key: $OPENAI_API_KEY, base_url: "{url}", name: m, shapes: [messages]}}
  - {{model: acme/of-responses, access_key: $OPENAI_API_KEY, base_url: "{url}", name: r, shapes: [responses]}}
  - {{model: acme/of-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", name: c, shapes: [chat]}}
"""
PATHS = {"messages": "/v1/messages/count_tokens", "responses": "/v1/responses/input_tokens"}
COUNTED = b'{"object": "response.input_tokens", "input_tokens": 4242}'
TOOL: dict[str, Any] = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}


def counted_by_sdk(gateway: RunningGateway, client: str, model: str) -> int:
    """Return the count that the client's official SDK reads."""
    if client == "messages":
        sdk = anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=0)
        said = sdk.messages.count_tokens(
            model=model, system="Be brief.", messages=[{"role": "user", "content": "Hi " * 40}], tools=[TOOL]
        )
        return said.input_tokens
    other = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0)
    tool = {"type": "function", "name": "look", "description": "Looks.", "parameters": TOOL["input_schema"]}
    return other.responses.input_tokens.count(
        model=model, instructions="Be brief.", input="Hi " * 40, tools=[tool]
    ).input_tokens


def words_of(shape: str, body: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the instructions, what the user says and the tools' names in the body of a count."""
    names = [tool["name"] for tool in body["tools"]]
    if shape == "responses":
        items = body["input"]
        said = items if isinstance(items, str) else items[0]["content"]
        return body["instructions"], said if isinstance(said, str) else said[0]["text"], names
    system, said = body["system"], body["messages"][0]["content"]
    return (
        system if isinstance(system, str) else system[0]["text"],
        said if isinstance(said, str) else said[0]["text"],
        names,
    )


@pytest.mark.parametrize("client", PATHS)
@pytest.mark.parametrize("shape", ["messages", "responses", "chat"])
def test_tokens_are_counted_by_the_upstream_or_estimated(
    gateway: RunningGateway, upstream: FakeUpstream, client: str, shape: str
) -> None:
    """211. A prompt's tokens are counted by the upstream where it speaks messages or responses, in its own shape and
    without what only a generation has; where it speaks chat the gateway estimates them and says so in a header.
    """
    upstream.answer(whole(COUNTED))
    count = counted_by_sdk(gateway, client, f"of-{shape}")
    if shape == "chat":
        assert upstream.requests == []
        assert 30 < count < 100
    else:
        assert (count, upstream.last.path) == (4242, PATHS[shape])
        body = json.loads(upstream.last.body)
        assert words_of(shape, body) == ("Be brief.", "Hi " * 40, ["look"])
        assert not {"max_tokens", "max_output_tokens", "stream", "store", "include"} & set(body)
    asked = {"model": f"of-{shape}", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
    del asked["input" if client == "messages" else "messages"]
    answer = httpx2.post(gateway.url + PATHS[client], json=asked)
    assert answer.headers.get("x-gateway-estimated") == ("1" if shape == "chat" else None)
