"""The documentation names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from routing.seed import ENTRY_KEYS, FOREIGN_SECTIONS, SECTIONS, SILENT_SECTIONS

ROOT = Path(__file__).parents[2]
ROUTES = (ROOT / "docs" / "routes.md").read_text()
ADMIN = (ROOT / "docs" / "admin.md").read_text()


@pytest.mark.parametrize("key", [*ENTRY_KEYS, *(name for name in SECTIONS if name != "model_providers")])
def test_every_key_of_a_seed_file_has_a_heading(key: str) -> None:
    """Whoever searches docs/routes.md for a key or a section finds its heading."""
    assert f"\n### `{key}`\n" in ROUTES


@pytest.mark.parametrize("section", [*FOREIGN_SECTIONS, *SILENT_SECTIONS])
def test_every_section_that_is_left_aside_is_named(section: str) -> None:
    """docs/routes.md lists what is ignored."""
    assert f"`{section}`" in ROUTES


def test_every_check_is_explained() -> None:
    """docs/admin.md has a line for each id of this room's checks."""
    source = (ROOT / "routing" / "checks.py").read_text()
    ids = {part.split('"')[0] for part in source.split('id="')[1:]}
    assert len(ids) == 7
    assert all(f"| `{name}` |" in ADMIN for name in ids)


@pytest.mark.parametrize("name", ["admin-route.png", "admin-routes.png"])
def test_pictures_are_there_and_small(name: str) -> None:
    """docs/admin.md shows two pictures of less than 200 KB each."""
    assert f"images/{name}" in ADMIN
    assert (ROOT / "docs" / "images" / name).stat().st_size < 200_000
