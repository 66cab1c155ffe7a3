"""What a restore that was killed left behind: nothing is started on half of it, and it is said why."""

from __future__ import annotations

from controlplane.domain.errors import Unavailable
from controlplane.entrypoints.findings import Finding
from controlplane.services.backup import STAGED
from controlplane.services.restore import is_whole
from controlplane.services.restore_files import Mark, mark_of
from controlplane.settings import Settings

_REMEDY = (
    "Repeat it (controlplane restore FILE), which takes back what it did; to do without it, name empty"
    " folders and a new database."
)


def refuse_half_restored(settings: Settings) -> None:
    """Raise Unavailable, with the remedy, if a restore is under way or was broken off."""
    mark = mark_of(settings.paths.recordings)
    if mark is not None and not _is_whole(settings, mark):
        raise Unavailable(f"{_broken_off(settings, mark)}. {_REMEDY}")


async def check_restore(settings: Settings) -> list[Finding]:
    """No restore was broken off; nothing is said where there was none."""
    mark = mark_of(settings.paths.recordings)
    if mark is None:
        return []
    if not _is_whole(settings, mark):
        return [Finding(subject="restore", found=_broken_off(settings, mark), remedy=_REMEDY)]
    remains = settings.paths.recordings / STAGED
    found = f"one was killed once all was there; {remains} is left of it, and does no harm"
    return [Finding(subject="restore", found=found, remedy=f"Remove {remains}.")]


def _is_whole(settings: Settings, mark: Mark) -> bool:
    try:
        return is_whole(settings.database_url.get_secret_value(), mark)
    except Unavailable:  # (is said by others, and nothing is served without it)
        return False


def _broken_off(settings: Settings, mark: Mark) -> str:
    return (
        f"The restore of the backup of {mark.made_at} into {settings.paths.recordings} was broken off,"
        " or is under way"
    )
