"""Where a call goes at the edges of office hours, by files that are written for a clock that is set.

An extension forwards each call by its office hours, and the mailbox that the call then asks for says which
destination it took.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import Holiday, OfficeHours, TimeRange, Weekday
from controlplane.domain.routing.plan import FIELDS
from controlplane.services.hours_files import write_schedule
from tests.support.call_peers import end
from tests.support.raw_sip import RawPhone
from tests.support.rig import Rig

OPEN, CLOSED, HOLIDAY = (UUID(int=n) for n in (8100, 8101, 8102))
ALL_DAY = (TimeRange(start=time(0), end=time(0)),)
SCHEDULE = OfficeHours(
    time_zone="Europe/Berlin",
    week={
        **dict.fromkeys(list(Weekday)[:5], (TimeRange(start=time(9), end=time(17)),)),
        Weekday.SATURDAY: ALL_DAY,
    },
    holidays=(Holiday(name="Labour Day", first_day=date(2026, 5, 1), last_day=date(2026, 5, 1)),),
)


@pytest.fixture
def folder(rig: Rig) -> Path:
    """Route the three destinations, and return the folder of the files of office hours."""
    for number, object_id in (("8100", OPEN), ("8101", CLOSED), ("8102", HOLIDAY)):
        rig.route(number, "mailbox", object_id)
    hours = rig.home / "configuration/hours"
    hours.mkdir(exist_ok=True)
    return hours


async def destination(rig: Rig, phone: RawPhone, schedule: str) -> UUID | None:
    """Call an extension with that schedule, and return which mailbox the call asked for."""
    lines = {"hours": schedule} | {f"always.{digit}": f"810{digit}" for digit in range(3)}
    plan = [lines.get(name, "") for name in FIELDS[NumberKind.EXTENSION]]
    rig.route("109", "extension", UUID(int=109), plan=plan)
    async with rig.peer(end) as peer:
        await phone.call("109").wait_ended()
        (facts,) = peer.facts
        return facts.mailbox_id


async def destination_at(rig: Rig, phone: RawPhone, folder: Path, moment: datetime) -> UUID | None:
    """Return which mailbox a call asks for while the switch's clock stands at this minute.

    If the real minute ended before the switch looked, it is done again.
    """
    schedule = str(uuid4())
    while True:
        before = datetime.now(UTC).replace(second=0, microsecond=0)
        shift = moment.astimezone(UTC).replace(second=0, microsecond=0) - before
        write_schedule(folder / schedule, SCHEDULE, shift)
        found = await destination(rig, phone, schedule)
        if datetime.now(UTC) - before < timedelta(minutes=1):
            return found


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # A Thursday and a Friday in summer time: Berlin is two hours ahead.
        ("2026-04-30T06:59:00+00:00", CLOSED),
        ("2026-04-30T07:00:00+00:00", OPEN),
        ("2026-04-30T14:59:00+00:00", OPEN),
        ("2026-04-30T15:00:00+00:00", CLOSED),
        ("2026-05-01T07:00:00+00:00", HOLIDAY),
        ("2026-04-30T21:59:00+00:00", CLOSED),
        ("2026-04-30T22:00:00+00:00", HOLIDAY),
        # The holiday ends at midnight there, and Saturday is open all day.
        ("2026-05-01T21:59:00+00:00", HOLIDAY),
        ("2026-05-01T22:00:00+00:00", OPEN),
        # The Mondays behind the changes of the clocks.
        ("2026-03-27T07:59:00+00:00", CLOSED),
        ("2026-03-30T07:00:00+00:00", OPEN),
        ("2026-10-26T07:59:00+00:00", CLOSED),
        ("2026-10-26T08:00:00+00:00", OPEN),
    ],
)
async def test_edges(rig: Rig, phone: RawPhone, folder: Path, moment: str, expected: UUID) -> None:
    """The last minute before, and the first one of, a part of the calendar."""
    assert expected == await destination_at(rig, phone, folder, datetime.fromisoformat(moment))


async def test_closed_now_wins(rig: Rig, phone: RawPhone, folder: Path) -> None:
    """The file `closed` closes an open day, and taken away it no longer does."""
    schedule = str(uuid4())
    always = OfficeHours(time_zone="UTC")
    write_schedule(folder / schedule, always)
    open_before = await destination(rig, phone, schedule)
    write_schedule(folder / schedule, OfficeHours(time_zone="UTC", closed_now=True))
    closed = await destination(rig, phone, schedule)
    write_schedule(folder / schedule, always)

    assert [OPEN, CLOSED, OPEN] == [open_before, closed, await destination(rig, phone, schedule)]


def _without_today(folder: Path) -> None:
    for day in (datetime.now(UTC).date() + timedelta(days=n) for n in (-1, 0, 1)):
        (folder / f"{day:%Y%m%d}").unlink()


def _fill(text: str) -> Callable[[Path], None]:
    def filled(folder: Path) -> None:
        for path in folder.iterdir():
            path.write_text(text)

    return filled


# Where a switch finds nothing that it can read, calls go through.
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_without_today, id="no file of today"),
        pytest.param(shutil.rmtree, id="no folder"),
        pytest.param(_fill(""), id="empty"),
        pytest.param(_fill("1"), id="too short"),
        pytest.param(_fill("9" * 1440), id="no digit of ours"),
        pytest.param(_fill("\n" * 1440), id="newlines"),
        pytest.param(_fill("${SHELL(id)}" * 120), id="an expression"),
        pytest.param(_fill("é" * 720), id="not ASCII"),
        pytest.param(_fill("\0" * 1440), id="zeros of a power failure"),
    ],
)
async def test_what_cannot_be_read_is_open(
    rig: Rig, phone: RawPhone, folder: Path, spoil: Callable[[Path], None]
) -> None:
    """A file that is missing, short or spoilt closes nothing, and is never executed."""
    schedule = str(uuid4())
    never = OfficeHours(time_zone="UTC", week={Weekday.MONDAY: ()})
    write_schedule(folder / schedule, never)
    closed = await destination(rig, phone, schedule)
    spoil(folder / schedule)

    assert [CLOSED, OPEN] == [closed, await destination(rig, phone, schedule)]


@pytest.mark.parametrize(
    "schedule",
    ["11111111-1111-4111-8111-111111111111", "../routes", "../../configuration/hours/xxxxxxxxxxxx", "x"],
)
async def test_a_schedule_that_is_none_is_open(
    rig: Rig, phone: RawPhone, folder: Path, schedule: str
) -> None:
    """A plan that names no schedule, or what is no name of one, leads to no other file."""
    assert OPEN == await destination(rig, phone, schedule)
