"""PINs in files of their own: read strictly, and never told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from controlplane.apply.declaration import read_declaration
from controlplane.apply.faults import RefusedFile
from controlplane.apply.pin_files import UnreadablePinFile, read_pin_file

MAILBOX = """\
mailboxes:
  - number: 8001
    display_name: Team
    pin_file: pin
"""


@pytest.mark.parametrize("written", [b"290174", b"290174\n", b"290174\r\n"])
def test_a_file_holds_one_line(tmp_path: Path, written: bytes) -> None:
    """However its line ends."""
    (tmp_path / "pin").write_bytes(written)

    assert "290174" == read_pin_file("pin", tmp_path).pin


@pytest.mark.parametrize(
    "written", [b"", b"\n", b"29 0174", b" 290174", b"290174\n\n", b"\xd9\xa2\xd9\xa9", b"9" * 300, b"\x00"]
)
def test_what_is_no_pin_is_refused(tmp_path: Path, written: bytes) -> None:
    """And not quoted: it may be another secret."""
    (tmp_path / "pin").write_bytes(written)
    with pytest.raises(UnreadablePinFile) as caught:
        read_pin_file("pin", tmp_path)

    assert f"{tmp_path / 'pin'} does not hold a PIN: one line, of digits and nothing else." == str(
        caught.value
    )


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_everybody_may_read_is_told(tmp_path: Path, mode: int, is_told: bool) -> None:
    """It is read all the same; a group may be the one that keeps secrets."""
    path = tmp_path / "pin"
    path.write_text("290174")
    path.chmod(mode)
    file = read_declaration(MAILBOX.encode(), {}, folder=tmp_path)

    assert ([f"Everybody on this machine may read {path}: chmod 600 it."] if is_told else []) == list(
        file.warnings
    )


def test_a_path_is_absolute_or_beside_the_file(tmp_path: Path) -> None:
    """A pipe is a file, too."""
    reading, writing = os.pipe()
    os.write(writing, b"290174\n")
    os.close(writing)
    piped = read_pin_file(f"/dev/fd/{reading}", tmp_path)
    os.close(reading)

    assert ("290174", None) == (piped.pin, piped.warning)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("pin_file: nowhere", "cannot be read (No such file or directory)."),
        ("pin_file: .", "cannot be read (Is a directory)."),
        ('pin_file: "a\\0b"', "This is no path of a file."),
        ("pin_file: pin\n    pin: 290174", "There is a pin, too: leave one of them out."),
        ("pin_file: 007", "007 cannot be read (No such file or directory)."),
        ("pin_file: true", "true cannot be read (No such file or directory)."),
        ("pin_file: [pin]", "string"),
        ('pin_file: "-"', "No PIN is read from the standard input"),
    ],
)
def test_faults_have_their_place(tmp_path: Path, changed: str, said: str) -> None:
    """They name the field, on its line."""
    (tmp_path / "pin").write_text("290174")
    with pytest.raises(RefusedFile) as caught:
        read_declaration(MAILBOX.replace("pin_file: pin", changed).encode(), {}, folder=tmp_path)
    (fault,) = caught.value.faults

    assert (4, "mailboxes[0].pin_file") == (fault.line, fault.path)
    assert said in fault.sentence
    assert "290174" not in str(caught.value)


@pytest.mark.parametrize("entry", ["pin_file: -", "pin_file: - # asked", "number: 8001\n  - pin_file: -\r"])
def test_a_dash_without_quotes_is_told_by_its_field(tmp_path: Path, entry: str) -> None:
    """YAML itself takes it for a list; whoever wrote it means the standard input."""
    text = f"mailboxes:\n  - {entry}\n    display_name: Team\n"
    with pytest.raises(RefusedFile) as caught:
        read_declaration(text.encode(), {}, folder=tmp_path)
    (fault,) = caught.value.faults

    assert (2 + entry.count("\n"), "pin_file") == (fault.line, fault.path)
    assert "No PIN is read from the standard input" in fault.sentence


def test_another_fault_of_yaml_stays_what_it_is(tmp_path: Path) -> None:
    """A dash elsewhere is none of a PIN."""
    with pytest.raises(RefusedFile) as caught:
        read_declaration(b"mailboxes:\n  - number: -\n    pin_file: pin\n", {}, folder=tmp_path)

    assert ["This is no YAML"] == [fault.sentence[:15] for fault in caught.value.faults]
