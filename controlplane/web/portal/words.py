"""What the portal says, in one language: sentences by key, plurals, dates, and errors."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers, units

from controlplane.domain.errors import DomainError
from controlplane.domain.language import first_available

_FOLDER = Path(__file__).parent / "catalogues"
_LONG_SECONDS = 600


class Words:
    """The words of one language; call it with a key such as `sign-in.title` and the values put in."""

    def __init__(self, language: str, sentences: Mapping[str, str]) -> None:
        self.language = language
        self.locale = Locale.parse(language, sep="-")
        self._sentences = sentences

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a sentence; raises KeyError for one that is not there."""
        return self._sentences[key].format(**values)

    def has(self, key: str) -> bool:
        """Say whether there is such a sentence."""
        return key in self._sentences

    def count(self, key: str, n: int, /, **values: object) -> str:
        """Return the sentence for a number of things: `key.one`, `key.other`, as the language has it."""
        form = self.locale.plural_form(n)
        chosen = f"{key}.{form}" if self.has(f"{key}.{form}") else f"{key}.other"
        return self(chosen, n=numbers.format_decimal(n, locale=self.locale), **values)

    def number(self, n: int) -> str:
        """Write a number."""
        return numbers.format_decimal(n, locale=self.locale)

    def moment(self, at: datetime, time_zone: str) -> str:
        """Write a moment with its date, short."""
        return dates.format_datetime(at, "medium", tzinfo=ZoneInfo(time_zone), locale=self.locale)

    def lately(self, at: datetime, now: datetime, time_zone: str) -> str:
        """Write a moment as short as it can be told from now: the time alone if it is today."""
        zone = ZoneInfo(time_zone)
        day, today = at.astimezone(zone).date(), now.astimezone(zone).date()
        time = dates.format_time(at, "short", tzinfo=zone, locale=self.locale)
        if day == today:
            return str(time)
        if day.year == today.year:
            return f"{dates.format_skeleton('MMMd', day, locale=self.locale)}, {time}"
        return str(dates.format_date(day, "medium", locale=self.locale))

    def waiting(self, seconds: int) -> str:
        """Write how long to wait, rounded up."""
        if seconds < 60:  # noqa: PLR2004 (a minute)
            return self.count("wait.seconds", seconds)
        return self.count("wait.minutes", -(-seconds // 60))

    def length(self, seconds: int, whole: int) -> str:
        """Write how much of a whole time is meant: in minutes, or in seconds where there are few of them."""
        value, unit = (seconds, "second") if whole < _LONG_SECONDS else (seconds // 60, "minute")
        return str(units.format_unit(value, unit, length="short", locale=self.locale))

    def error(self, error: DomainError) -> str:
        """Return what an error says: in this language if its id has a sentence, else its own."""
        return self.error_of(error.error_id, error.sentence, error.details)

    def error_of(self, error_id: str, sentence: str, details: Mapping[str, object] | None = None) -> str:
        """Return the same for an error that is known by its parts."""
        key = f"errors.{error_id}"
        try:
            return self(key, **(details or {})) if self.has(key) else sentence
        except (KeyError, IndexError):
            # The same id may come without the details that the sentence wants.
            return sentence


class Catalogues:
    """The words of every language that the portal speaks: a folder each, with a file for each part of it."""

    def __init__(self) -> None:
        self._words = {
            folder.name: Words(folder.name, sentences_in(folder))
            for folder in _FOLDER.iterdir()
            if folder.is_dir()
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of the languages."""
        return tuple(sorted(self._words))

    def of(self, *tags: str | None) -> Words:
        """Return the words of the first tag that has some, else those of English."""
        return self._words[first_available(tags, self._words)]


def sentences_in(folder: Path) -> dict[str, str]:
    """Return the sentences of all files of a folder by full key; raises ValueError if two have the same.

    A section such as `errors` may stand in several files.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        for key, sentence in _flat(tomllib.loads(path.read_text(encoding="utf-8"))):
            if key in found:
                raise ValueError(f"{path} says {key} once more.")
            found[key] = sentence
    return found


def _flat(table: Mapping[str, Any], name: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part, below in table.items():
        key = f"{name}.{part}".lstrip(".")
        found += _flat(below, key) if isinstance(below, dict) else [(key, str(below))]
    return found
