"""The call forward rules of extensions, by real calls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
from controlplane.domain.message import ReachedBy, ReachedReason, ReachedStep
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.plan import FIELDS
from tests.support.raw_sip import RawPhone, leave, near
from tests.support.rig import DEFAULT, MAILBOX, TONES, Rig

SCHEDULE = UUID("66666666-6666-4666-8666-666666666666")
OPEN, CLOSED, HOLIDAY = 0, 1, 2
OTHER_MAILBOX = UUID("77777777-7777-4777-8777-777777777777")
HOLIDAY_MAILBOX = UUID("88888888-8888-4888-8888-888888888888")
BEEP, GREETING, THANKS = TONES["beep"], TONES["greeting-standard"], TONES["thank-you"]
# All three hours of a rule that leads to the mailbox.
ALWAYS_THERE = ("8001", "8001", "8001")
RULES = ("always", "disturbed", "busy", "no_answer", "not_registered")


def plan(**lines: str | tuple[str, str, str]) -> list[str]:
    """Return the lines of an extension's plan; a rule is given for office hours, outside and holidays."""
    values = {"hours": str(SCHEDULE), "seconds": "5"}
    for name, value in lines.items():
        if isinstance(value, str):
            values[name] = value
        else:
            values |= {f"{name}.{hours}": token for hours, token in enumerate(value)}
    return [values.get(name, "") for name in FIELDS[NumberKind.EXTENSION]]


@pytest.fixture
def ruled(rig: Rig) -> Iterator[Rig]:
    """Route three mailboxes; afterwards the extensions have no rules and there are no office hours."""
    rig.route("8002", "mailbox", OTHER_MAILBOX)
    rig.route("8003", "mailbox", HOLIDAY_MAILBOX)
    yield rig
    rig.route_all()
    rig.hours(SCHEDULE, None)


@pytest.fixture
async def callee(rig: Rig) -> AsyncIterator[RawPhone]:
    """Open a phone that registers as 102."""
    async with RawPhone(rig.server).opened() as opened:
        assert 200 == await opened.register("102", "password-102")
        yield opened


def step(reason: ReachedReason, *, waited: int | None = None, number: str = "102") -> ReachedStep:
    """Return what the way has of an extension."""
    return ReachedStep(kind="extension", number=number, key=None, reason=reason, waited_seconds=waited)


async def arrived(rig: Rig, phone: RawPhone, number: str = "102", **call: object) -> tuple[UUID, ReachedBy]:
    """Call, leave a message, and return in which mailbox and by which way."""
    await leave(phone, number, limit=30, **call)
    facts = rig.facts()
    return facts.mailbox_id, facts.reached_by


async def test_always_comes_before_the_phones(ruled: Rig, phone: RawPhone, callee: RawPhone) -> None:
    """A call is forwarded at once, and no phone rings."""
    ruled.route("102", "extension", UUID(int=102), plan=plan(always=ALWAYS_THERE, do_not_disturb="1"))
    got = await arrived(ruled, phone)

    expected = ReachedBy(did=None, reason=ReachedReason.ALWAYS, path=(step(ReachedReason.ALWAYS),))
    assert (MAILBOX, expected) == got
    assert [] == callee.invited


@pytest.mark.parametrize(
    ("status", "reason", "waited"),
    [
        (486, ReachedReason.BUSY, 0),
        (600, ReachedReason.BUSY, 0),
        (603, ReachedReason.BUSY, 0),
        (180, ReachedReason.NO_ANSWER, 5),
        (480, ReachedReason.NO_ANSWER, 0),
    ],
)
async def test_what_the_phone_says_chooses_the_rule(
    ruled: Rig, phone: RawPhone, callee: RawPhone, status: int, reason: ReachedReason, waited: int
) -> None:
    """Busy and declined follow `busy`, ringing to the end `no_answer`; the way says how long it rang."""
    others = dict.fromkeys({"busy", "no_answer", "not_registered"} - {reason.value}, ("8002", "8002", "8002"))
    ruled.route("102", "extension", UUID(int=102), plan=plan(**{reason.value: ALWAYS_THERE}, **others))
    callee.reply = status
    got = await arrived(ruled, phone)

    expected = ReachedBy(did=None, reason=reason, path=(step(reason, waited=waited),))
    assert (MAILBOX, expected) == got
    assert 1 == len(callee.invited)
