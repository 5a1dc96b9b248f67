"""The customer's eight streams, against a real gateway process, the vendors' own SDKs and a mock of the providers.

Each stream is read by the SDK and once more as bytes, which must keep the grammar of the client's shape; what reached
the provider is looked at as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import anthropic
import httpx2
import openai
import pytest
from openai.types.responses import ResponseCompletedEvent, ResponseTextDeltaEvent

from tests.grammar import chat as chat_grammar
from tests.grammar import messages as messages_grammar
from tests.grammar import responses as responses_grammar
from tests.seed.conftest import CLIENT_KEY
from tests.seed.providers import (
    CHAT_PATH,
    MESSAGES_PATH,
    SIGNATURE,
    Providers,
    Received,
    text_block,
    text_deltas,
    thinking_block,
    tool_call_deltas,
    words,
)

# The customer's model is one that the SDK warns about.
pytestmark = pytest.mark.filterwarnings("ignore:The model 'claude-sonnet-4-20250514' is deprecated:DeprecationWarning")

OPENAI_KEY = "upstream-key-of-openai"
ANTHROPIC_KEY = "upstream-key-of-anthropic"
ECHO_TOOL = {
    "type": "function",
    "function": {
        "name": "echo_tool",
        "description": "Echo input",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}
HELLO = [{"role": "user", "content": "Hello"}]


def fetch(client: httpx2.Client, path: str, body: Mapping[str, object], translation: str) -> bytes:
    """Return a stream's bytes after checking its head."""
    answer = client.post(path, json={**body, "stream": True})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-gateway-translation"] == translation
    assert (answer.headers["x-gateway-attempts"], answer.headers["x-gateway-revision"]) == ("1", "1")
    return answer.content


def check_received(providers: Providers, path: str, model: str, key: str) -> Received:
    """Check that both requests went there, for that model, with the provider's key and not the client's."""
    assert len(providers.received) == 2, "the SDK's request and the raw one, each once"
    for received in providers.received:
        assert (received.path, received.query) == (path, "")
        assert received.body["model"] == model
        assert received.body["stream"] is True
        assert CLIENT_KEY not in received.everything()
        credentials = {name: received.headers.get(name) for name in ("authorization", "x-api-key")}
        if path == MESSAGES_PATH:
            assert credentials == {"authorization": None, "x-api-key": key}
            assert received.headers["anthropic-version"]
        else:
            assert credentials == {"authorization": f"Bearer {key}", "x-api-key": None}
    return providers.received[0]


def test_openai_client_streams_text_of_an_openai_model(
    providers: Providers, openai_client: openai.OpenAI, raw_client: httpx2.Client
) -> None:
    """The words arrive one by one and in order; the bytes are the provider's own."""
    text = "The quick brown fox jumps over the lazy dog"
    providers.serve_chat(text_deltas(text), "stop")
    stream = openai_client.chat.completions.create(
        model="gpt-4o-mini", max_tokens=100, messages=[{"role": "user", "content": "Hello"}], stream=True
    )
    choices = [chunk.choices[0] for chunk in stream]
    assert [choice.delta.content for choice in choices if choice.delta.content] == words(text)
    assert choices[-1].finish_reason == "stop"
    body = {"model": "gpt-4o-mini", "max_tokens": 100, "messages": HELLO}
    raw = fetch(raw_client, CHAT_PATH, body, "passthrough")
    assert raw == providers.stream
    chat_grammar.check(raw)
    sent = check_received(providers, CHAT_PATH, "gpt-4o-mini", OPENAI_KEY)
    assert sent.body == {**body, "stream": True}


def test_openai_client_streams_a_tool_call_of_an_openai_model(
    providers: Providers, openai_client: openai.OpenAI, raw_client: httpx2.Client
) -> None:
    """The call keeps its id and name, and its arguments add up; the bytes are the provider's own."""
    providers.serve_chat(tool_call_deltas("call_mock_123", "echo_tool", ['{"te', 'xt":', '"hello"}']), "tool_calls")
    asked = [{"role": "user", "content": "Call the echo tool"}]
    with openai_client.chat.completions.stream(
        model="gpt-4o-mini",
        max_tokens=100,
        messages=[{"role": "user", "content": "Call the echo tool"}],
        tools=[ECHO_TOOL],  # type: ignore[list-item]  # literal JSON, as the customer writes it
    ) as stream:
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert (call.id, call.function.name, call.function.arguments) == ("call_mock_123", "echo_tool", '{"text":"hello"}')
    body = {"model": "gpt-4o-mini", "max_tokens": 100, "messages": asked, "tools": [ECHO_TOOL]}
    raw = fetch(raw_client, CHAT_PATH, body, "passthrough")
    assert raw == providers.stream
    chat_grammar.check(raw)
    assert check_received(providers, CHAT_PATH, "gpt-4o-mini", OPENAI_KEY).body["tools"] == [ECHO_TOOL]


