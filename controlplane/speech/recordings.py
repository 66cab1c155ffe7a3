"""Prompts that a person recorded: `<folder of prompts>/<language>/<name>.wav`, taken and checked."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import soundfile

from controlplane.domain.errors import ControlPlaneError
from controlplane.speech import audio, catalogue, sentences
from controlplane.speech.audio import Samples
from controlplane.speech.cache import PERSON, PromptCache

_RATES: Final = (8_000, 48_000)
_MAX_CHANNELS: Final = 2
_SILENT: Final = 10 ** (-50 / 20)
_QUIET: Final = 10 ** (-30 / 20)
"""What never gets louder, full scale being 1, brings the noise of the room with it when it is made louder."""

_FULL: Final = 0.9999
_CUT_IN_A_ROW: Final = 4
_CUT: Final = 0.0005
"""Of all samples, those at full scale with so many in a row: what is louder is cut off, and rattles."""

_LONGEST_FILE_SECONDS: Final = 300
"""No sentence needs as long, and what is longer is not read into memory."""

# Of speech, by the characters of the sentence: slower than anybody reads, and faster.
_SLOWEST, _LONGEST_PAUSE = 0.25, 3.0
_FASTEST = 0.02


class BadRecording(ControlPlaneError):
    """A prompt recorded by a person cannot be used; the sentence says which and why."""


def recordings_of(root: Path, language: str) -> list[Path]:
    """List the files in the folder where recordings in a language are put."""
    return sorted((root / language).glob("*.wav"))


def take_recordings(root: Path, language: str) -> None:
    """Bring recordings to telephone audio for the cache, and forget those that were taken away.

    A file that is named like no sentence is left alone. Raises BadRecording or OSError.
    """
    if not recordings_of(root, language) and not (root / language / PERSON).is_dir():
        return
    cache, taken = PromptCache(root), set()
    for name, text in sentences.named(catalogue.load(language)).items():
        recording = root / language / f"{name}.wav"
        if not recording.is_file():
            continue
        samples, rate = _read(recording)
        sound = audio.telephone(samples, rate)
        if not sound.size:
            raise BadRecording(f"{recording} is silent. Record it again, or remove it.")
        spoken = cache.path(text, language, PERSON)
        audio.write(spoken, sound)
        taken.add(spoken)
    for spoken in (root / language / PERSON).glob("*.wav"):
        if spoken not in taken:
            spoken.unlink(missing_ok=True)


def nowhere(root: Path, language: str) -> str | None:
    """Say that a language has no folder of recordings, and what was meant perhaps; None if it has one."""
    folder = root / language
    if folder.is_dir():
        return None
    names = sentences.named(catalogue.load(language)).keys()
    if any(path.stem in names for path in root.glob("*.wav")):
        return f"There is no folder {folder}. --folder names the folder that has {language}/ in it."
    return f"There is no folder {folder}. Put the recordings there as <name>.wav."


def write_list(language: str, output: TextIO) -> None:
    """Write what is to be read aloud in a language as CSV: the name of the file, and the sentence."""
    table = csv.writer(output)
    table.writerow(["file", "sentence"])
    seen: set[str] = set()
    for name, text in sentences.named(catalogue.load(language)).items():
        if text not in seen:
            table.writerow([f"{name}.wav", text])
        seen.add(text)


def check_recordings(root: Path, language: str) -> tuple[list[str], list[str]]:
    """Return what is wrong with the recordings in a language, and the names of those that are missing."""
    named = sentences.named(catalogue.load(language))
    wrong: list[str] = []
    recorded: set[str] = set()
    for path in recordings_of(root, language):
        text = named.get(path.stem)
        if text is None:
            wrong.append(
                f"{path.name}: no sentence has this name; see `controlplane prompts export {language}`."
            )
            continue
        recorded.add(text)
        wrong += [f"{path.name}: {fault}" for fault in _faults(path, text)]
    wrong += [
        f"{path.name}: it is left out. Save it as WAV, 16 bit PCM, and name it {path.stem}.wav."
        for path in sorted((root / language).glob("*"))
        if path.suffix != ".wav" and path.stem in named and not path.with_suffix(".wav").exists()
    ]
    missing: dict[str, str] = {}
    for name, text in named.items():
        if text not in recorded:
            missing.setdefault(text, name)
    return wrong, list(missing.values())


def _read(path: Path) -> tuple[Samples, int]:
    """Return the samples of a file as one channel, and its rate; raises BadRecording."""
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            if file.frames > _LONGEST_FILE_SECONDS * rate:
                raise BadRecording(f"{path} is too long. Cut off what does not belong to it.")
            samples = file.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise BadRecording(
            f"{path} is no audio file: {error.error_string} Save it as WAV, 16 bit PCM, or remove it."
        ) from error
    return np.nan_to_num(samples.mean(axis=1), posinf=0.0, neginf=0.0), rate


def _faults(path: Path, text: str) -> list[str]:
    try:
        about = soundfile.info(path)
        if about.duration > _LONGEST_FILE_SECONDS:
            return [_too_long(about.duration)]
        samples, rate = _read(path)
    except (soundfile.LibsndfileError, BadRecording):
        return ["it is no audio file. Save it as WAV, 16 bit PCM."]
    faults = []
    least, most = _RATES
    if not least <= rate <= most:
        faults.append(f"it has {rate} samples a second; record {least} to {most}.")
    if about.channels > _MAX_CHANNELS:
        faults.append(f"it has {about.channels} channels; record one or two.")
    loudest = float(np.max(np.abs(samples), initial=0.0))
    if loudest < _SILENT:
        return [*faults, "it is silent. Record it again, closer to the microphone."]
    if loudest < _QUIET:
        faults.append("it is too quiet. Record it again, closer to the microphone.")
    if _is_cut(samples):
        faults.append(
            "it is too loud, and its peaks are cut off. Record it again, farther from the microphone."
        )
    seconds = audio.telephone(samples, rate).size / audio.RATE
    if seconds > _LONGEST_PAUSE + _SLOWEST * len(text):
        faults.append(_too_long(seconds))
    if seconds < _FASTEST * len(text):
        faults.append(f"it lasts {seconds:.1f} s, too short for its sentence. Is the end missing?")
    return faults


def _too_long(seconds: float) -> str:
    return f"it lasts {seconds:.0f} s, too long for its sentence. Cut off what does not belong to it."


def _is_cut(samples: Samples) -> bool:
    """Say whether much of it stays at full scale: a loud voice touches it for a moment alone."""
    full = np.abs(samples) >= _FULL
    if full.size < _CUT_IN_A_ROW:
        return False
    rows = np.lib.stride_tricks.sliding_window_view(full, _CUT_IN_A_ROW).all(axis=1)
    return float(rows.mean()) > _CUT
