"""The mock upstream, as the official SDKs see it over a real server."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import uvicorn
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command

from serving.mock.app import MockUpstream
from serving.mock.sample import sample
from serving.mock.script import argument_pieces, pieces

ROOT = Path(__file__).resolve().parents[2]
MODEL = "gpt-4o-mini"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
MESSAGES_TOOL: Any = {"name": "get_weather", "input_schema": SCHEMA}
RESPONSES_TOOL: Any = {"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}
QUESTION = "Please get weather for Paris"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the mock without pauses on a free port, and return its URL."""
    with served(MockUpstream(delay_seconds=0)) as url:
        yield url


@contextmanager
def served(app: MockUpstream) -> Iterator[str]:
    """Run an application under uvicorn in a thread, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def openai_client(address: str) -> Iterator[openai.OpenAI]:
    """Return OpenAI's SDK, pointed at the mock."""
    with openai.OpenAI(api_key="any", base_url=f"{address}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(address: str) -> Iterator[anthropic.Anthropic]:
    """Return Anthropic's SDK, pointed at the mock."""
    with anthropic.Anthropic(api_key="any", base_url=address, max_retries=0) as client:
        yield client


# Text


def test_chat_repeats_the_last_user_message(openai_client: openai.OpenAI) -> None:
    """A chat answer repeats the user's words, and its usage counts words."""
    answer = openai_client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "one two three"}])
    assert answer.choices[0].message.content == "Hello from gpt-4o-mini! You said: one two three"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (4, 8, 12)


def test_messages_repeats_the_last_user_message(anthropic_client: anthropic.Anthropic) -> None:
    """A messages answer repeats the user's words, and its usage counts words."""
    answer = anthropic_client.messages.create(
        model=MODEL,
        max_tokens=100,
        messages=[
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "yes?"},
            {"role": "user", "content": [{"type": "text", "text": "second question"}]},
        ],
    )
    assert [block.to_dict() for block in answer.content] == [
        {"type": "text", "text": "Hello from gpt-4o-mini! You said: second question", "citations": None}
    ]
    assert (answer.stop_reason, answer.usage.output_tokens) == ("end_turn", 7)


def test_responses_repeats_the_input(openai_client: openai.OpenAI) -> None:
    """A responses answer repeats the input, and echoes what the request said."""
    answer = openai_client.responses.create(model=MODEL, input="hi there", instructions="Be brief.")
    assert answer.output_text == "Hello from gpt-4o-mini! You said: hi there"
    assert (answer.status, answer.instructions) == ("completed", "Be brief.")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


