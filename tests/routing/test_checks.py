"""What `manage.py check` says."""

from __future__ import annotations

import pytest
from django.core import checks
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from routing.models import Upstream
from routing.seed import read_seed
from routing.store import write_configuration


def found(text: str) -> list[tuple[str, str]]:
    """Return id and message of the room's checks for a configuration."""
    with transaction.atomic():
        write_configuration(read_seed(text).configuration)
    return messages()


def messages() -> list[tuple[str, str]]:
    """Return id and message of what the room's checks say now; each must have a hint."""
    said = [
        message for message in checks.run_checks(databases=["default"]) if (message.id or "").startswith("routing.")
    ]
    assert all(message.hint for message in said)
    return [(message.id or "", message.msg) for message in said]


@pytest.mark.django_db
def test_a_sound_configuration_is_silent() -> None:
    """With a default, enabled targets and credentials there is nothing to say."""
    assert found("model_providers: [{model: openai/a, access_key: sk-x, default: true}]") == []


@pytest.mark.django_db
def test_an_unset_variable_is_a_warning() -> None:
    """The warning names the upstream and the variable."""
    ((code, message),) = found("model_providers: [{model: openai/a, access_key: $OPENAI_API_KEY, default: true}]")
    assert code == "routing.W002"
    assert "openai" in message
    assert "OPENAI_API_KEY" in message


@pytest.mark.django_db
def test_a_row_that_breaks_a_rule_is_an_error() -> None:
    """Rows that were changed past admin are held to the same rules."""
    found("model_providers: [{model: openai/a, default: true}]")
    Upstream.objects.update(prefer="messages")
    ((code, message),) = messages()
    assert code == "routing.E002"
    assert "not among" in message


@pytest.mark.django_db
def test_a_route_that_serves_nothing_is_a_warning() -> None:
    """A route without an enabled target, and a missing default, are warnings."""
    codes = [code for code, _ in found("model_providers: [{model: openai/a, enabled: false}]")]
    assert codes == ["routing.W003", "routing.W004"]


@pytest.mark.parametrize(("keys", "code"), [([], "routing.W001"), (["x"], "routing.E001")])
def test_encryption_keys_are_checked(settings: Settings, keys: list[str], code: str) -> None:
    """No key is a warning, a malformed one an error."""
    settings.GATEWAY_ENCRYPTION_KEYS = keys
    assert [message.id for message in checks.run_checks(tags=["security"]) if "routing" in (message.id or "")] == [code]


@pytest.mark.django_db
def test_without_a_database_no_row_is_read(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """A plain `check` works before there is a database."""
    with django_assert_num_queries(0):
        checks.run_checks()
