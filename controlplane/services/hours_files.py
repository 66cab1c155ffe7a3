"""Files of office hours, which the switches read at each call that depends on them.

`<hours>/<schedule's UUID>/<YYYYMMDD>`, a day in UTC: one digit (`domain.routing.hours.Hours`) for each of its
1440 minutes, so that a switch needs to know no time zone and reads one byte. A file `closed` beside them
says that it is closed until somebody takes that back. Where a file is missing it is open.

`.digest` is written last and says of which schedule the days are: while it is right, only days that are
missing are written. A crash in between leaves a folder without it, whose days are all compared again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from controlplane.domain.routing.hours import MINUTES_OF_A_DAY, OfficeHours
from controlplane.storage.database import Database
from controlplane.storage.folder_lock import folder_lock
from controlplane.storage.routing import published_plans
from controlplane.storage.routing.documents import to_document

DAYS_AHEAD = 400
"""So many days the switches know what to do without us."""

_AT_A_TIME = 100
_CLOSED = "closed"
_DIGEST = ".digest"
_MINUTE = timedelta(minutes=1)


def _now() -> datetime:
    return datetime.now(UTC)


async def reconcile_hours(
    database: Database,
    hours: Path,
    *,
    only: Collection[UUID] | None = None,
    clock: Callable[[], datetime] = _now,
) -> int:
    """Make the files say what the database says, from yesterday on; return how many changed.

    Of a tenant that publishes by hand they say what is published, and whether it is closed now.
    `only` names schedules, else it is all of them, and folders of what is none are removed. Idempotent.
    `clock` says what the switches' present is to be taken for: files are written under the days of the
    real clock, shifted by the difference in whole minutes, which is how tests set the time. Raises
    Unavailable, OSError.
    """
    async with folder_lock(hours):
        changed = 0
        if only is None:
            async with database.transaction() as session:
                wanted = await published_plans.schedule_ids(session)
            changed += await asyncio.to_thread(_remove_strangers, hours, {str(one) for one in wanted})
        else:
            wanted = sorted(only)
        shift = _minute_of(clock()) - _minute_of(_now())
        for start in range(0, len(wanted), _AT_A_TIME):
            some = wanted[start : start + _AT_A_TIME]
            async with database.transaction() as session:
                found = await published_plans.schedules(session, some)
            for schedule_id in some:
                folder = hours / str(schedule_id)
                if schedule_id in found:
                    try:
                        changed += await asyncio.to_thread(write_schedule, folder, found[schedule_id], shift)
                    except ZoneInfoNotFoundError as error:
                        # Gone from the database of zones: the days that are there go on, and so do others.
                        structlog.get_logger().error(
                            "hours.time_zone_unknown", schedule_id=str(schedule_id), error=str(error)
                        )
                elif folder.is_dir():
                    await asyncio.to_thread(shutil.rmtree, folder)
                    changed += 1
        return changed


def write_schedule(folder: Path, schedule: OfficeHours, shift: timedelta = timedelta()) -> int:
    """Make the files of one schedule, each day that of the moments `shift` later; return how many changed."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    # First, because nobody should wait for the rest.
    changed = _switch_closed(folder / _CLOSED, closed=schedule.closed_now)
    first = _now().date() - timedelta(days=1)
    days = {f"{day:%Y%m%d}": day for day in (first + timedelta(days=n) for n in range(DAYS_AHEAD + 2))}
    present = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    digest = _digest(schedule, shift, first.year, (first + timedelta(days=DAYS_AHEAD + 1)).year)
    known = _read(folder / _DIGEST) == digest
    if not known:
        (folder / _DIGEST).unlink(missing_ok=True)
    for name, day in days.items():
        # A size can be wrong after a power failure: nothing here is synced.
        if not known or present.get(name) != MINUTES_OF_A_DAY:
            changed += _replace(folder / name, schedule.minutes_of(day, shift))
    for name in present.keys() - days.keys() - {_CLOSED, _DIGEST}:
        (folder / name).unlink(missing_ok=True)
        changed += 1
    if not known:
        _replace(folder / _DIGEST, digest)
    return changed


def last_days(hours: Path) -> Iterator[tuple[str, date | None]]:
    """Yield each schedule's folder by its name and the last day in a row that it knows; None if not today.

    Raises OSError.
    """
    for folder in sorted(path for path in hours.iterdir() if path.is_dir()):
        names = {path.name for path in folder.iterdir()}
        day, last = _now().date(), None
        while f"{day:%Y%m%d}" in names:
            last = day
            day += timedelta(days=1)
        yield folder.name, last


def _digest(schedule: OfficeHours, shift: timedelta, first_year: int, last_year: int) -> str:
    """Return what the days depend on: the schedule, and what the time zone's rules are in these years."""
    document = {**to_document(schedule), "closed_now": None}
    zone = ZoneInfo(schedule.time_zone)
    noon = datetime.combine(date(first_year, 1, 1), time(12), UTC)
    days = (date(last_year + 1, 1, 1) - date(first_year, 1, 1)).days
    offsets = [str((noon + timedelta(days=n)).astimezone(zone).utcoffset()) for n in range(days)]
    text = json.dumps([document, shift // _MINUTE, offsets], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _switch_closed(path: Path, *, closed: bool) -> int:
    if closed == path.exists():
        return 0
    if closed:
        return _replace(path, "1")
    path.unlink()
    return 1


def _replace(path: Path, text: str) -> int:
    if _read(path) == text:
        return 0
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    # Not synced: all of them are reconciled again and again.
    temporary.write_text(text, encoding="ascii")
    temporary.replace(path)
    return 1


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None


def _minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _remove_strangers(hours: Path, known: Collection[str]) -> int:
    changed = 0
    for folder in hours.iterdir():
        if folder.is_dir() and folder.name not in known:
            shutil.rmtree(folder)
            changed += 1
    return changed
