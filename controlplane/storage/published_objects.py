"""The copies of what is published of tenants that publish by hand: taken, put in place, given up.

A copy is taken by one statement, so that it is what the tables say at one moment, and the changes that are
noted as being in it are just those. It is `next` while it is being published, and takes the place of the one
before when the switch was seen to run it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import TextClause, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.domain.routing.kinds import RoutingKind
from controlplane.domain.routing.trunk import Trunk
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.tables import PublishedObjectRow as Row
from controlplane.storage.tables import PublishingModeRow, RoutingObjectRow, TenantRow

# Keys of `settings` that no table has: who is logged out of a queue.
LOGGED_OUT: Final = "logged_out"
TENANT: Final = "tenant"
FEATURE_CODE: Final = "feature-code"
EXTENSION: Final = "extension"
MAILBOX: Final = "mailbox"

_OBJECTS: Final = """
    SELECT 'tenant' AS kind, id::text AS key, NULL::text AS number, name,
           jsonb_build_object('sip_domain', sip_domain, 'language', language) AS settings
      FROM tenants WHERE id = :tenant_id
    UNION ALL
    SELECT 'feature-code', code, NULL, feature, '{}'
      FROM feature_codes WHERE tenant_id = :tenant_id AND enabled
    UNION ALL
    SELECT 'extension', id::text, number, display_name,
           jsonb_build_object('sip_a1_hash', sip_a1_hash, 'rules', rules)
      FROM extensions WHERE tenant_id = :tenant_id
    UNION ALL
    SELECT 'mailbox', id::text, number, display_name,
           jsonb_build_object('language', language, 'max_message_seconds', max_message_seconds)
      FROM mailboxes WHERE tenant_id = :tenant_id AND deleted_at IS NULL
    UNION ALL
    SELECT kind, id::text, number, name,
           CASE kind WHEN 'call-queue' THEN settings || jsonb_build_object('logged_out', (
               SELECT coalesce(jsonb_agg(agent.number), '[]') FROM queue_agents AS agent
                WHERE agent.queue_id = routing_objects.id AND NOT agent.logged_in
           )) ELSE settings END
      FROM routing_objects WHERE tenant_id = :tenant_id
"""
_COPY: Final = text(
    f"""
WITH objects AS ({_OBJECTS}), copied AS (
    INSERT INTO published_objects (tenant_id, is_next, kind, key, number, name, settings)
    SELECT :tenant_id, :is_next, kind, key, number, name, settings FROM objects
), waiting AS (
    SELECT coalesce(array_agg(id), '{{}}') AS ids
      FROM configuration_changes WHERE tenant_id = :tenant_id AND live_at IS NULL
)
UPDATE publishing_modes
   SET copied_at = now(),
       live_changes = CASE WHEN :is_next THEN live_changes ELSE waiting.ids END,
       next_changes = CASE WHEN :is_next THEN waiting.ids END,
       failed_revision = NULL
  FROM waiting
 WHERE tenant_id = :tenant_id
"""  # noqa: S608 (of constants)
).bindparams(bindparam("tenant_id", type_=Uuid()))
_NAMED: Final = "(kind = 'feature-code' OR number = ANY(:names) OR number IS NULL AND name = ANY(:names))"
_NOW: Final = text(
    f"SELECT kind, key, number, name, settings FROM ({_OBJECTS}) AS objects WHERE {_NAMED}"  # noqa: S608
).bindparams(bindparam("tenant_id", type_=Uuid()))
_PUBLISHED: Final = text(
    "SELECT kind, key, number, name, settings FROM published_objects"  # noqa: S608
    f" WHERE tenant_id = :tenant_id AND NOT is_next AND {_NAMED}"
).bindparams(bindparam("tenant_id", type_=Uuid()))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as the tables or a copy have it; its `settings` hold digests and passwords."""

    kind: str
    key: str
    number: str | None
    name: str
    settings: dict[str, Any] = field(repr=False)


async def published(session: AsyncSession, tenant_id: UUID, names: Collection[str]) -> list[StoredObject]:
    """Return the objects with these numbers or names as they are published, and all feature codes."""
    return await _named(session, _PUBLISHED, tenant_id, names)


async def now(session: AsyncSession, tenant_id: UUID, names: Collection[str]) -> list[StoredObject]:
    """Return them as the tables say."""
    return await _named(session, _NOW, tenant_id, names)


async def _named(
    session: AsyncSession, query: TextClause, tenant_id: UUID, names: Collection[str]
) -> list[StoredObject]:
    rows = await session.execute(query, {"tenant_id": tenant_id, "names": list(names)})
    return [
        StoredObject(kind=kind, key=key, number=number, name=name, settings=settings)
        for kind, key, number, name, settings in rows
    ]


