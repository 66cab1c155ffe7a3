"""Queries of what a call meets at a virtual receptionist; as published where that is done by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import Mode
from controlplane.domain.routing.hours import ALWAYS_OPEN, OfficeHours
from controlplane.domain.routing.kinds import TENANT_HOURS, RoutingKind
from controlplane.domain.routing.receptionist import VirtualReceptionist
from controlplane.storage.published_objects import EXTENSION
from controlplane.storage.routing.documents import settings_from
from controlplane.storage.routing.published_plans import is_held
from controlplane.storage.tables import (
    ExtensionRow,
    PublishedObjectRow,
    PublishingModeRow,
    RoutingObjectRow,
    TenantRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReceptionist:
    """A virtual receptionist and its tenant's language.

    `held`: its tenant publishes by hand, and these are the settings that are published. `gone`: it is
    deleted, and that is not published.
    """

    id: UUID
    tenant_id: UUID
    number: str
    settings: VirtualReceptionist
    language: str
    held: bool = False
    gone: bool = False


async def receptionist(session: AsyncSession, object_id: UUID) -> FoundReceptionist | None:
    """Return a virtual receptionist as calls meet it; one that is not published yet as it will be."""
    kind = RoutingKind.VIRTUAL_RECEPTIONIST
    published = (
        await session.execute(
            select(
                PublishedObjectRow.tenant_id,
                PublishedObjectRow.number,
                PublishedObjectRow.settings,
                TenantRow.language,
                RoutingObjectRow.id,
            )
            .join(TenantRow, TenantRow.id == PublishedObjectRow.tenant_id)
            .join(PublishingModeRow, PublishingModeRow.tenant_id == PublishedObjectRow.tenant_id)
            .outerjoin(RoutingObjectRow, RoutingObjectRow.id == object_id)
            .where(
                PublishedObjectRow.key == str(object_id),
                PublishedObjectRow.kind == kind.value,
                PublishedObjectRow.is_next.is_(False),
                PublishingModeRow.mode == Mode.MANUAL.value,
            )
        )
    ).one_or_none()
    if published is not None:
        tenant_id, number, settings, language, exists = published
        return _found(object_id, tenant_id, number, settings, language, held=True, gone=exists is None)
    row = (
        await session.execute(
            select(
                RoutingObjectRow.tenant_id,
                RoutingObjectRow.number,
                RoutingObjectRow.settings,
                TenantRow.language,
            )
            .join(TenantRow, TenantRow.id == RoutingObjectRow.tenant_id)
            .where(RoutingObjectRow.id == object_id, RoutingObjectRow.kind == kind.value)
        )
    ).one_or_none()
    return None if row is None else _found(object_id, *row)


def _found(
    object_id: UUID,
    tenant_id: UUID,
    number: str | None,
    settings: dict[str, Any],
    language: str,
    *,
    held: bool = False,
    gone: bool = False,
) -> FoundReceptionist:
    return FoundReceptionist(
        id=object_id,
        tenant_id=tenant_id,
        number=number or "",
        settings=cast("VirtualReceptionist", settings_from(RoutingKind.VIRTUAL_RECEPTIONIST, settings)),
        language=language,
        held=held,
        gone=gone,
    )


async def office_hours(
    session: AsyncSession, tenant_id: UUID, name: str | None, *, held: bool = False
) -> OfficeHours:
    """Return the office hours of this name, for None the tenant's; where there are none it is always open.

    With `held` those that are published, but closed now if that was said.
    """
    kind, key = RoutingKind.OFFICE_HOURS, name or TENANT_HOURS
    current = (
        await session.execute(
            select(RoutingObjectRow.id, RoutingObjectRow.settings).where(
                RoutingObjectRow.tenant_id == tenant_id,
                RoutingObjectRow.kind == kind.value,
                RoutingObjectRow.name == key,
            )
        )
    ).one_or_none()
    now = None if current is None else cast("OfficeHours", settings_from(kind, current[1]))
    if not held:
        return now or ALWAYS_OPEN
    published = (
        await session.execute(
            select(PublishedObjectRow.key, PublishedObjectRow.settings).where(
                *_published(tenant_id, kind.value), PublishedObjectRow.name == key
            )
        )
    ).one_or_none()
    if published is None:
        return ALWAYS_OPEN
    schedule = cast("OfficeHours", settings_from(kind, published[1]))
    same = current is not None and now is not None and str(current[0]) == published[0]
    return dataclasses.replace(schedule, closed_now=now.closed_now) if same and now else schedule


async def owned_mailboxes(
    session: AsyncSession, tenant_id: UUID, extensions: Collection[str], *, held: bool = False
) -> dict[str, str]:
    """Return the numbers of the mailboxes that these extensions own, by the extension's."""
    if not extensions:
        return {}
    query: Select[Any]
    if held:
        mailbox = PublishedObjectRow.settings["rules"]["mailbox"].astext
        query = select(PublishedObjectRow.number, mailbox).where(
            *_published(tenant_id, EXTENSION),
            PublishedObjectRow.number.in_(extensions),
            mailbox.is_not(None),
        )
    else:
        mailbox = ExtensionRow.rules["mailbox"].astext
        query = select(ExtensionRow.number, mailbox).where(
            ExtensionRow.tenant_id == tenant_id, ExtensionRow.number.in_(extensions), mailbox.is_not(None)
        )
    return dict((await session.execute(query)).all())


async def extensions_from(session: AsyncSession, tenant_id: UUID, digits: str) -> list[str]:
    """Return the first two of the extensions whose numbers begin with these digits, the shortest first."""
    conditions: list[Any]
    number: Any
    if await is_held(session, tenant_id):
        number, conditions = PublishedObjectRow.number, _published(tenant_id, EXTENSION)
    else:
        number, conditions = ExtensionRow.number, [ExtensionRow.tenant_id == tenant_id]
    # Digits come before letters in every collation, so that the index of the numbers serves.
    found = await session.scalars(
        select(number).where(*conditions, number >= digits, number < f"{digits}a").order_by(number).limit(2)
    )
    return list(found)


def _published(tenant_id: UUID, kind: str) -> list[Any]:
    return [
        PublishedObjectRow.tenant_id == tenant_id,
        PublishedObjectRow.is_next.is_(False),
        PublishedObjectRow.kind == kind,
    ]
