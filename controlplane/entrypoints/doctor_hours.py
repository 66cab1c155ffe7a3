"""What the doctor looks at in the files of office hours: whether the switch knows the days to come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from controlplane.entrypoints.findings import Finding
from controlplane.entrypoints.publish import hours_folder
from controlplane.services.hours_files import last_days
from controlplane.settings import Settings

_SUBJECT = "office hours"
_DAYS = 30
_REMEDY = "See that `controlplane jobs` runs, which writes them each hour, or run `controlplane publish`."


async def check_hours(settings: Settings) -> list[Finding]:
    """The files of office hours reach far enough; where one is missing the switch takes it for open."""
    if settings.switch == "none":
        return []
    folder = hours_folder(settings)
    try:
        known = await asyncio.to_thread(lambda: list(last_days(folder)))
    except FileNotFoundError:
        return [Finding(subject=_SUBJECT, found=f"{folder} is not there", remedy=_REMEDY)]
    except OSError as error:
        found = f"{folder} cannot be read ({error.strerror})"
        return [Finding(subject=_SUBJECT, found=found, remedy="Give it to the user who runs this.")]
    today = datetime.now(UTC).date()
    short = [(name, last) for name, last in known if last is None or (last - today).days < _DAYS]
    if short:
        name, last = short[0]
        until = "do not know today" if last is None else f"end on {last}"
        found = (
            f"{len(short)} of {len(known)} schedules end in less than {_DAYS} days; those of {name} {until}"
        )
        return [Finding(subject=_SUBJECT, found=found, remedy=_REMEDY)]
    if not known:
        return [Finding(subject=_SUBJECT, found="there are none: always open")]
    last_day = min(last for _, last in known if last is not None)
    return [Finding(subject=_SUBJECT, found=f"of {len(known)} schedules are known until {last_day}")]
