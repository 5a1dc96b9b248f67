"""The promise as an operator sees it: a save in admin, in a browser, and the next request follows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.serving.fake_upstream import FakeUpstream, whole
from tests.serving.operating import OPERATOR, PASSWORD, assert_served_in_time, create_operator
from tests.serving.running import RunningGateway
from tests.serving.wires import CHAT_REPLY

ROUTES = """
model_providers:
  - {{model: openai/assistant, access_key: $OPENAI_API_KEY, base_url: "{old}", name: old-account, default: true}}
  - {{model: openai/unused, access_key: $OPENAI_API_KEY, base_url: "{new}", name: new-account}}
"""


@pytest.fixture
def upstreams() -> Iterator[tuple[FakeUpstream, FakeUpstream]]:
    """The upstream that the route leads to, and another one."""
    with FakeUpstream() as old, FakeUpstream() as new:
        old.answer(whole(CHAT_REPLY))
        new.answer(whole(CHAT_REPLY))
        yield old, new


@pytest.fixture
def gateway(upstreams: tuple[FakeUpstream, FakeUpstream], tmp_path: Path) -> Iterator[RunningGateway]:
    """The gateway process, with an operator's account."""
    old, new = upstreams
    with RunningGateway(tmp_path, ROUTES.format(old=old.url, new=new.url)) as running:
        create_operator(running)
        yield running


@pytest.fixture
def admin(browser: Browser, gateway: RunningGateway) -> Iterator[Page]:
    """The list of routes in the gateway's own admin, after the login."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, base_url=gateway.url)
    page = context.new_page()
    page.goto("/admin/")
    page.fill("input[name=username]", OPERATOR)
    page.fill("input[name=password]", PASSWORD)
    page.click("input[type=submit]")
    page.goto("/admin/routing/route/")
    yield page
    context.close()


def test_next_request_follows_a_save_in_the_browser(
    admin: Page, gateway: RunningGateway, upstreams: tuple[FakeUpstream, FakeUpstream]
) -> None:
    """A target's upstream and model are changed in the form; within two seconds requests go there, under that name."""
    old, new = upstreams
    with openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0) as client:

        def model_that_serves() -> str:
            asked = client.chat.completions.with_raw_response.create(
                model="assistant", messages=[{"role": "user", "content": "Hi"}]
            )
            return str(asked.headers["x-gateway-upstream-model"])

        assert model_that_serves() == "assistant"
        assert (len(old.requests), len(new.requests)) == (1, 0)
        admin.click("th.field-name >> text=assistant")
        admin.select_option("select[name=targets-0-upstream]", label="new-account")
        admin.fill("input[name=targets-0-model]", "better-model")
        admin.click("input[name=_save] >> nth=0")
        expect(admin.locator(".messagelist")).to_contain_text("Revision 2 is published")
        saved = time.time()
        assert_served_in_time(saved, lambda: model_that_serves() == "better-model")
        assert new.last.headers["authorization"] == "Bearer upstream-key-of-openai"
        assert b'"better-model"' in new.last.body
    expect(admin.locator("#result_list")).to_contain_text("better-model")
