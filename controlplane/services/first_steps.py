"""What is left to do until a first message was heard."""

from __future__ import annotations

from uuid import UUID

from controlplane.domain.first_steps import FirstSteps
from controlplane.storage import first_steps
from controlplane.storage.database import Database


async def read_first_steps(db: Database, tenant_id: UUID) -> FirstSteps:
    """Return which steps a tenant has done."""
    async with db.transaction() as session:
        return await first_steps.done(session, tenant_id)
