"""The pictures of the portal in the documentation: of every page in the menu, and all there."""

from __future__ import annotations

from pathlib import Path

from controlplane.web.portal.navigation import GROUPS
from tests.pictures.__main__ import FOLDER, SCHEMES, SIZES, index
from tests.pictures.pages import ALL


def test_each_page_of_the_menu_has_its_picture() -> None:
    """None was forgotten."""
    menu = {entry.path for group in GROUPS for entry in group.entries}

    assert set() == menu - {one.path.partition("?")[0] for one in ALL}


def test_the_pictures_are_those_that_would_be_taken() -> None:
    """`make pictures` was called after a page came or went."""
    expected = {f"{one.name}-{size}-{scheme}.webp" for one in ALL for size in SIZES for scheme in SCHEMES}

    assert expected == {path.name for path in FOLDER.glob("*.webp")}
    assert index() == (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_pictures_that_exist(root: Path) -> None:
    """And more than one of them."""
    text = (root / "README.md").read_text(encoding="utf-8")
    named = [part.partition(")")[0].partition('"')[0] for part in text.split("docs/portal/")[1:]]
    pictures = [name for name in named if name.endswith(".webp")]

    assert len(pictures) > 1
    assert [] == [name for name in pictures if not (FOLDER / name).exists()]
