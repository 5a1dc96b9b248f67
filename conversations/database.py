"""Stored responses as rows: what is asked of the database, one function per question. Synchronous; see threads.py.

A stored response is written once and never changed, so writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import F, Max, Q, Sum, Value
from django.db.models.functions import Concat

from conversations.models import MODEL_LENGTH, Response, ResponseQuerySet
from conversations.stored import ITEM, REMEMBERED, Chain, StoredResponse, whole_chain

MAX_CHAIN = 10_000
MAX_CONVERSATIONS = 500
MAX_ASKED = 500
"""Ids in one statement, which may not have any number of them."""
BATCH = 100
"""So few that whoever writes meanwhile hardly waits."""

_COLUMNS = (
    "response_id",
    "project",
    "root",
    "previous",
    "status",
    "created",
    "expires",
    "model",
    "upstream",
    "deployment",
    "shows_thoughts",
    "items",
    "output",
    "response",
    "pieces",
)
# The walk carries keys only; a turn of the conversation costs one look-up in the index of ids. A planner without
# statistics of a young project takes it for small, and would read all of it each time: so no index is of use for the
# project by itself, nor for when a response expires.
_CHAIN = f"""
WITH RECURSIVE chain (key, previous, depth) AS (
    SELECT id, previous, 0 FROM conversations_response
    WHERE response_id = %s AND project || '' = %s AND expires + 0 > %s
    UNION ALL
    SELECT older.id, older.previous, chain.depth + 1 FROM chain
    JOIN conversations_response older ON older.response_id = chain.previous AND older.project || '' = %s
    WHERE chain.previous <> '' AND chain.depth < {MAX_CHAIN}
)
SELECT {", ".join(f"kept.{name}" for name in _COLUMNS)} FROM chain
JOIN conversations_response kept ON kept.id = chain.key ORDER BY chain.depth
"""  # noqa: S608 - made of constants
_CONFLICT = f"""
ON CONFLICT (project, response_id) DO UPDATE SET
    upstream = excluded.upstream, deployment = excluded.deployment,
    created = excluded.created, expires = excluded.expires
WHERE conversations_response.status IN ('{REMEMBERED}', '{ITEM}')
"""


def chain(project: str, response_id: str, now: float) -> Chain:
    """Return the conversation that ends with this response, () if any of it is missing or it has expired."""
    with connection.cursor() as cursor:
        cursor.execute(_CHAIN, [response_id, project, now, project])
        return whole_chain([_record(row) for row in cursor.fetchall()], now)


def get(project: str, response_ids: Sequence[str], now: float) -> list[StoredResponse]:
    """Return those of the responses that are there and have not expired."""
    living = Response.objects.alias(until=F("expires") + 0.0, whose=Concat("project", Value("")))
    living = living.filter(whose=project, until__gt=now)
    rows = living.order_by().values_list(*_COLUMNS)
    asked = (response_ids[start : start + MAX_ASKED] for start in range(0, len(response_ids), MAX_ASKED))
    return [_record(row) for some in asked for row in rows.filter(response_id__in=some)]


def insert(records: Sequence[StoredResponse]) -> None:
    """Write records, all or none, no id twice. What is there already stays, but for where an upstream keeps it.

    One statement, and so one round trip: as a transaction of the ORM's it would be three, for which a client waits.
    """
    row = f"({', '.join(['%s'] * (len(_COLUMNS) + 1))})"
    into = f"INSERT INTO conversations_response ({', '.join(_COLUMNS)}, size) VALUES "  # noqa: S608 - of constants
    values = [value for record in records for value in _values(record)]
    with connection.cursor() as cursor:
        cursor.execute(into + ", ".join([row] * len(records)) + _CONFLICT, values)


def _values(record: StoredResponse) -> list[Any]:
    return [
        record.id,
        record.project,
        record.root,
        record.previous,
        record.status,
        record.created,
        record.expires,
        record.model[:MODEL_LENGTH],
        record.upstream[:MODEL_LENGTH],
        record.deployment,
        record.shows_thoughts,
        record.items,
        record.output,
        record.response,
        record.pieces,
        record.size,
    ]


def delete(project: str, response_id: str) -> None:
    """Delete a response, and what is known of items that its upstream keeps."""
    rows = Response.objects.filter(project=project)
    rows.filter(Q(response_id=response_id) | Q(root=response_id, status=ITEM)).delete()


def delete_project(project: str) -> int:
    """Delete everything that is stored for a project; returns how many rows."""
    return _delete_all(Response.objects.filter(project=project))


def delete_conversation(project: str, root: str) -> int:
    """Delete a conversation with all its branches; returns how many rows."""
    return _delete_all(Response.objects.filter(project=project, root=root))


def _delete_all(rows: ResponseQuerySet) -> int:
    """Delete rows in batches."""
    deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:BATCH]):
        deleted += delete_rows(keys)
    return deleted


def prunable(now: float, most_bytes: int) -> list[int]:
    """Return the keys of at most BATCH rows that have expired, or else that are over a project's share.

    Over its share a project loses its least recently used conversations, each as a whole: half of one would be of no
    use, and would answer no follow-up.
    """
    expired = Response.objects.expired(now).order_by("expires").values_list("pk", flat=True)
    return list(expired[:BATCH]) or _over_share(most_bytes)


def delete_rows(keys: Sequence[int]) -> int:
    """Delete these rows; returns how many there were."""
    return Response.objects.filter(pk__in=keys).delete()[0]


def prune(now: float, most_bytes: int, batches: int) -> int:
    """Delete what is prunable, in at most so many batches; returns how many rows."""
    deleted = 0
    for _ in range(batches):
        keys = prunable(now, most_bytes)
        if not keys:
            break
        deleted += delete_rows(keys)
    return deleted


def _over_share(most_bytes: int) -> list[int]:
    """Return rows of the least recently used conversations of the first project that is over its share."""
    shares = Response.objects.order_by().values("project").annotate(total=Sum("size"))
    over = shares.filter(total__gt=most_bytes).order_by("project").first()
    if over is None:
        return []
    rows = Response.objects.filter(project=over["project"])
    conversations = rows.order_by().values("root").annotate(last=Max("created"), total=Sum("size"))
    excess, roots = over["total"] - most_bytes, []
    for conversation in conversations.order_by("last")[:MAX_CONVERSATIONS].iterator():
        if excess <= 0:
            break
        roots.append(conversation["root"])
        excess -= conversation["total"]
    # The newest of a conversation go first: what is left of one that is larger than a batch answers nobody.
    return list(rows.filter(root__in=roots).order_by("-created").values_list("pk", flat=True)[:BATCH])


def _record(row: Sequence[object]) -> StoredResponse:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("items", "output", "response", "pieces"):
        values[name] = bytes(values[name])  # type: ignore[call-overload]  # a memoryview from PostgreSQL
    values["shows_thoughts"] = bool(values["shows_thoughts"])
    return StoredResponse(id=values.pop("response_id"), **values)  # type: ignore[arg-type]  # the columns are its fields
