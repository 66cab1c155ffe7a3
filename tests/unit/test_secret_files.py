"""`controlplane secrets`: a file for each secret, made once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from controlplane.entrypoints import secret_files
from controlplane.services.pin_hashing import parse_keys
from controlplane.supervisor.faults import CannotStart


def make(folder: Path, group: int | None = None) -> dict[str, str]:
    """Make them, and return the text of each."""
    secret_files.main(folder, database="db.example.org:5433", group=group)
    return {path.name: path.read_text().strip() for path in sorted(folder.iterdir())}


def test_they_fit_each_other_and_are_nobody_else_s(tmp_path: Path) -> None:
    """The URL has the password, the PIN key is one that hashes, no two are the same, only we read them."""
    made = make(tmp_path / "secrets")
    random = [text for name, text in made.items() if name not in {"database-url", "smtp-password"}]

    assert (
        f"postgresql://controlplane:{made['database-password']}@db.example.org:5433/controlplane"
        == (made["database-url"])
    )
    assert [32] == [len(key) for key in parse_keys(made["pin-keys"]).values()]
    assert (len(random), True) == (len(set(random)), min(map(len, random)) >= 40)
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()}
    assert 0o700 == (tmp_path / "secrets").stat().st_mode & 0o777


def test_a_second_time_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is missing is made, and no secret is printed."""
    first = make(tmp_path)
    (tmp_path / "manager").unlink()
    second = make(tmp_path)
    said = capsys.readouterr().out

    assert {"manager"} == {name for name, text in first.items() if second[name] != text}
    assert [] == [name for name, text in (first | second).items() if text and text in said]


def test_a_group_may_read_them(tmp_path: Path) -> None:
    """Beside their owner, and nobody else."""
    make(tmp_path / "secrets", group=os.getgid())
    files = list((tmp_path / "secrets").iterdir())

    assert {(0o640, os.getgid())} == {(path.stat().st_mode & 0o777, path.stat().st_gid) for path in files}
    assert 0o750 == (tmp_path / "secrets").stat().st_mode & 0o777


def test_a_lost_password_is_not_made_anew(tmp_path: Path) -> None:
    """The database was made with it: the remedy is the old one."""
    make(tmp_path)
    (tmp_path / "database-password").unlink()

    with pytest.raises(CannotStart, match="put it back"):
        make(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """One sentence with the folder."""
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=r"file/secrets cannot be written"):
        make(tmp_path / "file" / "secrets")
