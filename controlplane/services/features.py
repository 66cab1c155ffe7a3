"""The Features port over the database, one transaction a method."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from uuid import UUID

import structlog

from controlplane.domain.errors import NotFound
from controlplane.domain.language import first_available
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.services.routing import queue_agents
from controlplane.services.routing.office_hours import toggle_closed_now
from controlplane.storage import extensions, tenants
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.routing.documents import rules_from, to_document


class FeatureService:
    """Implements `callflows.features.Features`; `languages` are those with prompts."""

    def __init__(self, *, database: Database, jobs: Jobs, languages: Collection[str]) -> None:
        self._database = database
        self._jobs = jobs
        self._languages = languages

    async def language(self, tenant_id: UUID) -> str:
        """Return what is spoken to a tenant's callers."""
        async with self._database.transaction() as session:
            tenant = await tenants.get(session, tenant_id)
        return first_available([tenant.language] if tenant else [], self._languages)

    async def toggle_closed_now(self, tenant_id: UUID, *, by: str) -> bool:
        """Close the tenant's office hours, or take that back."""
        return await toggle_closed_now(self._database, self._jobs, tenant_id=tenant_id, by=by)

    async def set_do_not_disturb(self, tenant_id: UUID, extension: str, *, on: bool) -> bool:
        """Switch do not disturb of an extension, whose route file follows."""
        async with self._database.transaction() as session:
            row = await extensions.by_number(session, tenant_id, extension, lock=True)
            if row is None:
                return False
            await name_author(session, f"extension {extension}")
            before = rules_from(row.rules)
            if before.do_not_disturb != on:
                rules = dataclasses.replace(before, do_not_disturb=on)
                await extensions.update_values(session, row.id, {"rules": to_document(rules)})
                await defer_publishing(session, self._jobs, tenant_id=tenant_id, numbers=[extension])
        structlog.get_logger().info(
            "extension.do_not_disturb", tenant_id=str(tenant_id), number=extension, on=on
        )
        return True

    async def set_logged_in(self, tenant_id: UUID, queue: str, extension: str, *, on: bool) -> bool:
        """Log an agent in or out of a queue, whose route file follows."""
        try:
            await queue_agents.set_logged_in(
                self._database,
                self._jobs,
                tenant_id=tenant_id,
                number=queue,
                extension=extension,
                logged_in=on,
                by=f"extension {extension}",
            )
        except NotFound:
            return False
        return True
