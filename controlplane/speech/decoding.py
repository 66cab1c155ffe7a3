"""Reading a compressed recording (MP3, Ogg, FLAC) in a process of its own.

Such a file comes from anybody, and its decoders are large programs in C. Here they have little memory and
time, nothing to write to and no secret to find, and when they fall nothing else falls with them.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from typing import Final

import numpy as np
import soundfile

from controlplane.domain.errors import InvalidValue
from controlplane.speech.audio import Samples
from controlplane.speech.mono import mono, refused, unreadable

_MARKS: Final = {b"fLaC": "FLAC", b"OggS": "OGG", b"ID3": "MP3"}
_SECONDS: Final = 60
_CPU_SECONDS: Final = 20
_MEMORY: Final = 2**30
_REFUSED: Final = 3
_HEAD: Final = 8


def is_compressed(content: bytes) -> bool:
    """Say whether a file begins as one that can be decoded here."""
    if any(content.startswith(mark) for mark in _MARKS):
        return True
    # A frame of MPEG audio, layer III, without anything before it.
    return len(content) > 1 and content[0] == 0xFF and content[1] & 0xE6 == 0xE2  # noqa: PLR2004


def decode(content: bytes) -> tuple[Samples, int]:
    """Return the samples, in one channel, and how many there are a second; raises InvalidValue. Blocks."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OPENBLAS_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise unreadable() from error
    if done.returncode == _REFUSED:
        raise refused(*json.loads(done.stdout))
    if done.returncode != 0:
        raise unreadable()
    rate = int.from_bytes(done.stdout[:_HEAD], "little")
    return np.frombuffer(done.stdout[_HEAD:], dtype=np.float32), rate


def main() -> int:
    """Decode what comes in: out go the rate and the samples, or why they are refused."""
    content = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        samples, rate = _read(content)
    except InvalidValue as error:
        sys.stdout.write(json.dumps([error.error_id, error.sentence]))
        return _REFUSED
    sys.stdout.buffer.write(rate.to_bytes(_HEAD, "little") + samples.tobytes())
    return 0


def _read(content: bytes) -> tuple[Samples, int]:
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.format not in _MARKS.values():
                raise unreadable()
            return mono(file), file.samplerate
    except soundfile.LibsndfileError as error:
        raise unreadable() from error


if __name__ == "__main__":
    sys.exit(main())
