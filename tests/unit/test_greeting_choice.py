"""Which greeting of a mailbox a caller hears: the order of docs/greetings.md, case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from controlplane.domain.greeting import Because, CallMoment, NotHeard, heard_greeting, passed_over
from controlplane.domain.mailbox import GreetingKind, KindGreeting, Mailbox, SourceGreeting
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.routing.hours import Hours
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_voicemail import FakeVoicemail

AT = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)
TEMPORARY, HOLIDAY, CLOSED, BUSY, STANDARD = GreetingKind


def of(kind: GreetingKind, text: str | None = None, **values: Any) -> KindGreeting:
    """Return a greeting whose words are its kind, if no others are given."""
    if kind is TEMPORARY:
        values.setdefault("last_day", date(2026, 12, 4))
    return KindGreeting(
        kind=kind,
        greeting=text or kind.value,
        spoken_language=values.get("language") or "en",
        **values,
    )


def box(folder: Path, *greetings: KindGreeting, **values: Any) -> Mailbox:
    """Return a mailbox of Berlin with these greetings."""
    return FakeVoicemail(folder).add_mailbox(kind_greetings=greetings, **values)


def way(*numbers: str, reason: ReachedReason = ReachedReason.NO_ANSWER, did: str | None = None) -> ReachedBy:
    """Return the way through some groups, the last of which sent the call on by `reason`."""
    steps = [
        ReachedStep(
            kind="ring-group",
            number=number,
            reason=reason if place == len(numbers) - 1 else ReachedReason.NO_ANSWER,
        )
        for place, number in enumerate(numbers)
    ]
    return ReachedBy(did=did, reason=reason, path=tuple(steps))


def heard(
    mailbox: Mailbox, by: ReachedBy | None = None, *, hours: Hours = Hours.OPEN, at: datetime = AT
) -> Any:
    """Return words, language and reason of what is heard."""
    found = heard_greeting(mailbox, CallMoment(way=by or way(), at=at, hours=hours))
    return found.greeting, found.language, found.because


def test_kinds_come_in_their_order(tmp_path: Path) -> None:
    """Everything at once: the temporary one; without it that of a holiday, closed, busy, the own."""
    kinds = [of(TEMPORARY), of(HOLIDAY), of(CLOSED), of(BUSY)]
    busy = way("6100", reason=ReachedReason.BUSY)
    said = [
        heard(box(tmp_path, *reversed(kinds[first:]), greeting="Own."), busy, hours=Hours.HOLIDAY)[0]
        for first in range(5)
    ]

    assert ["temporary", "holiday", "closed", "busy", "Own."] == said


@pytest.mark.parametrize(
    ("by", "hours", "expected"),
    [
        (way(), Hours.OPEN, ("Own.", Because.OWN)),
        (way(), Hours.CLOSED, ("closed", Because.CLOSED)),
        (way(), Hours.HOLIDAY, ("holiday", Because.HOLIDAY)),
        (way("6100", reason=ReachedReason.CLOSED), Hours.OPEN, ("closed", Because.SENT_ON_CLOSED)),
        (way("6100", reason=ReachedReason.BUSY), Hours.OPEN, ("busy", Because.BUSY)),
        (way("6100", reason=ReachedReason.NO_ANSWER), Hours.OPEN, ("Own.", Because.OWN)),
    ],
    ids=["open", "closed", "a holiday", "sent on as closed", "busy", "nobody answered"],
)
def test_a_moment_has_its_kind(tmp_path: Path, by: ReachedBy, hours: Hours, expected: Any) -> None:
    """Office hours and the way say which kinds count; that somebody was busy earlier on the way does not."""
    mailbox = box(tmp_path, of(HOLIDAY), of(CLOSED), of(BUSY), greeting="Own.")

    words, _, because = heard(mailbox, by, hours=hours)

    assert expected == (words, because)


def test_a_temporary_one_ends_with_its_last_day_where_the_mailbox_is(tmp_path: Path) -> None:
    """In Berlin the fourth is over at 23:00 UTC."""
    mailbox = box(tmp_path, of(TEMPORARY), greeting="Own.")
    last = datetime(2026, 12, 4, 22, 59, tzinfo=UTC)
    after = datetime(2026, 12, 4, 23, 0, tzinfo=UTC)

    assert ["temporary", "Own."] == [heard(mailbox, at=last)[0], heard(mailbox, at=after)[0]]


def test_in_a_kind_the_nearest_source_counts(tmp_path: Path) -> None:
    """The last number passed, those before it, what was dialled, then all callers; not another kind."""
    greetings = [
        of(CLOSED, "all"),
        of(CLOSED, "dialled", source="4930123"),
        of(CLOSED, "far", source="6000"),
        of(CLOSED, "near", source="6100"),
        of(BUSY, "busy", source="6100"),
    ]
    by = way("6000", "6100", reason=ReachedReason.BUSY, did="+4930123")

    said = []
    for count in (4, 3, 2, 1):
        mailbox = box(tmp_path, *greetings[:count], greetings[4])
        said.append(heard(mailbox, by, hours=Hours.CLOSED)[0])

    assert ["near", "far", "dialled", "all"] == said


def test_in_a_source_the_language_of_the_caller_counts(tmp_path: Path) -> None:
    """Callers of a German number hear the German one, along the tag; another language is passed over."""
    german = (SourceGreeting(source="+4930123", language="de-AT"),)
    both = box(
        tmp_path,
        of(HOLIDAY, "en"),
        of(HOLIDAY, "de", language="de"),
        source_greetings=german,
        greeting="Own.",
    )
    foreign = box(tmp_path, of(HOLIDAY, "de", language="de"), greeting="Own.")
    from_germany = way(did="+4930123")

    assert ("en", "en") == heard(both, hours=Hours.HOLIDAY)[:2]
    assert ("de", "de") == heard(both, from_germany, hours=Hours.HOLIDAY)[:2]
    assert ("Own.", "en") == heard(foreign, hours=Hours.HOLIDAY)[:2]
    assert (None, "de-AT", Because.STANDARD) == heard(both, from_germany)


def test_a_greeting_of_a_source_is_heard_in_its_language(tmp_path: Path) -> None:
    """Whoever made it for those callers chose the language with it."""
    mailbox = box(tmp_path, of(BUSY, "Besetzt.", source="6100", language="de"))

    assert ("Besetzt.", "de", Because.BUSY) == heard(mailbox, way("6100", reason=ReachedReason.BUSY))


def test_the_standard_greeting_has_further_languages(tmp_path: Path) -> None:
    """A source with a language alone hears the mailbox's greeting in it, where there is one."""
    sources = (SourceGreeting(source="6100", language="de"), SourceGreeting(source="6200", language="fr"))
    mailbox = box(
        tmp_path, of(STANDARD, "Hallo.", language="de"), source_greetings=sources, greeting="Hello."
    )

    assert ("Hallo.", "de", Because.LANGUAGE) == heard(mailbox, way("6100"))
    assert (None, "fr", Because.STANDARD) == heard(mailbox, way("6200"))
    assert ("Hello.", "en", Because.OWN) == heard(mailbox, way("6300"))


