"""When a PIN is not verified any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from controlplane.domain.pin_locks import (
    History,
    PinLockPolicy,
    Try,
    is_locked,
    is_tried_too_often,
    locked_until,
    source_locked_until,
)
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = PinLockPolicy()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def wrong(*minutes: float) -> list[Try]:
    """Wrong tries at some minutes after START."""
    return [Try(at=START + m * MINUTE, correct=False) for m in minutes]


def right(minute: float) -> Try:
    """A right try at a minute after START."""
    return Try(at=START + minute * MINUTE, correct=True)


def attack(*, every: timedelta, during: timedelta) -> list[Try]:
    """Return the tries of a source that is always wrong and tries whenever it is not locked."""
    tries: list[Try] = []
    now = START
    while now < START + during:
        end = locked_until(tries, POLICY)
        if end is not None and end > now:
            now = end
            continue
        tries.append(Try(at=now, correct=False))
        now += every
    return tries


def test_four_wrong_tries_lock_nothing() -> None:
    """Four wrong tries in a row do not lock."""
    assert locked_until(wrong(0, 1, 2, 3), POLICY) is None


def test_five_wrong_in_a_row_lock_for_five_minutes() -> None:
    """The fifth wrong try locks for five minutes from then on."""
    assert locked_until(wrong(0, 1, 2, 3, 4), POLICY) == START + 9 * MINUTE


def test_each_further_lock_is_twice_as_long() -> None:
    """Locks of one source last 5, 10, 20, 40, 80, 160, 320, 640, 1280 and then 1440 minutes."""
    lengths = []
    tries: list[Try] = []
    now = START
    for _ in range(11):
        tries += [Try(at=now, correct=False)] * 5
        end = locked_until(tries, POLICY)
        assert end is not None
        lengths.append((end - now) // MINUTE)
        now = end

    assert lengths == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]


@pytest.mark.parametrize(("days", "minutes"), [(0, 40), (1, 20), (2, 10), (3, 5), (30, 5)])
def test_level_falls_by_one_a_day(days: int, minutes: int) -> None:
    """After three locks the next one is shorter by one level for each day without a lock."""
    tries: list[Try] = []
    now = START
    for _ in range(3):
        tries += [Try(at=now, correct=False)] * 5
        end = locked_until(tries, POLICY)
        assert end is not None
        now = end
    now += days * DAY
    tries += [Try(at=now, correct=False)] * 5

    assert locked_until(tries, POLICY) == now + minutes * MINUTE


def test_right_pin_clears_the_count() -> None:
    """Four wrong tries, a right one and four wrong ones do not lock."""
    assert locked_until([*wrong(0, 1, 2, 3), right(4), *wrong(5, 6, 7, 8)], POLICY) is None


def test_right_pin_clears_the_level() -> None:
    """After a right PIN the first lock is a short one again."""
    tries = [*wrong(0, 0, 0, 0, 0), *wrong(10, 10, 10, 10, 10), right(30), *wrong(31, 31, 31, 31, 31)]

    assert locked_until(tries, POLICY) == START + 36 * MINUTE


def test_twenty_wrong_in_a_day_lock_a_source_for_an_hour() -> None:
    """The twentieth wrong try within a day locks the source for an hour from then on."""
    newest_first = [START - n * HOUR for n in range(20)]

    assert source_locked_until(newest_first, POLICY) == START + HOUR


def test_nineteen_wrong_in_a_day_do_not_lock_a_source() -> None:
    """Nineteen wrong tries do not lock the source."""
    assert source_locked_until([START] * 19, POLICY) is None


def test_twenty_wrong_in_more_than_a_day_do_not_lock_a_source() -> None:
    """Twenty wrong tries of which the first is a day old do not lock the source."""
    newest_first = [START] * 19 + [START - DAY]

    assert source_locked_until(newest_first, POLICY) is None


def test_mailbox_tried_too_often_refuses_a_source_that_never_was_right() -> None:
    """After a hundred wrong tries a new source is refused."""
    assert is_locked(History(wrong_of_mailbox=100), POLICY, now=START)


def test_mailbox_tried_too_often_lets_in_who_was_right_before() -> None:
    """After a hundred wrong tries a source that once gave the PIN rightly may go on."""
    assert not is_locked(History(wrong_of_mailbox=100, was_right=True), POLICY, now=START)


def test_refusal_outlives_its_tries() -> None:
    """A mailbox once refused stays so although its wrong tries do not count any more."""
    assert is_tried_too_often(History(refused=True, wrong_of_mailbox=0), POLICY)


def test_lock_ends_at_its_end() -> None:
    """At the end of a lock the source may try again, and not before."""
    history = History(with_mailbox=wrong(0, 0, 0, 0, 0))
    end = START + 5 * MINUTE
    moment = timedelta(microseconds=1)

    states = [is_locked(history, POLICY, now=end - moment), is_locked(history, POLICY, now=end)]

    assert states == [True, False]


@pytest.mark.parametrize("name", ["wrong_in_a_row", "longest_lock_seconds", "wrong_of_a_mailbox"])
def test_figures_below_one_are_refused(name: str) -> None:
    """A figure of zero is a mistake in the settings, told by its name."""
    with pytest.raises(ValueError, match=name):
        PinLockPolicy(**{name: 0})


TRIES = st.lists(
    st.builds(
        Try,
        at=st.timedeltas(timedelta(0), timedelta(days=40)).map(lambda after: START + after),
        correct=st.booleans(),
    ),
    max_size=120,
).map(lambda tries: sorted(tries, key=lambda one: one.at))


@given(TRIES)
def test_no_lock_is_longer_than_the_longest(tries: list[Try]) -> None:
    """Whatever happened, a lock ends a day after the last try at the latest."""
    end = locked_until(tries, POLICY)

    assert end is None or end <= tries[-1].at + DAY


@given(TRIES)
def test_right_pin_always_clears(tries: list[Try]) -> None:
    """Whatever happened before, a right PIN leaves no lock."""
    assert locked_until([*tries, Try(at=START + 41 * DAY, correct=True)], POLICY) is None


@given(TRIES)
def test_history_before_the_last_right_pin_does_not_matter(tries: list[Try]) -> None:
    """A history cut at the last right try gives the same lock."""
    cut = max((n for n, one in enumerate(tries) if one.correct), default=0)

    assert locked_until(tries, POLICY) == locked_until(tries[cut:], POLICY)


@given(TRIES)
def test_a_further_wrong_try_never_shortens_a_lock(tries: list[Try]) -> None:
    """One more wrong try ends no lock and moves none forward."""
    before = locked_until(tries, POLICY)
    after = locked_until([*tries, Try(at=START + 41 * DAY, correct=False)], POLICY)

    assert before is None or (after is not None and after >= before)


@given(st.integers(1, 7200).map(lambda seconds: timedelta(seconds=seconds)))
def test_attacker_gets_at_most_fifty_tries_in_a_day(every: timedelta) -> None:
    """However slowly a source guesses, at most fifty guesses are verified in its first day."""
    assert len(attack(every=every, during=DAY)) <= 50


@given(st.lists(st.timedeltas(timedelta(0), DAY * 3), min_size=20, max_size=60))
def test_source_is_locked_exactly_when_a_day_holds_twenty(ages: list[timedelta]) -> None:
    """The source's lock depends on how many wrong tries are less than a day older than the newest."""
    newest_first = sorted((START - age for age in ages), reverse=True)
    within = sum(newest_first[0] - at < DAY for at in newest_first)

    assert (source_locked_until(newest_first, POLICY) is not None) == (within >= 20)


@given(st.integers(0, 10_000))
def test_lock_length_is_always_between_first_and_longest(level: int) -> None:
    """No level makes a lock shorter than the first or longer than the longest."""
    assert timedelta(minutes=5) <= POLICY.lock(level) <= DAY
