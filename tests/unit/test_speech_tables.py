"""What each language says, against sentences written by hand; and that a seeded error is noticed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
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
from controlplane.domain.colleague import SOMEBODY, Colleague
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech.catalogue import FOLDER, Catalogue, available_languages, load
from controlplane.speech.sentences import MOST_COUNTED, sentences, spelled
from tests.support.said import TABLES

H12, H24 = SayDatetime.H12, SayDatetime.H24
COUNTS = (0, 1, 2, 5, 11, 21, 22, 101)
DEEDS = {
    "deleted": Deed.DELETED,
    "kept": Deed.SAVED,
    "restored": Deed.RESTORED,
    "marked as new": Deed.CHANGED,
    "deleted for good": Deed.PURGED,
}


def _at(when: str, clock: SayDatetime) -> ReceivedAt:
    return ReceivedAt(at=datetime.fromisoformat(when), clock=clock)


UTTERANCES: dict[str, Utterance] = {
    **{f"{n} new": MessageCounts(new=n, saved=0) for n in COUNTS},
    **{f"{n} saved": MessageCounts(new=0, saved=n) for n in COUNTS},
    "both": MessageCounts(new=1, saved=2),
    "the 1st, noon": _at("2026-03-01T12:00", H12),
    "the 21st, midnight": _at("2026-04-21T00:00", H12),
    "the 31st, half past": _at("2026-12-31T15:30", H12),
    "half past nine": _at("2026-03-05T09:30", H12),
    "half past noon": _at("2026-03-04T12:30", H12),
    "a quarter past": _at("2026-03-03T16:15", H12),
    "a quarter to": _at("2026-03-03T16:45", H12),
    "five past": _at("2026-03-05T01:05", H12),
    "one in the afternoon": _at("2026-03-07T13:00", H12),
    "noon of 24": _at("2026-03-01T12:00", H24),
    "midnight of 24": _at("2026-04-21T00:00", H24),
    "half past of 24": _at("2026-12-31T15:30", H24),
    "five past of 24": _at("2026-03-05T01:05", H24),
    "one of 24": _at("2026-03-02T01:00", H24),
    "21:01 of 24": _at("2026-10-02T21:01", H24),
    "a number": FromNumber(number="2025550123"),
    "a name": Greeting(display_name="Nova"),
    "no name": Greeting(display_name="😀"),
    "an extension, at once": SentOnBy(kind="extension", name="Alice"),
    "a receptionist, 20 seconds": SentOnBy(kind="virtual-receptionist", name="Nova", seconds=21),
    "a group, 1 minute": SentOnBy(kind="ring-group", name="6100", seconds=56),
    "a queue, 3 minutes": SentOnBy(kind="call-queue", name="Nova", seconds=184),
    "a queue, 21 minutes": SentOnBy(kind="call-queue", name="Nova", seconds=1260),
    **{
        f"{did} by 102": ByColleague(deed=deed, who=Colleague(extension="102")) for did, deed in DEEDS.items()
    },
    "102 listens": ByColleague(deed=Deed.LISTENING, who=Colleague(extension="102")),
    **{
        f"{did} by a person": ByColleague(deed=deed, who=Colleague(name="Nova"))
        for did, deed in DEEDS.items()
    },
    "a person listens": ByColleague(deed=Deed.LISTENING, who=Colleague(name="Nova")),
    "somebody listens": ByColleague(deed=Deed.LISTENING, who=SOMEBODY),
    **{
        f"{did} from outside": ByColleague(deed=deed, who=Colleague(outside=True))
        for did, deed in DEEDS.items()
    },
    "somebody from outside listens": ByColleague(deed=Deed.LISTENING, who=Colleague(outside=True)),
    "a mailbox, 20 seconds": SentOnBy(kind="mailbox", name="Nova", seconds=20),
    "1 minute long": MessageLength(seconds=60),
    "2 minutes 1 second long": MessageLength(seconds=121),
    "21 minutes 22 seconds long": MessageLength(seconds=1282),
    "5 seconds long": MessageLength(seconds=5),
}


def _differences(catalogue: Catalogue) -> list[str]:
    """Name what the catalogue says otherwise than the table."""
    table = TABLES[catalogue.language]
    wrong = [
        name for name, utterance in UTTERANCES.items() if table.said[name] != sentences(utterance, catalogue)
    ]
    wrong += [
        prompt.value for prompt in Prompt if [table.prompts.get(prompt.value)] != sentences(prompt, catalogue)
    ]
    if table.digits != spelled("0123456789", catalogue):
        wrong.append("digits")
    return wrong


def test_every_language_has_a_table() -> None:
    """A language that is added says how it speaks, in all that is asked, with three errors at least."""
    assert set(available_languages()) == TABLES.keys()
    assert [] == [language for language, table in TABLES.items() if table.said.keys() != UTTERANCES.keys()]
    assert [] == [language for language, table in TABLES.items() if len(table.errors) < 3]


@pytest.mark.parametrize("language", TABLES)
def test_each_plural_is_asked_for(language: str) -> None:
    """No number of messages has a plural that is not heard in the counts of the table."""
    plural = load(language).locale.plural_form

    assert {plural(number) for number in range(1, MOST_COUNTED + 1)} == {plural(n) for n in COUNTS if n}


@pytest.mark.parametrize("language", TABLES)
def test_every_fixed_sentence_is_in_the_table(language: str) -> None:
    """Who adds a prompt writes down what each language says, and none is left of what is said no more."""
    assert {prompt.value for prompt in Prompt} == TABLES[language].prompts.keys()


@pytest.mark.parametrize("language", TABLES)
def test_a_language_says_what_the_table_says(language: str) -> None:
    """Fixed sentences, counts, dates, times, numbers and names are said in these words."""
    assert [] == _differences(load(language))


def test_what_has_no_words_is_not_said() -> None:
    """A call that came through what no language has a word for is not explained."""
    way = SentOnBy(kind="other", name="x")

    assert [[]] * len(TABLES) == [sentences(way, load(language)) for language in TABLES]


@pytest.mark.parametrize(
    ("language", "error"), [(language, error) for language, table in TABLES.items() for error in table.errors]
)
def test_an_error_in_a_catalogue_is_noticed(tmp_path: Path, language: str, error: str) -> None:
    """A catalogue with this error says something that the table does not."""
    right, wrong = TABLES[language].errors[error]
    text = (FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    assert text.count(right) == 1
    (tmp_path / f"{language}.toml").write_text(text.replace(right, wrong), encoding="utf-8")

    assert _differences(load(language, tmp_path)) != []
