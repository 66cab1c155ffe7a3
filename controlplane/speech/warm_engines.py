"""Engines that stay for a while: starting one costs a second of a processor, a sentence a tenth of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from controlplane.speech.audio import Samples
from controlplane.speech.engines import Engine, ProgramEngine, SpeechUnavailable, read_spoken

_IDLE_SECONDS = 60.0


class WarmEngine:
    """A program engine that is kept for `idle_seconds` after its last sentence.

    One sentence at a time; several threads may speak. It ends when our process does, because its
    input ends then.
    """

    def __init__(self, engine: ProgramEngine, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._engine = engine
        self._idle_seconds = idle_seconds
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._idle: threading.Timer | None = None

    @property
    def voice(self) -> str:
        """The voice's id."""
        return self._engine.voice

    def speak(self, texts: Sequence[str]) -> Iterator[tuple[Samples, int]]:
        """Yield the audio and its rate for each text, in order; raises SpeechUnavailable."""
        for text in texts:
            with self._turn:
                spoken = self._say(text)
            yield spoken

    def close(self) -> None:
        """End the program; the next sentence starts it again."""
        with self._turn:
            self._end()

    def _say(self, text: str) -> tuple[Samples, int]:
        if self._idle is not None:
            self._idle.cancel()
        fresh = self._process is None or self._process.poll() is not None
        if fresh:
            self._start()
        process, errors = self._process, self._errors
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        assert errors is not None
        seconds = self._engine.text_seconds + (self._engine.start_seconds if fresh else 0.0)
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            process.stdin.write(json.dumps(text).encode() + b"\n")
            process.stdin.flush()
            spoken = read_spoken(process.stdout, errors, self.voice)
        except (OSError, SpeechUnavailable) as error:
            self._end()
            raise SpeechUnavailable(f"The speech engine {self.voice} failed: {error}") from error
        finally:
            limit.cancel()
        self._idle = threading.Timer(self._idle_seconds, self.close)
        self._idle.daemon = True
        self._idle.start()
        return spoken

    def _start(self) -> None:
        self._end()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `_end`)
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(self._engine.program), *self._engine.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={key: value for key, value in os.environ.items() if not key.startswith("CONTROLPLANE_")},
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None


class WarmEngines:
    """The installed engines of a language, each kept warm; called like `engines_for`."""

    def __init__(
        self, engines: Callable[[str], Sequence[Engine]], *, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        self._engines = engines
        self._idle_seconds = idle_seconds
        self._warm: dict[str, WarmEngine] = {}

    def __call__(self, language: str) -> list[Engine]:
        """List the engines for a language, best first."""
        return [self._kept(engine) for engine in self._engines(language)]

    def close(self) -> None:
        """End all programs."""
        for engine in self._warm.values():
            engine.close()

    def _kept(self, engine: Engine) -> Engine:
        if not isinstance(engine, ProgramEngine):
            return engine
        return self._warm.setdefault(engine.voice, WarmEngine(engine, idle_seconds=self._idle_seconds))