def test_chat_streams_in_pieces(openai_client: openai.OpenAI) -> None:
    """A chat stream brings several pieces, then a finish reason, then usage where it was asked for."""
    chunks = list(
        openai_client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert said == ["Hello ", "from ", "gpt-4o-mini! ", "You ", "said: ", "hi"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_messages_streams_in_pieces(anthropic_client: anthropic.Anthropic) -> None:
    """A messages stream brings several pieces that the SDK joins to the same message."""
    with anthropic_client.messages.stream(
        model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        said = list(stream.text_stream)
        final = stream.get_final_message()
    assert said == ["Hello ", "from ", "gpt-4o-mini! ", "You ", "said: ", "hi"]
    assert [block.text for block in final.content if block.type == "text"] == ["".join(said)]
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 6)


def test_responses_streams_in_pieces(openai_client: openai.OpenAI) -> None:
    """A responses stream numbers its events without gaps, and its last one holds the whole output."""
    with openai_client.responses.stream(model=MODEL, input="hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    said = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert said == ["Hello ", "from ", "gpt-4o-mini! ", "You ", "said: ", "hi"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.output_text == "".join(said)


# Tools


def test_chat_calls_the_tool_that_the_text_names(openai_client: openai.OpenAI) -> None:
    """A chat client gets the call with arguments that fit its schema, streamed as well as whole."""
    messages: Any = [{"role": "user", "content": QUESTION}]
    whole = openai_client.chat.completions.create(model=MODEL, messages=messages, tools=[CHAT_TOOL])
    with openai_client.chat.completions.stream(model=MODEL, messages=messages, tools=[CHAT_TOOL]) as stream:
        streamed = stream.get_final_completion()
    for answer in (whole, streamed):
        (call,) = answer.choices[0].message.tool_calls or []
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
        assert answer.choices[0].finish_reason == "tool_calls"


def test_messages_calls_the_tool_that_the_text_names(anthropic_client: anthropic.Anthropic) -> None:
    """A messages client gets the tool_use block with its input, streamed as well as whole."""
    request: Any = {
        "model": MODEL,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": QUESTION}],
        "tools": [MESSAGES_TOOL],
    }
    whole = anthropic_client.messages.create(**request)
    with anthropic_client.messages.stream(**request) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert [block.type for block in answer.content] == ["text", "tool_use"]
        assert (answer.content[1].name, answer.content[1].input) == ("get_weather", {"city": "Paris"})
        assert answer.stop_reason == "tool_use"


def test_responses_calls_the_tool_that_the_text_names(openai_client: openai.OpenAI) -> None:
    """A responses client gets the function_call item, streamed as well as whole."""
    whole = openai_client.responses.create(model=MODEL, input=QUESTION, tools=[RESPONSES_TOOL])
    with openai_client.responses.stream(model=MODEL, input=QUESTION, tools=[RESPONSES_TOOL]) as stream:
        streamed = stream.get_final_response()
    for answer in (whole, streamed):
        assert [item.type for item in answer.output] == ["message", "function_call"]
        assert (answer.output[1].name, json.loads(answer.output[1].arguments)) == ("get_weather", {"city": "Paris"})


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("auto", []),
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_weather"}}, ["get_weather"]),
    ],
)
def test_a_tool_choice_forces_a_call(openai_client: openai.OpenAI, choice: Any, called: list[str]) -> None:
    """Without a tool's name in the text, only a forcing tool_choice makes the mock call one."""
    answer = openai_client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}], tools=[CHAT_TOOL], tool_choice=choice
    )
    assert [call.function.name for call in answer.choices[0].message.tool_calls or []] == called


