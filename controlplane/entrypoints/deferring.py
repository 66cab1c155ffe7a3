"""What defers jobs, without those that the set switch has no use for."""

from __future__ import annotations

from procrastinate import App

from controlplane.services.lamps import INTRODUCE
from controlplane.services.publishing_jobs import MAILBOXES
from controlplane.settings import Settings
from controlplane.storage.queue import Jobs


def jobs_of(settings: Settings, app: App) -> Jobs:
    """Return what services defer jobs with; a process that knows no switch leaves none out."""
    unneeded = set()
    if settings.switch == "freeswitch":
        unneeded.add(INTRODUCE)
    if settings.switch != "none" and settings.fallback != "native":
        unneeded.add(MAILBOXES)
    return Jobs(app, unneeded=unneeded)
