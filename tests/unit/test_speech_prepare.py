"""Preparing the cache: all that can be spoken, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from controlplane.callflows.prompts import FromNumber, MessageCounts, Prompt, Tone
from controlplane.speech.cache import PromptCache
from controlplane.speech.engines import SpeechUnavailable
from controlplane.speech.prepare import prepare
from controlplane.speech.recordings import BadRecording
from tests.support.speech_engines import HummingEngine


def _cache(root: Path) -> PromptCache:
    return PromptCache(root, voices=lambda _language: ("hum", "second"))


def _record(root: Path, name: str, seconds: float) -> Path:
    path = root / "en" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.sin(np.arange(round(44_100 * seconds)) / 20), 44_100)
    return path


@pytest.mark.parametrize("language", ["en", "ru"])  # Russian has the most forms
def test_everything_fixed_is_there_afterwards(tmp_path: Path, language: str) -> None:
    """Each prompt, tone and count has its files."""
    prepare(tmp_path, languages=[language], engines=lambda _language: [HummingEngine()])

    cache = _cache(tmp_path)
    counts = [MessageCounts(new=n, saved=n) for n in range(1, 101)]
    texts = [text for what in (*Prompt, *counts) for text in cache.texts(what, language)]
    assert [] == [tone for tone in Tone if not cache.files(tone, language)]
    assert ([], len(Prompt) + 200) == (
        [text for text in texts if not cache.holds(text, language)],
        len(texts),
    )


def test_a_second_time_nothing_is_spoken(tmp_path: Path) -> None:
    """What was prepared is not spoken again."""
    engine = HummingEngine()
    prepare(tmp_path, languages=["en"], engines=lambda _language: [engine])
    engine.runs.clear()

    prepare(tmp_path, languages=["en"], engines=lambda _language: [engine])

    assert [] == engine.runs


def test_a_second_time_nothing_is_written(tmp_path: Path) -> None:
    """The stamp alone is read: a file that is missing since is not noticed."""
    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])
    _cache(tmp_path).tone(Tone.BEEP).unlink()

    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])

    assert not _cache(tmp_path).tone(Tone.BEEP).exists()


def test_two_processes_prepare_once(tmp_path: Path) -> None:
    """Who comes second waits for the first, and finds everything done."""
    engine = HummingEngine()
    with ThreadPoolExecutor(2) as pool:
        for run in [
            pool.submit(prepare, tmp_path, languages=["en"], engines=lambda _language: [engine])
            for _ in range(2)
        ]:
            run.result()

    spoken = [text for run in engine.runs for text in run]
    assert len(set(spoken)) == len(spoken)


def test_another_voice_is_prepared_anew(tmp_path: Path) -> None:
    """A better engine that was installed since speaks everything."""
    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine(voice="second")])

    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])

    assert _cache(tmp_path).path("Goodbye.", "en", "hum").is_file()


def test_progress_ends_with_all(tmp_path: Path) -> None:
    """Progress counts up to the total, one at a time."""
    told: list[tuple[int, int]] = []

    prepare(
        tmp_path,
        languages=["en"],
        engines=lambda _language: [HummingEngine()],
        progress=lambda done, total: told.append((done, total)),
    )

    assert [(n, len(told)) for n in range(1, len(told) + 1)] == told


def test_a_failed_engine_is_warned_of_once(tmp_path: Path) -> None:
    """The other engine speaks, and one sentence says why."""
    warnings: list[str] = []
    broken = HummingEngine(broken=frozenset({"Goodbye."}))

    prepare(
        tmp_path,
        languages=["en"],
        engines=lambda _language: [broken, HummingEngine(voice="second")],
        warn=warnings.append,
    )

    assert ["The speech engine hum failed."] == warnings
    assert _cache(tmp_path).files(Prompt.GOODBYE, "en")


def test_a_failed_engine_is_tried_again(tmp_path: Path) -> None:
    """After a failure the next run tries the best engine again."""
    broken = HummingEngine(broken=frozenset({"Goodbye."}))
    prepare(tmp_path, languages=["en"], engines=lambda _language: [broken, HummingEngine(voice="second")])

    prepare(
        tmp_path, languages=["en"], engines=lambda _language: [HummingEngine(), HummingEngine(voice="second")]
    )

    assert _cache(tmp_path).path("Goodbye.", "en", "hum").is_file()


def test_a_persons_recording_is_taken(tmp_path: Path) -> None:
    """A recording of any rate is brought to the telephone's and used instead of the voice."""
    _record(tmp_path, "goodbye", 2.0)

    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])

    (path,) = _cache(tmp_path).files(Prompt.GOODBYE, "en")
    found = soundfile.info(path)
    assert (8000, 1, "PCM_16") == (found.samplerate, found.channels, found.subtype)
    assert pytest.approx(2.0, abs=0.1) == found.duration


