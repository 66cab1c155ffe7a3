"""The lock of the dependencies, as it is checked by `make lint`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the check as it lies in `folder`."""
    return subprocess.run(
        [sys.executable, str(folder / ".ci/check_lock.py")], capture_output=True, text=True, check=False
    )


def copy(root: Path, folder: Path, *, project: tuple[str, str] = ("", "")) -> Path:
    """Copy what the check reads, with one change of pyproject.toml."""
    (folder / ".ci").mkdir()
    for name in (".ci/check_lock.py", "requirements.lock", "pyproject.toml"):
        (folder / name).write_text((root / name).read_text())
    text = (folder / "pyproject.toml").read_text()
    assert project[0] in text
    (folder / "pyproject.toml").write_text(text.replace(*project, 1))
    return folder


def test_the_lock_fits_the_project(root: Path) -> None:
    """requirements.lock pins everything that pyproject.toml asks for."""
    assert (0, "") == (check(root).returncode, check(root).stderr)


def test_a_new_dependency_is_noticed(root: Path, tmp_path: Path) -> None:
    """A requirement that was not locked fails the check by name."""
    folder = copy(root, tmp_path, project=("dependencies = [\n", 'dependencies = [\n    "left-pad>=1",\n'))

    assert "left-pad is not locked" in check(folder).stderr


def test_a_raised_minimum_is_noticed(root: Path, tmp_path: Path) -> None:
    """A pin below the version asked for fails the check."""
    folder = copy(root, tmp_path, project=('"typer>=', '"typer>=999,>='))

    assert "typer is locked at" in check(folder).stderr


def test_a_dropped_dependency_is_noticed(root: Path, tmp_path: Path) -> None:
    """A pin that pyproject.toml does not ask for any more fails the check."""
    folder = copy(root, tmp_path, project=('    "typer>=0.19",\n', ""))

    assert "typer is locked as ours" in check(folder).stderr
