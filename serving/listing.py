"""The list of models, in the OpenAI shape or, for callers that send `anthropic-version`, in the Anthropic shape."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import parse_qsl

from routing.table import ListedModel, RouteTable, UnknownModel
from serving.errors import invalid_request, unknown_model
from serving.request import ApiRequest
from translation.hub import Wire

PAGE_DEFAULT, PAGE_MAX = 20, 1000
MOST_PARAMETERS = 32
LIFECYCLE = "active"
"""The stage of life of every model that is listed: what can be asked for."""


def page_of_models(listed: Sequence[ListedModel], request: ApiRequest) -> Wire:
    """Return the list; Anthropic's comes in pages, by `limit`, `after_id` and `before_id`."""
    if not _speaks_anthropic(request):
        return {"object": "list", "data": [_openai(model) for model in listed]}
    parameters = _parameters(request)
    query = dict(parameters)
    limit = _limit(query.get("limit", str(PAGE_DEFAULT)))
    stages = {value for name, value in parameters if name in ("lifecycle", "lifecycle[]")}
    if stages and LIFECYCLE not in stages:
        return _page((), more=False)
    names = [model.name for model in listed]
    after, before = query.get("after_id"), query.get("before_id")
    if before is not None:
        end = _position(names, before, "before_id")
        start = max(0, end - limit)
        more = start > 0
    else:
        start = 0 if after is None else _position(names, after, "after_id") + 1
        end = start + limit
        more = end < len(names)
    return _page(listed[start:end], more=more)


def _page(page: Sequence[ListedModel], *, more: bool) -> Wire:
    return {
        "data": [_anthropic(model) for model in page],
        "has_more": more,
        "first_id": page[0].name if page else None,
        "last_id": page[-1].name if page else None,
    }


def model_object(table: RouteTable, name: str, request: ApiRequest) -> Wire:
    """Return one model, by any name that a request may use; raises ClientError (404) if there is none of that name."""
    try:
        route = table.resolve(name)
    except UnknownModel as exc:
        raise unknown_model(name) from exc
    found = ListedModel(name, route.owner, route.created)
    return _anthropic(found) if _speaks_anthropic(request) else _openai(found)


def _speaks_anthropic(request: ApiRequest) -> bool:
    return b"anthropic-version" in request.fields


def _openai(model: ListedModel) -> Wire:
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": model.owner}


def _anthropic(model: ListedModel) -> Wire:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(model.created))
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": created,
        "lifecycle": LIFECYCLE,
    }


def _parameters(request: ApiRequest) -> list[tuple[str, str]]:
    text = request.scope["query_string"].decode("latin-1")
    try:
        return parse_qsl(text, max_num_fields=MOST_PARAMETERS)
    except ValueError as exc:
        raise invalid_request(f"The query has more than {MOST_PARAMETERS} parameters.") from exc


def _limit(text: str) -> int:
    if len(text) > 4 or not text.isascii() or not text.isdigit() or not 1 <= int(text) <= PAGE_MAX:
        raise invalid_request(f"limit: must be a number from 1 to {PAGE_MAX}.", param="limit", code="invalid_value")
    return int(text)


def _position(names: list[str], name: str, param: str) -> int:
    if name not in names:
        raise invalid_request(f"{param}: no model has the id '{name[:64]}'.", param=param, code="invalid_value")
    return names.index(name)
