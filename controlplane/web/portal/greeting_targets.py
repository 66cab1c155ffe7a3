"""For whom and for when a greeting is, in the address of a page and in its forms."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query

from controlplane.domain.mailbox import GreetingKind
from controlplane.services.greeting_drafts import For
from controlplane.web.portal.forms import Form
from controlplane.web.portal.words import Words


def target_asked(
    source: Annotated[str, Query(max_length=65)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
    language: Annotated[str, Query(max_length=35)] = "",
    last_day: Annotated[str, Query(max_length=20)] = "",
) -> For:
    """Return which greeting an address is about."""
    return _target(kind, source.strip(), language, last_day)


Target = Annotated[For, Depends(target_asked)]


def target_sent(form: Form) -> For:
    """Return which greeting a form is about; the form calls the language `of_language`."""
    return _target(form.text("kind"), form.text("source"), form.text("of_language"), form.text("last_day"))


def query_of(target: For, **more: str) -> str:
    """Return what follows the address of a page about a greeting."""
    asked = {
        "kind": "" if target.kind is GreetingKind.STANDARD else target.kind.value,
        "source": target.source,
        "language": target.language or "",
        "last_day": "" if target.last_day is None else target.last_day.isoformat(),
        **more,
    }
    filled = {name: text for name, text in asked.items() if text}
    return f"?{urlencode(filled)}" if filled else ""


def kind_options(words: Words) -> list[tuple[str, str]]:
    """Return the kinds to choose from, the standard one first."""
    return [(kind.value, words(f"greeting-kinds.{kind.value}")) for kind in reversed(GreetingKind)]


def _target(kind: str, source: str, language: str, last_day: str) -> For:
    known = kind if kind in set(GreetingKind) else GreetingKind.STANDARD.value
    chosen = GreetingKind(known)
    plain = chosen is GreetingKind.STANDARD and bool(source)
    return For(
        kind=chosen,
        source=source,
        language=None if plain else language or None,
        last_day=_day(last_day) if chosen is GreetingKind.TEMPORARY else None,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