def test_chat_tells_a_tool_result_back(openai_client: openai.OpenAI) -> None:
    """After a tool's result a chat answer uses it, and calls nothing."""
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages: Any = [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    answer = openai_client.chat.completions.create(model=MODEL, messages=messages, tools=[CHAT_TOOL])
    assert answer.choices[0].message.content == "The tool answered: sunny"
    assert answer.choices[0].message.tool_calls is None


def test_messages_tells_a_tool_result_back(anthropic_client: anthropic.Anthropic) -> None:
    """After a tool's result a messages answer uses it, and calls nothing."""
    answer = anthropic_client.messages.create(
        model=MODEL,
        max_tokens=100,
        tools=[MESSAGES_TOOL],
        messages=[
            {"role": "user", "content": QUESTION},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
        ],
    )
    assert [block.text for block in answer.content if block.type == "text"] == ["The tool answered: sunny"]


def test_responses_tells_a_function_output_back(openai_client: openai.OpenAI) -> None:
    """After a function's output a responses answer uses it, also where the input holds nothing else."""
    output: Any = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    answer = openai_client.responses.create(
        model=MODEL, input=[output], tools=[RESPONSES_TOOL], previous_response_id="resp_1"
    )
    assert answer.output_text == "The tool answered: sunny"


# Thinking and structure


def test_chat_thinks_when_asked(openai_client: openai.OpenAI) -> None:
    """A reasoning effort puts reasoning_content before the content, streamed as well as whole."""
    messages: Any = [{"role": "user", "content": "hi"}]
    whole = openai_client.chat.completions.create(model=MODEL, messages=messages, reasoning_effort="low")
    chunks = openai_client.chat.completions.create(model=MODEL, messages=messages, reasoning_effort="low", stream=True)
    deltas = [chunk.choices[0].delta.to_dict() for chunk in chunks]
    thinking = "The user wrote 1 words. I will give a short answer."
    assert whole.choices[0].message.to_dict()["reasoning_content"] == thinking
    assert "".join(str(delta.get("reasoning_content", "")) for delta in deltas) == thinking
    kinds = [key for delta in deltas for key in ("reasoning_content", "content") if delta.get(key)]
    assert kinds == sorted(kinds, reverse=True)


def test_messages_thinks_when_asked(anthropic_client: anthropic.Anthropic) -> None:
    """Thinking puts a signed thinking block before the text, streamed as well as whole."""
    request: Any = {
        "model": MODEL,
        "max_tokens": 2048,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [{"role": "user", "content": "hi"}],
    }
    whole = anthropic_client.messages.create(**request)
    with anthropic_client.messages.stream(**request) as stream:
        streamed = stream.get_final_message()
    for answer in (whole, streamed):
        assert [block.type for block in answer.content] == ["thinking", "text"]
        assert answer.content[0].thinking == "The user wrote 1 words. I will give a short answer."
        assert answer.content[0].signature


def test_responses_reasons_when_asked(openai_client: openai.OpenAI) -> None:
    """Reasoning puts a reasoning item with a summary before the message, streamed as well as whole."""
    whole = openai_client.responses.create(model=MODEL, input="hi", reasoning={"effort": "low"})
    with openai_client.responses.stream(model=MODEL, input="hi", reasoning={"effort": "low"}) as stream:
        streamed = stream.get_final_response()
    for answer in (whole, streamed):
        assert [item.type for item in answer.output] == ["reasoning", "message"]
        assert answer.output[0].summary[0].text == "The user wrote 1 words. I will give a short answer."


def test_a_wished_for_schema_is_filled_in(openai_client: openai.OpenAI) -> None:
    """A request for structured output is answered with JSON that fits its schema."""
    answer = openai_client.responses.create(
        model=MODEL, input="Paris", text={"format": {"type": "json_schema", "name": "place", "schema": SCHEMA}}
    )
    assert json.loads(answer.output_text) == {"city": "Paris"}


# Other endpoints and bad requests


def test_messages_needs_max_tokens(address: str) -> None:
    """A messages request without max_tokens is refused, as the real API refuses it."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    answer = httpx2.post(f"{address}/v1/messages", json=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Missing required parameter: 'max_tokens'.")


def test_the_models_are_listed_in_both_shapes(
    openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    """Both SDKs list the same models."""
    assert [model.id for model in openai_client.models.list()] == [model.id for model in anthropic_client.models.list()]


def test_messages_counts_tokens(anthropic_client: anthropic.Anthropic) -> None:
    """The token count of a request is the one that its answer would report."""
    count = anthropic_client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "one two three"}])
    assert count.input_tokens == 4


@pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/responses"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"model": 1}', b'{"model": "m", "max_tokens": 1, "messages": [1], "input": [1]}'],
)
def test_a_bad_body_is_a_400_that_says_why(address: str, path: str, body: bytes) -> None:
    """A body that is no request of the shape is refused with a message, with and without the /v1 prefix."""
    for prefix in ("", "/v1"):
        answer = httpx2.post(address + prefix + path, content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/embeddings", 404), ("GET", "/v1/messages", 405), ("POST", "/v1/models", 405)],
)
def test_a_wrong_address_is_told(address: str, method: str, path: str, status: int) -> None:
    """An unknown path is a 404 and a wrong method a 405, with a message."""
    answer = httpx2.request(method, address + path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_stream_pauses_between_its_events() -> None:
    """With a delay the events of a stream arrive one by one, not at once."""
    with served(MockUpstream(delay_seconds=0.01)) as url:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "stream": True}
        began = time.monotonic()
        with httpx2.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
            events = [line for line in answer.iter_lines() if line]
        assert time.monotonic() - began >= 0.01 * len(events)


# The command


def test_the_command_serves_the_address_that_it_prints() -> None:
    """`manage.py mock_upstream` prints its address once one can connect to it."""
    command = [sys.executable, "manage.py", "mock_upstream", "--port", "0", "--delay-ms", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert address is not None
            assert httpx2.get(f"{address[0]}/v1/models").json()["object"] == "list"
        finally:
            process.terminate()


def test_the_command_says_that_its_port_is_taken() -> None:
    """A port that is in use is told as an error of the command, with the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Cannot listen on 127.0.0.1, port {port}"):
            call_command("mock_upstream", port=port)


# Parts of the script


@pytest.mark.parametrize("text", ["", "one", " spaced  out\ntext ", "word " * 1000])
def test_pieces_join_to_the_text(text: str) -> None:
    """No piece is empty, no character is lost, and a long text does not make a long stream."""
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert all(cut)
    assert len(cut) <= 40


def test_argument_pieces_are_not_json_alone() -> None:
    """The pieces of a call's arguments join to them, and none is an object by itself."""
    arguments = '{"city": "Paris"}'
    cut = list(argument_pieces(arguments))
    assert "".join(cut) == arguments
    assert len(cut) > 1


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "Paris"),
        ({"type": "string", "format": "date"}, "2026-11-20"),
        ({"type": "integer"}, 7),
        ({"type": "integer", "maximum": 5}, 5),
        ({"type": "number", "minimum": 7.5}, 7.5),
        ({"type": "boolean"}, True),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "null"}, None),
        ({"enum": ["c", "f"]}, "c"),
        ({"const": 3}, 3),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["Paris", "Paris"]),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"$ref": "#/$defs/flag", "$defs": {"flag": {"type": "boolean"}}}, True),
        ({"type": "object"}, {}),
        ({"properties": {"a": {"type": "boolean"}}}, {"a": True}),
        ({"properties": {"a": {}, "b": {"type": "boolean"}}, "required": ["b"]}, {"b": True}),
        ({"$ref": "#"}, None),
        ({"type": 5}, "Paris"),
        ({"properties": [], "required": 1}, {}),
    ],
)
def test_a_sample_fits_its_schema(schema: dict[str, Any], value: object) -> None:
    """Each kind of schema gets a value of its kind; a broken schema gets a harmless one."""
    assert sample(schema, "7 days in Paris") == value


