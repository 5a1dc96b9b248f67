"""No file, however odd, gets anything but a configuration or a SeedError."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.configuration import Configuration
from routing.export import write_seed
from routing.located import SeedError
from routing.seed import ENTRY_KEYS, SECTIONS, UPSTREAM_KEYS, read_seed

CUSTOMER = (Path(__file__).parent / "customer.yaml").read_text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=8)
    | st.sampled_from(["openai/a", "openai/*", "a", "$K", "http://h", "chat", "messages", "fingerprint:1", "file:/x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["target", "idle", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ENTRIES = st.dictionaries(st.sampled_from(sorted({*ENTRY_KEYS, *UPSTREAM_KEYS, "odd"})), VALUES, max_size=6)
FILES = st.dictionaries(
    st.sampled_from([*SECTIONS, "tracing"]), st.lists(ENTRIES | VALUES, max_size=4) | VALUES, max_size=4
)


def read(text: str) -> Configuration | None:
    """Return what a file says; None if it is refused as it should be."""
    with contextlib.suppress(SeedError):
        return read_seed(text).configuration
    return None


def refusal(text: str) -> SeedError | None:
    """Return why a file is refused; None if it is read."""
    try:
        read_seed(text)
    except SeedError as exc:
        return exc
    return None


@settings(max_examples=300, deadline=None)
@given(FILES)
def test_any_values_under_known_keys(document: dict[str, Any]) -> None:
    """Wrong types anywhere are a SeedError, and what is accepted can be written and read again."""
    configuration = read(yaml.safe_dump(document, allow_unicode=True))
    if configuration is not None:
        assert read_seed(write_seed(configuration)).configuration == configuration


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(CUSTOMER)), st.integers(0, 12), st.text("\t\n -:{}[]&*!|>'\"%@`#?,ab1\0\x85\ufeff", max_size=6)
)
def test_a_damaged_file(start: int, length: int, put: str) -> None:
    """A file that lost a piece and gained another is read, or refused with a place inside it."""
    text = CUSTOMER[:start] + put + CUSTOMER[start + length :]
    error = refusal(text)
    assert error is None or (1 <= error.line <= text.count("\n") + 2 and error.column >= 1)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "? " * 400_000,
        "a: &a [x]\n" + "b: [*a, *a]\n" * 50_000,
        "\n".join(f"k{number}: 1" for number in range(90_000)),
        "model_providers:\n" + "- {model: openai/a}\n" * 45_000,
        "model_providers:\n" + "\n".join(f"- {{model: p/m, base_url: 'http://h:{port}'}}" for port in range(1, 18_000)),
        "model_aliases:\n" + "\n".join(f" a{number}: {{target: a{number + 1}}}" for number in range(30_000)),
        "model_providers: [{model: openai/m}]\nmodel_aliases:\n a0: {target: m}\n"
        + "\n".join(f" a{number}: {{target: a{number - 1}}}" for number in range(30_000, 0, -1)),
    ],
    ids=["lists", "mappings", "items", "keys", "bomb", "sections", "duplicates", "accounts", "loose-chain", "chain"],
)
def test_a_file_of_a_megabyte_is_answered_in_seconds(text: str) -> None:
    """Size and depth cost time in proportion, and never the stack."""
    assert len(text) < 1_100_000
    started = time.monotonic()
    read(text)
    assert time.monotonic() - started < 20
