"""Filling the cache: what is spoken, by which engine, and what happens when one fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from controlplane.callflows.prompts import Prompt
from controlplane.speech.cache import PromptCache
from controlplane.speech.engines import Engine, SpeechUnavailable
from controlplane.speech.speaker import Speaker
from tests.support.speech_engines import HummingEngine


def _speaker(root: Path, *engines: Engine, warnings: list[str] | None = None) -> Speaker:
    return Speaker(
        PromptCache(root, voices=lambda _language: [engine.voice for engine in engines]),
        engines=lambda _language: engines,
        warn=[].append if warnings is None else warnings.append,
    )


def test_what_was_spoken_is_found(tmp_path: Path) -> None:
    """A sentence that was made is in the files of its prompt."""
    speaker = _speaker(tmp_path, HummingEngine())

    speaker.make(["Goodbye."], "en")

    assert [speaker.cache.path("Goodbye.", "en", "hum")] == speaker.cache.files(Prompt.GOODBYE, "en")


def test_a_sentence_is_spoken_once(tmp_path: Path) -> None:
    """What the cache holds is not spoken again, nor twice in one run."""
    engine = HummingEngine()
    speaker = _speaker(tmp_path, engine)

    speaker.make(["one", "two", "one"], "en")
    speaker.make(["two", "three"], "en")
    speaker.make(["three"], "en")

    assert [["one", "two"], ["three"]] == engine.runs


def test_progress_is_told_for_each_text(tmp_path: Path) -> None:
    """Each text that was spoken is counted."""
    told: list[None] = []

    _speaker(tmp_path, HummingEngine()).make(["one", "two"], "en", progress=lambda: told.append(None))

    assert 2 == len(told)


def test_the_next_engine_speaks_what_the_best_one_cannot(tmp_path: Path) -> None:
    """When an engine breaks off, the next one speaks the rest."""
    second = HummingEngine(voice="second")
    speaker = _speaker(tmp_path, HummingEngine(broken=frozenset({"two"})), second)

    speaker.make(["one", "two", "three"], "en")

    assert [["two", "three"]] == second.runs


def test_a_failed_engine_is_told(tmp_path: Path) -> None:
    """When an engine fails, a sentence says which."""
    warnings: list[str] = []
    broken = HummingEngine(broken=frozenset({"one"}))

    _speaker(tmp_path, broken, HummingEngine(voice="second"), warnings=warnings).make(["one"], "en")

    assert ["The speech engine hum failed."] == warnings


def test_the_best_voice_is_tried_again(tmp_path: Path) -> None:
    """What only another voice spoke counts as missing."""
    _speaker(tmp_path, HummingEngine(voice="second")).make(["one"], "en")

    assert ["one"] == _speaker(tmp_path, HummingEngine(), HummingEngine(voice="second")).missing(
        ["one"], "en"
    )


def test_one_text_without_sound_does_not_cost_the_others(tmp_path: Path) -> None:
    """A text of which nothing is heard fails, after all others were spoken."""
    speaker = _speaker(tmp_path, HummingEngine(silent=frozenset({"one"})))

    with pytest.raises(SpeechUnavailable, match="said nothing"):
        speaker.make(["one", "two"], "en")

    assert ["one"] == speaker.missing(["one", "two"], "en")


def test_without_an_engine_nothing_is_spoken(tmp_path: Path) -> None:
    """A language without engine is said so."""
    with pytest.raises(SpeechUnavailable, match="No speech engine is installed for the language en"):
        _speaker(tmp_path).make(["one"], "en")