def test_each_other_one_says_why_it_is_not_heard(tmp_path: Path) -> None:
    """The first reason that keeps it from being heard."""
    greetings = [
        of(TEMPORARY, "old", last_day=date(2026, 12, 3)),
        of(HOLIDAY),
        of(CLOSED, "other", source="6200"),
        of(CLOSED, "near", source="6100"),
        of(CLOSED, "all"),
        of(CLOSED, "alle", language="de"),
        of(BUSY),
    ]
    mailbox = box(tmp_path, *greetings)
    moment = CallMoment(way=way("6100"), at=AT, hours=Hours.CLOSED)
    found = heard_greeting(mailbox, moment)

    over = {one.greeting.greeting: one.why for one in passed_over(mailbox, moment, found)}

    assert "near" == found.greeting
    assert {
        "old": NotHeard.ENDED,
        "holiday": NotHeard.NO_HOLIDAY,
        "other": NotHeard.OTHER_SOURCE,
        "all": NotHeard.AFTER,
        "alle": NotHeard.OTHER_LANGUAGE,
        "busy": NotHeard.NOT_BUSY,
    } == over


GREETINGS = st.builds(
    of,
    st.sampled_from([TEMPORARY, HOLIDAY, CLOSED, BUSY]),
    source=st.sampled_from(["", "6000", "6100", "4930123"]),
    language=st.sampled_from([None, "de", "en", "fr"]),
)


@given(
    greetings=st.lists(
        GREETINGS, max_size=8, unique_by=lambda one: (one.kind, one.source, one.language)
    ).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))),
    hours=st.sampled_from(Hours),
    reason=st.sampled_from([ReachedReason.BUSY, ReachedReason.CLOSED, ReachedReason.NO_ANSWER]),
    did=st.sampled_from([None, "+4930123"]),
)
def test_any_order_of_the_list_gives_the_same_kind_and_source(
    tmp_path_factory: pytest.TempPathFactory,
    greetings: Any,
    hours: Hours,
    reason: ReachedReason,
    did: str | None,
) -> None:
    """What is heard does not depend on which was set first."""
    folder = tmp_path_factory.getbasetemp()
    moment = CallMoment(way=way("6000", "6100", reason=reason, did=did), at=AT, hours=hours)
    one, other = (heard_greeting(box(folder, *some), moment) for some in greetings)

    assert (one.kind, one.source) == (other.kind, other.source)
    if not one.source:
        assert one == other
