"""Engines that stay: one program for many sentences, gone when idle, new after a failure."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from controlplane.speech.engines import ProgramEngine, SpeechUnavailable, engines_for
from controlplane.speech.warm_engines import WarmEngine, WarmEngines

# Answers each text with as many samples as its process id has.
ANSWERS = """
    import json, os, sys
    for line in sys.stdin.buffer:
        text = json.loads(line)
        if text == "die":
            sys.exit("no voice")
        if text == "hang":
            import time
            time.sleep(60)
        sys.stdout.buffer.write(b"8000 %d\\n" % os.getpid() + bytes(2 * os.getpid()))
        sys.stdout.flush()
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., ProgramEngine]:
    """Return what makes the engine."""
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(ANSWERS))

    def make(**seconds: float) -> ProgramEngine:
        return ProgramEngine(
            voice="test", program=path, **{"start_seconds": 20.0, "text_seconds": 20.0, **seconds}
        )

    return make


def _pid(engine: WarmEngine, text: str = "x") -> int:
    ((samples, _rate),) = engine.speak([text])
    return samples.size


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_many_sentences_come_from_one_program(program: Callable[..., ProgramEngine]) -> None:
    """The second sentence starts nothing."""
    engine = WarmEngine(program())
    first, second = _pid(engine), _pid(engine)
    engine.close()

    assert first == second


def test_an_idle_program_ends(program: Callable[..., ProgramEngine]) -> None:
    """After the idle time the program is gone."""
    engine = WarmEngine(program(), idle_seconds=0.05)
    pid = _pid(engine)
    deadline = time.monotonic() + 10
    while not _is_gone(pid) and time.monotonic() < deadline:
        os.sched_yield()

    assert _is_gone(pid)


def test_a_program_that_died_is_started_again(program: Callable[..., ProgramEngine]) -> None:
    """A failure is told with the last words, and the next sentence has a new program."""
    engine = WarmEngine(program())
    first = _pid(engine)
    with pytest.raises(SpeechUnavailable, match="no voice"):
        list(engine.speak(["die"]))
    second = _pid(engine)
    engine.close()

    assert first != second


def test_a_silent_program_is_ended(program: Callable[..., ProgramEngine]) -> None:
    """A sentence that takes too long ends the program and is told."""
    engine = WarmEngine(program(start_seconds=1.0, text_seconds=0.2))
    with pytest.raises(SpeechUnavailable, match="too slow"):
        list(engine.speak(["hang"]))
    engine.close()


def test_engines_of_a_language_are_kept(program: Callable[..., ProgramEngine]) -> None:
    """Asking twice for the engines of a language gives the same ones."""
    engines = WarmEngines(lambda _language: [program()])

    assert engines("en")[0] is engines("en")[0]


def test_the_installed_voices_speak(tmp_path: Path) -> None:
    """Real engines answer when asked one text after the other."""
    engines = WarmEngines(engines_for)
    lengths = [
        samples.size / rate
        for engine in engines("en")
        for samples, rate in engine.speak(["Goodbye.", "Please speak after the tone."])
    ]
    engines.close()

    assert all(0.3 < length < 5 for length in lengths)
    assert len(lengths) == 4
