"""docs/conformance.md is the list of what the tests of this folder prove, and nothing else."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import LAST, PAGE, page_of


def test_every_statement_has_one_test(statements: dict[int, list[tuple[str, str]]]) -> None:
    """Each number from the first to the last stands in the docstring of one test, in a run of the whole folder."""
    if 1 not in statements or LAST not in statements:
        pytest.skip("only part of the folder runs")
    assert sorted(statements) == list(range(1, LAST + 1))
    assert {number: tests for number, tests in statements.items() if len(tests) > 1} == {}


def test_page_is_written_from_the_tests(statements: dict[int, list[tuple[str, str]]]) -> None:
    """The page says what the docstrings say; `pytest tests/conformance --write-conformance` brings it up to date."""
    if 1 not in statements or LAST not in statements:
        pytest.skip("only part of the folder runs")
    assert PAGE.read_text() == page_of({number: tests[0][1] for number, tests in statements.items()}, set())
