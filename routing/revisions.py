"""Revisions: every change of the configuration ends with one, in the same transaction.

A revision's content is the whole configuration as a seed file. What could not be read back is not published.
"""

from __future__ import annotations

from django.db import connection, transaction

from routing.changes import changes_between, replaced
from routing.configuration import Configuration
from routing.export import write_seed
from routing.located import SeedError
from routing.models import Revision
from routing.rules import InvalidValue
from routing.seed import read_seed
from routing.store import read_configuration, write_configuration

MAX_REASON_CHARACTERS = 500


class Unpublishable(ValueError):
    """The configuration contradicts itself, so that it could not be restored; the message says in what."""


def publish(author: str, reason: str) -> Revision | None:
    """Write a revision of the configuration as it is now; None if nothing changed since the last.

    Must run in the transaction that made the change. Raises Unpublishable, which must end that transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("publish runs in the transaction of the change that it publishes")
    # Two changes at a time get two numbers: the second waits here until the first is committed. All wait for the same
    # row, the oldest: the newest is another one for whoever comes later.
    Revision.objects.select_for_update().order_by("number").first()
    last = Revision.objects.first()
    configuration = read_configuration()
    content = write_seed(configuration)
    if last is not None and last.content == content:
        return None
    _check_readable(configuration, content)
    return Revision.objects.create(
        number=last.number + 1 if last else 1,
        author=author[:200],
        reason=reason[:MAX_REASON_CHARACTERS],
        content=content,
    )


def restore(revision: Revision, author: str) -> Revision | None:
    """Make the configuration what it was at a revision, and publish that; None if it is so already.

    Stored secrets stay as they are now. Raises InvalidValue if a secret that the revision needs is gone.
    """
    with transaction.atomic():
        wanted = read_seed(revision.content).configuration
        write_configuration(replaced(read_configuration(), wanted))
        return publish(author, f"Restored revision {revision.number}")


def _check_readable(configuration: Configuration, content: str) -> None:
    try:
        reread = read_seed(content).configuration
    except (SeedError, InvalidValue) as exc:
        raise Unpublishable(getattr(exc, "message", str(exc))) from exc
    differences = changes_between(configuration, reread)
    if differences:
        raise Unpublishable(f"the configuration would be read back differently: {differences[0]}")
