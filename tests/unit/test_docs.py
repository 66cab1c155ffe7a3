"""The documentation tells the truth about files, tests and errors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]


def _pages(root: Path) -> list[Path]:
    return [*(root / name for name in PAGES), *sorted((root / "docs").rglob("*.md"))]


def test_each_link_of_a_page_leads_somewhere(root: Path) -> None:
    """A relative link names a file that exists."""
    broken = [
        f"{page.name}: {target}"
        for page in _pages(root)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert broken == []


def test_each_test_that_the_crash_table_names_exists(root: Path) -> None:
    """A row that says which test stages it names a real one."""
    named = set(re.findall(r"`(test_[a-z_]+)(?:\[[^`]*)?`", (root / "docs/architecture.md").read_text()))
    tests = "\n".join(path.read_text() for path in (root / "tests").rglob("test_*.py"))

    assert named
    assert sorted(name for name in named if f"def {name}(" not in tests) == []


def test_each_file_that_a_page_names_exists(root: Path) -> None:
    """A path of the project between backticks is there; ellipses and placeholders are left out."""
    broken = [
        f"{page.name}: {path}"
        for page in _pages(root)
        for path in re.findall(
            r"`((?:controlplane|tests|docs|dialplan_templates|migrations)/[\w./-]*)`", page.read_text()
        )
        if not (root / path).exists()
    ]

    assert broken == []


@pytest.mark.parametrize("word", ["\\bTODO\\b", "\\bFIXME\\b", "not implemented"])
def test_no_page_promises_what_is_not_there(root: Path, word: str) -> None:
    """No page holds a note to ourselves."""
    assert [page.name for page in _pages(root) if re.search(word, page.read_text())] == []
