"""The state folder: what is checked before anything is started in it, and what it keeps."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

import pytest
from controlplane.supervisor.faults import CannotStart
from controlplane.supervisor.state import StateFolder, write_private


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    """A later start reads the secret that the first one made."""
    first = StateFolder(tmp_path / "state")
    made = first.secret("link-key", lambda: "first")
    first.release()
    again = StateFolder(tmp_path / "state").secret("link-key", lambda: "second")

    assert ("first", "first") == (made, again)


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_no_secret(tmp_path: Path, text: str) -> None:
    """A disk that was full, or a power failure, leaves such files: the secret is made again."""
    state = StateFolder(tmp_path / "state")
    (state.secrets / "fastagi").write_text(text)
    kept = state.kept("fastagi")
    made = state.secret("fastagi", lambda: "made")

    assert (None, "made", "made") == (kept, made, state.kept("fastagi"))


def test_a_secret_outlives_a_power_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content is on disk before it has its name, and then the name too."""
    synced: list[tuple[bool, list[str]]] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        names = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), names))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write_private(tmp_path / "key", "x")

    assert synced == [(False, []), (True, ["key"])]


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The file of a secret has mode 0600, its folder 0700."""
    state = StateFolder(tmp_path / "state")
    state.secret("link-key", lambda: "x")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (state.secrets, state.secrets / "link-key")]

    assert [0o700, 0o600] == modes


def test_a_second_up_is_refused(tmp_path: Path) -> None:
    """One folder belongs to one `up`; the sentence names the process that has it."""
    holder = StateFolder(tmp_path / "state")
    with pytest.raises(CannotStart) as refused:
        StateFolder(tmp_path / "state")
    holder.release()

    assert f"(process {os.getpid()})" in str(refused.value)


def test_a_released_folder_may_be_used_again(tmp_path: Path) -> None:
    """The lock ends with `release`, not with the process."""
    StateFolder(tmp_path / "state").release()
    again = StateFolder(tmp_path / "state")

    assert (tmp_path / "state") == again.root


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than 100 MB free: the sentence says how much there is and what to do."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: _Usage(10**9, 10**9, 12_345_678))
    with pytest.raises(CannotStart) as refused:
        StateFolder(tmp_path / "state")

    assert str(refused.value).startswith("Only 12 MB are free")


def test_a_file_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    """A state folder that cannot be made or written is refused with the remedy."""
    (tmp_path / "state").write_text("")
    with pytest.raises(CannotStart) as refused:
        StateFolder(tmp_path / "state")

    assert "cannot be written" in str(refused.value)
    assert "--state-dir" in str(refused.value)


@pytest.mark.parametrize("character", [";", ",", "%", "$", "\n", '"'])
def test_a_path_that_a_switch_misreads_is_refused(tmp_path: Path, character: str) -> None:
    """Characters that mean something in a switch's configuration may not be in the path."""
    with pytest.raises(CannotStart, match="which the switch cannot take"):
        StateFolder(tmp_path / f"a{character}b")


def test_the_run_folder_is_short_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the state folder's path is, the one for sockets is short, and nobody else's."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    state = StateFolder(tmp_path / ("long" * 40))
    folder = state.run_folder()
    try:
        facts = (len(str(folder / "asterisk.ctl")) < 70, stat.S_IMODE(folder.stat().st_mode))
    finally:
        folder.rmdir()

    assert (True, 0o700) == facts


def test_a_private_file_is_replaced_at_once(tmp_path: Path) -> None:
    """No half-written file and no temporary one is left."""
    for text in ("old", "new"):
        write_private(tmp_path / "ready.json", text)

    assert [("ready.json", "new")] == [(path.name, path.read_text()) for path in tmp_path.iterdir()]
