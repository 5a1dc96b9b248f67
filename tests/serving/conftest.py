"""One gateway process for the tests of this folder, with a scripted upstream behind every route."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.serving.fake_upstream import FakeUpstream
from tests.serving.running import RunningGateway, free_port

ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}", default: true, name: openai}}
  - {{model: anthropic/messages-model, access_key: $ANTHROPIC_API_KEY, base_url: "{url}", name: anthropic,
      shapes: [messages, chat], prefer: chat}}
  - {{model: openai/responses-model, access_key: $OPENAI_API_KEY, base_url: "{url}", name: openai}}
  - {{model: acme/only-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", name: acme, shapes: [chat], prefer: chat}}
  - {{model: acme/refused, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{closed}", name: refused}}
  - {{model: acme/slow, access_key: $OPENAI_API_KEY, base_url: "{url}", name: slow,
      timeouts: {{connect: 1, first_byte: 0.5, idle: 1}}}}
  - {{model: patient/slow-chat, access_key: $OPENAI_API_KEY, base_url: "{url}", name: slow-native,
      shapes: [chat, messages, responses], prefer: chat, timeouts: {{connect: 1, first_byte: 0.5, idle: 1}}}}
  - {{model: patient/slow-messages, access_key: $OPENAI_API_KEY, base_url: "{url}", name: slow-native,
      shapes: [chat, messages, responses], prefer: chat, timeouts: {{connect: 1, first_byte: 0.5, idle: 1}}}}
  - {{model: patient/slow-responses, access_key: $OPENAI_API_KEY, base_url: "{url}", name: slow-native,
      shapes: [chat, messages, responses], prefer: chat, timeouts: {{connect: 1, first_byte: 0.5, idle: 1}}}}
  - {{model: acme/unset, access_key: $NO_SUCH_VARIABLE, base_url: "{url}", name: unset}}
model_aliases:
  nickname: {{target: chat-model}}
"""


@pytest.fixture(scope="session")
def upstream() -> Iterator[FakeUpstream]:
    """The scripted upstream."""
    fake = FakeUpstream()
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The gateway process."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    routes = ROUTES.format(url=upstream.url, closed=free_port())
    running = RunningGateway(folder, routes, GATEWAY_LOG_FORMAT="json", GATEWAY_MAX_BODY_BYTES="100000")
    yield running.start()
    assert running.stop() is not None


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain HTTP client of the gateway."""
    with httpx2.Client(base_url=gateway.url, timeout=15) as http:
        yield http
