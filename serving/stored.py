"""The resources of stored responses: to see one, to stream it again, to list its input, to cancel and to delete it.

What the gateway keeps it answers itself; what an upstream keeps is asked of the account that has it. What is unknown,
another project's, expired or malformed is not found: one look-up and one answer for all of them.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.conf import settings

from conversations.items import history_of, shown
from conversations.replayed import replayed
from conversations.stored import ITEM, StoredResponse, StoreUnavailable, searchable, wires
from serving.admission import admit, only
from serving.calls import Call
from serving.errors import ClientError, GatewayError, invalid_request
from serving.history import answering
from serving.native import Resource, ask_anew, ask_for
from serving.recording import RelayRecord
from serving.render import (
    ApiResponse,
    RelayedStream,
    error_response,
    json_response,
    relay_response,
    stream_response,
)
from serving.request import ApiRequest
from serving.views import snapshot_of
from translation.failures import Failure, FailureKind
from translation.hub import Wire

logger = logging.getLogger("serving.stored")

SHAPE = "responses"
DEFAULT_LIMIT, MAX_LIMIT, MOST_PARAMETERS = 20, 100, 100
THOUGHTS = "reasoning.encrypted_content"
# As it is once it was decoded; what would be decoded another time is refused as well.
_CONVERSATION = re.compile(r"[^/\\%]+(?:/items(?:/[^/\\%]+)?)?")


async def response(request: ApiRequest, rest: str) -> ApiResponse | RelayedStream:
    """One response (GET, DELETE), its cancelling (POST) or its input (GET)."""
    response_id, _, last = rest.rpartition("/")
    match last if response_id else "":
        case "cancel":
            only(request, "POST")
        case "input_items":
            only(request, "GET")
        case _:
            only(request, "GET", "DELETE")
            response_id, last = rest, ""
    project = admit(request)
    record = await _found(request, project, response_id)
    if record is None:
        raise _not_found("Response", response_id)
    if record.is_remembered():
        return await _passed_on(request, record, project)
    if last == "input_items":
        return await _input_items(request, project, record)
    if last == "cancel":
        raise invalid_request("Cannot cancel a synchronous response: only background responses can be cancelled.")
    if request.method == "DELETE":
        with answering():
            await snapshot_of(request).memory.responses.delete(project, record.id)
        return json_response(request, {"id": record.id, "object": "response", "deleted": True})
    return _retrieved(request, record)


async def compact(request: ApiRequest) -> ApiResponse | RelayedStream:
    """Shorten a conversation: what only an upstream that speaks Responses can do."""
    return await _relayed(request, "/responses/compact")


async def new_conversation(request: ApiRequest) -> ApiResponse | RelayedStream:
    """Begin a conversation that an upstream keeps."""
    return await _relayed(request, "/conversations")


async def conversation(request: ApiRequest, rest: str) -> ApiResponse | RelayedStream:
    """A conversation that an upstream keeps, and its items."""
    only(request, "GET", "POST", "DELETE")
    project = admit(request)
    conversation_id = rest.partition("/")[0]
    record = await _found(request, project, conversation_id)
    if record is None or not record.is_remembered() or not _is_within(rest):
        raise _not_found("Conversation", conversation_id)
    return await _passed_on(request, record, project)


def _is_within(path: str) -> bool:
    """Tell whether a path names a conversation or its items, and cannot lead out of it, however it is read."""
    return _CONVERSATION.fullmatch(path) is not None and ".." not in path


async def _found(request: ApiRequest, project: str, wanted: str) -> StoredResponse | None:
    with answering():
        found = await snapshot_of(request).memory.responses.get(project, [searchable(wanted)], time.time())
    return found[0] if found and found[0].status != ITEM else None


def _not_found(what: str, wanted: str) -> ClientError:
    message = f"{what} with id '{wanted[:128]}' not found."
    return ClientError(Failure(status=404, kind=FailureKind.NOT_FOUND, message=message))


def _retrieved(request: ApiRequest, record: StoredResponse) -> ApiResponse:
    query = _Query(request)
    wire = stored_response(record, thoughts=record.shows_thoughts or query.includes(THOUGHTS))
    if not query.flag("stream"):
        return json_response(request, wire)
    after = query.number("starting_after", -1, 0, 2**53)
    return stream_response(request, b"".join(replayed(wire, after, msgspec.json.decode(record.pieces))))


def stored_response(record: StoredResponse, *, thoughts: bool) -> Wire:
    """Return the Response object as the client got it."""
    wire: dict[str, Any] = msgspec.json.decode(record.response)
    output = wires(record.output)
    if not thoughts:
        output = [{name: item[name] for name in item if name != "encrypted_content"} for item in output]
    return wire | {"output": output}


async def _input_items(request: ApiRequest, project: str, record: StoredResponse) -> ApiResponse:
    """Return a page of everything that the response was the answer to, the newest first if nothing else is asked."""
    query = _Query(request)
    limit = query.number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    descending = query.word("order", ("desc", "asc")) == "desc"
    with answering():
        chain = await snapshot_of(request).memory.responses.chain(project, record.id, time.time())
    thoughts = query.includes(THOUGHTS)
    asked = [*history_of(chain[:-1]), *wires(record.items)]
    items = [shown(item, thoughts=thoughts) for item in (reversed(asked) if descending else asked)]
    after = query.text("after")
    if after is not None:
        ids = [item["id"] for item in items]
        if after not in ids:
            raise invalid_request(f"after: the input has no item '{after[:64]}'.", param="after", code="invalid_value")
        items = items[ids.index(after) + 1 :]
    page = items[:limit]
    wire = {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(items) > limit,
    }
    return json_response(request, wire)


class _Query:
    """The parameters of a request's URL; raises ClientError for what they cannot be."""

    def __init__(self, request: ApiRequest) -> None:
        text = request.scope["query_string"].decode("latin-1")
        try:
            self._pairs = parse_qsl(text, max_num_fields=MOST_PARAMETERS)
        except ValueError as exc:
            raise invalid_request(f"The query has more than {MOST_PARAMETERS} parameters.") from exc

    def text(self, name: str) -> str | None:
        """Return the parameter's last value, None without one."""
        return dict(self._pairs).get(name)

    def includes(self, what: str) -> bool:
        """Tell whether the parameter `include` names it; lists are written in three ways."""
        return any(name in ("include", "include[]") and what in value.split(",") for name, value in self._pairs)

    def flag(self, name: str) -> bool:
        """Return a parameter that is true or false."""
        return self.word(name, ("false", "true")) == "true"

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """Return a parameter that is one of the words, the first of them if it is not there."""
        value = self.text(name)
        if value is None:
            return words[0]
        if value not in words:
            raise invalid_request(f"{name}: must be {' or '.join(words)}.", param=name, code="invalid_value")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a parameter that is a whole number."""
        value = self.text(name)
        if value is None:
            return default
        if len(value) > 16 or not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            message = f"{name}: must be a number from {least} to {most}."
            raise invalid_request(message, param=name, code="invalid_value")
        return int(value)


async def _passed_on(request: ApiRequest, kept: StoredResponse, project: str) -> ApiResponse | RelayedStream:
    """Ask the account that has the resource; what it deleted is forgotten here as well."""
    record = RelayRecord(request.request_id, SHAPE)
    record.project = project
    snapshot = snapshot_of(request)
    try:
        asked = Resource(request.method or "", _path_and_query(request), _call(request, project), request.body)
        answer = await ask_for(asked, kept, snapshot, record, streams=_Query(request).flag("stream"))
    except GatewayError as exc:
        return error_response(request, exc, record)
    if request.method == "DELETE" and _deletes(request.path, kept.id):
        try:
            await snapshot.memory.responses.delete(project, kept.id)
        except StoreUnavailable as exc:
            logger.warning("a response that its upstream deleted is still remembered: %s", exc)
    return relay_response(request, answer)


async def _relayed(request: ApiRequest, path: str) -> ApiResponse | RelayedStream:
    only(request, "POST")
    project = admit(request)
    record = RelayRecord(request.request_id, SHAPE)
    record.project = project
    try:
        answer = await ask_anew(path, _call(request, project), snapshot_of(request), record)
        return relay_response(request, answer)
    except GatewayError as exc:
        return error_response(request, exc, record)


def _deletes(path: str, resource_id: str) -> bool:
    """Tell whether the path is the resource's own, not that of one of its items."""
    return path.endswith(f"/{resource_id}")


def _path_and_query(request: ApiRequest) -> str:
    """Return the path as the client wrote it, behind the prefix that every upstream has in its own way."""
    path = request.scope["raw_path"].decode("latin-1").partition("?")[0].removeprefix("/v1")
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _call(request: ApiRequest, project: str) -> Call:
    return Call(
        shape=SHAPE,
        body=request.body,
        headers=request.scope["headers"],
        request_id=request.request_id,
        project=project,
        patience=settings.GATEWAY_KEEP_ALIVE_SECONDS,
    )
