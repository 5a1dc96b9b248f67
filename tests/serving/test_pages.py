"""What is not a relay: probes, the list of models in both shapes, admin beside the API."""

from __future__ import annotations

from pathlib import Path

import anthropic
import httpx2
import openai
import pytest

from tests.serving.fake_upstream import FakeUpstream
from tests.serving.running import RunningGateway


def test_probes_are_answered(client: httpx2.Client) -> None:
    """`HEAD /` and `GET /` are 200 and short, `/healthz` is alive, `/readyz` says revision and database."""
    assert client.head("/").status_code == 200
    assert client.get("/").json()["name"] == "Switchyard"
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["revision"]) == (200, "ok", 1)


def test_claude_codes_probe_is_a_404_in_json(client: httpx2.Client) -> None:
    """`HEAD /api/hello` is not found, without a web page."""
    answer = client.head("/api/hello")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_models_are_listed_in_the_openai_shape(gateway: RunningGateway) -> None:
    """The OpenAI SDK lists the models, aliases included, and gets one by its name."""
    client = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0)
    names = {model.id: model.owned_by for model in client.models.list()}
    assert names["chat-model"] == "openai"
    assert "nickname" in names
    assert client.models.retrieve("chat-model").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_models_are_listed_in_the_anthropic_shape(gateway: RunningGateway) -> None:
    """The Anthropic SDK lists the models in pages, and gets one by its name."""
    client = anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=0)
    whole = [model.id for model in client.models.list(limit=1000)]
    paged = [model.id for model in client.models.list(limit=2)]
    assert paged == whole == sorted(whole)
    assert client.models.retrieve("messages-model").display_name == "messages-model"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("no-such-model")


@pytest.mark.parametrize("limit", ["0", "1001", "many", "-1", "\u0663"])
def test_page_size_out_of_bounds_is_a_400(client: httpx2.Client, limit: str) -> None:
    """The page size is a number from 1 to 1000."""
    answer = client.get("/v1/models", params={"limit": limit}, headers={"anthropic-version": "2023-06-01"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"


def test_admin_is_served_beside_the_api(client: httpx2.Client) -> None:
    """Admin asks for a login, with its style sheets and its safety headers."""
    login = client.get("/admin/login/")
    assert login.status_code == 200
    assert "Switchyard" in login.text
    assert login.headers["x-frame-options"] == "DENY"
    assert client.get("/static/admin/css/base.css").status_code == 200


def test_surfaces_can_be_kept_apart(upstream: FakeUpstream, tmp_path: Path) -> None:
    """A process that mounts the API only answers 404 below /admin/, in JSON."""
    routes = "model_providers:\n  - {model: openai/m, access_key: $OPENAI_API_KEY, base_url: 'http://127.0.0.1:1'}\n"
    gateway = RunningGateway(tmp_path, routes, GATEWAY_SURFACES="api").start()
    try:
        answer = httpx2.get(f"{gateway.url}/admin/login/")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
        assert httpx2.get(f"{gateway.url}/v1/models").status_code == 200
    finally:
        gateway.stop()
