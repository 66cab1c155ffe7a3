"""Queries of the changes of objects on their way to the switch, and of the revisions that take them along."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode, ObjectChange
from controlplane.storage.audit import name_author
from controlplane.storage.tables import ConfigurationChangeRow as Change
from controlplane.storage.tables import ConfigurationRevisionChangeRow as Covered
from controlplane.storage.tables import PublishingModeRow as Modes
from controlplane.storage.tables import TenantRow

# More of them nobody reads; the count of the others is told.
SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedChange:
    """A change as it is told; `name` is a number, a tenant's name or a code."""

    kind: str
    name: str
    action: str
    fields: tuple[str, ...]
    author: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedChanges:
    """The newest changes, newest last, and how many older ones were left out."""

    items: tuple[NotedChange, ...] = ()
    left_out: int = 0


async def note(session: AsyncSession, tenant_id: UUID, change: ObjectChange) -> None:
    """Note a change, in the transaction of the change itself."""
    await _hold(session, tenant_id, change.by)
    await _insert(session, tenant_id, change)


async def note_held(session: AsyncSession, tenant_id: UUID, change: ObjectChange) -> None:
    """Note a change that no revision takes along, if its tenant publishes by hand."""
    await _hold(session, tenant_id, change.by)
    found = await session.scalar(
        select(Modes.tenant_id).where(Modes.tenant_id == tenant_id, Modes.mode == Mode.MANUAL.value)
    )
    if found is not None:
        await _insert(session, tenant_id, change)


async def _hold(session: AsyncSession, tenant_id: UUID, by: str) -> None:
    """Have who copies the tenant wait for this transaction, or wait for that; name the author of it."""
    await name_author(session, by)
    tenant = select(TenantRow.id).where(TenantRow.id == tenant_id)
    await session.execute(tenant.with_for_update(key_share=True, read=True))


async def _insert(session: AsyncSession, tenant_id: UUID, change: ObjectChange) -> None:
    await session.execute(
        insert(Change).values(
            tenant_id=tenant_id,
            kind=change.kind.value,
            name=change.name,
            action=change.action.value,
            fields=list(change.fields),
            author=change.by,
        )
    )


async def waiting_ids(session: AsyncSession, *, current: Collection[UUID] = ()) -> list[int]:
    """Return the ids of all changes that are not live yet, and that a revision takes along, oldest first.

    Of a tenant that publishes by hand, and is not in `current`, these are those in its copy. Asked before the
    objects are read: each of these is in what is read afterwards.
    """
    copied = func.coalesce(Modes.next_changes, Modes.live_changes)
    query = (
        select(Change.id)
        .outerjoin(
            Modes,
            (Modes.tenant_id == Change.tenant_id)
            & (Modes.mode == Mode.MANUAL.value)
            & Modes.copied_at.is_not(None)
            & Modes.tenant_id.not_in(current),
        )
        .where(Change.live_at.is_(None), or_(Modes.tenant_id.is_(None), Change.id == func.any(copied)))
    )
    return list(await session.scalars(query.order_by(Change.id)))


async def waits_by_hand(session: AsyncSession, tenant_id: UUID | None) -> bool:
    """Say whether a change of this tenant, or of any, waits for a person to publish it."""
    query = (
        select(Change.id)
        .join(Modes, (Modes.tenant_id == Change.tenant_id) & (Modes.mode == Mode.MANUAL.value))
        .where(Change.live_at.is_(None), Change.id != func.all(Modes.live_changes))
    )
    if tenant_id is not None:
        query = query.where(Change.tenant_id == tenant_id)
    return await session.scalar(query.limit(1)) is not None


async def last_author(session: AsyncSession, change_ids: Sequence[int]) -> str | None:
    """Return who made the newest of these changes."""
    return await session.scalar(
        select(Change.author)
        .where(Change.id == func.any(list(change_ids)))
        .order_by(Change.id.desc())
        .limit(1)
    )


async def cover(session: AsyncSession, revision_id: int, change_ids: Sequence[int]) -> None:
    """Note that a revision takes these changes along; those that it has already stay."""
    if not change_ids:
        return
    found = select(literal(revision_id), Change.id).where(Change.id == func.any(list(change_ids)))
    await session.execute(
        insert_or(Covered).from_select(["revision_id", "change_id"], found).on_conflict_do_nothing()
    )


async def settle(session: AsyncSession, change_ids: Sequence[int]) -> None:
    """Note that these changes are live, as what the switch runs already is what they lead to."""
    if change_ids:
        await session.execute(
            update(Change)
            .where(Change.id == func.any(list(change_ids)), Change.live_at.is_(None))
            .values(live_at=func.now())
        )


async def settle_revision(session: AsyncSession, revision_id: int) -> None:
    """Note that the changes of a revision are live."""
    covered = select(Covered.change_id).where(Covered.revision_id == revision_id)
    await session.execute(
        update(Change).where(Change.id.in_(covered), Change.live_at.is_(None)).values(live_at=func.now())
    )


async def waiting(session: AsyncSession, tenant_id: UUID | None) -> NotedChanges:
    """Return the changes that are not live yet, of one tenant or of all."""
    return await _noted(session, select(Change).where(Change.live_at.is_(None)), tenant_id)


async def waiting_objects(session: AsyncSession, tenant_id: UUID, *, most: int) -> int:
    """Count the objects of a tenant with changes that are not live yet, up to `most` of them."""
    some = (
        select(Change.kind, Change.name)
        .where(Change.live_at.is_(None), Change.tenant_id == tenant_id)
        .distinct()
        .limit(most)
    )
    return await session.scalar(select(func.count()).select_from(some.subquery())) or 0


async def of_revision(session: AsyncSession, revision_id: int, tenant_id: UUID | None) -> NotedChanges:
    """Return the changes that a revision took along, of one tenant or of all."""
    query = select(Change).join(Covered, Covered.change_id == Change.id)
    return await _noted(session, query.where(Covered.revision_id == revision_id), tenant_id)


async def _noted(session: AsyncSession, query: Any, tenant_id: UUID | None) -> NotedChanges:
    if tenant_id is not None:
        query = query.where(Change.tenant_id == tenant_id)
    count = await session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows: list[Any] = list(await session.scalars(query.order_by(Change.id.desc()).limit(SHOWN)))
    return NotedChanges(
        items=tuple(
            NotedChange(
                kind=row.kind,
                name=row.name,
                action=row.action,
                fields=tuple(row.fields),
                author=row.author,
                changed_at=row.changed_at,
            )
            for row in reversed(rows)
        ),
        left_out=count - len(rows),
    )
