"""What is said of each utterance, as text."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from controlplane.callflows.keys import KEYS
from controlplane.callflows.prompts import (
    FromNumber,
    Greeting,
    MessageCounts,
    Prompt,
    ReceivedAt,
    Tone,
    Utterance,
)
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech.catalogue import Catalogue, available_languages, load
from controlplane.speech.sentences import fixed, own_words, sentences, speakable, spelled
from tests.support.hostile import HOSTILE_TEXTS
from tests.support.said import TABLES

SPOKEN_KEYS = {language: table.keys for language, table in TABLES.items()}
"""Language: what a menu calls a key."""


@pytest.fixture(scope="module")
def english() -> Catalogue:
    """Return the English catalogue."""
    return load("en")


@pytest.mark.parametrize("language", available_languages())
def test_each_prompt_has_a_sentence_and_nothing_else_has(language: str) -> None:
    """The prompts of every catalogue are exactly those that exist."""
    catalogue = load(language)

    assert {prompt.value for prompt in Prompt} == catalogue.prompts.keys()


@pytest.mark.parametrize("language", available_languages())
def test_every_fixed_sentence_can_be_made(language: str) -> None:
    """Each fixed sentence has letters and no place left to be filled in."""
    made = fixed(load(language))

    assert [] == [text for text in made if "{" in text or not any(map(str.isalpha, text))]


@pytest.mark.parametrize(
    ("utterance", "said"),
    [
        (Prompt.GOODBYE, ["Goodbye."]),
        (Tone.BEEP, []),
        (
            Greeting(display_name="Sales"),
            ["You have reached Sales. Please leave a message after the tone."],
        ),
        (Greeting(display_name="😀 [[x]]"), ["You have reached x. Please leave a message after the tone."]),
        (Greeting(display_name="😀"), ["Please leave a message after the tone."]),
        (MessageCounts(new=2, saved=1), ["2 new messages.", "1 saved message."]),
        (MessageCounts(new=0, saved=1), ["1 saved message."]),
        (MessageCounts(new=1, saved=0), ["1 new message."]),
        (MessageCounts(new=0, saved=0), []),
        (MessageCounts(new=99, saved=100), ["99 new messages.", "More than 99 saved messages."]),
        (FromNumber(number="102"), ["Message from 1 0 2."]),
        (FromNumber(number="+12025550123"), ["Message from 1 2 0, 2 5 5, 5 0 1, 2 3."]),
        (FromNumber(number="2025550123"), ["Message from 2 0 2, 5 5 5, 0 1 2 3."]),
        (FromNumber(number=""), []),
        (FromNumber(number="anonymous"), []),
    ],
)
def test_an_utterance_is_said_in_these_words(
    english: Catalogue, utterance: Utterance, said: list[str]
) -> None:
    """English says an utterance in these sentences."""
    assert said == sentences(utterance, english)


@pytest.mark.parametrize(
    ("time", "clock", "said"),
    [
        ("15:45", SayDatetime.H12, "at 3:45 PM."),
        ("15:00", SayDatetime.H12, "at 3 PM."),
        ("09:05", SayDatetime.H12, "at 9 oh 5 AM."),
        ("00:30", SayDatetime.H12, "at 12:30 AM."),
        ("15:45", SayDatetime.H24, "at 15:45."),
        ("15:00", SayDatetime.H24, "at 15 hundred hours."),
        ("00:07", SayDatetime.H24, "at 0 oh 7."),
    ],
)
def test_a_time_is_said_as_people_say_it(
    english: Catalogue, time: str, clock: SayDatetime, said: str
) -> None:
    """Date and time of a message are two sentences, by the clock of 12 or of 24 hours."""
    at = datetime.fromisoformat(f"2026-11-23T{time}").replace(tzinfo=UTC)

    assert ["Received Monday, November 23,", said] == sentences(ReceivedAt(at=at, clock=clock), english)


def test_no_time_is_said_when_it_is_off(english: Catalogue) -> None:
    """With the clock off nothing is said."""
    at = datetime(2026, 11, 23, tzinfo=UTC)

    assert [] == sentences(ReceivedAt(at=at, clock=SayDatetime.OFF), english)


def test_a_number_can_be_spelled_by_fixed_sentences(english: Catalogue) -> None:
    """Every part of a number said digit by digit is made before the first call."""
    parts = spelled("0123456789", english)

    assert set(parts) <= set(fixed(english))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_hostile_name_becomes_a_short_plain_line(text: str) -> None:
    """What is spoken of a name has no control character, no bracket and at most 80 characters."""
    name = speakable(text)

    assert not any(unicodedata.category(char)[0] == "C" or char in '[]<>{}$\\"`|=' for char in name)
    assert len(name) <= 80


@pytest.mark.parametrize("language", SPOKEN_KEYS)
def test_announced_keys_are_those_that_exist(language: str) -> None:
    """A menu names each key that the key table says it tells."""
    prompts, spoken = load(language).prompts, SPOKEN_KEYS[language]
    missing = [
        (binding.announced, binding.key)
        for bindings in KEYS.values()
        for binding in bindings
        if binding.announced is not None and spoken[binding.key] not in prompts[binding.announced.value]
    ]

    assert [] == missing


@pytest.mark.parametrize("language", SPOKEN_KEYS)
def test_no_menu_names_a_key_without_function(language: str) -> None:
    """A menu names no key but those of some state that it tells, or that it shares with its message."""
    prompts, spoken = load(language).prompts, SPOKEN_KEYS[language]
    wrong = []
    for menu in (Prompt.REVIEW_MENU, Prompt.MAIN_MENU, Prompt.MESSAGE_MENU, Prompt.MESSAGE_HELP):
        states = [bindings for bindings in KEYS.values() if any(b.announced is menu for b in bindings)]
        known = {spoken[b.key] for bindings in states for b in bindings}
        words = prompts[menu.value].replace(".", " ").replace(",", " ").split()
        wrong += [(menu, word) for word in words if word in spoken.values() and word not in known]

    assert [] == wrong


def test_the_keys_of_every_language_are_checked() -> None:
    """A language that is added says here how it names keys."""
    assert set(available_languages()) == SPOKEN_KEYS.keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Welcome to Example.  For Sales, press 1.\nDo you want\tto wait?",
            ["Welcome to Example.", "For Sales, press 1.", "Do you want to wait?"],
        ),
        ("<speak>[[h@'loU]] {x} `id` $(id)</speak>", ["speak h 'loU x id id /speak"]),
        ("  ...  ! ", []),
        ("Grüß Gott! 你好。", ["Grüß Gott!", "你好"]),
    ],
)
def test_own_words_are_spoken_sentence_by_sentence(text: str, expected: list[str]) -> None:
    """What an engine would take for markup or phonemes is left out."""
    assert expected == own_words(text)


def test_long_own_words_are_cut_between_words() -> None:
    """No engine gets more than 300 characters at once, and no word is lost."""
    text = " ".join(f"word{n}" for n in range(400))
    parts = own_words(text)

    assert (text, True) == (" ".join(parts), all(len(part) <= 300 for part in parts))
