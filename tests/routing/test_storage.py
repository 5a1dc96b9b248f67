"""`state_storage` in a seed file: where stored responses are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.located import SeedError
from routing.seed import read_seed
from routing.storage import DATABASE, MEMORY, storage_of

CUSTOMER = (Path(__file__).parent / "customer.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", DATABASE),
        ("routes: []", DATABASE),
        ("state_storage:", DATABASE),
        ("state_storage: {type: database}", DATABASE),
        ("state_storage:\n  type: postgres\n  connection_string: postgresql://db/x", DATABASE),
        ("state_storage: {type: memory}", MEMORY),
        (CUSTOMER, MEMORY),
    ],
)
def test_the_seed_file_says_where_responses_are_kept(text: str, where: str) -> None:
    """The database is the default; every kind of database means the one that the gateway has."""
    assert storage_of(text) == where


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ("{type: redis}", "line 1, column 23: state_storage has no type 'redis': write memory or database"),
        ("memory", "line 1, column 16: state_storage must be a mapping"),
        ("{kind: memory}", "has no key 'kind'"),
    ],
)
def test_a_mistake_is_answered_with_its_place(section: str, mistake: str) -> None:
    """A type that there is not, or a key, is an error of the seed file."""
    for read in (storage_of, read_seed):
        with pytest.raises(SeedError) as refused:
            read(f"state_storage: {section}")  # type: ignore[operator]
        assert mistake in str(refused.value)
