"""`controlplane backup` and `restore` of what `up` runs: one folder, a command each, and it starts again."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from controlplane.supervisor.instance import Instance
from tests.support.processes import open_folder

pytestmark = pytest.mark.xdist_group("up-backup")


def controlplane(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command."""
    return subprocess.run(
        [sys.executable, "-m", "controlplane.entrypoints.cli", *arguments],
        capture_output=True,
        check=False,
        timeout=120,
    )


def ask(ready: dict[str, Any], path: str, token: str, content: object = None) -> Any:
    """Ask the REST API."""
    request = urllib.request.Request(
        ready["api_url"] + path,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        data=None if content is None else json.dumps(content).encode(),
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def state_of(ready: dict[str, Any], token: str) -> tuple[Any, Any]:
    """Return the mailboxes and extensions that it has."""
    mailboxes = ask(ready, "/mailboxes", token)["items"]
    return [(box["number"], box["display_name"], box["updated_at"]) for box in mailboxes], [
        (each["number"], each["display_name"]) for each in ask(ready, "/extensions", token)["items"]
    ]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that every user may enter."""
    with open_folder() as made:
        yield made


@pytest.mark.timeout(240)
def test_instance_moves_to_an_empty_folder(folder: Path) -> None:
    """Backed up while it runs and once it is stopped; the restored one has its token, PIN and mailboxes."""
    first, second = Instance(folder / "first"), Instance(folder / "second")
    first.start("--switch", "none")
    try:
        token = Path(first.ready["token_file"]).read_text().strip()
        box = {"number": "8002", "display_name": "Sales", "pin": "274951"}
        ask(first.ready, "/mailboxes", token, box)
        before, pin = state_of(first.ready, token), first.ready["mailbox"]
        running = controlplane("backup", str(folder), "--state-dir", str(first.state_dir))
    finally:
        first.stop()
    stopped = controlplane("backup", "-", "--state-dir", str(first.state_dir))
    (file,) = folder.glob("shared-voicemail-*.tar")
    second.state_dir.mkdir()
    (second.state_dir / "something").touch()
    refused = controlplane("restore", str(file), "--state-dir", str(second.state_dir))
    (second.state_dir / "something").unlink()
    damaged = folder / "damaged.tar"
    damaged.write_bytes(stopped.stdout[: len(stopped.stdout) // 2])
    cut_off = controlplane("restore", str(damaged), "--state-dir", str(second.state_dir))
    left = list(second.state_dir.iterdir())

    restored = controlplane("restore", str(file), "--state-dir", str(second.state_dir))
    second.start("--switch", "none")
    try:
        after = state_of(second.ready, token), second.ready["mailbox"]
    finally:
        second.stop()

    assert (0, 0o600) == (running.returncode, stat.S_IMODE(file.stat().st_mode)), running.stderr
    assert str(file) == running.stdout.decode().strip()
    assert b"whoever has this file can do everything" in running.stderr
    assert (0, True) == (stopped.returncode, len(stopped.stdout) > 10_000), stopped.stderr
    assert (1, True) == (refused.returncode, b"is not empty: name a new folder" in refused.stderr)
    assert (1, []) == (cut_off.returncode, left), cut_off.stderr
    assert b"not a whole one" in cut_off.stderr or b"not whole" in cut_off.stderr
    assert 0 == restored.returncode, restored.stderr
    assert (before, pin) == after


def test_folder_without_an_instance_is_told(folder: Path) -> None:
    """With what is wrong."""
    backup = controlplane("backup", str(folder), "--state-dir", str(folder / "none"))
    restore = controlplane("restore", str(folder / "none.tar"), "--state-dir", str(folder / "none"))

    assert (2, 1) == (backup.returncode, restore.returncode)
    assert b"There is no `controlplane up` in" in backup.stderr
    assert b"There is no file" in restore.stderr
