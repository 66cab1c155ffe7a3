"""The files of office hours follow the database, in little work, and whatever ends in the middle of it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from controlplane.domain.routing.hours import Holiday, Hours, OfficeHours, TimeRange, Weekday
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.services import hours_files
from controlplane.services.hours_files import DAYS_AHEAD, last_days, reconcile_hours, write_schedule
from controlplane.services.routing.objects import create_object, delete_object, update_object
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

NINE_TO_FIVE = (TimeRange(start=time(9), end=time(17)),)
SCHEDULE = OfficeHours(time_zone="Europe/Berlin", week=dict.fromkeys(list(Weekday)[:5], NINE_TO_FIVE))
FILES = DAYS_AHEAD + 2


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()


def named(day: date) -> str:
    """Return the name of a day's file."""
    return f"{day:%Y%m%d}"


def stamps(folder: Path) -> dict[str, int]:
    """Return when each file was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


async def make(database: Database, jobs: Jobs, tenant: UUID, schedule: OfficeHours = SCHEDULE) -> UUID:
    """Make the tenant's office hours; return their id."""
    made = await create_object(
        database,
        jobs,
        tenant_id=tenant,
        kind=RoutingKind.OFFICE_HOURS,
        number=None,
        name="default",
        settings=schedule,
        by="tests",
    )
    return made.id


def test_each_day_has_its_minutes(tmp_path: Path) -> None:
    """From yesterday on, as far as the switches must do without us."""
    changed = write_schedule(tmp_path, SCHEDULE)
    first, last = today() - timedelta(days=1), today() + timedelta(days=DAYS_AHEAD)

    assert (FILES, FILES) == (changed, sum(path.name.isdigit() for path in tmp_path.iterdir()))
    for day in (first, today(), last):
        assert SCHEDULE.minutes_of(day) == (tmp_path / named(day)).read_text()


def test_a_repeat_computes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest says that the days are right; only one that is missing is computed."""
    write_schedule(tmp_path, SCHEDULE)
    before = stamps(tmp_path)
    computed: list[date] = []
    real = OfficeHours.minutes_of

    def counted(self: OfficeHours, day: date, shift: timedelta = timedelta()) -> str:
        computed.append(day)
        return real(self, day, shift)

    monkeypatch.setattr(OfficeHours, "minutes_of", counted)
    repeat = write_schedule(tmp_path, SCHEDULE)

    assert (0, [], before) == (repeat, computed, stamps(tmp_path))

    missing = today() + timedelta(days=DAYS_AHEAD)
    (tmp_path / named(missing)).unlink()
    (tmp_path / named(today() - timedelta(days=2))).write_text("0" * 1440)
    nightly = write_schedule(tmp_path, SCHEDULE)

    assert (2, [missing]) == (nightly, computed)
    assert before.keys() == stamps(tmp_path).keys()


@pytest.mark.parametrize("left", ["", "0" * 1439, "0" * 5000])
def test_a_file_of_another_size_is_mended(tmp_path: Path, left: str) -> None:
    """A power failure may leave an empty one behind a right digest."""
    write_schedule(tmp_path, SCHEDULE)
    (tmp_path / named(today())).write_text(left)
    changed = write_schedule(tmp_path, SCHEDULE)

    assert (1, SCHEDULE.minutes_of(today())) == (changed, (tmp_path / named(today())).read_text())


def test_a_change_writes_what_differs(tmp_path: Path) -> None:
    """One holiday more changes its own day, and the part of the neighbours that it has in UTC."""
    write_schedule(tmp_path, SCHEDULE)
    day = today() + timedelta(days=10)
    changed = replace(SCHEDULE, holidays=(Holiday(name="x", first_day=day, last_day=day),))

    assert 2 == write_schedule(tmp_path, changed)
    assert changed.minutes_of(day) == (tmp_path / named(day)).read_text()


def test_closed_now_is_one_small_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No day is written or computed for it."""
    write_schedule(tmp_path, SCHEDULE)
    before = stamps(tmp_path)
    monkeypatch.setattr(OfficeHours, "minutes_of", None)

    assert 1 == write_schedule(tmp_path, replace(SCHEDULE, closed_now=True))
    assert before.keys() | {"closed"} == stamps(tmp_path).keys()
    assert (1, before) == (write_schedule(tmp_path, SCHEDULE), stamps(tmp_path))


class Crash(BaseException):
    """The process ends."""


