"""The pages of docs/ that are written from the tests of this folder say what those prove, and nothing else."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import LAST
from tests.conformance.pages import DOCS, losses_page, statements_page


def test_every_statement_has_one_test(statements: dict[int, list[tuple[str, str]]]) -> None:
    """Each number from the first to the last stands in the docstring of one test, in a run of the whole folder."""
    if 1 not in statements or LAST not in statements:
        pytest.skip("only part of the folder runs")
    assert sorted(statements) == list(range(1, LAST + 1))
    assert {number: tests for number, tests in statements.items() if len(tests) > 1} == {}


def test_page_of_statements_is_written_from_the_tests(statements: dict[int, list[tuple[str, str]]]) -> None:
    """The page says what the docstrings say; `pytest tests/conformance --write-pages` brings it up to date."""
    if 1 not in statements or LAST not in statements:
        pytest.skip("only part of the folder runs")
    words = {number: tests[0][1] for number, tests in statements.items()}
    assert (DOCS / "conformance.md").read_text() == statements_page(words, set())


def test_page_of_losses_is_written_from_the_tables() -> None:
    """The page says what the tables of losses say; `pytest tests/conformance --write-pages` brings it up to date."""
    assert (DOCS / "losses.md").read_text() == losses_page()