async def copy(session: AsyncSession, tenant_id: UUID, *, is_next: bool) -> None:
    """Copy a tenant as the tables say that it is, in the place of an earlier copy of that kind.

    Who changes the tenant waits until the transaction ends, and this waits for who does: what somebody gives
    up that others may have then, a SIP domain or a trunk's address, is in a copy that they see, or in none.
    """
    await session.execute(select(TenantRow.id).where(TenantRow.id == tenant_id).with_for_update())
    await session.execute(delete(Row).where(Row.tenant_id == tenant_id, Row.is_next == is_next))
    await session.execute(_COPY, {"tenant_id": tenant_id, "is_next": is_next})


async def start_empty(session: AsyncSession, tenant_id: UUID) -> None:
    """Note of a tenant that nothing of it is published."""
    await session.execute(
        update(PublishingModeRow).where(PublishingModeRow.tenant_id == tenant_id).values(copied_at=func.now())
    )


async def being_published(session: AsyncSession) -> list[UUID]:
    """Return the tenants of which a copy is being published."""
    return list(
        await session.scalars(
            select(PublishingModeRow.tenant_id).where(PublishingModeRow.next_changes.is_not(None))
        )
    )


async def put_in_place(session: AsyncSession, tenant_ids: Sequence[UUID]) -> None:
    """Have the copies that were being published be what is published."""
    await session.execute(delete(Row).where(Row.tenant_id.in_(tenant_ids), Row.is_next.is_(False)))
    await session.execute(
        update(Row)
        .where(Row.tenant_id.in_(tenant_ids))
        .values(is_next=False)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(PublishingModeRow)
        .where(PublishingModeRow.tenant_id.in_(tenant_ids))
        .values(
            live_changes=PublishingModeRow.next_changes,
            next_changes=None,
            files_wait=PublishingModeRow.files_wait + 1,
        )
    )


async def give_up(session: AsyncSession, tenant_ids: Sequence[UUID], *, failed_revision: int | None) -> None:
    """Forget the copies that were being published: what was published before is so still."""
    await session.execute(delete(Row).where(Row.tenant_id.in_(tenant_ids), Row.is_next))
    await session.execute(
        update(PublishingModeRow)
        .where(PublishingModeRow.tenant_id.in_(tenant_ids))
        .values(
            next_changes=None, failed_revision=failed_revision, files_wait=PublishingModeRow.files_wait + 1
        )
    )


async def forget(session: AsyncSession, tenant_id: UUID) -> None:
    """Forget all copies of a tenant: the tables say what is published."""
    await session.execute(delete(Row).where(Row.tenant_id == tenant_id))
    await session.execute(
        update(PublishingModeRow)
        .where(PublishingModeRow.tenant_id == tenant_id)
        .values(
            copied_at=None,
            live_changes=[],
            next_changes=None,
            failed_revision=None,
            files_wait=PublishingModeRow.files_wait + 1,
        )
    )


async def add_schedule(session: AsyncSession, row: RoutingObjectRow) -> None:
    """Have office hours that a phone made count at once, where the tenant publishes by hand."""
    stages = [False]
    mode = await session.scalar(
        select(PublishingModeRow).where(
            PublishingModeRow.tenant_id == row.tenant_id, PublishingModeRow.mode == Mode.MANUAL.value
        )
    )
    if mode is None or mode.copied_at is None:
        return
    if mode.next_changes is not None:
        stages.append(True)
    session.add_all(
        Row(
            tenant_id=row.tenant_id,
            is_next=is_next,
            kind=row.kind,
            key=str(row.id),
            number=None,
            name=row.name,
            settings=row.settings,
        )
        for is_next in stages
    )
    await session.flush()


async def receptionists(session: AsyncSession, tenant_id: UUID) -> list[UUID]:
    """Return the ids of the virtual receptionists that a tenant has, or that are published of it."""
    kind = RoutingKind.VIRTUAL_RECEPTIONIST.value
    current = select(RoutingObjectRow.id).where(
        RoutingObjectRow.tenant_id == tenant_id, RoutingObjectRow.kind == kind
    )
    published = select(Row.key).where(Row.tenant_id == tenant_id, Row.kind == kind)
    return sorted({*await session.scalars(current), *map(UUID, await session.scalars(published))})


async def has_domain(session: AsyncSession, sip_domain: str, *, but: UUID) -> bool:
    """Say whether a tenant other than this one keeps a SIP domain until its changes are published."""
    found = await session.scalar(
        select(Row.tenant_id)
        .where(Row.kind == TENANT, Row.tenant_id != but, Row.settings["sip_domain"].astext == sip_domain)
        .limit(1)
    )
    return found is not None


async def trunks_of_others(session: AsyncSession, tenant_id: UUID) -> list[Trunk]:
    """Return the trunks that tenants other than this one keep until their changes are published."""
    found = await session.scalars(
        select(Row.settings).where(Row.kind == RoutingKind.TRUNK.value, Row.tenant_id != tenant_id)
    )
    return [cast("Trunk", settings_from(RoutingKind.TRUNK, settings)) for settings in found]
