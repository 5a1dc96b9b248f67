"""The command line as an operator types it: what it prints, how it ends, and how long a restart takes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from serving import checks
from tests.serving.running import RunningGateway

READY_WITHIN_SECONDS = 3.0
ROUTES = """
model_providers:
  - {model: openai/gpt-4o-mini, access_key: $OPENAI_API_KEY, default: true}
  - {model: openai/o3, access_key: canary-stored-key, tier: 1}
  - {model: anthropic/*, access_key: $ANTHROPIC_API_KEY, timeouts: {idle: 30}}
model_aliases:
  fast: {target: gpt-4o-mini}
"""
PRODUCTION = {
    "GATEWAY_ENV": "production",
    "GATEWAY_ALLOWED_HOSTS": "gateway.example",
    "SECRET_KEY": "rk2-5Yz-uV9_Qw8-Lm3_Tx7-Bn4_Hd6-Ps1_Jf0-Gc-eA6_Ky2-oZ",
    "GATEWAY_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}


@pytest.fixture
def installed(tmp_path: Path) -> RunningGateway:
    """A gateway that has a database and does not run."""
    gateway = RunningGateway(tmp_path, ROUTES)
    gateway.manage("migrate", "--verbosity", "0")
    gateway.manage("seed_routes", str(tmp_path / "routes.yaml"))
    return gateway


def test_second_start_is_ready_in_three_seconds(installed: RunningGateway) -> None:
    """On a database that exists, `serve` is ready within three seconds of its start, and publishes nothing."""
    began = time.monotonic()
    with installed:
        assert time.monotonic() - began < READY_WITHIN_SECONDS
        assert "nothing to change" in installed.log()


def test_dry_run_prints_the_plan_and_changes_nothing(installed: RunningGateway, tmp_path: Path) -> None:
    """Each line of the plan says what would be done; afterwards it is all still to do."""
    (tmp_path / "more.yaml").write_text(ROUTES + "  swift: {target: gpt-4o-mini}\n")
    for _ in range(2):
        printed = installed.manage("seed_routes", "--dry-run", str(tmp_path / "more.yaml"))
        assert printed == "would create alias swift\n"


def test_dry_run_of_a_replacement_names_what_would_go(installed: RunningGateway, tmp_path: Path) -> None:
    """Before a replacement an operator can read what it would delete; nothing is deleted yet."""
    (tmp_path / "less.yaml").write_text("model_providers: [{model: openai/gpt-4o-mini, access_key: $OPENAI_API_KEY}]")
    before = installed.manage("export_routes")
    printed = installed.manage("seed_routes", "--dry-run", "--replace", str(tmp_path / "less.yaml")).splitlines()
    assert {"would delete alias fast", "would delete route o3", "would delete route anthropic/*"} <= set(printed)
    assert all(line.startswith("would ") for line in printed)
    assert installed.manage("export_routes") == before


def test_export_piped_into_a_replacement_changes_nothing(installed: RunningGateway) -> None:
    """What one command writes is what the other reads, through a pipe as well, and no secret is in it."""
    exported = installed.manage("export_routes")
    assert "canary-stored-key" not in exported
    assert "$OPENAI_API_KEY" in exported
    replaced = installed.command("seed_routes", "--replace", "/dev/stdin", stdin=exported)
    assert (replaced.returncode, replaced.stdout) == (0, "nothing to change\n")


WRONG_FILES = {
    "not YAML": ("model_providers:\n\t- {model: openai/a}", 2, "a tab"),
    "unknown key": ("model_providers:\n  - {model: openai/a, weigth: 2}", 2, "'weigth': did you mean 'weight'"),
    "no provider": ("model_providers:\n\n  - {model: gpt-4o}", 3, "gpt-4o"),
    "alias of nothing": (ROUTES + "  lost: {target: nobody}\n", 8, "'nobody'"),
    "wrong type": ("model_providers: 7", 1, "list"),
}


@pytest.mark.parametrize(("text", "line", "reason"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_wrong_file_ends_with_its_place_and_reason(
    installed: RunningGateway, tmp_path: Path, text: str, line: int, reason: str
) -> None:
    """A mistake in a seed file is one message with file, line and reason: no traceback, an exit status, no change."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text)
    before = installed.manage("export_routes")
    ended = installed.command("seed_routes", "--replace", str(wrong))
    check_refusal(ended, f"{wrong}:{line}:", reason)
    assert installed.manage("export_routes") == before


def test_serve_ends_with_the_place_of_a_mistake_too(installed: RunningGateway, tmp_path: Path) -> None:
    """A gateway whose routes file is wrong does not start, and says where the mistake is."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("model_providers:\n  - {model: openai/a, weigth: 2}")
    check_refusal(installed.command("serve", GATEWAY_ROUTES=str(wrong)), f"{wrong}:2:", "did you mean 'weight'")


def test_file_that_is_not_there_is_named(installed: RunningGateway, tmp_path: Path) -> None:
    """A wrong path is told as such."""
    ended = installed.command("seed_routes", str(tmp_path / "absent.yaml"))
    check_refusal(ended, f"{tmp_path / 'absent.yaml'}:", "No such file")


def check_refusal(ended: subprocess.CompletedProcess[str], place: str, reason: str) -> None:
    """Check that a command failed with one message: the place first, then the reason."""
    assert ended.returncode != 0
    assert ended.stdout == ""
    message = next(line for line in ended.stderr.splitlines() if "Error" in line)
    assert place in message
    assert reason in message.partition(place)[2]
    assert "Traceback" not in ended.stderr


REFUSED = {
    "no secret key": ({"SECRET_KEY": ""}, "serving.E004"),
    "a default secret key": ({"SECRET_KEY": "django-insecure-" + "x1y2z3" * 8}, "serving.E004"),
    "no encryption key": ({"GATEWAY_ENCRYPTION_KEYS": ""}, "serving.E005"),
    "a broken encryption key": ({"GATEWAY_ENCRYPTION_KEYS": "short"}, "routing.E001"),
    "open to the network": ({"GATEWAY_CLIENT_AUTH": "open", "GATEWAY_HOST": "0.0.0.0"}, "serving.E003"),  # noqa: S104
    "a word that means nothing": ({"GATEWAY_CLIENT_AUTH": "none"}, "serving.E002"),
    "a typing error": ({"GATEWAY_ENV": "prodution"}, "serving.E001"),
}


@pytest.mark.parametrize(("changes", "finding"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("command", [("check", "--deploy"), ("serve",)], ids=["check", "serve"])
def test_production_without_its_secrets_is_refused(
    tmp_path: Path, command: tuple[str, ...], changes: dict[str, str], finding: str
) -> None:
    """The check fails with an id and what to do about it; the gateway does not even start."""
    ended = RunningGateway(tmp_path, ROUTES).command(*command, **PRODUCTION | changes)
    assert ended.returncode != 0
    (message,) = [line for line in ended.stderr.splitlines() if finding in line]
    assert "HINT: " in ended.stderr.partition(message)[2]
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "gateway.sqlite3").exists()


def test_production_with_its_secrets_is_accepted(tmp_path: Path) -> None:
    """With everything set the deployment check has nothing to say."""
    ended = RunningGateway(tmp_path, ROUTES).command("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("workers", "url", "warns"), [(1, "", False), (2, "", True), (2, "valkey://cache:6379", False)]
)
def test_several_workers_without_shared_state_are_warned_about(
    workers: int, url: str, warns: bool, settings: Any
) -> None:
    """Before a deployment, `check` says that several workers do not share what they remember."""
    settings.GATEWAY_WORKERS, settings.VALKEY_URL = workers, url
    assert [message.id for message in checks.shared_state()] == (["serving.W001"] if warns else [])
