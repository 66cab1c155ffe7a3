"""Queries of pointers: which object points at which number."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, delete, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.destination import Pointer
from controlplane.domain.routing.extension_rules import ExtensionRules
from controlplane.domain.routing.kinds import RoutingKind, Settings
from controlplane.storage.routing.documents import rules_from, settings_from
from controlplane.storage.tables import ExtensionRow, MailboxRow, NumberRow, PointerRow, RoutingObjectRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PointingObject:
    """Something that points at a number. `number` is its own, None for what has only a name."""

    object_id: UUID
    kind: str
    number: str | None
    name: str
    slot: str


async def replace(
    session: AsyncSession, *, tenant_id: UUID, object_id: UUID, pointers: Iterable[Pointer]
) -> None:
    """Note all that an object points at, instead of what was noted before.

    Raises IntegrityError of `fk_pointers_number` for a number that nobody has.
    """
    await remove(session, object_id)
    rows = [
        {"object_id": object_id, "slot": one.slot, "tenant_id": tenant_id, "number": one.number}
        for one in pointers
    ]
    if rows:
        await session.execute(insert(PointerRow), rows)


async def remove(session: AsyncSession, object_id: UUID) -> None:
    """Forget what an object points at."""
    await session.execute(delete(PointerRow).where(PointerRow.object_id == object_id))


async def pointing_at(
    session: AsyncSession,
    tenant_id: UUID,
    number: str,
    *,
    limit: int | None = 200,
    after: tuple[str, str, str] | None = None,
) -> list[PointingObject]:
    """Return who points at a number, by kind, number or name, and slot; after these three of one of them."""
    of_mailbox = case((MailboxRow.id.is_not(None), "mailbox"))
    kind = func.coalesce(RoutingObjectRow.kind, of_mailbox, "extension")
    number_of = func.coalesce(RoutingObjectRow.number, ExtensionRow.number, MailboxRow.number)
    name = func.coalesce(RoutingObjectRow.name, ExtensionRow.display_name, MailboxRow.display_name, "")
    key = tuple_(kind.collate("C"), func.coalesce(number_of, name).collate("C"), PointerRow.slot.collate("C"))
    query = (
        select(PointerRow.object_id, kind, number_of, name, PointerRow.slot)
        .outerjoin(RoutingObjectRow, RoutingObjectRow.id == PointerRow.object_id)
        .outerjoin(ExtensionRow, ExtensionRow.id == PointerRow.object_id)
        .outerjoin(MailboxRow, MailboxRow.id == PointerRow.object_id)
        .where(PointerRow.tenant_id == tenant_id, PointerRow.number == number)
        .order_by(key)
        .limit(limit)
    )
    if after is not None:
        query = query.where(key > tuple_(*after))
    return [
        PointingObject(object_id=row[0], kind=row[1], number=row[2], name=row[3], slot=row[4])
        for row in await session.execute(query)
    ]


async def settings_of(
    session: AsyncSession, object_ids: Collection[UUID]
) -> dict[UUID, Settings | ExtensionRules]:
    """Return what is set of these objects: settings, or the rules of an extension."""
    rows = await session.execute(
        select(RoutingObjectRow.id, RoutingObjectRow.kind, RoutingObjectRow.settings).where(
            RoutingObjectRow.id.in_(object_ids)
        )
    )
    ruled = await session.execute(
        select(ExtensionRow.id, ExtensionRow.rules).where(ExtensionRow.id.in_(object_ids))
    )
    found: dict[UUID, Settings | ExtensionRules] = {
        object_id: settings_from(RoutingKind(kind), settings) for object_id, kind, settings in rows
    }
    return found | {object_id: rules_from(rules) for object_id, rules in ruled}


async def kinds_of(session: AsyncSession, tenant_id: UUID, numbers: Collection[str]) -> dict[str, str]:
    """Return the kinds of those of the numbers that somebody has, locked until the transaction ends.

    Nobody can free one of them meanwhile.
    """
    rows = await session.execute(
        select(NumberRow.number, NumberRow.kind)
        .where(NumberRow.tenant_id == tenant_id, NumberRow.number.in_(numbers))
        .order_by(NumberRow.number)
        .with_for_update(read=True, key_share=True)
    )
    return dict(rows.all())


async def lock_objects(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Let nobody else change the mailboxes and routing objects with these ids until the transaction ends."""
    await session.execute(
        select(MailboxRow.id).where(MailboxRow.id.in_(ids)).order_by(MailboxRow.id).with_for_update()
    )
    await session.execute(
        select(RoutingObjectRow.id)
        .where(RoutingObjectRow.id.in_(ids))
        .order_by(RoutingObjectRow.id)
        .with_for_update()
    )


async def mailboxes_of(session: AsyncSession, ids: Collection[UUID]) -> list[MailboxRow]:
    """Return those of the ids that are mailboxes."""
    query = select(MailboxRow).where(MailboxRow.id.in_(ids)).order_by(MailboxRow.id)
    return list(await session.scalars(query.execution_options(populate_existing=True)))


async def rows_of(session: AsyncSession, ids: Collection[UUID]) -> list[ExtensionRow | RoutingObjectRow]:
    """Return the extensions and routing objects with these ids."""
    ruled = select(ExtensionRow).where(ExtensionRow.id.in_(ids)).order_by(ExtensionRow.id)
    routing = select(RoutingObjectRow).where(RoutingObjectRow.id.in_(ids)).order_by(RoutingObjectRow.id)
    fresh = {"populate_existing": True}
    return [
        *await session.scalars(ruled.execution_options(**fresh)),
        *await session.scalars(routing.execution_options(**fresh)),
    ]