def test_a_recording_that_was_added_is_noticed(tmp_path: Path) -> None:
    """A recording that came after the first run is taken by the second."""
    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])
    _record(tmp_path, "goodbye", 1.0)

    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])

    assert "person" == _cache(tmp_path).files(Prompt.GOODBYE, "en")[0].parent.name


def test_a_recording_that_was_removed_is_forgotten(tmp_path: Path) -> None:
    """Without the recording the voice speaks again."""
    recording = _record(tmp_path, "goodbye", 1.0)
    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])
    recording.unlink()

    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])

    assert "hum" == _cache(tmp_path).files(Prompt.GOODBYE, "en")[0].parent.name


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    """A file that is no audio is named."""
    path = _record(tmp_path, "goodbye", 1.0)
    path.write_text("not audio")

    with pytest.raises(BadRecording, match=r"goodbye\.wav is no audio file"):
        prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])


def test_a_silent_recording_is_refused(tmp_path: Path) -> None:
    """A recording without sound is named, with the remedy."""
    path = _record(tmp_path, "goodbye", 1.0)
    soundfile.write(path, np.zeros(8000), 8000)

    with pytest.raises(BadRecording, match="is silent"):
        prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])


def test_a_person_may_record_counts_and_digits(tmp_path: Path) -> None:
    """Every fixed sentence may be recorded, under the name that the list gives it."""
    for name in ("new-2", "digit-0", "from-number"):
        _record(tmp_path, name, 1.0)

    prepare(tmp_path, languages=["en"], engines=lambda _language: [HummingEngine()])

    cache = _cache(tmp_path)
    assert ["person", "hum"] == [
        path.parent.name for path in cache.files(MessageCounts(new=2, saved=2), "en")
    ]
    assert ["person", "person"] == [path.parent.name for path in cache.files(FromNumber(number="0"), "en")]


def test_what_a_person_recorded_is_not_spoken(tmp_path: Path) -> None:
    """No engine speaks a sentence that was recorded."""
    engine = HummingEngine()
    _record(tmp_path, "goodbye", 1.0)

    prepare(tmp_path, languages=["en"], engines=lambda _language: [engine])

    assert "Goodbye." not in [text for run in engine.runs for text in run]


def test_a_language_without_a_voice_is_left_out(tmp_path: Path) -> None:
    """The others are spoken, and one sentence says which has no voice."""
    warnings: list[str] = []

    prepare(
        tmp_path,
        languages=["en", "ru"],
        engines=lambda language: [HummingEngine()] if language == "en" else [],
        warn=warnings.append,
    )

    assert ["No voice is installed for ru; put a piper voice into the folder voices."] == warnings
    assert _cache(tmp_path).files(Prompt.GOODBYE, "en")


def test_without_any_voice_nothing_is_prepared(tmp_path: Path) -> None:
    """Where nothing speaks, that is an error and not a silent telephone."""
    with pytest.raises(SpeechUnavailable, match="No voice is installed for en"):
        prepare(tmp_path, languages=["en"], engines=lambda _language: [])
