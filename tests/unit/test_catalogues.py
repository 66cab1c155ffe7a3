"""All languages have the same words: of calls, mails and pages, key by key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from controlplane.mail import compose
from controlplane.speech import catalogue
from controlplane.web import pages
from controlplane.web.portal import words

FOLDERS = {
    "speech": catalogue.FOLDER,
    "mail": Path(compose.__file__).parent / "catalogues",
    "web": Path(pages.__file__).parent / "catalogues",
    "portal": Path(words.__file__).parent / "catalogues",
}
OTHERS = [
    (kind, path.stem)
    for kind, folder in FOLDERS.items()
    for path in sorted(folder.iterdir())
    if (path.is_dir() or path.suffix == ".toml")
    and path.stem not in {"en", "__pycache__"}
    and "-" not in path.stem
]
"""Languages but English; a regional one such as en-GB need not be complete."""

PRODUCT = "Shared Voicemail"
"""The name of what this is all about, the same in every language."""

# What a language may have or leave out: words for numbers, patterns for minutes and hours, and plurals.
_OWN = re.compile(
    r"received\.(weekdays|days|hours|next-hours|minutes|12h|24h)\.[0-9:]+"
    r"|(counts\.numbers|sent-on-by\.minutes|length\.minutes|length\.seconds)\.[0-9]+"
    r"|(counts\.\w+|link-expires)\.(zero|two|few|many)"
)
# Patterns have no values but those words; `one` and `more than 99` may say their number as a word.
_OWN_PLACES = re.compile(r"received\.(date-pattern|12h\..+|24h\..+)|.+\.one|counts\.\w+\.more")


def _flat(table: Any, name: str = "") -> dict[str, Any]:
    """Return the sentences of a catalogue by their full keys."""
    if not isinstance(table, dict):
        return {name: table}
    return {
        key: value
        for part, below in table.items()
        for key, value in _flat(below, f"{name}.{part}".lstrip(".")).items()
    }


def _load(kind: str, language: str) -> dict[str, Any]:
    if kind == "portal":
        return dict(words.sentences_in(FOLDERS[kind] / language))
    found = _flat(tomllib.loads((FOLDERS[kind] / f"{language}.toml").read_text(encoding="utf-8")))
    return {key: value for key, value in found.items() if not _OWN.fullmatch(key)}


def _places(sentence: Any) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", str(sentence)))


def test_calls_mails_and_pages_speak_the_same_languages() -> None:
    """Who hears German reads German."""
    languages = {kind: {language for of, language in OTHERS if of == kind} for kind in FOLDERS}

    assert languages["speech"] == languages["mail"] == languages["web"]
    assert "de" in languages["speech"]


@pytest.mark.parametrize(("kind", "language"), OTHERS)
def test_a_language_has_the_keys_of_english(kind: str, language: str) -> None:
    """No sentence is missing, and none is there that nobody says."""
    assert sorted(_load(kind, "en")) == sorted(_load(kind, language))


@pytest.mark.parametrize(("kind", "language"), OTHERS)
def test_a_sentence_has_the_values_of_the_english_one(kind: str, language: str) -> None:
    """What is put into a sentence is the same in every language."""
    english, other = _load(kind, "en"), _load(kind, language)
    wrong = [
        key
        for key in english
        if not _OWN_PLACES.fullmatch(key) and _places(english[key]) != _places(other[key])
    ]

    assert [] == wrong


@pytest.mark.parametrize(("kind", "language"), OTHERS)
def test_a_sentence_is_translated(kind: str, language: str) -> None:
    """No English sentence was left as it is."""
    english, other = _load(kind, "en"), _load(kind, language)
    same = [
        key
        for key in english
        if english[key] == other[key] != PRODUCT and " " in re.sub(r"\{\w+\}", "", english[key])
    ]

    assert [] == [key for key in same if any(map(str.isalpha, re.sub(r"\{\w+\}", "", english[key])))]


@pytest.mark.parametrize(("kind", "language"), [one for one in OTHERS if one[0] in {"speech", "mail"}])
def test_each_plural_has_a_form(kind: str, language: str) -> None:
    """Every number up to 365, of days or messages, has the form of its own plural."""
    table = tomllib.loads((FOLDERS[kind] / f"{language}.toml").read_text(encoding="utf-8"))
    forms = (
        [table["counts"]["new"], table["counts"]["saved"]] if kind == "speech" else [table["link-expires"]]
    )
    plural = Locale.parse(language).plural_form

    needed = {plural(number) for number in range(1, 366)}
    assert [] == [sorted(needed - found.keys()) for found in forms if needed - found.keys()]
