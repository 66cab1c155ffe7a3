"""The rules of greetings of kinds: which kind, source, language and last day go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from controlplane.domain.errors import InvalidValue, InvalidValues
from controlplane.domain.mailbox import GreetingKind, KindGreeting
from controlplane.speech.choice import choose_language
from controlplane.storage.recording_keys import key_of

MAX_KIND_GREETINGS: Final = 100
MAX_WORDS: Final = 1000
_SOURCE = re.compile(r"(\+?[0-9]{3,64})?", re.ASCII)


def stored_kind_greetings(wanted: Sequence[KindGreeting]) -> list[dict[str, Any]]:
    """Return what is stored of greetings of kinds; raises InvalidValue (InvalidValues for several of them).

    Each kind, source and language is there once.
    """
    if len(wanted) > MAX_KIND_GREETINGS:
        raise too_many("kind_greetings")
    seen: set[str] = set()
    wrong: list[InvalidValue] = []
    for index, own in enumerate(wanted):
        try:
            _check_listed(own, f"kind_greetings.{index}.", seen)
        except InvalidValue as error:
            wrong.append(error)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else InvalidValues(wrong)
    return [stored_kind_greeting(own) for own in wanted]


def _check_listed(own: KindGreeting, path: str, seen: set[str]) -> None:
    check_kind(own.kind, own.source, own.language, own.last_day, path=path)
    if own.greeting is None or not 1 <= len(own.greeting.strip()) <= MAX_WORDS:
        raise InvalidValue(
            f"A greeting has 1 to {MAX_WORDS} characters.",
            error_id="invalid-text",
            field=f"{path}greeting",
        )
    key = key_of(own.kind, own.source, own.language)
    if key in seen:
        raise InvalidValue(
            "This kind is there twice for this source and language.",
            error_id="named-twice",
            field=f"{path}kind",
        )
    seen.add(key)


def stored_kind_greeting(own: KindGreeting) -> dict[str, Any]:
    """Return the document of one."""
    return {
        "kind": own.kind.value,
        "source": own.source,
        "language": own.language,
        "greeting": own.greeting,
        "last_day": None if own.last_day is None else own.last_day.isoformat(),
    }


def check_kind(
    kind: GreetingKind, source: str, language: str | None, last_day: date | None, *, path: str = ""
) -> None:
    """Raise InvalidValue for what no greeting is for.

    Its field is `kind`, `source`, `language` or `last_day`, behind `path`.
    """
    if not _SOURCE.fullmatch(source):
        raise InvalidValue(
            "A source is a number of the tenant, or one that is dialled from outside.",
            error_id="invalid-source",
            field=f"{path}source",
        )
    if language is not None:
        choose_language(language, field=f"{path}language")
    if kind is GreetingKind.STANDARD and (source or language is None):
        raise InvalidValue(
            "A standard greeting stands here only in a further language, for all callers. Set that of the "
            "mailbox's language by greeting, that of a source by source_greetings.",
            error_id="standard-elsewhere",
            field=f"{path}kind",
        )
    if kind is GreetingKind.TEMPORARY and last_day is None:
        raise InvalidValue(
            "A temporary greeting needs the last day on which it is heard.",
            error_id="last-day-missing",
            field=f"{path}last_day",
        )
    if kind is not GreetingKind.TEMPORARY and last_day is not None:
        raise InvalidValue(
            "Only a temporary greeting has a last day.",
            error_id="last-day-of-temporary",
            field=f"{path}last_day",
        )


def too_many(field: str) -> InvalidValue:
    """Return the error of a mailbox that has as many greetings of kinds as it can have."""
    return InvalidValue(f"There can be {MAX_KIND_GREETINGS} of these.", error_id="too-many", field=field)
