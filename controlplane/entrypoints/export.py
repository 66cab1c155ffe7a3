"""`controlplane export`: write a tenant as a file for `controlplane apply`."""

from __future__ import annotations

import asyncio

from controlplane.apply.exporting import export_file
from controlplane.entrypoints import logs, migrate
from controlplane.settings import Settings
from controlplane.storage.database import Database


def main(settings: Settings, *, tenant: str) -> None:
    """Print the file of a tenant, without secrets; raises NotFound, Unavailable."""
    logs.configure(settings.log_format, "warning")
    migrate.require(settings)
    print(asyncio.run(_export(settings, tenant)), end="")


async def _export(settings: Settings, tenant: str) -> str:
    database = Database(settings.sqlalchemy_url, pool_size=1)
    try:
        return await export_file(database, tenant=tenant)
    finally:
        await database.close()
