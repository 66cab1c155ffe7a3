"""The engines as programs: what they say, and how their failures are told."""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from controlplane.callflows.prompts import Prompt
from controlplane.speech.cache import PromptCache
from controlplane.speech.catalogue import available_languages
from controlplane.speech.engines import (
    Engine,
    ProgramEngine,
    SpeechUnavailable,
    engines_for,
    unusable_voices,
)
from controlplane.speech.speaker import Speaker
from tests.support.hostile import HOSTILE_TEXTS

ENGINES = [*engines_for("en"), *engines_for("de")]


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], ProgramEngine]:
    """Return what makes an engine of a few lines of Python."""

    def make(lines: str) -> ProgramEngine:
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(lines))
        return ProgramEngine(voice="test", program=path, start_seconds=1.0, text_seconds=0.0)

    return make


def test_english_has_piper_before_espeak() -> None:
    """Both engines are installed with the extra `speech`, the better one first."""
    assert ["piper-en_US-joe-medium", "espeak-en-us"] == [engine.voice for engine in engines_for("en")]


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        *((language, f"espeak-{language}") for language in ("de", "es", "fr", "it", "nl", "ru")),
        ("pt", "espeak-pt-br"),
    ],
)
def test_a_language_is_spoken_by_espeak(language: str, voice: str) -> None:
    """All but English have the one engine that can; Portuguese is that of Brazil."""
    assert [voice] == [engine.voice for engine in engines_for(language)]


def test_a_language_that_nothing_speaks_has_no_engine() -> None:
    """espeak-ng is named only for what it has a voice for."""
    assert [] == engines_for("xx")


def test_each_language_is_heard(tmp_path: Path) -> None:
    """A short sentence of each language becomes a telephone's audio."""
    cache = PromptCache(tmp_path)
    languages = [language for language in available_languages() if language not in {"en", "de"}]
    for language in languages:
        Speaker(cache).make(cache.texts(Prompt.GOODBYE, language), language)

    found = [soundfile.info(path) for tag in languages for path in cache.files(Prompt.GOODBYE, tag)]
    assert [(8000, 1, "PCM_16")] * len(languages) == [(f.samplerate, f.channels, f.subtype) for f in found]
    assert [] == [f.duration for f in found if not 0.3 < f.duration < 3]


def _voice(folder: Path, name: str) -> None:
    (folder / f"{name}.onnx").touch()
    (folder / f"{name}.onnx.json").touch()


def test_a_piper_voice_in_the_folder_comes_first(tmp_path: Path) -> None:
    """It is better than one of a package, and that than espeak-ng; the region of the language decides."""
    for name in ("fr_FR-siwis-medium", "fr_CA-x-low", "en_GB-alba-medium"):
        _voice(tmp_path, name)

    voices = {tag: [one.voice for one in engines_for(tag, tmp_path)] for tag in ("fr", "fr-FR", "en", "de")}

    assert {
        "fr": ["piper-fr_CA-x-low", "piper-fr_FR-siwis-medium", "espeak-fr"],
        "fr-FR": ["piper-fr_FR-siwis-medium", "piper-fr_CA-x-low"],
        "en": ["piper-en_GB-alba-medium", "piper-en_US-joe-medium", "espeak-en-us"],
        "de": ["espeak-de"],
    } == voices


