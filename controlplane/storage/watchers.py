"""Who has a page of a mailbox open: one query for many, since a change concerns all of them at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Uuid, and_, cast, column, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.rights import ALL_RIGHTS, NO_RIGHTS, Rights, union
from controlplane.domain.tenant import DEFAULT_TENANT
from controlplane.domain.user import Role
from controlplane.storage.tables import MailboxMemberRow, TeamPersonRow, TenantRow, UserRow, UserSessionRow

Asked = tuple[bytes, UUID]
"""The SHA-256 of a session's secret, and a mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """The tenant that a session works on, and what its user may do with the mailbox."""

    tenant_id: UUID
    rights: Rights


async def watchers(
    session: AsyncSession, asked: Collection[Asked], *, seen_after: datetime, created_after: datetime
) -> dict[Asked, Watcher]:
    """Return those whose session is in force and whose user is enabled; one without rights has none."""
    pairs = (
        func.unnest(
            cast([token for token, _ in asked], ARRAY(LargeBinary)),
            cast([mailbox_id for _, mailbox_id in asked], ARRAY(Uuid)),
        )
        .table_valued(column("token_sha256", LargeBinary), column("mailbox_id", Uuid), name="asked")
        .render_derived()
    )
    teams = select(TeamPersonRow.team_id).where(TeamPersonRow.user_id == UserRow.id)
    default = select(TenantRow.id).where(TenantRow.name == DEFAULT_TENANT).scalar_subquery()
    found = await session.execute(
        select(
            pairs.c.token_sha256,
            pairs.c.mailbox_id,
            UserRow.role,
            func.coalesce(UserRow.tenant_id, UserSessionRow.tenant_id, default),
            MailboxMemberRow.rights,
        )
        .join(UserSessionRow, UserSessionRow.token_sha256 == pairs.c.token_sha256)
        .join(UserRow, UserRow.id == UserSessionRow.user_id)
        .outerjoin(
            MailboxMemberRow,
            and_(
                MailboxMemberRow.mailbox_id == pairs.c.mailbox_id,
                or_(MailboxMemberRow.user_id == UserRow.id, MailboxMemberRow.team_id.in_(teams)),
            ),
        )
        .where(
            UserSessionRow.last_seen_at > seen_after,
            UserSessionRow.created_at > created_after,
            UserRow.enabled.is_(True),
        )
    )
    watching: dict[Asked, Watcher] = {}
    for token, mailbox_id, role, tenant_id, given in found:
        key = (token, mailbox_id)
        before = watching[key].rights if key in watching else NO_RIGHTS
        own = ALL_RIGHTS if role != Role.MEMBER else union([] if given is None else [given])
        watching[key] = Watcher(tenant_id=tenant_id, rights=before | own)
    return watching
