"""Stored responses in admin, by clicking: found, read as a thread, and deleted with all that belongs to them."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from conversations import database
from conversations.models import Response
from tests.conversations.records import record

QUESTION = {"role": "user", "content": [{"type": "input_text", "text": "What is at the station?"}]}
LONG = "The 7:40 from Göteborg stands on track 3 — "


@pytest.fixture(autouse=True)
def _stored(transactional_db: None) -> None:
    """Start with a conversation of three turns with thoughts and a tool, a short one, and one of an upstream."""
    now = time.time()
    times: dict[str, Any] = {"created": now, "expires": now + 600_000, "project": "web", "upstream": "anthropic"}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I should look."}]}
    call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"track": 3, "zoom": 1.5}'}
    seen = {"type": "function_call_output", "call_id": "c1", "output": "a train\n  with 12 wagons"}
    first = record("resp_first", items=msgspec.json.encode([QUESTION]), **times)
    first = msgspec.structs.replace(first, output=msgspec.json.encode([thought, call]), model="claude-sonnet-4-5")
    second = record("resp_second", first, items=msgspec.json.encode([seen]), **times)
    words = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": LONG * 12}]}
    second = msgspec.structs.replace(second, output=msgspec.json.encode([words]), model="claude-sonnet-4-5")
    kept = record("resp_kept_by_its_upstream", status="remembered", items=b"[]", output=b"[]", **times)
    other = record("resp_other", **times | {"project": "shop"})
    item = msgspec.structs.replace(kept, id="msg_kept_by_its_upstream", root=kept.id, status="item")
    database.insert([first, second, record("resp_third", second, **times), kept, other, item])


def test_a_conversation_is_found_and_read(page: Page) -> None:
    """From the index to the thread in a few clicks: who said what, in order, and nothing that can be edited."""
    page.click("text=Stored responses")
    page.fill("#searchbar", "resp_third")
    page.click("#changelist-search input[type=submit]")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.click("th.field-response_id >> text=resp_third")
    speakers = page.locator(".field-conversation dt")
    expect(speakers).to_have_text(
        ["user", "assistant thinks", "assistant calls look (c1)", "tool answers (c1)", "assistant", "user", "assistant"]
    )
    expect(page.locator(".field-conversation dd").nth(3)).to_contain_text("with 12 wagons")
    assert page.locator("#response_form input:not([type=hidden]), textarea, input[name=_save]").count() == 0


def test_a_conversation_is_deleted_as_a_whole(page: Page) -> None:
    """The action asks for no more than the choice of one response, and leaves nothing of the conversation."""
    page.click("text=Stored responses")
    page.locator("tr", has_text="resp_second").locator("input.action-select").check()
    page.select_option("select[name=action]", "delete_conversations")
    page.click("button[name=index]")
    expect(page.locator(".messagelist")).to_contain_text("3 responses of 1 conversations deleted")
    left = {"resp_kept_by_its_upstream", "resp_other", "msg_kept_by_its_upstream"}
    assert set(Response.objects.values_list("response_id", flat=True)) == left
