"""The keys under which a mailbox keeps what was recorded for it, and how greetings of kinds are stored.

A source without its plus sign, `""` for all others: the standard greeting. `busy/6100/de`: that of a kind, a
source and a language, each but the first possibly empty. `name`: the mailbox's name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from controlplane.domain.language import first_available
from controlplane.domain.mailbox import GreetingKind, KindGreeting

NAME: Final = "name"
_PARTS: Final = "/"


def is_plain(key: str) -> bool:
    """Say whether a key is a source of the standard greeting."""
    return key != NAME and _PARTS not in key


def is_of_kind(key: str) -> bool:
    """Say whether a key is that of a kind, a source and a language."""
    return _PARTS in key


def key_of(kind: GreetingKind, source: str, language: str | None) -> str:
    """Return the key of a greeting.

    A standard one of a source has its language beside its text, and is found by the source alone.
    """
    clean = source.removeprefix("+")
    if kind is GreetingKind.STANDARD and (clean or not language):
        return clean
    return _PARTS.join((kind.value, clean, (language or "").lower()))


def kind_greetings(
    texts: Sequence[Mapping[str, Any]],
    recorded: Mapping[str, Mapping[str, Any]],
    language: str,
    available_languages: Collection[str],
) -> tuple[KindGreeting, ...]:
    """Return the greetings of kinds and further languages of a row whose own language is `language`.

    What was recorded counts by itself, also without a text: with its own last day.
    """
    left = {key: own for key, own in recorded.items() if is_of_kind(key)}
    found = []
    for text in texts:
        kind, source, tag = GreetingKind(text["kind"]), text["source"], text["language"]
        own = left.pop(key_of(kind, source, tag), None)
        found.append(
            KindGreeting(
                kind=kind,
                source=source.removeprefix("+"),
                language=tag,
                greeting=text["greeting"],
                last_day=_day((own or text).get("last_day")),
                recording=None if own is None else own["digest"],
                spoken_language=first_available((tag, language), available_languages),
            )
        )
    for key, own in left.items():
        name, source, tag = key.split(_PARTS)
        found.append(
            KindGreeting(
                kind=GreetingKind(name),
                source=source,
                language=own.get("language"),
                last_day=_day(own.get("last_day")),
                recording=own["digest"],
                spoken_language=first_available((tag or None, language), available_languages),
            )
        )
    return tuple(found)


def texts_of_kinds(texts: Sequence[Mapping[str, Any]]) -> tuple[KindGreeting, ...]:
    """Return the texts as somebody set them, without what was recorded."""
    return tuple(
        KindGreeting(
            kind=GreetingKind(text["kind"]),
            source=text["source"],
            language=text["language"],
            greeting=text["greeting"],
            last_day=_day(text["last_day"]),
        )
        for text in texts
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
