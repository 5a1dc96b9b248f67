"""Rows, revisions and restoring: every change ends with one revision, and each revision can be restored."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.django import TestCase

from routing.changes import changes_between
from routing.configuration import Configuration
from routing.export import write_seed
from routing.models import Alias, Revision, Route, Target, Upstream
from routing.revisions import Unpublishable, publish, restore
from routing.rules import InvalidValue
from routing.seed import read_seed
from routing.store import read_configuration, write_configuration
from tests.routing.strategies import configurations

pytestmark = pytest.mark.django_db

SEED = """
model_providers:
  - {model: openai/a, access_key: sk-canary, default: true}
  - {model: groq/b, access_key: $GROQ_API_KEY}
model_aliases: {x: {target: a}}
"""


def write(text: str) -> Revision | None:
    """Make the database equal to a seed file, and publish."""
    with transaction.atomic():
        write_configuration(read_seed(text).configuration)
        return publish("ada", "test")


class RoundTrip(TestCase):
    """The database holds a configuration without loss."""

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(configurations(), configurations())
    def test_rows_become_what_was_written_whatever_was_there(self, before: Configuration, after: Configuration) -> None:
        """Any configuration can be written over any other, and is read back as it was."""
        write_configuration(before)
        write_configuration(after)
        assert changes_between(read_configuration(), after) == []


def test_a_change_is_published_with_author_reason_and_content() -> None:
    """A revision says who, why, and what the whole configuration is now, without secrets."""
    revision = write(SEED)
    assert revision is not None
    assert (revision.number, revision.author, revision.reason) == (1, "ada", "test")
    assert revision.content == write_seed(read_configuration())
    assert "canary" not in revision.content
    assert "access_key: fingerprint:" in revision.content


def test_an_unchanged_configuration_is_not_published() -> None:
    """Saving without a change makes no revision."""
    write(SEED)
    assert write(SEED) is None
    assert Revision.objects.count() == 1


def test_revisions_are_numbered_without_gaps() -> None:
    """Each change takes the next number."""
    numbers = [r.number for text in (SEED, "", SEED) if (r := write(text)) is not None]
    assert numbers == [1, 2, 3]


def test_a_new_secret_is_a_new_revision() -> None:
    """Changing a stored secret is a change of the configuration: workers must learn of it."""
    write(SEED)
    assert write(SEED.replace("sk-canary", "sk-other")) is not None


@pytest.mark.django_db(transaction=True)
def test_publishing_needs_the_transaction_of_its_change() -> None:
    """A revision that could be committed without its change is refused."""
    with pytest.raises(RuntimeError, match="transaction"):
        publish("ada", "test")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway: set DATABASE_URL")
@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_time_get_a_number_each() -> None:
    """Six operators who save ten times each make sixty revisions without a gap, and lose no change."""
    write("\n".join(["model_providers:", *(f"- {{model: openai/m{number}}}" for number in range(6))]))
    failures: list[Exception] = []

    def save_often(name: str) -> None:
        try:
            for weight in range(2, 12):
                with transaction.atomic():
                    Target.objects.filter(route__name=name).update(weight=weight)
                    publish(name, "test")
        except DatabaseError as exc:
            failures.append(exc)
        finally:
            connection.close()

    threads = [Thread(target=save_often, args=(f"m{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(Revision.objects.values_list("number", flat=True)) == list(range(1, 62))
    assert Revision.objects.latest().content == write_seed(read_configuration())


def test_a_configuration_that_cannot_be_restored_is_not_published() -> None:
    """An alias for a provider that its route does not have would be lost in a restore: the message names it."""
    write(SEED)
    Alias.objects.update(provider="groq")
    with pytest.raises(Unpublishable, match="'x' leads to 'groq/a', which no route serves"), transaction.atomic():
        publish("ada", "test")
    assert Revision.objects.count() == 1


def test_secrets_are_encrypted_in_the_database() -> None:
    """No column of any table holds the secret."""
    write(SEED)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608  # names come from the database itself
            assert "canary" not in repr(cursor.fetchall())
    assert Upstream.objects.get(name="openai").credential().value == "sk-canary"


def test_writing_keeps_rows_that_stay() -> None:
    """A route keeps its row, and so its time of creation, when the configuration around it is replaced."""
    write(SEED)
    kept = Route.objects.get(name="a")
    write("model_providers: [{model: groq/a}]")
    assert list(Route.objects.values_list("pk", "created")) == [(kept.pk, kept.created)]
    assert list(Target.objects.values_list("upstream__name", flat=True)) == ["groq"]


def test_a_revision_can_be_restored() -> None:
    """Restoring makes the configuration what it was, as a new revision; the stored secret is still there."""
    first = write(SEED)
    write("model_providers: [{model: openai/a, access_key: sk-canary}]")
    assert first is not None
    third = restore(first, "grace")
    assert third is not None
    assert (third.number, third.author, third.reason) == (3, "grace", "Restored revision 1")
    assert third.content == first.content
    assert Upstream.objects.get(name="openai").credential().value == "sk-canary"


def test_restoring_what_is_there_changes_nothing() -> None:
    """The newest revision is restored already."""
    newest = write(SEED)
    assert newest is not None
    assert restore(newest, "grace") is None


def test_a_revision_whose_secret_is_gone_is_not_restored() -> None:
    """A revision holds no secret, so one that was removed must be entered again; nothing changes until then."""
    first = write(SEED)
    write("")
    assert first is not None
    with pytest.raises(InvalidValue, match="none is stored"):
        restore(first, "grace")
    assert Route.objects.count() == 0


def test_a_fingerprint_keeps_what_is_stored_when_it_is_written() -> None:
    """Writing an exported configuration leaves the encrypted secret byte for byte."""
    write(SEED)
    before = Upstream.objects.get(name="openai").secret
    write_configuration(read_configuration())
    assert Upstream.objects.get(name="openai").secret == before