def test_anthropic_client_streams_text_of_an_anthropic_model(
    providers: Providers, anthropic_client: anthropic.Anthropic, raw_client: httpx2.Client
) -> None:
    """The words arrive one by one and add up to the final message; the bytes are the provider's own."""
    text = "Hello from streaming Claude!"
    providers.serve_messages([text_block(text)])
    with anthropic_client.messages.stream(
        model="claude-sonnet-4-20250514", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    ) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert pieces == words(text)
    assert [block.to_dict() for block in final.content] == [{"type": "text", "text": text}]
    assert (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens) == ("end_turn", 11, 7)
    body = {"model": "claude-sonnet-4-20250514", "max_tokens": 100, "messages": HELLO}
    raw = fetch(raw_client, MESSAGES_PATH, body, "passthrough")
    assert raw == providers.stream
    messages_grammar.check(raw)
    check_received(providers, MESSAGES_PATH, "claude-sonnet-4-20250514", ANTHROPIC_KEY)


def test_anthropic_client_streams_thinking_of_an_anthropic_model(
    providers: Providers, anthropic_client: anthropic.Anthropic, raw_client: httpx2.Client
) -> None:
    """Thinking comes with its signature, then text; the provider gets the budget as the client wrote it."""
    providers.serve_messages([thinking_block("Two and two make four."), text_block("The answer is 4.")])
    with anthropic_client.messages.stream(
        model="claude-sonnet-4-20250514",
        max_tokens=2048,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=[{"role": "user", "content": "What is 2+2?"}],
    ) as stream:
        events = list(stream)
        final = stream.get_final_message()
    starts = [event.content_block.type for event in events if event.type == "content_block_start"]
    deltas = [event.delta.type for event in events if event.type == "content_block_delta"]
    assert starts == ["thinking", "text"]
    assert deltas == ["thinking_delta"] * 5 + ["signature_delta"] + ["text_delta"] * 4
    assert [block.to_dict() for block in final.content] == [
        {"type": "thinking", "thinking": "Two and two make four.", "signature": SIGNATURE},
        {"type": "text", "text": "The answer is 4."},
    ]
    thinking = {"type": "enabled", "budget_tokens": 1024}
    body = {"model": "claude-sonnet-4-20250514", "max_tokens": 2048, "thinking": thinking, "messages": HELLO}
    raw = fetch(raw_client, MESSAGES_PATH, body, "passthrough")
    assert raw == providers.stream
    messages_grammar.check(raw)
    sent = check_received(providers, MESSAGES_PATH, "claude-sonnet-4-20250514", ANTHROPIC_KEY)
    assert sent.body["thinking"] == thinking


def test_openai_client_streams_text_of_an_anthropic_model(
    providers: Providers, openai_client: openai.OpenAI, raw_client: httpx2.Client
) -> None:
    """A chat client reaches a Claude model through the provider's own chat endpoint, with that provider's key."""
    text = "Cross-provider streaming works!"
    providers.serve_chat(text_deltas(text), "stop")
    stream = openai_client.chat.completions.create(
        model="claude-sonnet-4-20250514",
        max_tokens=100,
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
    )
    assert [piece for chunk in stream if (piece := chunk.choices[0].delta.content)] == words(text)
    body = {"model": "claude-sonnet-4-20250514", "max_tokens": 100, "messages": HELLO}
    raw = fetch(raw_client, CHAT_PATH, body, "passthrough")
    assert raw == providers.stream
    chat_grammar.check(raw)
    check_received(providers, CHAT_PATH, "claude-sonnet-4-20250514", ANTHROPIC_KEY)


