"""Queries of the objects that route calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.routing.kinds import RoutingKind, RoutingObject
from controlplane.storage.paging import Page, contains, cut
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.tables import ExtensionRow
from controlplane.storage.tables import RoutingObjectRow as Row


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingObject:
    """Something that names office hours or a trunk. `number` is its own, None for what has only a name."""

    object_id: UUID
    kind: str
    number: str | None
    name: str


def object_values(row: Row) -> RoutingObject:
    """Return what a row says."""
    kind = RoutingKind(row.kind)
    return RoutingObject(
        id=row.id,
        tenant_id=row.tenant_id,
        kind=kind,
        number=row.number,
        name=row.name,
        settings=settings_from(kind, row.settings),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def insert(session: AsyncSession, row: Row) -> None:
    """Add one; raises IntegrityError of `ix_routing_objects_named` when the name is taken."""
    session.add(row)
    await session.flush()
    await session.refresh(row)


async def find(
    session: AsyncSession, tenant_id: UUID, kind: RoutingKind, key: str, *, lock: bool = False
) -> Row | None:
    """Return the object of this number, or for a kind without numbers of this name."""
    column = Row.number if kind.number_kind else Row.name
    query = select(Row).where(Row.tenant_id == tenant_id, Row.kind == kind.value, column == key)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def page(
    session: AsyncSession,
    *,
    tenant_id: UUID,
    kind: RoutingKind,
    q: str | None,
    limit: int,
    after: str | None,
) -> Page[RoutingObject]:
    """List objects of a kind in the order of their digits or names, after one; `q` is a part of either."""
    key = (Row.number if kind.number_kind else Row.name).collate("C")
    query = select(Row).where(Row.tenant_id == tenant_id, Row.kind == kind.value)
    if after is not None:
        query = query.where(key > after)
    if q:
        query = query.where(or_(contains(Row.number, q), contains(Row.name, q)))
    rows = await session.scalars(query.order_by(key).limit(limit + 1))
    return cut([object_values(row) for row in rows], limit)


async def update_values(session: AsyncSession, object_id: UUID, values: dict[str, Any]) -> Row:
    """Change an object, and count its version up."""
    changed = await session.scalars(
        update(Row)
        .where(Row.id == object_id)
        .values(**values, version=Row.version + 1, updated_at=func.now())
        .returning(Row)
        .execution_options(populate_existing=True)
    )
    return changed.one()


async def remove(session: AsyncSession, object_id: UUID) -> None:
    """Remove an object."""
    await session.execute(delete(Row).where(Row.id == object_id))


async def all_of(
    session: AsyncSession, tenant_id: UUID, kinds: Collection[RoutingKind] | None = None
) -> list[RoutingObject]:
    """Return all objects of a tenant, of some kinds or of all, by kind, number and name."""
    query = select(Row).where(Row.tenant_id == tenant_id).order_by(Row.kind, Row.number, Row.name)
    if kinds is not None:
        query = query.where(Row.kind.in_([kind.value for kind in kinds]))
    return [object_values(row) for row in await session.scalars(query)]


async def everywhere(session: AsyncSession, kind: RoutingKind, *, lock: bool = False) -> list[RoutingObject]:
    """Return the objects of a kind of all tenants; with `lock` one after the other who ask so."""
    if lock:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"routing:{kind.value}"))))
    return [object_values(row) for row in await session.scalars(select(Row).where(Row.kind == kind.value))]


async def hold(session: AsyncSession, tenant_id: UUID, kind: RoutingKind, name: str) -> bool:
    """Say whether there is one of this name, which nobody then deletes until the transaction ends."""
    query = select(Row.id).where(Row.tenant_id == tenant_id, Row.kind == kind.value, Row.name == name)
    return (await session.scalar(query.with_for_update(read=True, key_share=True))) is not None


async def naming(
    session: AsyncSession, tenant_id: UUID, field: str, name: str, *, limit: int | None
) -> list[NamingObject]:
    """Return what has this name in a field of its settings, by number and name, extensions last."""
    rows = await session.execute(
        select(Row.id, Row.kind, Row.number, Row.name)
        .where(Row.tenant_id == tenant_id, Row.settings[field].astext == name)
        .order_by(Row.number, Row.name)
        .limit(limit)
    )
    found = [NamingObject(object_id=row[0], kind=row[1], number=row[2], name=row[3]) for row in rows]
    if limit is None or len(found) < limit:
        extensions = await session.execute(
            select(ExtensionRow.id, ExtensionRow.number, ExtensionRow.display_name)
            .where(ExtensionRow.tenant_id == tenant_id, ExtensionRow.rules[field].astext == name)
            .order_by(ExtensionRow.number)
            .limit(None if limit is None else limit - len(found))
        )
        found += [
            NamingObject(object_id=row[0], kind="extension", number=row[1], name=row[2]) for row in extensions
        ]
    return found
