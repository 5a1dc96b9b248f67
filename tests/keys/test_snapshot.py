"""The key table from the database, and the version that says whether it is still the newest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from keys.models import ApiKey, Project
from keys.snapshot import current_version, load_keys
from keys.table import Key

pytestmark = pytest.mark.django_db
EXPIRY = datetime(2030, 1, 1, tzinfo=UTC)


def _issued(name: str = "site", expires: datetime | None = None) -> tuple[ApiKey, str]:
    project, _ = Project.objects.get_or_create(name="web")
    key = ApiKey(project=project, name=name, expires=expires)
    text = key.issue()
    key.save()
    return key, text


def test_a_stored_key_is_found_by_its_text() -> None:
    """A key in the database opens the door with the text that it was issued with, for its project."""
    _, text = _issued()
    assert load_keys().find(text, now=0.0) == Key("web", "site")


def test_a_stored_key_expires() -> None:
    """The expiry in the database is the one in the table."""
    _, text = _issued(expires=EXPIRY)
    table = load_keys()
    assert table.find(text, EXPIRY.timestamp() - 1) is not None
    assert table.find(text, EXPIRY.timestamp()) is None


def test_a_revoked_key_is_not_found() -> None:
    """A revoked key is unknown, and the others stay."""
    (revoked, text), (_, other) = _issued(), _issued("other")
    revoked.revoke()
    table = load_keys()
    assert table.find(text, now=0.0) is None
    assert table.find(other, now=0.0) == Key("web", "other")


def test_a_database_without_keys_lets_nobody_in() -> None:
    """No keys make a table in which nobody is found, not an error."""
    assert current_version() == ""
    assert load_keys().by_digest == {}


def test_a_table_has_the_version_that_it_was_loaded_at() -> None:
    """As long as nothing changes the version stays, and it is the table's."""
    _issued()
    assert load_keys().version == current_version() == current_version()


CHANGES: dict[str, Callable[[ApiKey], object]] = {
    "a key is created": lambda key: _issued("another"),
    "a key is revoked": lambda key: key.revoke(),
    "a key is renamed": lambda key: ApiKey.objects.filter(pk=key.pk).update(name="renamed"),
    "a key is deleted": lambda key: key.delete(),
    "keys are created in bulk": lambda key: ApiKey.objects.bulk_create(
        [ApiKey(project=key.project, name="bulk", prefix="sy-bulk00", digest="0" * 64)]
    ),
    "keys are changed in bulk": lambda key: ApiKey.objects.bulk_update([key], ["expires"]),
    "keys are deleted in bulk": lambda key: ApiKey.objects.all().delete(),
    "an expiry is set": lambda key: ApiKey.objects.update(expires=EXPIRY + timedelta(days=1)),
    "a project is renamed": lambda key: Project.objects.filter(pk=key.project_id).update(name="renamed"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_another_version(change: Callable[[ApiKey], object]) -> None:
    """Whatever changes projects or keys through the models changes the version, so that workers load them anew."""
    key, _ = _issued()
    before = current_version()
    change(key)
    assert current_version() not in {before, ""}


def test_a_change_that_is_rolled_back_is_no_version() -> None:
    """The version belongs to the transaction of the change: what did not happen is not loaded."""
    _, _ = _issued()
    before = current_version()
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.create(name="web")
    assert current_version() == before


def test_a_project_with_keys_stays() -> None:
    """A project that has keys cannot be deleted, so that no other can take its name and what is stored under it."""
    key, _ = _issued()
    with pytest.raises(ProtectedError):
        key.project.delete()


def test_a_table_cannot_be_emptied_by_a_slip() -> None:
    """The manager itself deletes nothing: only rows that were chosen can be deleted."""
    assert not hasattr(ApiKey.objects, "delete")
