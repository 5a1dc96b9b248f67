"""`manage.py create_key`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from keys.models import ApiKey, Project
from keys.snapshot import load_keys
from keys.table import Key

pytestmark = pytest.mark.django_db


def _created(*arguments: str) -> list[str]:
    printed = StringIO()
    call_command("create_key", *arguments, stdout=printed)
    return printed.getvalue().splitlines()


def test_the_key_stands_alone_on_the_last_line() -> None:
    """The last line printed is the text of a key, and that key opens the door for the default project."""
    *_, text = _created("site")
    assert re.fullmatch(r"sy-[A-Za-z0-9_-]{43}", text)
    assert load_keys().find(text, now=0.0) == Key("default", "site")


def test_a_missing_project_is_created_and_one_that_exists_is_used() -> None:
    """`--project` names the owner; two keys of one project make one project."""
    _created("site", "--project", "web")
    _created("worker", "--project", "web")
    assert list(Project.objects.values_list("name", flat=True)) == ["web"]
    assert ApiKey.objects.filter(project__name="web").count() == 2


def test_a_key_expires_after_the_days_given() -> None:
    """`--expires-days 30` makes a key that is valid for thirty days from now."""
    text = _created("site", "--expires-days", "30")[-1]
    now = timezone.now().timestamp()
    assert load_keys().find(text, now + 29.9 * 86_400) is not None
    assert load_keys().find(text, now + 30.1 * 86_400) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["site", "--expires-days", "0"], "--expires-days is 0: it must be from 1 to 36500"),
        (["site", "--expires-days", "99999999999"], "it must be from 1 to 36500"),
        (["site", "--expires-days", "soon"], "invalid int value: 'soon'"),
        ([""], "the key cannot be created: name: This field cannot be blank."),
        (["x" * 101], "name: Ensure this value has at most 100 characters"),
        (["site\nlevel=error"], "name: A name has printable characters only"),
        (["site\x00"], "name: A name has printable characters only"),
        (["site", "--project", " "], "the project cannot be created: name: This field cannot be blank."),
        (["site", "--project", "a\tb"], "the project cannot be created: name: A name has printable characters only"),
        ([], "the following arguments are required: NAME"),
    ],
)
def test_wrong_arguments_are_told_and_create_nothing(arguments: list[str], message: str) -> None:
    """A wrong argument is an error that says what would be right, and leaves neither key nor project behind."""
    with pytest.raises(CommandError, match=re.escape(message)):
        _created(*arguments)
    assert not ApiKey.objects.exists()
    assert not Project.objects.exists()


def test_a_dump_of_the_database_holds_no_usable_key() -> None:
    """Nothing that is stored, neither digest nor prefix nor anything else, opens the door; nor is the text in it."""
    text = _created("site")[-1]
    dump = StringIO()
    call_command("dumpdata", stdout=dump)
    assert text[9:] not in dump.getvalue()
    table = load_keys()
    stored = set(_strings(json.loads(dump.getvalue())))
    assert ApiKey.objects.get().digest in stored
    assert [value for value in stored if table.find(value, now=0.0) is not None] == []


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for entry in value:
                yield from _strings(entry)
        case dict():
            for entry in value.values():
                yield from _strings(entry)
