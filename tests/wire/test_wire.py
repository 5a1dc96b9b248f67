"""Every scenario as files of the wire: what clients ask, what the upstream gets and answers, and what clients read.

A folder is a scenario: `client.<shape>.json` is a client's request and `sent.<shape>.json` what the upstream gets;
`upstream.sse` or `upstream.json` is its answer, and `client.<shape>.sse` what that client reads. The upstream speaks
chat, except in a folder that is named after another shape.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import msgspec
import openai
import pytest

from tests.translation import official_clients
from tests.translation.conversations import GRAMMARS, MODELS, REQUEST_RULES
from tests.translation.relaying import cuts, streamed, translation
from translation.translator import Translation, translate_reply

HERE = Path(__file__).parent
SCENARIOS = sorted(
    (file.parent.relative_to(HERE).as_posix(), file.name.split(".")[1]) for file in HERE.rglob("client.*.json")
)
"""Each scenario by its folder, with each of its clients."""

STREAMS = [(scenario, client) for scenario, client in SCENARIOS if (HERE / scenario / "upstream.sse").exists()]
WHOLE = [(scenario, client) for scenario, client in SCENARIOS if (HERE / scenario / "upstream.json").exists()]
ENDINGS = {"error_in_mid_stream": "The server is overloaded", "stream_ends_early": "before the reply was complete"}
BROKEN = [
    (scenario, client, ENDINGS[Path(scenario).name]) for scenario, client in STREAMS if Path(scenario).name in ENDINGS
]


def wire(scenario: str, name: str) -> bytes:
    """Return one file of a scenario."""
    return (HERE / scenario / name).read_bytes()


def relay(scenario: str, client: str) -> Translation:
    """Return the translation of the scenario's request."""
    request = msgspec.json.decode(wire(scenario, f"client.{client}.json"))
    upstream = upstream_of(scenario)
    return translation(client, request, MODELS[upstream], upstream=upstream)


def upstream_of(scenario: str) -> str:
    """Return the shape that the scenario's upstream speaks."""
    return scenario.rpartition("/")[0] or "chat"


def comparable(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply without what only one form has: members that are null, and the split of the cache counts."""
    usage = {name: value for name, value in reply["usage"].items() if name != "cache_creation"}
    if "choices" in reply:
        reply = {**reply, "object": "", "choices": [comparable_choice(choice) for choice in reply["choices"]]}
    return {name: value for name, value in reply.items() if value is not None} | {"usage": usage}


def comparable_choice(choice: dict[str, Any]) -> dict[str, Any]:
    """Return the choice of a completion without what the official client adds to a stream's."""
    message = {name: value for name, value in choice["message"].items() if value is not None}
    if "tool_calls" in message:
        calls = message["tool_calls"]
        functions = [{name: call["function"][name] for name in ("name", "arguments")} for call in calls]
        message["tool_calls"] = [(call["id"], function) for call, function in zip(calls, functions, strict=True)]
    return {**choice, "message": message}


@pytest.mark.parametrize(("scenario", "client"), SCENARIOS)
def test_request_reaches_the_upstream_as_the_file_says(scenario: str, client: str) -> None:
    """The upstream gets the body in the file, and it is a lawful request of its shape."""
    body = msgspec.json.decode(relay(scenario, client).body)
    assert body == msgspec.json.decode(wire(scenario, f"sent.{client}.json"))
    REQUEST_RULES[upstream_of(scenario)](body)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize(("scenario", "client"), STREAMS)
def test_client_reads_the_same_bytes_however_the_network_cuts_the_stream(scenario: str, client: str, size: int) -> None:
    """The client reads the bytes in the file, whether the upstream's come one by one, in sevens or at once."""
    told = streamed(relay(scenario, client), cuts(wire(scenario, "upstream.sse"), size))
    assert told == wire(scenario, f"client.{client}.sse")


@pytest.mark.parametrize(("scenario", "client"), SCENARIOS)
def test_what_the_client_reads_is_lawful(scenario: str, client: str) -> None:
    """Every stream in the files keeps the grammar of its shape."""
    assert GRAMMARS[client](wire(scenario, f"client.{client}.sse"))


ONE_REPLY = [
    (scenario, client)
    for scenario, client in STREAMS
    if Path(scenario).name not in ENDINGS and (Path(scenario).name, client) != ("length_inside_arguments", "messages")
]


@pytest.mark.parametrize(("scenario", "client"), ONE_REPLY)
def test_stream_and_whole_reply_are_one_to_the_official_client(scenario: str, client: str) -> None:
    """The official client makes of the stream what it makes of the collected reply in one piece."""
    whole = translate_reply(wire(scenario, "upstream.sse"), relay(scenario, client), streamed=True).body
    accumulated = official_clients.of_stream(client, wire(scenario, f"client.{client}.sse"))
    assert comparable(accumulated) == comparable(official_clients.of_whole(client, whole))


def test_cut_arguments_cannot_be_taken_for_a_call_that_is_meant() -> None:
    """A whole message must hold an object as input, so that arguments cut by the limit stand under a name that says so.

    A stream hands them on as they are, and the official client ignores the open end.
    """
    scenario = "length_inside_arguments"
    body = translate_reply(wire(scenario, "upstream.sse"), relay(scenario, "messages"), streamed=True).body
    whole = official_clients.of_whole("messages", body)
    assert whole["content"][0]["input"] == {"INVALID_JSON": '{"city":"Os'}
    accumulated = official_clients.of_stream("messages", wire(scenario, "client.messages.sse"))
    assert accumulated["stop_reason"] == whole["stop_reason"] == "max_tokens"
    assert accumulated["usage"] == comparable(whole)["usage"]


@pytest.mark.parametrize(("scenario", "client"), WHOLE)
def test_whole_reply_to_a_client_that_streams_becomes_a_stream(scenario: str, client: str) -> None:
    """An upstream that answers a stream's request with JSON costs the client nothing: it reads the stream."""
    answer = wire(scenario, "upstream.json")
    told = relay(scenario, client).stream().feed_whole(answer)
    assert told == wire(scenario, f"client.{client}.sse")
    whole = translate_reply(answer, relay(scenario, client)).body
    accumulated = official_clients.of_stream(client, told)
    assert comparable(accumulated) == comparable(official_clients.of_whole(client, whole))


@pytest.mark.parametrize(("scenario", "client", "words"), BROKEN)
def test_broken_stream_raises_in_the_official_client(scenario: str, client: str, words: str) -> None:
    """A stream that fails or ends early is an error to the official client, never a short answer."""
    with pytest.raises((anthropic.APIError, openai.APIError), match=words):
        official_clients.of_stream(client, wire(scenario, f"client.{client}.sse"))
