"""Whether `doctor` sees what the switch may not do with our folders, and what others may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from controlplane.entrypoints.doctor_access import User, check_access, of_user
from controlplane.settings import Settings, load
from tests.support.processes import open_folder

WRITE, READ = os.R_OK | os.W_OK | os.X_OK, os.R_OK | os.X_OK
STRANGER = 64_000


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """Return a folder that all may reach, whatever those above it say: pytest closes them."""
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def test_root_may_everything(open_path: Path) -> None:
    """So it is with a private switch that root runs."""
    open_path.chmod(0o000)
    (finding,) = of_user(User(uid=0, groups=frozenset()), {open_path: WRITE})
    open_path.chmod(0o700)

    assert finding.remedy is None


@pytest.mark.parametrize(
    ("mode", "groups", "allowed"),
    [
        (0o2770, "its", True),
        (0o2750, "its", False),
        (0o2770, "another", False),
        (0o2770, "unknown", None),
        (0o0777, "unknown", True),
        (0o0700, "unknown", False),
    ],
)
def test_mode_and_group_decide(open_path: Path, mode: int, groups: str, *, allowed: bool | None) -> None:
    """The group where it is one of the user's; where nobody knows, that is said and nothing is claimed."""
    open_path.chmod(mode)
    known = {"its": frozenset({open_path.stat().st_gid}), "another": frozenset({STRANGER}), "unknown": None}
    user = User(uid=STRANGER, groups=known[groups])

    assert allowed is user.may(open_path, WRITE)


def test_spool_that_the_switch_may_not_write_is_found(open_path: Path) -> None:
    """With the folder, the group and what to do."""
    open_path.chmod(0o2750)
    (finding,) = of_user(User(uid=STRANGER, groups=frozenset({open_path.stat().st_gid})), {open_path: WRITE})

    assert f"the switch (user {STRANGER}) may not write into {open_path}" == finding.found
    assert f"give {open_path} to that group (chmod g+rwxs)" in (finding.remedy or "")


def test_folder_above_that_is_closed_is_found(open_path: Path) -> None:
    """Who may write into a folder and not reach it, may not write."""
    open_path.chmod(0o777)
    open_path.parent.chmod(0o700)
    (finding,) = of_user(User(uid=STRANGER, groups=frozenset()), {open_path: WRITE})

    assert f"may not enter {open_path.parent}" in finding.found


def settings(folder: Path) -> Settings:
    """Return settings of an installation without a switch."""
    paths = {
        f"CONTROLPLANE_PATHS__{n}": str(folder / n.lower())
        for n in ("RECORDINGS", "SPOOL", "PROMPTS", "CONFIGURATION")
    }
    return load({"CONTROLPLANE_PRIVATE": "true", "CONTROLPLANE_SWITCH": "none", **paths})


async def test_folder_that_is_open_to_others_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a file of a secret; behind a folder that others cannot enter it is closed all the same."""
    made = settings(tmp_path)
    made.paths.recordings.mkdir(mode=0o755)
    (tmp_path / "key").write_text("secret")
    monkeypatch.setenv("CONTROLPLANE_LINK_KEY_FILE", str(tmp_path / "key"))
    closed = await check_access(made)
    with open_folder() as folder:
        made = settings(folder)
        made.paths.recordings.mkdir(mode=0o755)
        key = folder / "key"
        key.write_text("secret")
        monkeypatch.setenv("CONTROLPLANE_LINK_KEY_FILE", str(key))
        found = await check_access(made)

    assert [None] == [each.remedy for each in closed]
    assert {f"chmod o-rwx {made.paths.recordings}", f"chmod o-rwx {key}"} == {each.remedy for each in found}
