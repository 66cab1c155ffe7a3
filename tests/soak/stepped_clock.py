"""The clock of a product, which a test can step forth and back; the machine's own is left alone."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import time
from pathlib import Path

_SOURCE = Path(__file__).with_name("stepped_clock.c")
_MOST_STEPS = 1024
_COUNT, _STEP = struct.Struct("=q"), struct.Struct("=qq")
_NANOSECONDS = 10**9


class NoCompilerError(Exception):
    """There is no C compiler, without which a process cannot be given another clock."""


class SteppedClock:
    """What is started with `environment`, and all that it starts, has this clock. See stepped_clock.c."""

    def __init__(self, folder: Path) -> None:
        """Make it in a folder of one's own. Raises NoCompilerError."""
        compiler = shutil.which("cc")
        if compiler is None:
            raise NoCompilerError("The clock cannot be stepped: there is no C compiler (`cc`).")
        library, file = folder / "stepped_clock.so", folder / "stepped_clock"
        subprocess.run(
            [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, _SOURCE], check=True
        )
        file.write_bytes(bytes(_COUNT.size + _MOST_STEPS * _STEP.size))
        self.environment = {"LD_PRELOAD": str(library), "STEPPED_CLOCK": str(file)}
        with file.open("r+b") as opened:
            self._steps = mmap.mmap(opened.fileno(), 0)
        self._offset = 0

    def step(self, seconds: float) -> None:
        """Move it forth, or back if negative. Raises ValueError after 1,024 steps."""
        (count,) = _COUNT.unpack_from(self._steps)
        if count == _MOST_STEPS:
            raise ValueError(f"A clock can be stepped {_MOST_STEPS} times.")
        self._offset += round(seconds * _NANOSECONDS)
        _STEP.pack_into(self._steps, _COUNT.size + count * _STEP.size, time.time_ns(), self._offset)
        _COUNT.pack_into(self._steps, 0, count + 1)
