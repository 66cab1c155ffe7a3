"""Looking over all that a tenant has for what makes no sense."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from controlplane.domain.language import nearest
from controlplane.domain.routing.findings import UNREAD_DAYS, Everything, Finding
from controlplane.domain.routing.lint import lint
from controlplane.speech.choice import offered_languages
from controlplane.storage import numbers
from controlplane.storage.database import Database
from controlplane.storage.routing import everything, objects

MANY: Final = 5000
"""Numbers of a tenant that are looked over in less than a second."""


async def takes_long(db: Database, tenant_id: UUID) -> bool:
    """Say whether a tenant is so large that looking it over is to be asked for."""
    async with db.transaction() as session:
        return await numbers.has_more_than(session, tenant_id, MANY)


async def lint_tenant(db: Database, *, tenant_id: UUID, now: datetime) -> list[Finding]:
    """Return all findings of a tenant, the worst first."""
    async with db.transaction() as session:
        mailboxes = await everything.mailboxes(
            session, tenant_id, unread_since=now - timedelta(days=UNREAD_DAYS)
        )
        extensions = await everything.extensions(session, tenant_id)
        routing = await objects.all_of(session, tenant_id)
        pointed_at = await everything.pointed_at(session, tenant_id)
    available = offered_languages()
    used = {one.language for one in mailboxes} | {getattr(one.settings, "language", None) for one in routing}
    # Rules are compared with each other: not on the loop that serves everybody.
    return await asyncio.to_thread(
        lint,
        Everything(
            mailboxes=mailboxes,
            extensions=extensions,
            objects=routing,
            pointed_at=pointed_at,
            unspoken={tag for tag in used if tag is not None and nearest(tag, available) is None},
        ),
    )
