"""What route files and the files of office hours say: of a tenant that publishes by hand, as it is published.

What people switch by phone counts at once all the same: do not disturb, closed now, and who is logged in at a
queue. It is taken from the tables, as long as the object is still there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.domain.numbers import NumberKind
from controlplane.domain.routing.hours import OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.domain.routing.plan import PlanContext, Routed, plan_of
from controlplane.storage.published_objects import EXTENSION, LOGGED_OUT
from controlplane.storage.routing import plans
from controlplane.storage.routing.documents import rules_from, settings_from
from controlplane.storage.routing.plans import Owner
from controlplane.storage.tables import ExtensionRow, PublishingModeRow, QueueAgentRow, RoutingObjectRow
from controlplane.storage.tables import PublishedObjectRow as Row

_ROUTING = {kind.value for kind in RoutingKind}
_NUMBERED = [kind.value for kind in NumberKind]


async def is_held(session: AsyncSession, tenant_id: UUID) -> bool:
    """Say whether a tenant publishes by hand, and so has a copy."""
    found = await session.scalar(
        select(PublishingModeRow.tenant_id).where(
            PublishingModeRow.tenant_id == tenant_id,
            PublishingModeRow.mode == Mode.MANUAL.value,
            PublishingModeRow.copied_at.is_not(None),
        )
    )
    return found is not None


async def owners(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str] | None = None
) -> dict[str, Owner]:
    """Return who owns these numbers of a tenant, as `plans.owners` does, as far as that is published."""
    if not await is_held(session, tenant_id):
        return await plans.owners(session, tenant_id, numbers)
    numbered = [Row.tenant_id == tenant_id, Row.is_next.is_(False), Row.kind.in_(_NUMBERED)]
    if numbers is not None:
        numbered.append(Row.number.in_(numbers))
    found = {
        number or "": Owner(kind=kind, object_id=UUID(key))
        for number, kind, key in await session.execute(select(Row.number, Row.kind, Row.key).where(*numbered))
    }
    disturbed = await _disturbed(session, tenant_id, numbers)
    # Mailboxes, extensions without rules: most are such, and have no plan.
    ruled = (Row.kind == EXTENSION) & (Row.settings["rules"].astext != "{}")
    with_plans = or_(
        Row.kind.in_(_ROUTING), ruled, Row.key.in_([str(one) for one, on in disturbed.items() if on])
    )
    rows = await session.scalars(select(Row).where(*numbered, with_plans))
    routed = {row.number or "": _routed(row, disturbed) for row in rows}
    if not routed:
        return found
    around = await session.scalars(
        select(Row).where(
            Row.tenant_id == tenant_id,
            Row.is_next.is_(False),
            or_(
                Row.kind.in_((RoutingKind.OFFICE_HOURS.value, RoutingKind.CALL_QUEUE.value)),
                (Row.kind == EXTENSION) & Row.settings["rules"]["mailbox"].astext.is_not(None),
            ),
        )
    )
    context = plan_context_of(list(around), absent=await _absent(session, tenant_id))
    for number, one in routed.items():
        found[number] = dataclasses.replace(found[number], plan=plan_of(one, context, number=number))
    return found


async def numbers_that_go(session: AsyncSession, tenant_id: UUID) -> list[str]:
    """Return the numbers that nobody has any more in what is being published of a tenant."""
    kept = select(Row.number).where(
        Row.tenant_id == tenant_id, Row.is_next.is_(True), Row.number.is_not(None)
    )
    query = select(Row.number).where(
        Row.tenant_id == tenant_id, Row.is_next.is_(False), Row.number.is_not(None), Row.number.not_in(kept)
    )
    return [number for number in await session.scalars(query) if number is not None]


async def schedules(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, OfficeHours]:
    """Return the office hours with these ids, as far as they are published."""
    found = await plans.schedules(session, ids)
    published = await _published_schedules(session, [str(one) for one in ids])
    held = await _of_held_tenants(session, ids)
    result = {one: schedule for one, schedule in found.items() if one not in held}
    for one, schedule in published.items():
        closed = found[one].closed_now if one in found else schedule.closed_now
        result[one] = dataclasses.replace(schedule, closed_now=closed)
    return result


async def schedule_ids(session: AsyncSession) -> list[UUID]:
    """Return the ids of all office hours that are published, in order."""
    everywhere = set(await plans.schedule_ids(session))
    held = await _of_held_tenants(session, everywhere)
    return sorted((everywhere - held) | (await _published_schedules(session, None)).keys())


async def schedules_of(session: AsyncSession, tenant_id: UUID) -> set[UUID]:
    """Return the ids of the office hours that a tenant has, and of those that are published of it."""
    kind = RoutingKind.OFFICE_HOURS.value
    current = await session.scalars(
        select(RoutingObjectRow.id).where(
            RoutingObjectRow.tenant_id == tenant_id, RoutingObjectRow.kind == kind
        )
    )
    published = await session.scalars(select(Row.key).where(Row.tenant_id == tenant_id, Row.kind == kind))
    return {*current, *map(UUID, published)}


def plan_context_of(
    rows: Sequence[Row], *, absent: Mapping[UUID, Mapping[str, bool]] | None = None
) -> PlanContext:
    """Return what plans need of a copy; `absent` says of queues, by id, which agents are logged out or in."""
    hours: dict[str, UUID] = {}
    owned: dict[str, str] = {}
    out: dict[str, set[str]] = {}
    for row in rows:
        if row.kind == RoutingKind.OFFICE_HOURS.value:
            hours[row.name] = UUID(row.key)
        elif row.kind == EXTENSION and (mailbox := row.settings["rules"].get("mailbox")):
            owned[row.number or ""] = mailbox
        elif row.kind == RoutingKind.CALL_QUEUE.value:
            states = dict.fromkeys(row.settings.get(LOGGED_OUT, ()), True)
            states |= (absent or {}).get(UUID(row.key), {})
            out[row.number or ""] = {agent for agent, is_out in states.items() if is_out}
    return PlanContext(
        hours=lambda name: hours.get(name or TENANT_HOURS),
        voicemail_of=owned.get,
        logged_out=lambda queue: out.get(queue, ()),
    )


def routing_settings(row: Row) -> dict[str, Any]:
    """Return the document of what routes calls, as its table has it."""
    return {key: value for key, value in row.settings.items() if key != LOGGED_OUT}


def _routed(row: Row, disturbed: Mapping[UUID, bool]) -> Routed:
    """Return what a route file has a plan of, with "do not disturb" as it is now."""
    if row.kind == EXTENSION:
        rules = rules_from(row.settings["rules"])
        switched = disturbed.get(UUID(row.key), rules.do_not_disturb)
        return dataclasses.replace(rules, do_not_disturb=switched)
    return cast("Routed", settings_from(RoutingKind(row.kind), routing_settings(row)))


async def _absent(session: AsyncSession, tenant_id: UUID) -> dict[UUID, dict[str, bool]]:
    """Return by queue which agents are logged out now, and which are not; who never chose is left out."""
    rows = await session.execute(
        select(QueueAgentRow.queue_id, QueueAgentRow.number, QueueAgentRow.logged_in)
        .join(RoutingObjectRow, RoutingObjectRow.id == QueueAgentRow.queue_id)
        .where(RoutingObjectRow.tenant_id == tenant_id)
    )
    found: dict[UUID, dict[str, bool]] = {}
    for queue, agent, logged_in in rows:
        found.setdefault(queue, {})[agent] = not logged_in
    return found


async def _disturbed(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str] | None
) -> dict[UUID, bool]:
    """Return which extensions do not want to be disturbed now, and which do."""
    query = select(ExtensionRow.id, ExtensionRow.rules["do_not_disturb"]).where(
        ExtensionRow.tenant_id == tenant_id
    )
    if numbers is not None:
        query = query.where(ExtensionRow.number.in_(numbers))
    return {extension: bool(on) for extension, on in await session.execute(query)}


async def _published_schedules(session: AsyncSession, keys: Sequence[str] | None) -> dict[UUID, OfficeHours]:
    query = select(Row.key, Row.settings).where(
        Row.is_next.is_(False), Row.kind == RoutingKind.OFFICE_HOURS.value
    )
    if keys is not None:
        query = query.where(Row.key.in_(keys))
    return {
        UUID(key): cast("OfficeHours", settings_from(RoutingKind.OFFICE_HOURS, settings))
        for key, settings in await session.execute(query)
    }


async def _of_held_tenants(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return those of these objects whose tenants publish by hand."""
    query = (
        select(RoutingObjectRow.id)
        .join(PublishingModeRow, PublishingModeRow.tenant_id == RoutingObjectRow.tenant_id)
        .where(
            RoutingObjectRow.id.in_(ids),
            PublishingModeRow.mode == Mode.MANUAL.value,
            PublishingModeRow.copied_at.is_not(None),
        )
    )
    return set(await session.scalars(query))
