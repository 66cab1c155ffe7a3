"""How espeak-ng speaks German and others: numbers, days and times sound as they are meant."""

# ruff: noqa: RUF001, DTZ001 (letters of the IPA; local times of a tenant)

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from controlplane.callflows.prompts import FromNumber, MessageCounts, Prompt, ReceivedAt, Utterance
from controlplane.domain.mailbox import SayDatetime
from controlplane.speech.catalogue import load
from controlplane.speech.engine_espeak import respelled
from controlplane.speech.sentences import sentences

# Not imported here: another test sees to it that the product does not.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None, reason="the extra `speech` is not installed"
)

PROGRAM = Path(__file__).parents[1] / "support" / "espeak_sounds.py"
Sounds = Callable[..., list[list[str]]]


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    """Return what tells the clauses of each sentence as a voice, German if none is named, would speak it."""

    def tell(texts: list[str], voice: str = "de") -> list[list[str]]:
        lines = "".join(json.dumps(respelled(text, voice)) + "\n" for text in texts)
        done = subprocess.run(
            [sys.executable, PROGRAM, voice],
            input=lines,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return tell


@pytest.mark.parametrize(
    ("utterance", "heard"),
    [
        (MessageCounts(new=1, saved=0), "aɪnə nɔøə naxrɪçt"),
        (MessageCounts(new=2, saved=0), "tsvaɪ nɔøə naxrɪçtən"),
        (MessageCounts(new=21, saved=0), "aɪn ʊnttsvantsɪç nɔøə naxrɪçtən"),
        (FromNumber(number="102"), "naxrɪçt fɔn aɪns nʊl tsvaɪ"),
        (Prompt.ENTER_PIN, "bɪtə ɡeːbən ziː iːrə pɪn aɪn"),
        (ReceivedAt(at=datetime(2026, 3, 5, 13, 0), clock=SayDatetime.H12), "ʊm aɪn uːɾ naxmɪtɑːks"),
        (ReceivedAt(at=datetime(2026, 3, 5, 0, 7), clock=SayDatetime.H24), "ʊm nʊl uːɾ ziːbən"),
        (ReceivedAt(at=datetime(2026, 3, 5, 21, 45), clock=SayDatetime.H24), "uːɾ fʏnf ʊntfɪɾtsɪç"),
    ],
)
def test_a_sentence_sounds_as_it_is_meant(sounds: Sounds, utterance: Utterance, heard: str) -> None:
    """Numbers are inflected, digits come one by one, the hour is `ein` and not `eins`."""
    clauses = [clause for found in sounds(sentences(utterance, load("de"))) for clause in found]

    assert any(heard in clause for clause in clauses), clauses


def test_every_day_of_a_month_is_an_ordinal(sounds: Sounds) -> None:
    """All 31 days end as ordinals do, without a pause before the month."""
    march = [ReceivedAt(at=datetime(2026, 3, day), clock=SayDatetime.H24) for day in range(1, 32)]
    said = [sentences(utterance, load("de"))[0] for utterance in march]
    days = [found[1].removeprefix("deːn ").removesuffix(" mɛɾts") for found in sounds(said)]

    assert ["eːɾstən", "tsvaɪtən", "dɾɪtən", "fiːɾtən", "fʏnftən", "zɛkstən", "ziːptən"] == days[:7]
    assert [] == [day for day in days if not day.endswith("tən") or " " in day]
    assert 31 == len(set(days))


def test_digits_alone_would_be_wrong(sounds: Sounds) -> None:
    """The engine reads `5.` as a cardinal with a pause behind it: the reason for words."""
    ((_, day, month),) = sounds(["am Montag, den 5. März,"])

    assert ("deːn fʏnf", "mɛɾts") == (day, month)


@pytest.mark.parametrize(
    ("language", "voice", "utterance", "heard"),
    [
        ("fr", "fr", MessageCounts(new=21, saved=0), "vɛ̃teœ̃ nuvo mɛsaʒ"),
        ("fr", "fr", FromNumber(number="102"), "nymeʁo œ̃ zeʁo dø"),
        ("es", "es", ReceivedAt(at=datetime(2026, 3, 5, 15, 30), clock=SayDatetime.H24), "kinθe tɾeɪnta"),
        ("it", "it", ReceivedAt(at=datetime(2026, 3, 5, 15, 30), clock=SayDatetime.H24), "e treːnta"),
        ("pt", "pt-br", FromNumber(number="102"), "zɛɾʊ doɪs"),
        ("nl", "nl", MessageCounts(new=1, saved=0), "eːn niw bərɪxt"),
        ("nl", "nl", Prompt.MAILBOX_UNKNOWN, "vɔjsmeːlbɔks"),
        ("nl", "nl", ReceivedAt(at=datetime(2026, 3, 5, 15, 30), clock=SayDatetime.H12), "hɑlf vir s mɪdɑxs"),
        ("ru", "ru", MessageCounts(new=21, saved=0), "ʌdno novʌjɪ"),
        ("ru", "ru", MessageCounts(new=22, saved=0), "dvɑttsatʲdvɑ novyx"),
    ],
)
def test_another_language_sounds_as_it_is_meant(
    sounds: Sounds, language: str, voice: str, utterance: Utterance, heard: str
) -> None:
    """Numbers agree with their nouns, digits come one by one, and no word is spelled as it is written."""
    clauses = [clause for found in sounds(sentences(utterance, load(language)), voice) for clause in found]

    assert any(heard in clause for clause in clauses), clauses
