"""Which files the cache gives for an utterance, and what it says when some are missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from controlplane.callflows.prompts import (
    AudioFile,
    ByColleague,
    Deed,
    FromNumber,
    Greeting,
    MessageCounts,
    Prompt,
    ReceivedAt,
    Tone,
    Utterance,
)
from controlplane.domain.colleague import Colleague
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech.cache import PromptCache

RECEIVED = ReceivedAt(at=datetime(2026, 11, 23, 15, 45, tzinfo=UTC), clock=SayDatetime.H12)
EVERYTHING: list[Utterance] = [
    Prompt.GOODBYE,
    Tone.BEEP,
    MessageCounts(new=1, saved=2),
    FromNumber(number="102"),
    RECEIVED,
    AudioFile(path=Path("/nowhere.wav")),
]


@pytest.fixture
def cache(tmp_path: Path) -> PromptCache:
    """Return an empty cache with a good voice and another one."""
    return PromptCache(tmp_path, voices=lambda _language: ("good", "other"))


def _put(cache: PromptCache, text: str, voice: str = "good", *, language: str = "en") -> Path:
    path = cache.path(text, language, voice)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("utterance", EVERYTHING)
def test_an_empty_cache_says_nothing(cache: PromptCache, utterance: Utterance) -> None:
    """Without files nothing is said, and nothing fails."""
    assert [] == cache.files(utterance, "en")


def test_a_language_without_catalogue_says_nothing(cache: PromptCache) -> None:
    """An unknown language has no files."""
    assert [] == cache.files(Prompt.GOODBYE, "xx")


def test_the_path_names_language_voice_and_text(cache: PromptCache, tmp_path: Path) -> None:
    """A sentence is kept under its language, its voice and the hash of its text."""
    path = cache.path("Goodbye.", "en", "good")

    assert tmp_path / "en" / "good" / "2b687db6298b629d3bcb482f16aa774a.wav" == path


def test_a_sentence_is_found_along_the_tag(cache: PromptCache) -> None:
    """A tag without catalogue of its own uses that of its language."""
    path = _put(cache, "Goodbye.")

    assert [path] == cache.files(Prompt.GOODBYE, "en-US")


def test_the_better_voice_wins(cache: PromptCache) -> None:
    """Where two voices spoke a sentence, the first one is heard."""
    _put(cache, "Goodbye.", "other")
    best = _put(cache, "Goodbye.")

    assert [best] == cache.files(Prompt.GOODBYE, "en")


def test_another_voice_is_better_than_none(cache: PromptCache) -> None:
    """What only another voice spoke is heard in that voice."""
    path = _put(cache, "Goodbye.", "other")

    assert [path] == cache.files(Prompt.GOODBYE, "en")


def test_a_person_wins_over_every_voice(cache: PromptCache) -> None:
    """A prompt recorded by a person is heard instead of a spoken one."""
    _put(cache, "Goodbye.")
    recorded = _put(cache, "Goodbye.", "person")

    assert [recorded] == cache.files(Prompt.GOODBYE, "en")


def test_counts_are_two_files(cache: PromptCache) -> None:
    """New messages come before saved ones."""
    new, saved = _put(cache, "2 new messages."), _put(cache, "1 saved message.")

    assert [new, saved] == cache.files(MessageCounts(new=2, saved=1), "en")


def test_a_missing_count_is_left_out(cache: PromptCache) -> None:
    """A count without file does not silence the other one."""
    saved = _put(cache, "1 saved message.")

    assert [saved] == cache.files(MessageCounts(new=2, saved=1), "en")


def test_a_date_is_said_without_its_time(cache: PromptCache) -> None:
    """A date whose time was not spoken is said alone."""
    date = _put(cache, "Received Monday, November 23,")

    assert [date] == cache.files(RECEIVED, "en")


def test_a_time_is_not_said_without_its_date(cache: PromptCache) -> None:
    """Half a sentence is not said."""
    _put(cache, "at 3:45 PM.")

    assert [] == cache.files(RECEIVED, "en")


def test_a_number_is_said_in_one_piece(cache: PromptCache) -> None:
    """The sentence that was made for a number is used."""
    whole = _put(cache, "Message from 1 0 2.")

    assert [whole] == cache.files(FromNumber(number="102"), "en")


def test_a_number_is_said_digit_by_digit(cache: PromptCache) -> None:
    """Without a sentence of its own a number is put together from its digits."""
    parts = [_put(cache, text) for text in ("Message from", "One.", "Zero.", "Two.")]

    assert parts == cache.files(FromNumber(number="102"), "en")


def test_an_incomplete_number_is_not_said(cache: PromptCache) -> None:
    """A number is not said with a digit left out."""
    _put(cache, "Message from")
    _put(cache, "One.")

    assert [] == cache.files(FromNumber(number="102"), "en")


def test_a_tone_has_one_file_for_all_languages(cache: PromptCache) -> None:
    """A tone is the same in every language, even in one without catalogue."""
    path = cache.tone(Tone.BEEP)
    path.parent.mkdir()
    path.touch()

    assert [path] == cache.files(Tone.BEEP, "xx")


def test_a_file_is_given_as_it_is(cache: PromptCache, tmp_path: Path) -> None:
    """An audio file is its own."""
    path = tmp_path / "x.wav"
    path.touch()

    assert [path] == cache.files(AudioFile(path=path), "en")


@pytest.mark.parametrize("tag", ["de", "de-AT"])
def test_a_language_that_was_spoken_is_heard(cache: PromptCache, tag: str) -> None:
    """What is there in the language itself is heard in it."""
    _put(cache, "Goodbye.")
    german = _put(cache, "Auf Wiederhören.", language="de")

    assert [german] == cache.files(Prompt.GOODBYE, tag)


@pytest.mark.parametrize("tag", ["de", "xx"])
@pytest.mark.parametrize(
    ("utterance", "english"),
    [
        (Prompt.GOODBYE, ["Goodbye."]),
        (MessageCounts(new=2, saved=1), ["2 new messages.", "1 saved message."]),
        (Greeting(display_name="Sales"), ["Please leave a message after the tone."]),
        (FromNumber(number="1"), ["Message from", "One."]),
    ],
)
def test_a_language_not_spoken_yet_is_english(
    cache: PromptCache, tag: str, utterance: Utterance, english: list[str]
) -> None:
    """A caller hears English instead of silence until the language was spoken."""
    paths = [_put(cache, text) for text in english]

    assert paths == cache.files(utterance, tag)


def test_a_language_is_not_mixed_with_english(cache: PromptCache) -> None:
    """A greeting without its name in the language comes before one in English; a date is left out."""
    _put(cache, "You have reached Sales. Please leave a message after the tone.")
    _put(cache, "Received Monday, November 23,")
    standard = _put(cache, "Bitte hinterlassen Sie nach dem Ton eine Nachricht.", language="de")

    assert [standard] == cache.files(Greeting(display_name="Sales"), "de")
    assert [] == cache.files(RECEIVED, "de")


def test_english_does_not_count_as_spoken(cache: PromptCache) -> None:
    """What is heard in English meanwhile is still to be spoken in the language."""
    _put(cache, "Goodbye.")

    assert not cache.holds("Auf Wiederhören.", "de")


def test_a_greeting_not_yet_spoken_is_the_standard_one(cache: PromptCache) -> None:
    """A caller who is faster than the first greeting of a mailbox hears the one without its name."""
    standard = _put(cache, "Please leave a message after the tone.")

    assert [standard] == cache.files(Greeting(display_name="Sales"), "en")


def test_a_colleague_whose_name_was_not_spoken_is_somebody(cache: PromptCache) -> None:
    """Half a sentence helps nobody: with one part missing it is said without who it was."""
    deleted = ByColleague(deed=Deed.DELETED, who=Colleague(name="Nova"))
    generic = _put(cache, "A colleague has deleted this message in the meantime.")
    before = _put(cache, "Already deleted by")
    without = cache.files(deleted, "en")
    name = _put(cache, "Nova.")

    assert ([generic], [before, name]) == (without, cache.files(deleted, "en"))


def test_an_extension_is_said_by_its_digits(cache: PromptCache) -> None:
    """Between the words before and after it, all of which are made before the first call."""
    parts = [_put(cache, text) for text in ("Extension", "One.", "Zero.", "is listening to this message.")]
    listening = ByColleague(deed=Deed.LISTENING, who=Colleague(extension="101"))

    assert [parts[n] for n in (0, 1, 2, 1, 3)] == cache.files(listening, "en")
