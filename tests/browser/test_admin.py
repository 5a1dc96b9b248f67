"""Admin as an operator sees it: in a browser, by clicking and typing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from routing.models import Revision, Route, Upstream
from routing.revisions import publish
from routing.seed import read_seed
from routing.store import write_configuration

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SEED = """
model_providers:
  - {model: openai/gpt-4o-mini, access_key: sk-canary-stored, default: true, weight: 3}
  - {model: azure_openai/gpt-4o-mini, base_url: 'https://acme.example/openai/v1', access_key: $AZURE_KEY, tier: 1}
  - {model: openai/o3, access_key: sk-canary-stored}
  - {model: openai/*, access_key: sk-canary-stored}
  - {model: anthropic/claude-sonnet-4-5, access_key: $ANTHROPIC_API_KEY}
  - {model: anthropic/*, access_key: $ANTHROPIC_API_KEY}
  - {model: ollama/llama3, quirks: [old_max_tokens], enabled: false}
model_aliases:
  fast: {target: gpt-4o-mini}
  smart: {target: claude-sonnet-4-5}
  arch.v1: {target: o3}
"""


@pytest.fixture(autouse=True)
def _seeded(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start with a configuration of several providers."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-of-the-environment")
    with transaction.atomic():
        write_configuration(read_seed(SEED).configuration)
        publish("seed_routes", "Seeded from routes.yaml")


def picture(page: Page, name: str) -> None:
    """Take the picture that the documentation shows; only on request, so that tests do not change files."""
    if os.environ.get("GATEWAY_PICTURES"):
        page.screenshot(path=IMAGES / f"{name}.png", full_page=True)


def test_an_upstream_is_edited(page: Page) -> None:
    """From the index to a saved upstream in a few clicks, and the message names the revision."""
    page.click("text=Upstreams")
    page.click("th.field-name >> text=azure_openai")
    page.fill("input[name=base_url]", "https://other.openai.example/openai/v1")
    page.check("input[name=quirks][value=no_stream_options]")
    page.click("input[name=_save] >> nth=0")
    expect(page.locator(".messagelist")).to_contain_text("Revision 2 is published")
    row = Upstream.objects.get(name="azure_openai")
    assert (row.base_url, row.quirks) == ("https://other.openai.example/openai/v1", ["no_stream_options"])
    assert Revision.objects.get(number=2).author == "ada"


def test_a_mistake_is_explained_next_to_the_field(page: Page) -> None:
    """A wrong address and a moved secret come back with a message at their fields, and nothing is saved."""
    page.goto(f"/admin/routing/upstream/{Upstream.objects.get(name='openai').pk}/change/")
    page.fill("input[name=base_url]", "api.openai.com")
    page.click("input[name=_save] >> nth=0")
    expect(page.locator(".field-base_url .errorlist")).to_contain_text("write it like https://api.example.com")
    page.fill("input[name=base_url]", "https://evil.example")
    page.click("input[name=_save] >> nth=0")
    expect(page.locator(".field-new_access_key .errorlist")).to_contain_text("enter the access key again")
    assert Revision.objects.count() == 1


def test_a_route_is_added_with_its_target(page: Page) -> None:
    """A route with a target from the inline is one form; a second row comes by clicking."""
    page.goto("/admin/routing/route/add/")
    page.fill("input[name=name]", "gpt-4o")
    page.select_option("select[name=targets-0-upstream]", label="openai")
    page.click("text=Add another Target")
    page.select_option("select[name=targets-1-upstream]", label="azure_openai")
    page.fill("input[name=targets-1-tier]", "1")
    page.click("text=Add another Alias")
    page.fill("input[name=aliases-0-name]", "chatty")
    page.click("input[name=_save] >> nth=0")
    expect(page.locator(".messagelist")).to_contain_text("Revision 2 is published")
    targets = Route.objects.get(name="gpt-4o").targets
    assert list(targets.values_list("upstream__name", "model", "tier")) == [
        ("openai", "gpt-4o", 0),
        ("azure_openai", "gpt-4o", 1),
    ]


def test_the_list_of_routes_says_what_goes_where(page: Page) -> None:
    """Targets, aliases, the default and what cannot serve are seen at a glance; filters and search narrow the list."""
    page.click("text=Routes")
    picture(page, "admin-routes")
    expect(page.locator("#result_list")).to_contain_text("no target is enabled")
    page.fill("#searchbar", "arch.v1")
    page.press("#searchbar", "Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.click("th.field-name a")
    expect(page.locator("input[name=name]")).to_have_value("o3")


def test_a_route_is_switched_off_from_the_list(page: Page) -> None:
    """In an incident a tick and an action are enough."""
    page.goto("/admin/routing/route/?q=claude")
    page.check("input[name=_selected_action] >> nth=0")
    page.select_option("select[name=action]", label="Disable the selected routes")
    page.click("button[name=index]")
    expect(page.locator(".messagelist")).to_contain_text("Revision 2 is published")
    assert not Route.objects.get(name="claude-sonnet-4-5").enabled


def test_no_credential_is_in_a_page(page: Page) -> None:
    """Neither what the server sends nor what the browser holds in its fields is a credential, typed ones included."""
    page.goto(f"/admin/routing/upstream/{Upstream.objects.get(name='openai').pk}/change/")
    assert "canary" not in page.content()
    page.fill("input[name=new_access_key]", "sk-canary-typed")
    page.fill("input[name=base_url]", "wrong")
    page.click("input[name=_save] >> nth=0")
    expect(page.locator(".errornote")).to_be_visible()
    assert "canary" not in page.content()
    assert page.input_value("input[name=new_access_key]") == ""


def test_a_revision_shows_its_difference(page: Page) -> None:
    """Who changed what, and the lines that came and went, are two clicks from the index."""
    route = Route.objects.get(name="gpt-4o-mini")
    page.goto(f"/admin/routing/route/{route.pk}/change/")
    picture(page, "admin-route")
    page.fill("input[name=targets-0-weight]", "9")
    page.click("input[name=_save] >> nth=0")
    page.goto("/admin/")
    page.click("text=Revisions")
    page.click("th.field-number >> text=2")
    expect(page.locator("ins")).to_contain_text("weight: 9")
    expect(page.locator(".field-author")).to_contain_text("ada")


def test_what_translation_assumes_is_shown_and_corrected(page: Page) -> None:
    """The profiles of the targets' models open by a click; a correction is saved, and is in bold from then on."""
    route = Route.objects.get(name="claude-sonnet-4-5")
    page.goto(f"/admin/routing/route/{route.pk}/change/")
    profiles = page.locator(".routing-profiles table")
    expect(profiles).to_be_hidden()
    page.click("summary:has-text('What translation assumes')")
    expect(profiles).to_contain_text("max_output_tokens")
    page.fill("input[name=targets-0-capabilities]", '{"max_output_tokens": 9000}')
    page.check("input[name=strict]")
    page.click("input[name=_continue] >> nth=0")
    expect(page.locator(".messagelist")).to_contain_text("Revision 2 is published")
    page.click("summary:has-text('What translation assumes')")
    expect(profiles.locator(".routing-corrected")).to_have_text("9000")
    route.refresh_from_db()
    assert (route.strict, route.targets.get().capabilities) == (True, {"max_output_tokens": 9000})


def test_what_passes_through_is_switched_for_an_upstream(page: Page) -> None:
    """Usage and betas are said in plain words, and the page tells what that comes to."""
    row = Upstream.objects.get(name="ollama")
    page.goto(f"/admin/routing/upstream/{row.pk}/change/")
    expect(page.locator(".field-in_effect")).to_contain_text("Streams are not asked for usage; no betas go on.")
    page.select_option("select[name=asks_usage]", label="yes")
    page.fill("textarea[name=betas]", "context-management-2025-06-27")
    page.click("input[name=_continue] >> nth=0")
    expect(page.locator(".messagelist")).to_contain_text("Revision 2 is published")
    expect(page.locator(".field-in_effect")).to_contain_text(
        "Streams are asked for usage; the betas context-management-2025-06-27 go on."
    )
