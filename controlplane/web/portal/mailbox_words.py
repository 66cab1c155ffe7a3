"""Values of mailboxes in the words of the person: languages, and who changed something."""

from __future__ import annotations

from collections.abc import Sequence

from babel import Locale, UnknownLocaleError

from controlplane.speech.choice import offered_languages
from controlplane.web.portal.words import Words

_ALONE = frozenset({"system", "cli"})


def language_name(tag: str, words: Words) -> str:
    """Return the name of a language; the tag itself for one that nobody knows."""
    try:
        return Locale.parse(tag, sep="-").get_display_name(words.locale) or tag
    except (ValueError, UnknownLocaleError):
        return tag


def language_options(words: Words, chosen: str, *, key: str = "of-tenant") -> Sequence[tuple[str, str]]:
    """Return the languages of prompts to choose from, and the chosen one if it is another; first, none."""
    tags = [*offered_languages()]
    if chosen and chosen not in tags:
        tags.append(chosen)
    return [("", words(f"mailbox.language-{key}")), *((tag, language_name(tag, words)) for tag in tags)]


def author(label: str | None, words: Words) -> str:
    """Say who changed something, by the label with which it was noted."""
    kind, _, name = (label or "").partition(" ")
    key = f"authors.{kind}"
    if kind in _ALONE:
        return words(key)
    return words(key, name=name) if name and words.has(key) else words("authors.somebody")


def slot_in_words(slot: str, words: Words) -> str:
    """Say by which setting an object points at a number, e.g. `Destination if no answer, holidays`."""
    first, *others = slot.split(".")
    parts = [words(f"slots.{first}") if words.has(f"slots.{first}") else first.replace("_", " ")]
    parts += [
        words(f"slots.{part}") for part in others if words.has(f"slots.{part}") and part != "destination"
    ]
    return ", ".join(parts)
