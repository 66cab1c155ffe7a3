"""Queries of rendering and publishing: what is rendered, who owns numbers, how revisions fared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.storage.tables import (
    ConfigurationRevisionRow,
    ExtensionRow,
    FeatureCodeRow,
    MailboxRow,
    NumberRow,
    TenantRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredExtension:
    """What is rendered of an extension."""

    number: str
    display_name: str
    sip_a1_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredTenant:
    """What is rendered of a tenant; `feature_codes` by code."""

    id: UUID
    name: str
    sip_domain: str
    language: str
    extensions: tuple[ConfiguredExtension, ...]
    feature_codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredMailbox:
    """What is rendered of a mailbox, where it is; `languages` are the tags to try, the best first."""

    id: UUID
    tenant_id: UUID
    languages: tuple[str | None, ...]
    max_message_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The kind and the id of the object that has a number."""

    kind: str
    object_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """How the publishing of a revision went."""

    id: int
    digest: str
    state: str
    error: str | None
    created_at: datetime


async def configured_tenants(session: AsyncSession) -> list[ConfiguredTenant]:
    """Return all tenants by name, with their extensions by number and their feature codes."""
    extensions: dict[UUID, list[ConfiguredExtension]] = {}
    # Tenants are read last: one that is missing then has no extensions, one that is there has all.
    for row in await session.scalars(select(ExtensionRow).order_by(ExtensionRow.number)):
        extensions.setdefault(row.tenant_id, []).append(
            ConfiguredExtension(number=row.number, display_name=row.display_name, sip_a1_hash=row.sip_a1_hash)
        )
    codes: dict[UUID, list[tuple[str, str]]] = {}
    for code in await session.scalars(select(FeatureCodeRow).order_by(FeatureCodeRow.code)):
        codes.setdefault(code.tenant_id, []).append((code.code, code.feature))
    return [
        ConfiguredTenant(
            id=tenant.id,
            name=tenant.name,
            sip_domain=tenant.sip_domain,
            language=tenant.language,
            extensions=tuple(extensions.get(tenant.id, ())),
            feature_codes=tuple(codes.get(tenant.id, ())),
        )
        for tenant in await session.scalars(select(TenantRow).order_by(TenantRow.name))
    ]


async def configured_mailboxes(session: AsyncSession) -> list[ConfiguredMailbox]:
    """Return all mailboxes that are not deleted, by tenant and id."""
    rows = await session.execute(
        select(
            MailboxRow.id,
            MailboxRow.tenant_id,
            MailboxRow.language,
            TenantRow.language,
            MailboxRow.max_message_seconds,
        )
        .join(TenantRow, TenantRow.id == MailboxRow.tenant_id)
        .where(MailboxRow.deleted_at.is_(None))
        .order_by(MailboxRow.tenant_id, MailboxRow.id)
    )
    return [
        ConfiguredMailbox(id=row[0], tenant_id=row[1], languages=(row[2], row[3]), max_message_seconds=row[4])
        for row in rows
    ]


async def tenant_ids(session: AsyncSession) -> list[UUID]:
    """Return the ids of all tenants."""
    return list(await session.scalars(select(TenantRow.id)))


async def owners(
    session: AsyncSession, tenant_id: UUID, numbers: Collection[str] | None = None
) -> dict[str, Owner]:
    """Return who owns these numbers of a tenant, all of them for None; a free number is left out."""
    query = select(NumberRow.number, NumberRow.kind, NumberRow.object_id).where(
        NumberRow.tenant_id == tenant_id
    )
    if numbers is not None:
        query = query.where(NumberRow.number.in_(numbers))
    return {
        number: Owner(kind=kind, object_id=object_id)
        for number, kind, object_id in await session.execute(query)
    }


async def latest_revision(session: AsyncSession) -> Revision | None:
    """Return the revision that was published or tried last."""
    row = await session.scalar(
        select(ConfigurationRevisionRow).order_by(ConfigurationRevisionRow.id.desc()).limit(1)
    )
    return None if row is None else _revision(row)


async def live_digest(session: AsyncSession) -> str | None:
    """Return the digest of the revision that the switch was last seen to run."""
    return await session.scalar(
        select(ConfigurationRevisionRow.digest)
        .where(ConfigurationRevisionRow.state == "live")
        .order_by(ConfigurationRevisionRow.id.desc())
        .limit(1)
    )


async def open_revision(session: AsyncSession, digest: str) -> int:
    """Return the id of a pending row of this digest: the last one if it is not live, else a new one."""
    latest = await session.scalar(
        select(ConfigurationRevisionRow)
        .order_by(ConfigurationRevisionRow.id.desc())
        .limit(1)
        .with_for_update()
    )
    if latest is not None and latest.digest == digest and latest.state in {"pending", "failed"}:
        latest.state, latest.error = "pending", None
        return latest.id
    row = ConfigurationRevisionRow(digest=digest, state="pending")
    session.add(row)
    await session.flush()
    return row.id


async def mark_live(session: AsyncSession, revision_id: int) -> None:
    """Note that the switch runs this revision; the one before, and what was pending, are superseded."""
    await session.execute(
        update(ConfigurationRevisionRow)
        .where(
            ConfigurationRevisionRow.state.in_(("live", "pending")),
            ConfigurationRevisionRow.id != revision_id,
        )
        .values(state="superseded")
    )
    await session.execute(
        update(ConfigurationRevisionRow)
        .where(ConfigurationRevisionRow.id == revision_id)
        .values(state="live", live_at=func.now(), error=None)
    )


async def mark_failed(session: AsyncSession, revision_id: int, error: str) -> None:
    """Note why the switch does not run this revision; the time of the try is kept as its creation."""
    await session.execute(
        update(ConfigurationRevisionRow)
        .where(ConfigurationRevisionRow.id == revision_id)
        .values(state="failed", error=error, created_at=func.now())
    )


def _revision(row: ConfigurationRevisionRow) -> Revision:
    return Revision(id=row.id, digest=row.digest, state=row.state, error=row.error, created_at=row.created_at)
