"""The kinds of greetings of a mailbox, and which one a caller hears: one order, the same for calls and pages.

docs/greetings.md has the order in words, ADR 30 has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from controlplane.domain.language import fallbacks
from controlplane.domain.mailbox import GreetingKind, KindGreeting, Mailbox, SourceGreeting
from controlplane.domain.message import ReachedBy, ReachedReason
from controlplane.domain.routing.hours import Hours


class Because(StrEnum):
    """Why a greeting is heard."""

    TEMPORARY = "temporary"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    SENT_ON_CLOSED = "sent-on-closed"
    BUSY = "busy"
    SOURCE = "source"
    LANGUAGE = "language"
    OWN = "own"
    STANDARD = "standard"


class NotHeard(StrEnum):
    """Why a greeting that was set is not heard now."""

    ENDED = "ended"
    NO_HOLIDAY = "no-holiday"
    OPEN = "open"
    NOT_BUSY = "not-busy"
    OTHER_SOURCE = "other-source"
    OTHER_LANGUAGE = "other-language"
    SAYS_NOTHING = "says-nothing"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMoment:
    """How a call came, when, and what the office hours that it goes by say then."""

    way: ReachedBy
    at: datetime
    hours: Hours = Hours.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardGreeting:
    """What a caller hears: `recording`, else `greeting`, else the standard sentence; and why.

    The whole call is in `language`. `source` is empty for one that is for all other callers.
    """

    kind: GreetingKind
    source: str
    language: str
    greeting: str | None
    recording: str | None
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A greeting that was set and is not heard now."""

    greeting: KindGreeting
    why: NotHeard


def heard_greeting(mailbox: Mailbox, moment: CallMoment) -> HeardGreeting:
    """Return what a caller hears.

    The kinds come first, in their order; in a kind the nearest source, then all other callers; there the
    caller's language, along its tag.
    """
    plain = mailbox.greeting_for(moment.way)
    language = plain.language or mailbox.language
    for kind in _KINDS_OF_MOMENTS:
        because = _because(kind, moment)
        if because is None:
            continue
        present = [one for one in mailbox.kind_greetings if one.kind is kind and _says(one, mailbox, moment)]
        for source in _sources(moment.way):
            found = _in_language([one for one in present if one.source == source], language)
            if found is not None:
                return _heard(found, mailbox, because)
    return _standard(mailbox, plain, language)


def passed_over(mailbox: Mailbox, moment: CallMoment, heard: HeardGreeting) -> list[PassedOver]:
    """Return all other greetings of kinds, each with the first reason why it is not heard."""
    language = mailbox.greeting_for(moment.way).language or mailbox.language
    sources = set(_sources(moment.way))
    found = []
    for one in mailbox.kind_greetings:
        same = (one.kind, one.source) == (heard.kind, heard.source)
        if same and _language_of(one, mailbox) == heard.language:
            continue
        if one.greeting is None and one.recording is None:
            why = NotHeard.SAYS_NOTHING
        elif one.kind is GreetingKind.TEMPORARY and not _says(one, mailbox, moment):
            why = NotHeard.ENDED
        elif _because(one.kind, moment) is None:
            why = _NOT_NOW[one.kind]
        elif one.source not in sources:
            why = NotHeard.OTHER_SOURCE
        elif not _matches(_language_of(one, mailbox), language):
            why = NotHeard.OTHER_LANGUAGE
        else:
            why = NotHeard.AFTER
        found.append(PassedOver(greeting=one, why=why))
    return found


def local_day(mailbox: Mailbox, at: datetime) -> date:
    """Return which day it is where the mailbox is."""
    return at.astimezone(ZoneInfo(mailbox.time_zone)).date()


_KINDS_OF_MOMENTS = (GreetingKind.TEMPORARY, GreetingKind.HOLIDAY, GreetingKind.CLOSED, GreetingKind.BUSY)
_NOT_NOW = {
    GreetingKind.HOLIDAY: NotHeard.NO_HOLIDAY,
    GreetingKind.CLOSED: NotHeard.OPEN,
    GreetingKind.BUSY: NotHeard.NOT_BUSY,
}


def _because(kind: GreetingKind, moment: CallMoment) -> Because | None:
    """Return why greetings of a kind may be heard at all at a moment."""
    match kind:
        case GreetingKind.TEMPORARY:
            return Because.TEMPORARY
        case GreetingKind.HOLIDAY:
            return Because.HOLIDAY if moment.hours is Hours.HOLIDAY else None
        case GreetingKind.CLOSED:
            # A holiday without a greeting of its own is outside office hours, as everywhere.
            if moment.hours is not Hours.OPEN:
                return Because.CLOSED
            sent_on = any(step.reason is ReachedReason.CLOSED for step in moment.way.path)
            return Because.SENT_ON_CLOSED if sent_on else None
        case GreetingKind.BUSY:
            last = moment.way.last
            return Because.BUSY if last is not None and last.reason is ReachedReason.BUSY else None
        case GreetingKind.STANDARD:
            return Because.OWN


def _says(one: KindGreeting, mailbox: Mailbox, moment: CallMoment) -> bool:
    if one.greeting is None and one.recording is None:
        return False
    return one.last_day is None or local_day(mailbox, moment.at) <= one.last_day


def _sources(way: ReachedBy) -> Iterator[str]:
    """Yield where a caller comes from, the nearest first and all callers last."""
    yield from (step.number for step in reversed(way.path) if step.number)
    if way.did is not None:
        yield way.did.removeprefix("+")
    yield ""


def _in_language(present: Sequence[KindGreeting], language: str) -> KindGreeting | None:
    """Return the greeting in the caller's language: the nearest along its tag, else one that begins alike.

    One for a source of its own is heard in whatever language it is: whoever made it chose that for those
    callers.
    """
    by_tag = {(one.spoken_language or language).lower(): one for one in reversed(present)}
    for tag in fallbacks(language.lower()):
        if tag in by_tag:
            return by_tag[tag]
    near = next((one for tag, one in by_tag.items() if _matches(tag, language)), None)
    return near or next((one for one in present if one.source), None)


def _matches(one: str, other: str) -> bool:
    return one.lower().partition("-")[0] == other.lower().partition("-")[0]


def _language_of(one: KindGreeting, mailbox: Mailbox) -> str:
    return one.spoken_language or mailbox.language


def _heard(one: KindGreeting, mailbox: Mailbox, because: Because) -> HeardGreeting:
    return HeardGreeting(
        kind=one.kind,
        source=one.source,
        language=_language_of(one, mailbox),
        greeting=one.greeting,
        recording=one.recording,
        because=because,
    )


def _standard(mailbox: Mailbox, plain: SourceGreeting, language: str) -> HeardGreeting:
    """Return the greeting of no special moment; a source with a language alone may have one in it."""
    if plain.greeting is None and plain.recording is None:
        others = [
            one
            for one in mailbox.kind_greetings
            if one.kind is GreetingKind.STANDARD and (one.greeting is not None or one.recording is not None)
        ]
        found = _in_language(others, language)
        if found is not None:
            return _heard(found, mailbox, Because.LANGUAGE)
    because = Because.STANDARD
    if plain.greeting is not None or plain.recording is not None:
        because = Because.SOURCE if plain.source else Because.OWN
    return HeardGreeting(
        kind=GreetingKind.STANDARD,
        source=plain.source,
        language=language,
        greeting=plain.greeting,
        recording=plain.recording,
        because=because,
    )
