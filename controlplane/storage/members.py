"""Queries about members of mailboxes: which people and teams, with which rights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.rights import Right, Rights, in_order, union
from controlplane.storage.paging import Page, cut
from controlplane.storage.tables import (
    ExtensionRow,
    MailboxMemberRow,
    TeamPersonRow,
    TeamRow,
    UserRow,
)
from controlplane.storage.users import user_values

_NAMES_SHOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user (`user_name`) or a team (`team_id`) with rights at a mailbox; `name` is what people see."""

    id: UUID
    mailbox_id: UUID
    user_name: str | None
    team_id: UUID | None
    name: str
    rights: Rights
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSummary:
    """How many members a mailbox has, and the names of some."""

    names: tuple[str, ...] = ()
    count: int = 0

    @property
    def others(self) -> int:
        """How many are not named."""
        return self.count - len(self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOnPhone:
    """Whose extension it is; `member` None: an admin, who has all rights."""

    member: UUID | None
    user_name: str
    pin_spared: bool


async def ids_of(session: AsyncSession, user_id: UUID) -> list[UUID]:
    """Return the ids of all mailboxes at which a user has any right.

    Asked for by themselves: as a part of a query of mailboxes, all mailboxes would be read.
    """
    return list(await _rights(session, user_id, None))


async def ids_with(session: AsyncSession, user_id: UUID, right: Right) -> list[UUID]:
    """Return the ids of all mailboxes at which a user has a right."""
    found = await _rights(session, user_id, None)
    return [mailbox_id for mailbox_id, rights in found.items() if right in rights]


async def rights_of(
    session: AsyncSession, user_id: UUID, mailbox_ids: Collection[UUID]
) -> dict[UUID, Rights]:
    """Return what a user may do with each of these mailboxes; those without any right are left out."""
    return await _rights(session, user_id, mailbox_ids) if mailbox_ids else {}


async def _rights(
    session: AsyncSession, user_id: UUID, mailbox_ids: Collection[UUID] | None
) -> dict[UUID, Rights]:
    teams = select(TeamPersonRow.team_id).where(TeamPersonRow.user_id == user_id)
    given: dict[UUID, list[list[str]]] = {}
    for condition in (MailboxMemberRow.user_id == user_id, MailboxMemberRow.team_id.in_(teams)):
        query = select(MailboxMemberRow.mailbox_id, MailboxMemberRow.rights).where(condition)
        if mailbox_ids is not None:
            query = query.where(MailboxMemberRow.mailbox_id.in_(mailbox_ids))
        for mailbox_id, rights in await session.execute(query):
            given.setdefault(mailbox_id, []).append(rights)
    return {mailbox_id: union(some) for mailbox_id, some in given.items()}


async def has_any(session: AsyncSession, mailbox_id: UUID) -> bool:
    """Say whether a mailbox has members; without any it is open to who knows its PIN."""
    return bool(await session.scalar(select(exists().where(MailboxMemberRow.mailbox_id == mailbox_id))))


async def person_on_phone(session: AsyncSession, tenant_id: UUID, number: str) -> PersonOnPhone | None:
    """Return whose extension a number is; None if it is nobody's, or theirs is disabled."""
    found = await session.scalar(
        select(UserRow)
        .join(ExtensionRow, ExtensionRow.id == UserRow.extension_id)
        .where(
            ExtensionRow.tenant_id == tenant_id,
            ExtensionRow.number == number,
            UserRow.tenant_id == tenant_id,
            UserRow.enabled.is_(True),
        )
    )
    if found is None:
        return None
    return PersonOnPhone(
        member=user_values(found).member,
        user_name=found.user_name,
        pin_spared=found.pin_spared,
    )


async def summaries(session: AsyncSession, mailbox_ids: Sequence[UUID]) -> dict[UUID, MemberSummary]:
    """Return the members of mailboxes in short; those without any are left out."""
    if not mailbox_ids:
        return {}
    name = func.coalesce(TeamRow.name, UserRow.display_name)
    found = await session.execute(
        select(
            MailboxMemberRow.mailbox_id,
            func.count(),
            # The names of teams first, which say more.
            func.array_agg(aggregate_order_by(name, MailboxMemberRow.team_id.is_(None), func.lower(name)))[
                1:_NAMES_SHOWN
            ],
        )
        .outerjoin(UserRow, UserRow.id == MailboxMemberRow.user_id)
        .outerjoin(TeamRow, TeamRow.id == MailboxMemberRow.team_id)
        .where(MailboxMemberRow.mailbox_id.in_(mailbox_ids))
        .group_by(MailboxMemberRow.mailbox_id)
    )
    return {mailbox_id: MemberSummary(names=tuple(names), count=count) for mailbox_id, count, names in found}


def _members() -> Select[MailboxMemberRow, str, str]:
    return (
        select(MailboxMemberRow, UserRow.user_name, func.coalesce(TeamRow.name, UserRow.display_name))
        .outerjoin(UserRow, UserRow.id == MailboxMemberRow.user_id)
        .outerjoin(TeamRow, TeamRow.id == MailboxMemberRow.team_id)
        .execution_options(populate_existing=True)
    )


def _member(found: Any) -> Member:
    row, user_name, name = found
    return Member(
        id=row.id,
        mailbox_id=row.mailbox_id,
        user_name=user_name,
        team_id=row.team_id,
        name=name,
        rights=union([row.rights]),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def page(session: AsyncSession, mailbox_id: UUID, *, limit: int, after: UUID | None) -> Page[Member]:
    """List the members of a mailbox in the order of their ids, after one of them."""
    query = (
        _members()
        .where(MailboxMemberRow.mailbox_id == mailbox_id)
        .order_by(MailboxMemberRow.id)
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(MailboxMemberRow.id > after)
    return cut([_member(found) for found in await session.execute(query)], limit)


async def get(
    session: AsyncSession, mailbox_id: UUID, member_id: UUID, *, lock: bool = False
) -> Member | None:
    """Return a member of a mailbox; with `lock` nobody else changes it until the commit."""
    query = _members().where(MailboxMemberRow.mailbox_id == mailbox_id, MailboxMemberRow.id == member_id)
    if lock:
        query = query.with_for_update(of=MailboxMemberRow)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _member(found)


async def insert(session: AsyncSession, row: MailboxMemberRow) -> None:
    """Add a member; raises IntegrityError at once for one that is there."""
    session.add(row)
    await session.flush()


async def set_rights(session: AsyncSession, member_id: UUID, rights: Rights) -> None:
    """Give a member other rights, and count the version up."""
    await session.execute(
        update(MailboxMemberRow)
        .where(MailboxMemberRow.id == member_id)
        .values(
            rights=in_order(rights),
            version=MailboxMemberRow.version + 1,
            updated_at=func.clock_timestamp(),
        )
        .execution_options(synchronize_session=False)
    )


async def remove(session: AsyncSession, member_id: UUID) -> None:
    """Take a member out."""
    await session.execute(
        delete(MailboxMemberRow)
        .where(MailboxMemberRow.id == member_id)
        .execution_options(synchronize_session=False)
    )


async def remove_all(session: AsyncSession, mailbox_id: UUID) -> None:
    """Take all members out of a mailbox that is deleted."""
    await session.execute(
        delete(MailboxMemberRow)
        .where(MailboxMemberRow.mailbox_id == mailbox_id)
        .execution_options(synchronize_session=False)
    )


async def count_of_user(session: AsyncSession, user_id: UUID) -> Mapping[str, int]:
    """Count what goes with a user: mailboxes of their own rights, and teams."""
    mailboxes = await session.scalar(
        select(func.count()).select_from(MailboxMemberRow).where(MailboxMemberRow.user_id == user_id)
    )
    teams = await session.scalar(
        select(func.count()).select_from(TeamPersonRow).where(TeamPersonRow.user_id == user_id)
    )
    return {"mailboxes": mailboxes or 0, "teams": teams or 0}