def test_anthropic_client_streams_text_of_an_openai_model(
    providers: Providers, anthropic_client: anthropic.Anthropic, raw_client: httpx2.Client
) -> None:
    """A Messages client is translated to chat, and gets a Messages stream with the provider's usage."""
    text = "Reverse cross-provider streaming!"
    providers.serve_chat(text_deltas(text), "stop")
    with anthropic_client.messages.stream(
        model="gpt-4o-mini", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
    ) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert pieces == words(text)
    assert [block.to_dict() for block in final.content] == [{"type": "text", "text": text}]
    assert (final.model, final.stop_reason) == ("gpt-4o-mini", "end_turn")
    assert (final.usage.input_tokens, final.usage.output_tokens) == (11, 7)
    body = {"model": "gpt-4o-mini", "max_tokens": 100, "messages": HELLO}
    events = messages_grammar.check(fetch(raw_client, MESSAGES_PATH, body, "messages>chat"))
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert deltas == words(text)
    sent = check_received(providers, CHAT_PATH, "gpt-4o-mini", OPENAI_KEY)
    assert sent.body["messages"] == HELLO
    assert sent.body["stream_options"] == {"include_usage": True}


def test_responses_client_streams_text_of_an_anthropic_model(
    providers: Providers, openai_client: openai.OpenAI, raw_client: httpx2.Client
) -> None:
    """The deltas add up to the text of the completed response, which carries the provider's usage."""
    text = "Responses API streaming works!"
    providers.serve_chat(text_deltas(text), "stop")
    events = list(openai_client.responses.create(model="claude-sonnet-4-20250514", input="Hello", stream=True))
    deltas = [event.delta for event in events if isinstance(event, ResponseTextDeltaEvent)]
    completed = events[-1]
    assert isinstance(completed, ResponseCompletedEvent)
    assert deltas == words(text)
    assert completed.response.output_text == text
    assert completed.response.usage is not None
    assert (completed.response.usage.input_tokens, completed.response.usage.output_tokens) == (11, 7)
    body = {"model": "claude-sonnet-4-20250514", "input": "Hello"}
    responses_grammar.check(fetch(raw_client, "/v1/responses", body, "responses>chat"))
    check_received(providers, CHAT_PATH, "claude-sonnet-4-20250514", ANTHROPIC_KEY)


def test_responses_request_reaches_the_provider_as_a_chat_request(
    providers: Providers, openai_client: openai.OpenAI, raw_client: httpx2.Client
) -> None:
    """Input, instructions and the bound on the output are translated, and so is the reply, event by event."""
    text = "Translated streaming response!"
    providers.serve_chat(text_deltas(text), "stop")
    with openai_client.responses.stream(
        model="claude-sonnet-4-20250514", input="Hello", instructions="Be brief.", max_output_tokens=50
    ) as stream:
        response = stream.get_final_response()
    assert (response.status, response.output_text) == ("completed", text)
    body = {
        "model": "claude-sonnet-4-20250514",
        "input": "Hello",
        "instructions": "Be brief.",
        "max_output_tokens": 50,
    }
    events = responses_grammar.check(fetch(raw_client, "/v1/responses", body, "responses>chat"))
    assert events[-1]["type"] == "response.completed"
    sent = check_received(providers, CHAT_PATH, "claude-sonnet-4-20250514", ANTHROPIC_KEY).body
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, *HELLO]
    assert 50 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    assert not {"input", "instructions", "max_output_tokens"} & set(sent)


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("arch.summarize.v1", "gpt-5-mini-2025-08-07"),
        ("arch.v1", "o3"),
        ("openai/gpt-4o", "gpt-4o"),
        (None, "gpt-5-mini-2025-08-07"),
    ],
)
@pytest.mark.parametrize("providers", [0], indirect=True, ids=["whole"])
def test_customers_names_lead_to_the_customers_models(
    providers: Providers, raw_client: httpx2.Client, asked: str | None, model: str
) -> None:
    """An alias and a full name reach the model that they stand for, and a request without a model the default."""
    providers.serve_chat(text_deltas("Hello"), "stop")
    named = {} if asked is None else {"model": asked}
    answer = raw_client.post(CHAT_PATH, json={**named, "messages": HELLO, "stream": True})
    assert answer.headers["x-gateway-upstream-model"] == model
    assert [received.body["model"] for received in providers.received] == [model]


def test_customers_models_are_listed(openai_client: openai.OpenAI) -> None:
    """The list of models has every model and alias of the customer's file, and nothing else."""
    assert {model.id for model in openai_client.models.list()} == {
        "gpt-5-mini-2025-08-07",
        "gpt-4o-mini",
        "o3",
        "gpt-4o",
        "claude-sonnet-4-20250514",
        "arch.summarize.v1",
        "arch.v1",
    }
