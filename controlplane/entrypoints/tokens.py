"""Makes bearer tokens from the command line: `controlplane create-token`."""

from __future__ import annotations

import asyncio
from datetime import datetime

from controlplane.services.tokens import create_token
from controlplane.settings import load
from controlplane.storage.database import Database


def create(*, name: str, tenant: str | None, expires_at: datetime | None) -> str:
    """Make a token, for a tenant (by name) or all of them, and return it; it cannot be shown again."""
    settings = load()

    async def make() -> str:
        database = Database(settings.sqlalchemy_url)
        try:
            _, token = await create_token(database, name=name, tenant=tenant, expires_at=expires_at)
        finally:
            await database.close()
        return token

    return asyncio.run(make())
