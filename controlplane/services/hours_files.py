"""Files of office hours, which the switches read at each call that depends on them.

`<hours>/<schedule's UUID>/<YYYYMMDD>`, a day in UTC: one digit (`domain.routing.hours.Hours`) for each of its
1440 minutes, so that a switch needs to know no time zone and reads one byte. A file `closed` beside them
says that it is closed until somebody takes that back. Where a file is missing it is open.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controlplane.domain.routing.hours import OfficeHours
from controlplane.storage.database import Database
from controlplane.storage.folder_lock import folder_lock
from controlplane.storage.routing import plans

DAYS_AHEAD = 400
"""So many days the switches know what to do without us."""

_CLOSED = "closed"


async def reconcile_hours(
    database: Database, hours: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> int:
    """Make the files say what the database says, from yesterday on; return how many changed.

    Idempotent. `clock` says what the switches' present is to be taken for: files are written under the days
    of the real clock, shifted by the difference in whole minutes, which is how tests set the time. Raises
    Unavailable, OSError.
    """
    hours.mkdir(mode=0o750, parents=True, exist_ok=True)
    async with folder_lock(hours):
        async with database.transaction() as session:
            schedules = await plans.schedules(session)
        shift = timedelta(minutes=round((clock() - datetime.now(UTC)) / timedelta(minutes=1)))
        changed = await asyncio.to_thread(_remove_strangers, hours, {str(one) for one in schedules})
        for schedule_id, schedule in schedules.items():
            changed += await asyncio.to_thread(_write, hours / str(schedule_id), schedule, shift)
        return changed


def _write(folder: Path, schedule: OfficeHours, shift: timedelta) -> int:
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    first = datetime.now(UTC).date() - timedelta(days=1)
    changed = 0
    wanted = {_CLOSED} if schedule.closed_now else set()
    if schedule.closed_now:
        changed += _replace(folder / _CLOSED, "1")
    for ahead in range(DAYS_AHEAD + 2):
        day = first + timedelta(days=ahead)
        name = day.strftime("%Y%m%d")
        wanted.add(name)
        changed += _replace(folder / name, schedule.minutes_of(day, shift))
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink(missing_ok=True)
            changed += 1
    return changed


def _replace(path: Path, text: str) -> int:
    try:
        if path.read_text(encoding="ascii", errors="replace") == text:
            return 0
    except FileNotFoundError:
        pass
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    # Not synced: all of them are reconciled again and again.
    temporary.write_text(text, encoding="ascii")
    temporary.replace(path)
    return 1


def _remove_strangers(hours: Path, known: set[str]) -> int:
    changed = 0
    for folder in hours.iterdir():
        if folder.is_dir() and folder.name not in known:
            shutil.rmtree(folder)
            changed += 1
    return changed
