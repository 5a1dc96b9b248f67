"""Where a worker keeps responses: what the seed file says, and what `manage.py check` says of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import httpx2
import pytest
from pytest_django import Settings

from conversations.memory import MemoryResponseStore
from conversations.threads import DatabaseResponseStore
from serving.checks import shared_responses
from serving.storage import response_store
from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_REPLY

ROUTES = """
model_providers:
  - {{model: openai/chat-model, access_key: $OPENAI_API_KEY, base_url: "{url}", shapes: [chat], prefer: chat}}
state_storage:
  type: memory
"""


@pytest.mark.parametrize(
    ("text", "store"),
    [
        ("state_storage: {type: memory}", MemoryResponseStore),
        ("state_storage: {type: database}", DatabaseResponseStore),
        ("routes: []", DatabaseResponseStore),
        ("state_storage: {type: no such}", DatabaseResponseStore),
        (None, DatabaseResponseStore),
    ],
)
def test_the_seed_file_selects_the_store(text: str | None, store: type, settings: Settings, tmp_path: Path) -> None:
    """Without a word of it, without a file, or with one that cannot be read, it is the database."""
    settings.GATEWAY_ROUTES = str(tmp_path / "routes.yaml")
    if text is not None:
        Path(settings.GATEWAY_ROUTES).write_text(text)
    assert type(response_store()) is store


@pytest.mark.parametrize(
    ("workers", "kind", "found"), [(1, "memory", []), (2, "memory", ["serving.W002"]), (2, "database", [])]
)
def test_workers_that_share_nothing_are_warned_of(
    workers: int, kind: str, found: list[str], settings: Settings, tmp_path: Path
) -> None:
    """Several workers with a memory each do not find one another's responses."""
    settings.GATEWAY_WORKERS, settings.GATEWAY_ROUTES = workers, str(tmp_path / "routes.yaml")
    Path(settings.GATEWAY_ROUTES).write_text(f"state_storage: {{type: {kind}}}")
    assert [message.id for message in shared_responses()] == found


def test_memory_keeps_conversations_and_writes_nothing(tmp_path: Path) -> None:
    """With the memory as its store a worker goes on with its conversations, and the database has none of them."""
    with FakeUpstream() as upstream, RunningGateway(tmp_path, ROUTES.format(url=upstream.url)) as gateway:
        upstream.answer(whole(CHAT_REPLY))
        first = httpx2.post(f"{gateway.url}/v1/responses", json={"model": "chat-model", "input": "Hi"}).json()
        ask = {"model": "chat-model", "input": "Why?", "previous_response_id": first["id"]}
        assert httpx2.post(f"{gateway.url}/v1/responses", json=ask).status_code == 200
        assert b'"Hello"' in upstream.last.body
        assert httpx2.get(f"{gateway.url}/v1/responses/{first['id']}").json() == first
    with sqlite3.connect(tmp_path / "gateway.sqlite3") as reading:
        assert reading.execute("SELECT count(*) FROM conversations_response").fetchone() == (0,)
    reading.close()
