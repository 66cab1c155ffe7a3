"""What each language says, against sentences written by hand; and that a seeded error is noticed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from controlplane.callflows.prompts import (
    FromNumber,
    Greeting,
    MessageCounts,
    Prompt,
    ReceivedAt,
    SentOnBy,
    Utterance,
)
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech.catalogue import FOLDER, Catalogue, available_languages, load
from controlplane.speech.sentences import sentences, spelled

H12, H24 = SayDatetime.H12, SayDatetime.H24
Said = dict[str, tuple[Utterance, list[str]]]


def _new(count: int) -> MessageCounts:
    return MessageCounts(new=count, saved=0)


def _saved(count: int) -> MessageCounts:
    return MessageCounts(new=0, saved=count)


def _at(when: str, clock: SayDatetime) -> ReceivedAt:
    return ReceivedAt(at=datetime.fromisoformat(when), clock=clock)


ENGLISH: Said = {
    "no new": (_new(0), []),
    "1 new": (_new(1), ["1 new message."]),
    "2 new": (_new(2), ["2 new messages."]),
    "5 new": (_new(5), ["5 new messages."]),
    "21 new": (_new(21), ["21 new messages."]),
    "101 new": (_new(101), ["More than 99 new messages."]),
    "no saved": (_saved(0), []),
    "1 saved": (_saved(1), ["1 saved message."]),
    "2 saved": (_saved(2), ["2 saved messages."]),
    "5 saved": (_saved(5), ["5 saved messages."]),
    "21 saved": (_saved(21), ["21 saved messages."]),
    "101 saved": (_saved(101), ["More than 99 saved messages."]),
    "both": (MessageCounts(new=1, saved=2), ["1 new message.", "2 saved messages."]),
    "the 1st, noon": (_at("2026-03-01T12:00", H12), ["Received Sunday, March 1,", "at 12 PM."]),
    "the 21st, midnight": (_at("2026-04-21T00:00", H12), ["Received Tuesday, April 21,", "at 12 AM."]),
    "the 31st, half past": (_at("2026-12-31T15:30", H12), ["Received Thursday, December 31,", "at 3:30 PM."]),
    "half past nine": (_at("2026-03-05T09:30", H12), ["Received Thursday, March 5,", "at 9:30 AM."]),
    "five past": (_at("2026-03-05T01:05", H12), ["Received Thursday, March 5,", "at 1 oh 5 AM."]),
    "noon of 24": (_at("2026-03-01T12:00", H24), ["Received Sunday, March 1,", "at 12 hundred hours."]),
    "midnight of 24": (_at("2026-04-21T00:00", H24), ["Received Tuesday, April 21,", "at 0 hundred hours."]),
    "half past of 24": (_at("2026-12-31T15:30", H24), ["Received Thursday, December 31,", "at 15:30."]),
    "five past of 24": (_at("2026-03-05T01:05", H24), ["Received Thursday, March 5,", "at 1 oh 5."]),
    "a number": (FromNumber(number="2025550123"), ["Message from 2 0 2, 5 5 5, 0 1 2 3."]),
    "a name": (
        Greeting(display_name="Sales"),
        ["You have reached Sales. Please leave a message after the tone."],
    ),
    "no name": (Greeting(display_name="😀"), ["Please leave a message after the tone."]),
    "the PIN": (Prompt.ENTER_PIN, ["Please enter your pin, followed by the pound key."]),
    "a queue, 3 minutes": (
        SentOnBy(kind="call-queue", name="Sales", seconds=184),
        ["From the call queue Sales.", "After 3 minutes."],
    ),
    "a group, 1 minute": (
        SentOnBy(kind="ring-group", name="6100", seconds=56),
        ["From the ring group 6100.", "After one minute."],
    ),
    "an extension, at once": (SentOnBy(kind="extension", name="Alice"), ["Sent on by Alice."]),
    "a receptionist, 20 seconds": (
        SentOnBy(kind="virtual-receptionist", name="Main", seconds=21),
        ["From the virtual receptionist Main.", "After 20 seconds."],
    ),
    "what has no words": (SentOnBy(kind="other", name="x"), []),
}

GERMAN: Said = {
    "no new": (_new(0), []),
    "1 new": (_new(1), ["Eine neue Nachricht."]),
    "2 new": (_new(2), ["2 neue Nachrichten."]),
    "5 new": (_new(5), ["5 neue Nachrichten."]),
    "21 new": (_new(21), ["21 neue Nachrichten."]),
    "101 new": (_new(101), ["Mehr als 99 neue Nachrichten."]),
    "no saved": (_saved(0), []),
    "1 saved": (_saved(1), ["Eine gespeicherte Nachricht."]),
    "2 saved": (_saved(2), ["2 gespeicherte Nachrichten."]),
    "5 saved": (_saved(5), ["5 gespeicherte Nachrichten."]),
    "21 saved": (_saved(21), ["21 gespeicherte Nachrichten."]),
    "101 saved": (_saved(101), ["Mehr als 99 gespeicherte Nachrichten."]),
    "both": (MessageCounts(new=1, saved=2), ["Eine neue Nachricht.", "2 gespeicherte Nachrichten."]),
    "the 1st, noon": (
        _at("2026-03-01T12:00", H12),
        ["Empfangen am Sonntag, den ersten März,", "um 12 Uhr mittags."],
    ),
    "the 21st, midnight": (
        _at("2026-04-21T00:00", H12),
        ["Empfangen am Dienstag, den einundzwanzigsten April,", "um Mitternacht."],
    ),
    "the 31st, half past": (
        _at("2026-12-31T15:30", H12),
        ["Empfangen am Donnerstag, den einunddreißigsten Dezember,", "um 3 Uhr 30 nachmittags."],
    ),
    "half past nine": (
        _at("2026-03-05T09:30", H12),
        ["Empfangen am Donnerstag, den fünften März,", "um 9 Uhr 30 morgens."],
    ),
    "five past": (
        _at("2026-03-05T01:05", H12),
        ["Empfangen am Donnerstag, den fünften März,", "um ein Uhr 5 nachts."],
    ),
    "one in the afternoon": (
        _at("2026-03-07T13:00", H12),
        ["Empfangen am Samstag, den siebten März,", "um ein Uhr nachmittags."],
    ),
    "noon of 24": (_at("2026-03-01T12:00", H24), ["Empfangen am Sonntag, den ersten März,", "um 12 Uhr."]),
    "midnight of 24": (
        _at("2026-04-21T00:00", H24),
        ["Empfangen am Dienstag, den einundzwanzigsten April,", "um 0 Uhr."],
    ),
    "half past of 24": (
        _at("2026-12-31T15:30", H24),
        ["Empfangen am Donnerstag, den einunddreißigsten Dezember,", "um 15 Uhr 30."],
    ),
    "five past of 24": (
        _at("2026-03-05T01:05", H24),
        ["Empfangen am Donnerstag, den fünften März,", "um ein Uhr 5."],
    ),
    "the third": (
        _at("2026-10-03T21:01", H24),
        ["Empfangen am Samstag, den dritten Oktober,", "um 21 Uhr 1."],
    ),
    "a number": (FromNumber(number="2025550123"), ["Nachricht von 2 0 2, 5 5 5, 0 1 2 3."]),
    "a name": (
        Greeting(display_name="Vertrieb"),
        ["Sie haben Vertrieb erreicht. Bitte hinterlassen Sie nach dem Ton eine Nachricht."],
    ),
    "no name": (Greeting(display_name="😀"), ["Bitte hinterlassen Sie nach dem Ton eine Nachricht."]),
    "the PIN": (
        Prompt.ENTER_PIN,
        ["Bitte geben Sie Ihre Pin ein, und drücken Sie dann die Raute-Taste."],
    ),
    "a queue, 3 minutes": (
        SentOnBy(kind="call-queue", name="Vertrieb", seconds=184),
        ["Über die Warteschlange Vertrieb.", "Nach 3 Minuten."],
    ),
    "a group, 1 minute": (
        SentOnBy(kind="ring-group", name="6100", seconds=56),
        ["Über die Rufgruppe 6100.", "Nach einer Minute."],
    ),
    "an extension, at once": (
        SentOnBy(kind="extension", name="Alice"),
        ["Weitergeleitet von Alice."],
    ),
    "a receptionist, 20 seconds": (
        SentOnBy(kind="virtual-receptionist", name="Zentrale", seconds=21),
        ["Über die Telefonzentrale Zentrale.", "Nach 20 Sekunden."],
    ),
}

TABLES = {"en": ENGLISH, "de": GERMAN}
SPELLED = {
    "en": ["Message from", "Zero.", "One.", "Two.", "Three.", "Four.", "Five.", "Six.", "Seven.", "Eight."],
    "de": [
        "Nachricht von",
        "Null.",
        "Eins.",
        "Zwei.",
        "Drei.",
        "Vier.",
        "Fünf.",
        "Sechs.",
        "Sieben.",
        "Acht.",
    ],
}
"""What is said of 012345678, digit by digit."""

ERRORS = {
    "en": {
        "plurals swapped": ('one = "{count} new message."', 'one = "{count} new messages."'),
        "on for at": ('time = "at {time}."', 'time = "on {time}."'),
        "day before month": ("EEEE, MMMM d", "EEEE, d MMMM"),
        "no AM and PM": ('later = "h:mm a"', 'later = "h:mm"'),
        "a wrong digit": ('5 = "Five."', '5 = "Six."'),
    },
    "de": {
        "plurals swapped": ('one = "Eine neue Nachricht."', 'one = "{count} neue Nachrichten."'),
        "the plural of saved ones": (
            'other = "{count} gespeicherte Nachrichten."',
            'other = "{count} gespeicherte Nachricht."',
        ),
        "a bare one": ('one = "Eine gespeicherte', 'one = "{count} gespeicherte'),
        "am for um": ('time = "um {time}."', 'time = "am {time}."'),
        "um for am": ('date = "Empfangen am {date},"', 'date = "Empfangen um {date},"'),
        "a cardinal for an ordinal": ("den {day} 'MMMM", "den 'd. MMMM"),
        "a wrong ordinal": ('21 = "einundzwanzigsten"', '21 = "einundzwanzigste"'),
        "eins Uhr": ('1 = "ein"', '1 = "eins"'),
        "no part of the day": ("later = \"'{hour} Uhr' m BBBB\"", "later = \"'{hour} Uhr' m\""),
        "a wrong midnight": ('"00:00"', '"12:00"'),
        "a wrong digit": ('2 = "Zwei."', '2 = "Drei."'),
    },
}
"""Language: errors, each as what stands in the catalogue and what stands there by mistake."""


def _differences(catalogue: Catalogue) -> list[str]:
    """Name what the catalogue says otherwise than the table."""
    wrong = [
        name
        for name, (utterance, said) in TABLES[catalogue.language].items()
        if sentences(utterance, catalogue) != said
    ]
    if spelled("012345678", catalogue) != SPELLED[catalogue.language]:
        wrong.append("digits")
    return wrong


def test_every_language_has_a_table() -> None:
    """A language that is added says here how it speaks."""
    assert set(available_languages()) == TABLES.keys() == ERRORS.keys()


@pytest.mark.parametrize("language", TABLES)
def test_a_language_says_what_the_table_says(language: str) -> None:
    """Counts, dates, times, numbers and names are said in these words."""
    assert [] == _differences(load(language))


@pytest.mark.parametrize(
    ("language", "error"), [(language, error) for language, errors in ERRORS.items() for error in errors]
)
def test_an_error_in_a_catalogue_is_noticed(tmp_path: Path, language: str, error: str) -> None:
    """A catalogue with this error says something that the table does not."""
    right, wrong = ERRORS[language][error]
    text = (FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    assert text.count(right) == 1
    (tmp_path / f"{language}.toml").write_text(text.replace(right, wrong), encoding="utf-8")

    assert _differences(load(language, tmp_path)) != []
