"""What only office hours need: the tenant's time zone, what a change of them publishes, "closed now"."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime
from typing import cast
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Action, ObjectChange, ObjectKind
from controlplane.domain.errors import NotFound
from controlplane.domain.routing.hours import Hours, OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.services.publishing_jobs import defer_change
from controlplane.storage import published_objects, tenants
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.routing import objects, plans
from controlplane.storage.routing.documents import to_document
from controlplane.storage.routing.objects import object_values
from controlplane.storage.tables import RoutingObjectRow


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoursState:
    """What office hours say at a moment, and when that changes; None if it does not within a year."""

    at: datetime
    hours: Hours
    until: datetime | None


async def in_a_time_zone(db: Database, tenant_id: UUID, schedule: OfficeHours) -> OfficeHours:
    """Return the schedule; in the tenant's time zone, as it is now, if it has none of its own."""
    if schedule.time_zone:
        return schedule
    async with db.transaction() as session:
        tenant = await tenants.get(session, tenant_id)
    if tenant is None:
        raise NotFound("There is no such tenant.", error_id="no-such-tenant")
    return dataclasses.replace(schedule, time_zone=tenant.time_zone)


async def publish_office_hours(
    session: AsyncSession, jobs: Jobs, row: RoutingObjectRow, action: Action, *, by: str
) -> None:
    """Defer the jobs that follow a change of office hours.

    Its id stands in the plans of what names it. Others are made after it and removed before it, but the
    tenant's own appears and disappears in the plans of all that name none.
    """
    is_tenants = row.name == TENANT_HOURS and action is not Action.CHANGED
    rendered = is_tenants and await plans.has_rule_without_hours(session, row.tenant_id)
    change = ObjectChange(kind=ObjectKind.OFFICE_HOURS, name=row.name, action=action, by=by)
    await defer_change(
        session,
        jobs,
        tenant_id=row.tenant_id,
        numbers=await plans.numbers_using(session, row.tenant_id, TENANT_HOURS) if is_tenants else (),
        change=change,
        hours=row.id,
        rendered=rendered,
    )


async def state_at(db: Database, *, tenant_id: UUID, name: str, at: datetime) -> HoursState:
    """Say what office hours are at a moment; raises NotFound."""
    async with db.transaction() as session:
        row = await objects.find(session, tenant_id, RoutingKind.OFFICE_HOURS, name)
        if row is None:
            raise NotFound("There is no office hours with this name.", error_id="no-such-office-hours")
        schedule = cast("OfficeHours", object_values(row).settings)
    # A year may be looked through: not on the loop that serves everybody.
    until = await asyncio.to_thread(schedule.next_change, at)
    return HoursState(at=at, hours=schedule.at(at), until=until)


async def toggle_closed_now(db: Database, jobs: Jobs, *, tenant_id: UUID, by: str) -> bool:
    """Close the tenant's own office hours, or take that back; say whether they are closed now.

    Without any it makes some that are open otherwise. One transaction. Raises NotFound for a tenant that
    is gone.
    """
    try:
        closed = await _toggle(db, jobs, tenant_id, by)
    except IntegrityError as error:
        if constraint_of(error) != "ix_routing_objects_named":
            raise
        # Two were the first at once: this one comes second.
        closed = await _toggle(db, jobs, tenant_id, by)
    structlog.get_logger().info("office_hours.toggled", tenant_id=str(tenant_id), closed_now=closed, by=by)
    return closed


async def _toggle(db: Database, jobs: Jobs, tenant_id: UUID, by: str) -> bool:
    async with db.transaction() as session:
        row = await objects.find(session, tenant_id, RoutingKind.OFFICE_HOURS, TENANT_HOURS, lock=True)
        if row is None:
            await _make_closed(session, jobs, tenant_id, by)
            return True
        before = cast("OfficeHours", object_values(row).settings)
        after = dataclasses.replace(before, closed_now=not before.closed_now)
        row = await objects.update_values(session, row.id, {"settings": to_document(after)})
        await publish_office_hours(session, jobs, row, Action.CHANGED, by=by)
        return after.closed_now


async def _make_closed(session: AsyncSession, jobs: Jobs, tenant_id: UUID, by: str) -> None:
    tenant = await tenants.get(session, tenant_id)
    if tenant is None:
        raise NotFound("There is no such tenant.", error_id="no-such-tenant")
    schedule = OfficeHours(time_zone=tenant.time_zone, closed_now=True)
    row = RoutingObjectRow(
        id=uuid4(),
        tenant_id=tenant_id,
        kind=RoutingKind.OFFICE_HOURS.value,
        number=None,
        name=TENANT_HOURS,
        settings=to_document(schedule),
    )
    await objects.insert(session, row)
    await published_objects.add_schedule(session, row)
    await publish_office_hours(session, jobs, row, Action.ADDED, by=by)
