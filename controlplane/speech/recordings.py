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
            wrong.append(f"{path.name}: no sentence has this name; see `controlplane prompts export`.")
            continue
        recorded.add(text)
        wrong += [f"{path.name}: {fault}" for fault in _faults(path, text)]
    missing: dict[str, str] = {}
    for name, text in named.items():
        if text not in recorded:
            missing.setdefault(text, name)
    return wrong, list(missing.values())


def _read(path: Path) -> tuple[Samples, int]:
    """Return the samples of a file as one channel, and its rate; raises BadRecording."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise BadRecording(f"{path} is no audio file: {error.error_string}") from error
    return np.nan_to_num(samples.mean(axis=1), posinf=0.0, neginf=0.0), int(rate)


def _faults(path: Path, text: str) -> list[str]:
    try:
        about = soundfile.info(path)
        samples, rate = _read(path)
    except (soundfile.LibsndfileError, BadRecording):
        return ["it is no audio file. Save it as WAV, 16 bit PCM."]
    faults = []
    least, most = _RATES
    if not least <= rate <= most or about.channels > _MAX_CHANNELS:
        faults.append(
            f"it has {rate} samples a second in {about.channels} channels; "
            f"record {least} to {most} in one or two."
        )
    loudest = float(np.max(np.abs(samples), initial=0.0))
    if loudest < _SILENT:
        return [*faults, "it is silent. Record it again, closer to the microphone."]
    if loudest < _QUIET:
        faults.append("it is too quiet. Record it again, closer to the microphone.")
    seconds = audio.telephone(samples, rate).size / audio.RATE
    if seconds > _LONGEST_PAUSE + _SLOWEST * len(text):
        faults.append(
            f"it lasts {seconds:.0f} s, too long for its sentence. Cut off what does not belong to it."
        )
    if seconds < _FASTEST * len(text):
        faults.append(f"it lasts {seconds:.1f} s, too short for its sentence. Is the end missing?")
    return faults
