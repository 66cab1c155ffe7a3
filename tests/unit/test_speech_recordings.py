"""Prompts that a person reads aloud: the list of them, and what is wrong with what was recorded."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from controlplane.entrypoints.commands import app
from controlplane.speech.catalogue import available_languages, load
from controlplane.speech.recordings import BadRecording, check_recordings, take_recordings, write_list
from controlplane.speech.sentences import fixed


def _record(
    root: Path, name: str, *, seconds: float = 1.0, rate: int = 16_000, peak: float = 0.5, channels: int = 1
) -> Path:
    path = root / "fr" / f"{name}.wav"
    path.parent.mkdir(exist_ok=True)
    sound = np.clip(np.sin(np.arange(round(rate * seconds)) / 20) * peak, -1, 1)
    soundfile.write(path, np.stack([sound] * channels, axis=1), rate)
    return path


@pytest.mark.parametrize("language", available_languages())
def test_the_list_has_every_sentence_once(language: str) -> None:
    """Each row names a file, and a sentence as it is said."""
    written = io.StringIO(newline="")
    write_list(language, written)
    rows = list(csv.DictReader(io.StringIO(written.getvalue(), newline="")))

    assert fixed(load(language)) == [row["sentence"] for row in rows]
    assert len(rows) == len({row["file"] for row in rows})


def test_what_is_not_recorded_is_missing(tmp_path: Path) -> None:
    """All sentences but those recorded are told, by the names of their files."""
    _record(tmp_path, "goodbye")
    _record(tmp_path, "new-1")

    wrong, missing = check_recordings(tmp_path, "fr")

    assert ([], len(fixed(load("fr"))) - 2) == (wrong, len(missing))
    assert not {"goodbye", "new-1"} & set(missing)


@pytest.mark.parametrize(
    ("name", "made", "told"),
    [
        ("goodbye", {"seconds": 8.0}, "it lasts 8 s, too long for its sentence"),
        ("message-help", {"seconds": 1.0}, "it lasts 1.0 s, too short for its sentence"),
        ("goodbye", {"peak": 0.01}, "it is too quiet"),
        ("goodbye", {"peak": 0.0}, "it is silent"),
        ("goodbye", {"peak": 2.0}, "it is too loud, and its peaks are cut off"),
        ("goodbye", {"rate": 8_000, "seconds": 301.0}, "it lasts 301 s, too long for its sentence"),
        ("goodbye", {"rate": 96_000}, "it has 96000 samples a second; record 8000 to 48000."),
        ("goodbye", {"channels": 3}, "it has 3 channels; record one or two."),
        ("good-bye", {}, "no sentence has this name; see `controlplane prompts export fr`."),
    ],
)
def test_a_recording_that_is_wrong_is_told(
    tmp_path: Path, name: str, made: dict[str, float], told: str
) -> None:
    """The sentence names the file, and says what to do."""
    _record(tmp_path, name, **made)  # type: ignore[arg-type]  # figures of each case

    ((said), *others), _missing = check_recordings(tmp_path, "fr")

    assert said.startswith(f"{name}.wav: {told}"), said
    assert [] == others


def test_what_is_no_audio_is_told(tmp_path: Path) -> None:
    """A file of another kind is named."""
    _record(tmp_path, "goodbye").write_text("RIFF")

    wrong, _missing = check_recordings(tmp_path, "fr")

    assert ["goodbye.wav: it is no audio file. Save it as WAV, 16 bit PCM."] == wrong


def test_a_loud_recording_that_is_not_cut_off_is_right(tmp_path: Path) -> None:
    """What touches full scale for a moment was recorded as loud as it can be."""
    _record(tmp_path, "goodbye", peak=1.0)

    assert [] == check_recordings(tmp_path, "fr")[0]


@pytest.mark.parametrize("name", ["goodbye.mp3", "goodbye.WAV"])
def test_a_file_that_is_left_out_is_told(tmp_path: Path, name: str) -> None:
    """A sentence that was saved in another format is told; what lies beside a recording is not."""
    recording = _record(tmp_path, "goodbye")
    left = recording.with_name(name)
    left.write_bytes(b"ID3")
    beside, _ = check_recordings(tmp_path, "fr")
    recording.unlink()

    wrong, missing = check_recordings(tmp_path, "fr")

    assert [] == beside
    assert [f"{name}: it is left out. Save it as WAV, 16 bit PCM, and name it goodbye.wav."] == wrong
    assert "goodbye" in missing


def test_a_recording_that_would_fill_the_memory_is_not_taken(tmp_path: Path) -> None:
    """An hour that lies there by mistake is refused before it is read."""
    _record(tmp_path, "goodbye", rate=8_000, seconds=301.0)

    with pytest.raises(BadRecording, match=r"goodbye\.wav is too long"):
        take_recordings(tmp_path, "fr")


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app(["prompts", *arguments])
    return int(ended.value.code or 0)


def test_the_command_lists_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`prompts export` writes the CSV, and `prompts check` fails with what is wrong."""
    _record(tmp_path, "goodbye")
    listed = _run("export", "fr", "--output", str(tmp_path / "fr.csv"))
    right = _run("check", "fr-FR", "--folder", str(tmp_path))
    _record(tmp_path, "thank-you", peak=0.0)
    wrong = _run("check", "fr", "--folder", str(tmp_path))

    said = capsys.readouterr().out
    assert (0, 0, 1) == (listed, right, wrong)
    assert "goodbye.wav,Au revoir." in (tmp_path / "fr.csv").read_text(encoding="utf-8")
    assert "All recordings that are there can be used." in said
    assert "thank-you.wav: it is silent." in said


def test_the_list_opens_in_a_spreadsheet(tmp_path: Path) -> None:
    """A file of the list says at its beginning that it is UTF-8, and has accents and Cyrillic in it."""
    _run("export", "ru", "--output", str(tmp_path / "ru.csv"))

    written = (tmp_path / "ru.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbffile,sentence\r\n")
    assert "goodbye.wav,До свидания.".encode() in written


def test_the_command_says_where_recordings_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No recording, no language, no folder, no installation: one sentence says why, and what to do."""
    for name in [name for name in os.environ if name.startswith("CONTROLPLANE_")]:
        monkeypatch.delenv(name)
    _record(tmp_path, "goodbye")
    (tmp_path / "de").mkdir()
    codes = [
        _run("check", "de", "--folder", str(tmp_path)),
        _run("check", "es", "--folder", str(tmp_path)),
        _run("check", "fr", "--folder", str(tmp_path / "fr")),
        _run("check", "xx"),
        _run("check", "fr"),
        _run("export", "fr", "--output", str(tmp_path / "nowhere" / "fr.csv")),
    ]

    said = capsys.readouterr().err
    assert [1, 1, 1, 1, 2, 1] == codes
    assert f"There are no recordings in {tmp_path / 'de'}. Put them there as <name>.wav." in said
    assert f"There is no folder {tmp_path / 'es'}. Put the recordings there as <name>.wav." in said
    assert "--folder names the folder that has fr/ in it." in said
    assert "There are no prompts in xx." in said
    assert "To check without an installation, name the folder: --folder FOLDER" in said
    assert "fr.csv cannot be written" in said
