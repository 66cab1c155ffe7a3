"""When a PIN is not verified any more, because it was tried too often. Pure rules; time is passed in.

A *source* is an authenticated extension, or all callers from outside of one mailbox together.
Three limits hold at once:

- A source that is wrong several times in a row with one mailbox is locked there, for a time that
  doubles with each lock. The level of the doubling falls by one for each day without a lock, and
  to nothing with a right PIN of this source.
- A source that is wrong too often in a day, over all mailboxes, is locked everywhere.
- A mailbox whose PIN extensions gave wrongly too often refuses every source that never gave it
  rightly, until the PIN is changed. Wrong tries from outside are counted apart, and refuse it to all
  who call from outside: a stranger must not shut out the phones of the company.

Tries by a locked source are not verified and not counted: they teach nothing about the PIN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinLockPolicy:
    """The figures of the limits; each is at least 1."""

    wrong_in_a_row: int = 5
    first_lock_seconds: int = 300
    longest_lock_seconds: int = 86_400
    wrong_of_a_source_in_a_day: int = 20
    source_lock_seconds: int = 3600
    wrong_of_a_mailbox: int = 100
    wrong_of_a_mailbox_days: int = 30

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} of the PIN locks must be at least 1")

    @property
    def mailbox_window(self) -> timedelta:
        """How far back wrong tries of a mailbox count; older tries matter to no rule."""
        return timedelta(days=self.wrong_of_a_mailbox_days)

    def lock(self, level: int) -> timedelta:
        """Return how long the lock is that follows on `level` locks before."""
        # The level is bounded before it is an exponent, or a long history overflows.
        seconds = self.first_lock_seconds << min(level, self.longest_lock_seconds.bit_length())
        return timedelta(seconds=min(seconds, self.longest_lock_seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One counted try; wrong as long as it was not verified as right."""

    at: datetime
    correct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known when a source tries a mailbox's PIN.

    `with_mailbox`: this source's tries of this mailbox in their order, those before its last
    right one may be missing. `wrong_of_source`: when the source was wrong last, over all
    mailboxes, newest first. `wrong_of_mailbox`: how many wrong tries count, of all extensions, or
    from outside. `refused`: this limit was reached before, and the PIN is still the same.
    `was_right`: this source once gave the present PIN; callers from outside are many, of whom one
    vouches for no other.
    """

    with_mailbox: Sequence[Try] = ()
    wrong_of_source: Sequence[datetime] = ()
    wrong_of_mailbox: int = 0
    refused: bool = False
    was_right: bool = False


def is_locked(history: History, policy: PinLockPolicy, *, now: datetime) -> bool:
    """Say whether a try at `now` must not be verified."""
    ends = (locked_until(history.with_mailbox, policy), source_locked_until(history.wrong_of_source, policy))
    if any(end is not None and now < end for end in ends):
        return True
    return is_tried_too_often(history, policy) and not history.was_right


def is_tried_too_often(history: History, policy: PinLockPolicy) -> bool:
    """Say whether the mailbox's limit is reached, now or before."""
    return history.refused or reaches_limit(history.wrong_of_mailbox, policy)


def reaches_limit(wrong: int, policy: PinLockPolicy) -> bool:
    """Say whether so many wrong tries are a mailbox's limit, of which its recipients are told."""
    return wrong >= policy.wrong_of_a_mailbox


def locked_until(tries: Sequence[Try], policy: PinLockPolicy) -> datetime | None:
    """Return when the last lock of a source with one mailbox ends; None if it has none.

    `tries` are in their order. Each `wrong_in_a_row` wrong ones make a lock, from the last of
    them on; a right one clears locks, level and count.
    """
    in_a_row = 0
    level = 0
    end: datetime | None = None
    for one in tries:
        if one.correct:
            in_a_row, level, end = 0, 0, None
            continue
        in_a_row += 1
        if in_a_row < policy.wrong_in_a_row:
            continue
        in_a_row = 0
        if end is not None:
            level = max(0, level - max(0, (one.at - end) // _DAY))
        lock_ends = one.at + policy.lock(level)
        end = lock_ends if end is None else max(end, lock_ends)
        if policy.lock(level) < timedelta(seconds=policy.longest_lock_seconds):
            level += 1
    return end


def source_locked_until(wrong: Sequence[datetime], policy: PinLockPolicy) -> datetime | None:
    """Return until when a source is locked everywhere; None if it was not wrong too often.

    `wrong` is newest first and may be cut after `wrong_of_a_source_in_a_day` entries. Once the
    limit is reached, each further wrong try within the day locks again.
    """
    limit = policy.wrong_of_a_source_in_a_day
    if len(wrong) < limit or wrong[0] - wrong[limit - 1] >= _DAY:
        return None
    return wrong[0] + timedelta(seconds=policy.source_lock_seconds)
