"""Who may come in, as clients see it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pytest_django import Settings

from serving.admission import admit
from serving.request import ApiRequest
from serving.urls import urlpatterns
from serving.worker import Worker
from tests.keys.asking import EXPIRED, VALID, Ask, scope_of

PUBLIC = {"", "healthz", "readyz"}
BEARER = ("authorization", f"Bearer {VALID}")


def _request(worker: Worker, *headers: tuple[str, str]) -> ApiRequest:
    return ApiRequest(scope_of(worker, "GET", "/v1/models", headers))


@pytest.mark.parametrize(
    "headers",
    [
        [BEARER],
        [("authorization", f"bearer {VALID}")],
        [("x-api-key", VALID)],
        [("authorization", "Bearer another"), ("x-api-key", VALID)],
        [("x-api-key", VALID), ("authorization", "Bearer another")],
    ],
)
def test_a_known_key_names_its_project(worker: Worker, headers: list[tuple[str, str]]) -> None:
    """A key comes in either header; where both are present `x-api-key` counts."""
    assert admit(_request(worker, *headers)) == "web"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", VALID)],
        [("authorization", f"Basic {VALID}")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Bearer test-key")],
        [("authorization", "Bearer ' OR '1'='1")],
        [("x-api-key", "' OR '1'='1")],
        [("x-api-key", "'; DROP TABLE keys_apikey; --")],
        [("x-api-key", "")],
        [("x-api-key", "\xff\x00")],
        [("x-api-key", EXPIRED)],
        [("x-api-key", VALID[:-1])],
        [("x-api-key", "another"), BEARER],
        [("cookie", f"sessionid={VALID}")],
    ],
)
def test_anything_else_is_refused(ask: Ask, headers: list[tuple[str, str]]) -> None:
    """Without a key that is known and has not expired the answer is 401, the same for every reason."""
    answer = ask("GET", "/v1/models", *headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.wire == {
        "error": {
            "message": "No valid API key was provided. Send one as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
            "type": "authentication_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }


@pytest.mark.parametrize(
    ("method", "path", "headers", "anthropic"),
    [
        ("POST", "/v1/chat/completions", [], False),
        ("POST", "/v1/responses", [], False),
        ("POST", "/v1/messages", [], True),
        ("GET", "/v1/models", [], False),
        ("GET", "/v1/models/gpt", [], False),
        ("GET", "/v1/models", [("anthropic-version", "2023-06-01")], True),
    ],
)
def test_a_refusal_has_the_callers_shape(
    ask: Ask, method: str, path: str, headers: list[tuple[str, str]], anthropic: bool
) -> None:
    """A client gets its 401 in the shape that it speaks, with the request's id."""
    answer = ask(method, path, ("x-api-key", "unknown"), *headers)
    assert answer.status == 401
    assert answer.headers["content-type"] == "application/json"
    assert ("type" in answer.wire) == anthropic
    if anthropic:
        assert answer.wire["error"]["type"] == "authentication_error"
        assert answer.wire["request_id"] == answer.headers["request-id"]
    else:
        assert answer.wire["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("pattern", [p for p in urlpatterns if str(p.pattern) not in PUBLIC], ids=str)
def test_no_endpoint_forgets_to_ask(ask: Ask, pattern: Any) -> None:
    """Every endpoint but the probes answers a client without a key with 401, or 405 where it has no such method."""
    path = "/" + re.sub(r"<[^>]+>", "x", str(pattern.pattern))
    statuses = {ask(method, path).status for method in ("GET", "POST", "DELETE", "HEAD", "PUT")}
    assert 401 in statuses
    assert statuses <= {401, 405}


def test_an_open_gateway_takes_any_key_or_none(worker: Worker, settings: Settings) -> None:
    """Where GATEWAY_CLIENT_AUTH is open a client needs no key; one with a valid key still belongs to its project."""
    settings.GATEWAY_CLIENT_AUTH = "open"
    assert admit(_request(worker)) == ""
    assert admit(_request(worker, ("x-api-key", "test-key"))) == ""
    assert admit(_request(worker, ("x-api-key", EXPIRED))) == ""
    assert admit(_request(worker, BEARER)) == "web"


@pytest.mark.parametrize("setting", ["", "Open", "none", "required"])
def test_nothing_but_the_word_open_opens(ask: Ask, settings: Settings, setting: str) -> None:
    """A value that is not exactly `open` keeps the door shut."""
    settings.GATEWAY_CLIENT_AUTH = setting
    assert ask("GET", "/v1/models").status == 401


@pytest.mark.parametrize("headers", [[], [BEARER], [("x-api-key", "unknown")]])
def test_a_worker_without_keys_asks_to_try_again(ask: Ask, worker: Worker, headers: list[tuple[str, str]]) -> None:
    """While the database has never answered nobody is told that a key is wrong: 503 with Retry-After, never 401."""
    worker.keys, worker.database_ok = None, False
    answer = ask("GET", "/v1/models", *headers)
    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.wire["error"]["code"] == "not_ready"


def test_a_known_key_outlives_the_database(worker: Worker) -> None:
    """While the database is away the keys that the worker knows go on opening the door."""
    worker.database_ok = False
    assert admit(_request(worker, BEARER)) == "web"


def test_an_unknown_key_is_not_refused_while_the_database_is_away(ask: Ask, worker: Worker) -> None:
    """The key may have been made since: 503 until the database answers again. No key at all is 401 at any time."""
    worker.database_ok = False
    assert ask("GET", "/v1/models", ("x-api-key", "unknown")).status == 503
    assert ask("GET", "/v1/models").status == 401
