"""`prune_responses`."""

from __future__ import annotations

import time
from io import StringIO

import pytest
from django.core.management import call_command
from pytest_django import Settings

from conversations import database
from conversations.models import Response
from tests.conversations.records import record

pytestmark = pytest.mark.django_db


def _prune(*options: str) -> str:
    said = StringIO()
    call_command("prune_responses", *options, stdout=said)
    return said.getvalue()


def test_what_has_expired_is_deleted() -> None:
    """The command deletes everything that has expired, batch by batch, and says how many."""
    database.insert([record(f"r{number}") for number in range(3)])
    database.insert([record("fresh", expires=time.time() + 60)])
    assert _prune() == "3 deleted, 1 stored.\n"
    assert Response.objects.get().response_id == "fresh"


def test_what_is_over_the_share_is_deleted(settings: Settings) -> None:
    """A project keeps at most its share, which is counted in MiB."""
    settings.GATEWAY_RESPONSES_MAX_MB = 1
    later = time.time() + 60
    database.insert([record(f"r{n}", output=b" " * 400_000, expires=later, created=float(n)) for n in range(4)])
    assert _prune() == "2 deleted, 2 stored.\n"
    assert sorted(each.response_id for each in Response.objects.all()) == ["r2", "r3"]


def test_a_project_is_deleted() -> None:
    """With a project everything goes that is stored for it, and nothing else."""
    later = time.time() + 60
    database.insert([record("a", expires=later), record("a", project="shop", expires=later)])
    assert _prune("--project", "shop") == "1 deleted, 1 stored.\n"
    assert Response.objects.get().project == "web"
