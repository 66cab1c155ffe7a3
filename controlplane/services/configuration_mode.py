"""Whether changes are published by themselves: as somebody chose over REST, else as the settings say.

One choice for the installation, because a revision holds all tenants and is published as a whole.
"""

from __future__ import annotations

import structlog

from controlplane.domain.configuration import Mode
from controlplane.storage import configuration_mode
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs


async def current_mode(db: Database, *, default: Mode) -> Mode:
    """Return the mode; `default` is that of the settings."""
    async with db.transaction() as session:
        return await configuration_mode.chosen(session) or default


async def choose_mode(db: Database, jobs: Jobs, mode: Mode, *, by: str) -> None:
    """Choose the mode; what waits is published if that goes by itself from now on."""
    async with db.transaction() as session:
        await configuration_mode.choose(session, mode, by=by)
        if mode is Mode.AUTOMATIC:
            await jobs.defer(session, "configuration.publish", lock="configuration")
    structlog.get_logger().info("configuration.mode", mode=mode.value, by=by)