def test_a_voice_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A voice without its configuration or with another name is left out, and said to be."""
    (tmp_path / "fr_FR-siwis-medium.onnx").touch()
    _voice(tmp_path, "siwis")

    assert ["espeak-fr"] == [engine.voice for engine in engines_for("fr", tmp_path)]
    assert [
        "fr_FR-siwis-medium.onnx has no fr_FR-siwis-medium.onnx.json beside it",
        "siwis.onnx is not named like a voice of piper, such as fr_FR-siwis-medium.onnx",
    ] == unusable_voices(tmp_path)


def test_a_voice_of_the_folder_is_run_as_one_of_a_package(tmp_path: Path) -> None:
    """The same program gets the model and its configuration."""
    _voice(tmp_path, "fr_FR-siwis-medium")
    ours, package = engines_for("fr", tmp_path)[0], engines_for("en", tmp_path)[0]
    assert isinstance(ours, ProgramEngine)
    assert isinstance(package, ProgramEngine)

    model = tmp_path / "fr_FR-siwis-medium.onnx"
    assert (package.program, (str(model), f"{model}.json")) == (ours.program, ours.arguments)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.voice)
def test_each_text_becomes_audio_in_order(engine: Engine) -> None:
    """A longer text takes longer, and each text has its own audio."""
    lengths = [
        samples.size / rate for samples, rate in engine.speak(["Goodbye.", "Please speak after the tone."])
    ]

    assert 0.3 < lengths[0] < lengths[1] < 5


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.voice)
def test_hostile_texts_are_spoken_as_text(engine: Engine) -> None:
    """Markup, switches and shell code are spoken or ignored; every text is answered."""
    texts = sorted({text[:12] for text in HOSTILE_TEXTS if text.isprintable()})

    assert len(texts) == sum(1 for _ in engine.speak(texts))


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.voice)
def test_an_engine_starts_in_any_folder(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine needs no environment and no special folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")

    ((samples, _rate),) = engine.speak(["Goodbye."])

    assert np.abs(samples).max() > 0.1


def test_secrets_do_not_reach_an_engine(
    program: Callable[[str], ProgramEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings of the product are not in an engine's environment."""
    monkeypatch.setenv("CONTROLPLANE_LINK_KEY", "secret")
    engine = program("""
        import os, sys
        sys.exit(str([name for name in os.environ if name.startswith("CONTROLPLANE")]))
    """)

    with pytest.raises(SpeechUnavailable, match=r"\[\]"):
        list(engine.speak(["x"]))


def test_the_last_words_of_a_failed_engine_are_told(program: Callable[[str], ProgramEngine]) -> None:
    """What an engine wrote last to its standard error is in the sentence."""
    with pytest.raises(SpeechUnavailable, match="test failed: no voice"):
        list(program("import sys; sys.exit('no voice')").speak(["x"]))


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (b"", "failed: it ended without a word"),
        (b"nonsense\n", "failed"),
        (b"8000 -1\n", "failed"),
        (b"8000 10\nab", "broke off"),
        (b"8000 99999999999\n", "endless"),
        (b"0 1\nab", "endless"),
    ],
)
def test_an_engine_that_writes_nonsense_is_told(
    program: Callable[[str], ProgramEngine], output: bytes, told: str
) -> None:
    """What is not audio is a failure, not a sound."""
    with pytest.raises(SpeechUnavailable, match=told):
        list(program(f"import sys; sys.stdout.buffer.write({output!r})").speak(["x"]))


def test_an_engine_that_hangs_is_stopped(program: Callable[[str], ProgramEngine]) -> None:
    """An engine that takes too long is killed, and that is a failure."""
    with pytest.raises(SpeechUnavailable, match="too slow"):
        list(program("import threading; threading.Event().wait()").speak(["x"]))


def test_an_engine_nobody_listens_to_is_stopped(program: Callable[[str], ProgramEngine]) -> None:
    """When the rest is not wanted, the program ends at once."""
    spoken = program("""
        import sys, threading
        sys.stdout.buffer.write(b"8000 1\\n\\0\\0")
        sys.stdout.buffer.flush()
        threading.Event().wait()
    """).speak(["x", "y"])
    next(spoken)

    spoken.close()  # type: ignore[attr-defined]  # it is a generator

    with pytest.raises(StopIteration):
        next(spoken)


def test_a_language_without_voice_fails_with_a_sentence() -> None:
    """espeak-ng without a voice for a language says so."""
    (german,) = engines_for("de")
    assert isinstance(german, ProgramEngine)
    engine = dataclasses.replace(german, arguments=("xx",))

    with pytest.raises(SpeechUnavailable, match="espeak-ng has no voice xx"):
        list(engine.speak(["x"]))


def test_the_product_does_not_import_an_engine() -> None:
    """The engines' libraries are loaded by their programs only."""
    assert not {"piper", "espeakng_loader", "onnxruntime"} & sys.modules.keys()
