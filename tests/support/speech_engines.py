"""Speech engines without speech: a hum as long as the text, or a failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from controlplane.speech.audio import Samples
from controlplane.speech.engines import SpeechUnavailable


@dataclass(slots=True)
class HummingEngine:
    """Hums; fails at the texts in `broken`, is silent for those in `silent`, and counts its runs.

    Tells by `started` that it runs, and speaks once `go_on` is set.
    """

    voice: str = "hum"
    broken: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    runs: list[list[str]] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    def speak(self, texts: Sequence[str]) -> Iterator[tuple[Samples, int]]:
        """Hum 20 ms a character."""
        self.runs.append(list(texts))
        self.started.set()
        if not self.go_on.wait(10):
            raise TimeoutError
        for text in texts:
            if text in self.broken:
                raise SpeechUnavailable(f"The speech engine {self.voice} failed.")
            at = np.arange(0 if text in self.silent else 320 * (5 + len(text)), dtype=np.float32) / 16_000
            yield np.sin(2 * np.pi * 220 * at).astype(np.float32), 16_000
