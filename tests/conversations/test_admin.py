"""Admin of stored responses, as an operator's browser sees it."""

from __future__ import annotations

import re

import msgspec
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations import database
from conversations.models import Response
from tests.conversations.records import record

pytestmark = pytest.mark.django_db
LIST = "/admin/conversations/response/"
EVIL = "<img src=x onerror=alert(1)>"


def _page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def _change(response_id: str) -> str:
    return f"{LIST}{Response.objects.get(response_id=response_id).pk}/change/"


@pytest.mark.parametrize("search", ["resp_one", "shop", "model-one"])
def test_a_response_is_found_by_id_project_and_model(admin_client: Client, search: str) -> None:
    """The search of the list takes any of them."""
    database.insert([record("resp_one", project="shop", model="model-one"), record("resp_two")])
    page = _page(admin_client, f"{LIST}?q={search}")
    assert "resp_one" in page
    assert "resp_two" not in page


def test_the_conversation_is_shown_as_a_thread(admin_client: Client) -> None:
    """The page of a response shows who said what, in order, from the first question on."""
    first = record("a")
    call = {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"at": 1}'}
    answer = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a cat"}]}
    database.insert([
        first,
        record("b", first, output=msgspec.json.encode([call])),
        record("c", record("b", first), items=msgspec.json.encode([answer])),
    ])  # fmt: skip
    page = _page(admin_client, _change("c"))
    words = ["ask a", "say a", "ask b", "assistant calls look", "&quot;at&quot;: 1", "tool answers", "a cat", "say c"]
    places = [page.find(word) for word in words]
    assert -1 not in places
    assert places == sorted(places)


def test_the_list_begins_with_what_a_response_is_found_by(admin_client: Client) -> None:
    """The time stands in one line beside the id, and what matters least is left to the response's page: wide tables are
    cut at the edge of the window.
    """
    database.insert([record("a")])
    page = _page(admin_client, LIST)
    heads = re.findall(r'class="(?:sortable )?column-(\w+)', page)
    assert heads == ["response_id", "made", "project", "model", "upstream", "status", "takes"]
    assert "1970-01-12&nbsp;13:46&nbsp;UTC" in page


def test_the_thread_says_which_call_an_answer_is_of(admin_client: Client) -> None:
    """Results of parallel calls are told apart by the id that the call and its result share."""
    calls = [{"type": "function_call", "call_id": f"call_{at}", "name": "look", "arguments": "{}"} for at in (1, 2)]
    answers = [{"type": "function_call_output", "call_id": f"call_{at}", "output": f"seen {at}"} for at in (2, 1)]
    database.insert([record("a", items=msgspec.json.encode(calls + answers))])
    page = _page(admin_client, _change("a"))
    assert "assistant calls look (call_1)" in page
    assert re.search(r"tool answers \(call_2\)<.*?seen 2<.*?tool answers \(call_1\)<.*?seen 1<", page, re.DOTALL)


def test_the_previous_response_is_a_click_away(admin_client: Client) -> None:
    """A response's page links to the one that it goes on from; one that was deleted is named without a link."""
    first = record("first")
    database.insert([first, record("second", first), record("orphan", record("gone"))])
    assert f'<a href="{_change("first")}">first</a>' in _page(admin_client, _change("second"))
    assert re.search(r'class="readonly">\s*gone\s*<', _page(admin_client, _change("orphan")))


def test_what_was_said_is_inert(admin_client: Client) -> None:
    """Markup in a model's name, a role, an item's type or a text is shown as text."""
    items = [{"role": EVIL, "content": EVIL}, {"type": EVIL, "name": EVIL}, {"type": "function_call", "name": EVIL}]
    database.insert([record("a", items=msgspec.json.encode(items), model=EVIL, project=EVIL)])
    for path in (LIST, _change("a")):
        page = _page(admin_client, path)
        assert EVIL not in page
        assert "&lt;img src=x" in page


def test_nothing_is_edited(admin_client: Client) -> None:
    """There is no form for a new response, and none that changes one."""
    database.insert([record("a")])
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(_change("a"), {"project": "other"}).status_code == 403
    assert Response.objects.get().project == "web"


def test_a_response_is_deleted(admin_client: Client) -> None:
    """Admin's own action deletes what is selected, and nothing keeps its words."""
    database.insert([record("a"), record("b")])
    keys = [Response.objects.get(response_id="a").pk]
    sent = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    assert admin_client.post(LIST, sent).status_code == 302
    assert [each.response_id for each in Response.objects.all()] == ["b"]


def test_whole_conversations_are_deleted(admin_client: Client) -> None:
    """The action deletes what led to a selected response and what followed from it, of its project only."""
    first = record("a")
    second = record("b", first)
    database.insert([first, second, record("c", second), record("x"), record("a", project="other")])
    keys = [Response.objects.get(response_id="b").pk]
    page = admin_client.post(LIST, {"action": "delete_conversations", "_selected_action": keys}, follow=True)
    assert "3 responses of 1 conversations deleted" in page.content.decode()
    assert sorted(Response.objects.values_list("project", "response_id")) == [("other", "a"), ("web", "x")]


def test_a_conversation_with_a_gap_says_so(admin_client: Client) -> None:
    """Where a response before was deleted, the page does not pretend to show everything."""
    database.insert([record("b", record("a"))])
    assert "was deleted" in _page(admin_client, _change("b"))


def test_a_response_of_an_upstream_says_where_it_is(admin_client: Client) -> None:
    """What the upstream keeps is not here to be read."""
    database.insert([record("a", status="remembered", items=b"[]", output=b"[]")])
    assert "The upstream keeps" in _page(admin_client, _change("a"))


def test_the_list_leaves_the_long_columns_alone(admin_client: Client) -> None:
    """The list asks for no text of any conversation, and for no more rows of the database than it shows."""
    database.insert([record(f"r{number}") for number in range(20)])
    with CaptureQueriesContext(connection) as asked:
        _page(admin_client, LIST)
    assert len(asked) < 12
    assert not [query for query in asked if '"conversations_response"."output"' in query["sql"]]
