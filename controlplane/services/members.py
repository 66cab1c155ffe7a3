"""Members of a mailbox: who may do what with it. Changed by admins, and by members who may manage it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.rights import Right, Rights, in_order
from controlplane.services.access import require
from controlplane.storage import mailboxes, members, teams, users
from controlplane.storage.audit import name_author
from controlplane.storage.constraints import constraint_of
from controlplane.storage.database import Database
from controlplane.storage.members import Member
from controlplane.storage.paging import Page
from controlplane.storage.tables import MailboxMemberRow

__all__ = [
    "AtMailbox",
    "Member",
    "Person",
    "add_member",
    "change_member",
    "get_member",
    "list_members",
    "list_people",
    "remove_member",
]

_ONCE = {"uq_mailbox_members_mailbox_id_user_id", "uq_mailbox_members_mailbox_id_team_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMailbox:
    """Of which mailbox members are asked for, by whom: `member` None for who may do all; `by` names them."""

    tenant_id: UUID
    number: str
    member: UUID | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who can be made a member: a user (`user_name`) or a team (`team_id`)."""

    user_name: str | None
    team_id: UUID | None
    name: str


async def list_members(db: Database, at: AtMailbox, *, limit: int, after: UUID | None) -> Page[Member]:
    """List the members of a mailbox, after one of them; raises NotFound, NotAllowed."""
    async with db.transaction() as session:
        return await members.page(session, await _mailbox(session, at), limit=limit, after=after)


async def get_member(db: Database, at: AtMailbox, member_id: UUID) -> Member:
    """Return a member of a mailbox; raises NotFound, NotAllowed."""
    async with db.transaction() as session:
        return await _find(session, await _mailbox(session, at), member_id)


async def add_member(
    db: Database, at: AtMailbox, *, user_name: str | None, team_id: UUID | None, rights: Rights
) -> Member:
    """Give a user or a team rights at a mailbox.

    Raises NotFound, NotAllowed, InvalidValue `no-such-person`, Conflict `member-already`.
    """
    try:
        async with db.transaction() as session:
            await name_author(session, at.by)
            # Held, so that nobody deletes the mailbox meanwhile and leaves a member of it behind.
            mailbox_id = await _mailbox(session, at, lock=True)
            row = MailboxMemberRow(
                id=uuid4(),
                mailbox_id=mailbox_id,
                user_id=await _user(session, at, user_name) if team_id is None else None,
                team_id=await _team(session, at, team_id) if team_id is not None else None,
                rights=in_order(rights),
            )
            await members.insert(session, row)
            made = await _find(session, mailbox_id, row.id)
    except IntegrityError as error:
        if constraint_of(error) not in _ONCE:
            raise
        raise Conflict(
            "This person or team is a member already.", error_id="member-already", field="user_name"
        ) from error
    _note("member.added", at, made)
    return made


async def change_member(
    db: Database, at: AtMailbox, member_id: UUID, *, rights: Rights, expected_version: int | None = None
) -> Member:
    """Give a member other rights; raises NotFound, NotAllowed, PreconditionFailed."""
    async with db.transaction() as session:
        await name_author(session, at.by)
        mailbox_id = await _mailbox(session, at)
        before = await _find(session, mailbox_id, member_id, lock=True)
        _check_version(before, expected_version)
        if rights != before.rights:
            await members.set_rights(session, member_id, rights)
        after = await _find(session, mailbox_id, member_id)
    _note("member.changed", at, after)
    return after


async def remove_member(
    db: Database, at: AtMailbox, member_id: UUID, *, expected_version: int | None = None
) -> Member:
    """Take a member out and return who it was; without any the mailbox is open to who knows its PIN.

    Raises NotFound, NotAllowed, PreconditionFailed.
    """
    async with db.transaction() as session:
        await name_author(session, at.by)
        before = await _find(session, await _mailbox(session, at), member_id, lock=True)
        _check_version(before, expected_version)
        await members.remove(session, member_id)
    _note("member.removed", at, before)
    return before


async def list_people(db: Database, at: AtMailbox, *, q: str | None, limit: int) -> Page[Person]:
    """List teams and users that can be made members, teams first, up to so many of each.

    `q` is a part of their names. Raises NotFound, NotAllowed.
    """
    async with db.transaction() as session:
        await _mailbox(session, at)
        found = await teams.page(session, tenant_id=at.tenant_id, q=q, limit=limit, after=None)
        rows = await users.page(session, tenant_id=at.tenant_id, q=q, limit=limit, after=None)
    people = [
        *(Person(user_name=None, team_id=team.id, name=team.name) for team in found.items),
        *(Person(user_name=row.user_name, team_id=None, name=row.display_name) for row in rows.items),
    ]
    return Page(items=people, more=found.more or rows.more)


async def _mailbox(session: AsyncSession, at: AtMailbox, *, lock: bool = False) -> UUID:
    """Return the id of the mailbox, of which the members may be seen and changed."""
    found = await mailboxes.by_number(session, at.tenant_id, at.number, lock=lock)
    missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
    if found is None:
        raise missing
    await require(session, at.member, found[0].id, Right.MANAGE, missing=missing)
    return found[0].id


async def _find(session: AsyncSession, mailbox_id: UUID, member_id: UUID, *, lock: bool = False) -> Member:
    found = await members.get(session, mailbox_id, member_id, lock=lock)
    if found is None:
        raise NotFound("There is no such member of this mailbox.", error_id="no-such-member")
    return found


async def _user(session: AsyncSession, at: AtMailbox, user_name: str | None) -> UUID:
    name = (user_name or "").strip().lower()
    found = (await users.of_tenant(session, at.tenant_id, [name])).get(name)
    if found is None:
        raise _no_such_person("There is no user with this name in this tenant.", "user_name")
    return found.id


async def _team(session: AsyncSession, at: AtMailbox, team_id: UUID) -> UUID:
    if await teams.get(session, at.tenant_id, team_id) is None:
        raise _no_such_person("There is no such team in this tenant.", "team_id")
    return team_id


def _no_such_person(sentence: str, field: str) -> InvalidValue:
    return InvalidValue(sentence, error_id="no-such-person", field=field)


def _check_version(member: Member, expected: int | None) -> None:
    if expected is not None and member.version != expected:
        raise PreconditionFailed("The member was changed by somebody else since it was read.")


def _note(event: str, at: AtMailbox, member: Member) -> None:
    structlog.get_logger().info(
        event,
        tenant_id=str(at.tenant_id),
        number=at.number,
        user=member.user_name,
        team=None if member.team_id is None else str(member.team_id),
        rights=in_order(member.rights),
        by=at.by,
    )
