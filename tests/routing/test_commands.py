"""The commands: seed_routes, export_routes, rotate_credentials."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from routing.models import Alias, Revision, Route, Target, Upstream

pytestmark = pytest.mark.django_db

CUSTOMER = Path(__file__).parent / "customer.yaml"


def run(*arguments: object) -> str:
    """Run a command and return what it prints."""
    output = StringIO()
    call_command(*[str(argument) for argument in arguments], stdout=output, stderr=StringIO())
    return output.getvalue()


def test_the_customers_file_is_seeded() -> None:
    """The first seeding creates the rows and publishes revision 1."""
    assert run("seed_routes", CUSTOMER).splitlines()[-1] == "published revision 1"
    assert (Upstream.objects.count(), Route.objects.count(), Alias.objects.count()) == (2, 5, 2)
    assert Route.objects.get(is_default=True).name == "gpt-5-mini-2025-08-07"
    assert Revision.objects.get().reason == "Seeded from customer.yaml"


def test_seeding_again_changes_nothing() -> None:
    """A restart finds nothing to do and publishes nothing."""
    run("seed_routes", CUSTOMER)
    assert run("seed_routes", CUSTOMER) == "nothing to change\n"
    assert Revision.objects.count() == 1


def test_seeding_never_overwrites_an_edit() -> None:
    """A restart keeps an operator's edits and brings back only what was deleted."""
    run("seed_routes", CUSTOMER)
    Upstream.objects.filter(name="openai").update(base_url="http://127.0.0.1:9")
    Target.objects.filter(route__name="o3").update(weight=7)
    Route.objects.filter(name="gpt-4o").update(enabled=False)
    Alias.objects.filter(name="arch.v1").delete()
    assert run("seed_routes", CUSTOMER).splitlines() == ["create alias arch.v1", "published revision 2"]
    assert Upstream.objects.get(name="openai").base_url == "http://127.0.0.1:9"
    assert Target.objects.get(route__name="o3").weight == 7
    assert not Route.objects.get(name="gpt-4o").enabled


def test_replacing_makes_the_database_equal_to_the_file(tmp_path: Path) -> None:
    """--replace deletes what the file lacks and changes what differs."""
    run("seed_routes", CUSTOMER)
    (tmp_path / "other.yaml").write_text("model_providers: [{model: openai/o3, base_url: 'http://127.0.0.1:9'}]")
    run("seed_routes", "--replace", tmp_path / "other.yaml")
    assert list(Route.objects.values_list("name", "targets__upstream__base_url")) == [("o3", "http://127.0.0.1:9")]
    assert (Upstream.objects.count(), Alias.objects.count()) == (1, 0)


def test_a_dry_run_prints_the_plan_and_changes_nothing() -> None:
    """--dry-run has a line for each row, and leaves the database alone."""
    lines = run("seed_routes", "--dry-run", CUSTOMER).splitlines()
    assert lines[0] == "would create upstream anthropic"
    assert len(lines) == 9
    assert (Route.objects.count(), Revision.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "text", [CUSTOMER.read_text(), "model_providers: [{model: openai/*, access_key: sk-canary}]", ""]
)
def test_replacing_by_an_export_changes_nothing(text: str, tmp_path: Path) -> None:
    """An exported file is the configuration: reading it back is a no-op, and it holds no secret."""
    (tmp_path / "seed.yaml").write_text(text)
    run("seed_routes", tmp_path / "seed.yaml")
    revisions = Revision.objects.count()
    run("export_routes", tmp_path / "export.yaml")
    assert run("seed_routes", "--replace", tmp_path / "export.yaml") == "nothing to change\n"
    assert Revision.objects.count() == revisions
    assert "canary" not in (tmp_path / "export.yaml").read_text()


def test_an_export_without_a_file_is_printed(tmp_path: Path) -> None:
    """The terminal gets the same text as a file."""
    run("seed_routes", CUSTOMER)
    run("export_routes", tmp_path / "export.yaml")
    assert run("export_routes") == (tmp_path / "export.yaml").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"model_providers:\n- {model: openai/a, weigth: 2}", r"seed.yaml:2:\d+: .*'weigth': did you mean 'weight'"),
        (b"\xff\xfe", "not UTF-8 text, at byte 0"),
        (b"a: &a b", r"seed.yaml:1:4: anchors"),
        (b"#" * 1_100_000, "larger than"),
        (b"upstreams: [{name: u, provider: openai, access_key: 'fingerprint:00000000'}]", "none is stored"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_place(content: bytes, message: str, tmp_path: Path) -> None:
    """A mistake ends the command with file, line and reason, and nothing is changed."""
    (tmp_path / "seed.yaml").write_bytes(content)
    with pytest.raises(CommandError, match=message):
        run("seed_routes", tmp_path / "seed.yaml")
    assert Revision.objects.count() == 0


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Neither command shows a stack trace for a wrong path."""
    for command in ("seed_routes", "export_routes"):
        with pytest.raises(CommandError, match="No such file or directory"):
            run(command, tmp_path / "absent" / "seed.yaml")


def test_warnings_name_what_is_ignored_and_what_is_unset(tmp_path: Path) -> None:
    """An unset variable and a section outside a gateway are warnings, and the file is seeded."""
    (tmp_path / "seed.yaml").write_text(
        "tracing: {}\nmodel_providers: [{model: openai/a, access_key: $OPENAI_API_KEY}]"
    )
    errors = StringIO()
    call_command("seed_routes", tmp_path / "seed.yaml", stdout=StringIO(), stderr=errors)
    assert "line 1: tracing lies outside a gateway and is ignored" in errors.getvalue()
    assert "$OPENAI_API_KEY is not set" in errors.getvalue()
    assert Route.objects.count() == 1


def test_rotation_moves_secrets_to_the_newest_key(tmp_path: Path, settings: Settings, encryption_key: str) -> None:
    """After rotation the old encryption key can go. No revision is published, as nothing is served differently."""
    (tmp_path / "seed.yaml").write_text("model_providers: [{model: openai/a, access_key: sk-canary}]")
    run("seed_routes", tmp_path / "seed.yaml")
    new = Fernet.generate_key().decode()
    settings.GATEWAY_ENCRYPTION_KEYS = [new, encryption_key]
    assert run("rotate_credentials") == "1 secrets encrypted with the newest key\n"
    settings.GATEWAY_ENCRYPTION_KEYS = [new]
    assert Upstream.objects.get().credential().value == "sk-canary"
    assert Revision.objects.count() == 1


def test_rotation_stops_at_a_secret_that_no_key_opens(tmp_path: Path, settings: Settings) -> None:
    """A lost key is named as such, and no secret is half rotated."""
    (tmp_path / "seed.yaml").write_text("model_providers: [{model: openai/a, access_key: sk-canary}]")
    run("seed_routes", tmp_path / "seed.yaml")
    settings.GATEWAY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="upstream openai: no key of GATEWAY_ENCRYPTION_KEYS"):
        run("rotate_credentials")