@pytest.mark.parametrize("at", [0, 1, 200, FILES - 1, FILES])
def test_a_crash_in_the_middle_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Whatever was written of a change, the next run ends right; until then no file is half written."""
    write_schedule(tmp_path, SCHEDULE)
    other = OfficeHours(time_zone="UTC", week=dict.fromkeys(Weekday, NINE_TO_FIVE))  # no day is the same
    written = 0
    real = os.replace

    def dying(self: Path, target: Path) -> Path:
        nonlocal written
        if written == at:
            raise Crash
        written += 1
        real(self, target)
        return target

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dying)
        with pytest.raises(Crash):
            write_schedule(tmp_path, other)

    days = [path for path in tmp_path.iterdir() if path.name.isdigit()]
    assert {1440} == {path.stat().st_size for path in days}

    write_schedule(tmp_path, other)

    assert 0 == write_schedule(tmp_path, other)
    assert [other.minutes_of(today() + timedelta(days=n)) for n in (0, 100, DAYS_AHEAD)] == [
        (tmp_path / named(today() + timedelta(days=n))).read_text() for n in (0, 100, DAYS_AHEAD)
    ]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".2")]


async def test_the_files_follow_the_database(
    database: Database, jobs: Jobs, default_tenant: UUID, tmp_path: Path
) -> None:
    """Made, changed and deleted, each by the job of that schedule alone."""
    schedule_id = await make(database, jobs, default_tenant)
    folder = tmp_path / str(schedule_id)
    assert FILES == await reconcile_hours(database, tmp_path, only=[schedule_id])

    await update_object(
        database,
        jobs,
        tenant_id=default_tenant,
        kind=RoutingKind.OFFICE_HOURS,
        key="default",
        name=None,
        changes={"closed_now": True},
        by="tests",
    )
    assert 1 == await reconcile_hours(database, tmp_path, only=[schedule_id])
    assert (folder / "closed").exists()

    await delete_object(
        database, jobs, tenant_id=default_tenant, kind=RoutingKind.OFFICE_HOURS, key="default", by="tests"
    )
    assert (1, False) == (await reconcile_hours(database, tmp_path, only=[schedule_id]), folder.exists())


async def test_all_are_reconciled(
    database: Database, jobs: Jobs, default_tenant: UUID, tmp_path: Path
) -> None:
    """What is missing is made, in portions; folders of what is none are removed."""
    (tmp_path / "11111111-1111-4111-8111-111111111111").mkdir()
    schedule_id = await make(database, jobs, default_tenant)

    assert FILES + 1 == await reconcile_hours(database, tmp_path)
    assert {".lock", str(schedule_id)} == {path.name for path in tmp_path.iterdir()}
    assert 0 == await reconcile_hours(database, tmp_path)


async def test_more_schedules_than_are_read_at_a_time(
    database: Database,
    jobs: Jobs,
    default_tenant: UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each portion is written."""
    monkeypatch.setattr(hours_files, "_AT_A_TIME", 2)
    for n in range(5):
        await create_object(
            database,
            jobs,
            tenant_id=default_tenant,
            kind=RoutingKind.OFFICE_HOURS,
            number=None,
            name=f"hours-{n}",
            settings=SCHEDULE,
            by="tests",
        )

    assert 5 * FILES == await reconcile_hours(database, tmp_path)


async def test_the_clock_can_be_set(
    database: Database, jobs: Jobs, default_tenant: UUID, tmp_path: Path
) -> None:
    """What is written for now is what is true at the moment that the clock names, to the minute."""
    schedule_id = await make(database, jobs, default_tenant)
    for moment in (datetime(2027, 3, 29, 6, 59, 59, tzinfo=UTC), datetime(2027, 3, 29, 7, 0, tzinfo=UTC)):
        before = datetime.now(UTC)
        await reconcile_hours(database, tmp_path, clock=lambda moment=moment: moment)  # type: ignore[misc]
        minute = before.hour * 60 + before.minute
        text = (tmp_path / str(schedule_id) / named(before.date())).read_text()
        passed = timedelta(minutes=1) * (datetime.now(UTC).minute - before.minute)

        assert str(SCHEDULE.at(moment).value) in {text[minute], text[minute - passed // timedelta(minutes=1)]}
    assert [Hours.CLOSED, Hours.OPEN] == [
        SCHEDULE.at(datetime(2027, 3, 29, hour, minute, tzinfo=UTC)) for hour, minute in ((6, 59), (7, 0))
    ]


def test_the_last_day_is_the_last_in_a_row(tmp_path: Path) -> None:
    """A gap ends it; a folder that does not know today knows nothing."""
    for name in ("whole", "gap", "old"):
        write_schedule(tmp_path / name, SCHEDULE)
    (tmp_path / "gap" / named(today() + timedelta(days=5))).unlink()
    (tmp_path / "old" / named(today())).unlink()

    assert {
        "gap": today() + timedelta(days=4),
        "old": None,
        "whole": today() + timedelta(days=DAYS_AHEAD),
    } == dict(last_days(tmp_path))


def test_a_new_time_zone_rule_writes_the_days_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest holds what the zone's clocks say, so that an update of the database of zones is seen."""
    write_schedule(tmp_path, SCHEDULE)
    before = (tmp_path / ".digest").read_text()
    monkeypatch.setattr(hours_files, "ZoneInfo", lambda _: UTC)
    write_schedule(tmp_path, SCHEDULE)

    assert before != cast("str", (tmp_path / ".digest").read_text())