def test_a_schema_that_contains_itself_ends() -> None:
    """A recursive schema is followed to a limited depth."""
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert json.dumps(sample(node, "")).count("next") <= 10


# The compose file


@pytest.fixture
def gateway_service() -> dict[str, Any]:
    """Return the compose file's only service."""
    compose = yaml.safe_load((ROOT / "docker-compose.mock.yaml").read_text())
    assert list(compose["services"]) == ["gateway"]
    service: dict[str, Any] = compose["services"]["gateway"]
    return service


def test_the_compose_file_publishes_the_gateway(gateway_service: dict[str, Any]) -> None:
    """The gateway's port 12000 is published, to this machine only, because any key is accepted."""
    assert gateway_service["ports"] == ["127.0.0.1:12000:12000"]
    assert gateway_service["environment"]["GATEWAY_CLIENT_AUTH"] == "open"


def test_the_compose_file_builds_from_files_that_exist(gateway_service: dict[str, Any]) -> None:
    """The image is built from this repository with its Dockerfile."""
    build = gateway_service["build"]
    assert (ROOT / build["context"] / build["dockerfile"]).is_file()


def test_the_compose_file_routes_to_the_host(gateway_service: dict[str, Any], tmp_path: Path) -> None:
    """The container's command turns every loopback address of the mock routes into the host's, which it can resolve."""
    script = gateway_service["command"][-1].replace("$$", "$").replace("exec python manage.py serve\n", "")
    routes = tmp_path / "routes.yaml"
    subprocess.run(["sh", "-ec", script], cwd=ROOT, env={"GATEWAY_ROUTES": str(routes)}, check=True)
    addresses = {provider["base_url"] for provider in yaml.safe_load(routes.read_text())["model_providers"]}
    assert addresses == {"http://host.docker.internal:51001"}
    assert gateway_service["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_the_compose_file_sets_every_credential_of_the_mock_routes(gateway_service: dict[str, Any]) -> None:
    """No route of the mock configuration refers to a variable that the container does not have."""
    wanted = set(re.findall(r"access_key: \$(\w+)", (ROOT / "fixtures" / "routes.mock.yaml").read_text()))
    assert wanted
    assert wanted <= set(gateway_service["environment"])


def test_the_image_runs_as_a_user_without_rights_on_locked_dependencies() -> None:
    """The Dockerfile installs by hash, and ends as a numbered user that is not root."""
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    assert "RUN pip install --require-hashes --requirement requirements.txt" in lines
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]


def test_the_image_holds_every_room() -> None:
    """No installed room of ours is left out of the image's build context."""
    kept = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    rooms = {name.split(".")[0] for name in settings.INSTALLED_APPS if not name.startswith("django.")}
    assert {f"!{room}" for room in rooms | {"gateway_project", "translation", "fixtures"}} <= set(kept)
