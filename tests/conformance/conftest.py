"""Statements: each test of this folder proves one statement of docs/conformance.md, whose number begins its docstring.

`pytest tests/conformance --write-pages` writes that page from the run, and docs/losses.md from the tables of losses.
What most modules ask is here as well: a scripted upstream, and a gateway with the module's own routes to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.pages import DOCS, losses_page, statements_page
from tests.serving.fake_upstream import FakeUpstream
from tests.serving.running import RunningGateway

LAST = 215
_NUMBERED = re.compile(r"(\d+)\. (.+?)(?:\n\s*\n|\Z)", re.DOTALL)


def statement_of(item: Any) -> tuple[int, str] | None:
    """Return the number and the words of the statement that a test proves, None for another test."""
    match = _NUMBERED.match((getattr(item.obj, "__doc__", "") or "").strip())
    return None if match is None else (int(match[1]), " ".join(match[2].split()))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to write the pages."""
    parser.addoption(
        "--write-pages", action="store_true", help="write the pages of docs/ that these tests are the source of"
    )


class _Writer:
    """Gathers the statements of a run and writes the page at its end."""

    def __init__(self) -> None:
        self._words: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._failed: set[int] = set()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Note which test proves what."""
        for item in items:
            found = statement_of(item)
            if found is not None:
                self._numbers[item.nodeid], self._words[found[0]] = found[0], found[1]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what failed, or was not shown."""
        if report.nodeid in self._numbers and report.outcome != "passed":
            self._failed.add(self._numbers[report.nodeid])

    def pytest_sessionfinish(self) -> None:
        """Write the pages."""
        (DOCS / "conformance.md").write_text(statements_page(self._words, self._failed))
        (DOCS / "losses.md").write_text(losses_page())


def pytest_configure(config: pytest.Config) -> None:
    """Write the pages after the run, where asked to."""
    if config.getoption("--write-pages"):
        config.pluginmanager.register(_Writer())


@pytest.fixture
def statements(request: pytest.FixtureRequest) -> dict[int, list[tuple[str, str]]]:
    """Give the statements of all tests of this run: by number, the test's name and the words."""
    found: dict[int, list[tuple[str, str]]] = {}
    for item in request.session.items:
        statement = statement_of(item)
        name = getattr(item, "originalname", item.name)
        if statement is not None and (name, statement[1]) not in found.setdefault(statement[0], []):
            found[statement[0]].append((name, statement[1]))
    return found


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """Give a scripted upstream."""
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def gateway(
    request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """Give a gateway with the module's ROUTES, which lead to the upstream, and with its SETTINGS where it has any."""
    routes = request.module.ROUTES.format(url=upstream.url)
    with RunningGateway(
        tmp_path_factory.mktemp("gateway"), routes, **getattr(request.module, "SETTINGS", {})
    ) as running:
        yield running
