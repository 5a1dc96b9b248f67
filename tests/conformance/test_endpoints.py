"""The list of models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.serving.running import RunningGateway, free_port
from tests.serving.test_errors import error_of

ROUTES = """
model_providers:
{models}
model_aliases:
  claude-of-mine: {{target: model-03}}
"""
ENTRY = '  - {{model: {model}, access_key: $OPENAI_API_KEY, base_url: "http://127.0.0.1:{port}", name: {name}}}\n'
SLASHED = "vendor/model-with-slashes"
VERSION = {"anthropic-version": "2023-06-01"}
NAMES = ["claude-of-mine", *(f"model-{number:02}" for number in range(25)), SLASHED]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway with 26 models, one of them with a slash in its name, and an alias."""
    port = free_port()
    models = [ENTRY.format(model=f"openai/model-{number:02}", port=port, name="many") for number in range(25)]
    models.append(ENTRY.format(model=f"reseller/{SLASHED}", port=port, name="reseller"))
    with RunningGateway(tmp_path_factory.mktemp("models"), ROUTES.format(models="".join(models))) as serving:
        yield serving


@pytest.fixture(scope="module")
def http(gateway: RunningGateway) -> Iterator[httpx2.Client]:
    """A plain client."""
    with httpx2.Client(base_url=gateway.url, timeout=15) as client:
        yield client


def page(http: httpx2.Client, **parameters: Any) -> tuple[list[str], bool]:
    """Return the ids of one page in Anthropic's shape, and whether there are more."""
    wire = http.get("/v1/models", params=parameters, headers=VERSION).json()
    ids = [model["id"] for model in wire["data"]]
    assert (wire["first_id"], wire["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
    return ids, wire["has_more"]


def test_models(gateway: RunningGateway, http: httpx2.Client) -> None:
    """210. `/v1/models` lists every model and alias in OpenAI's shape, or with the header `anthropic-version` in
    Anthropic's and in pages of `limit` models `after_id` or `before_id`; one model is had by its id, which may hold
    slashes, and an unknown id is a 404 in the same shape.
    """
    whole = http.get("/v1/models").json()
    assert (whole["object"], [model["id"] for model in whole["data"]]) == ("list", NAMES)
    assert {(model["object"], model["owned_by"]) for model in whole["data"]} == {
        ("model", "openai"),
        ("model", "reseller"),
    }
    assert page(http) == (NAMES[:20], True)
    assert page(http, limit=1000) == (NAMES, False)
    assert page(http, limit=5, after_id=NAMES[4]) == (NAMES[5:10], True)
    assert page(http, after_id=NAMES[20]) == (NAMES[21:], False)
    assert page(http, after_id=SLASHED) == ([], False)
    assert page(http, limit=5, before_id=NAMES[7]) == (NAMES[2:7], True)
    assert page(http, limit=5, before_id=NAMES[3]) == (NAMES[:3], False)
    for name in NAMES:
        assert http.get(f"/v1/models/{name}").json()["id"] == name
        found = http.get(f"/v1/models/{name}", headers=VERSION).json()
        assert (found["type"], found["id"], found["lifecycle"]) == ("model", name, "active")
    unknown = http.get("/v1/models/no/such-model")
    assert (unknown.status_code, error_of(unknown, "chat")["code"]) == (404, "model_not_found")
    unknown = http.get("/v1/models/no/such-model", headers=VERSION)
    assert (unknown.status_code, error_of(unknown, "messages")["type"]) == (404, "not_found_error")


def test_official_clients_page_through_the_models(gateway: RunningGateway) -> None:
    """Both vendors' clients list the models, forwards and backwards, by stage of life, and get one by its id."""
    claude = anthropic.Anthropic(api_key="k", base_url=gateway.url, max_retries=0).models
    other = openai.OpenAI(api_key="k", base_url=f"{gateway.url}/v1", max_retries=0).models
    assert [model.id for model in other.list()] == NAMES
    assert [model.id for model in claude.list(limit=4)] == NAMES
    assert {model.id for model in claude.list(limit=4, before_id=SLASHED)} == set(NAMES) - {SLASHED}
    assert [model.id for model in claude.list(lifecycle=["active", "deprecated"], limit=1000)] == NAMES
    assert list(claude.list(lifecycle=["retired"])) == []
    assert claude.retrieve(SLASHED).id == other.retrieve(SLASHED).id == SLASHED
    with pytest.raises(anthropic.NotFoundError):
        claude.retrieve("no/such-model")
    with pytest.raises(openai.NotFoundError):
        other.retrieve("no/such-model")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "after_id=no-such-model", "before_id=no-such-model"]
)
def test_page_that_cannot_be_is_refused(http: httpx2.Client, query: str) -> None:
    """A page size out of bounds, or a place that no model has, is a 400 in Anthropic's shape."""
    answer = http.get(f"/v1/models?{query}", headers=VERSION)
    assert (answer.status_code, error_of(answer, "messages")["type"]) == (400, "invalid_request_error")
