"""What somebody may do with a mailbox: the one answer for phone, REST, portal and tokens.

`member` is the user whose rights count, None for an admin or a program of the tenant, who may do all. What
somebody may not even see does not exist for them, as what belongs to another tenant.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import NotFound
from controlplane.domain.rights import (
    ALL_RIGHTS,
    NO_RIGHTS,
    OUTSIDE_RIGHTS,
    Admission,
    Right,
    Rights,
    check_right,
)
from controlplane.storage import extensions, mailboxes, members
from controlplane.storage.database import Database
from controlplane.storage.routing.documents import rules_from

__all__ = ["admission", "check_mailbox", "check_rights", "may", "require", "rights_at", "rights_by_mailbox"]


async def rights_at(session: AsyncSession, member: UUID | None, mailbox_id: UUID) -> Rights:
    """Return what somebody may do with a mailbox, within a transaction."""
    return (await rights_by_mailbox(session, member, [mailbox_id]))[mailbox_id]


async def rights_by_mailbox(
    session: AsyncSession, member: UUID | None, mailbox_ids: Collection[UUID]
) -> dict[UUID, Rights]:
    """Return what somebody may do with each of some mailboxes, within a transaction."""
    if member is None:
        return dict.fromkeys(mailbox_ids, ALL_RIGHTS)
    found = await members.rights_of(session, member, mailbox_ids)
    return {mailbox_id: found.get(mailbox_id, NO_RIGHTS) for mailbox_id in mailbox_ids}


async def require(
    session: AsyncSession, member: UUID | None, mailbox_id: UUID, right: Right, *, missing: Exception
) -> Rights:
    """Return what somebody may do with a mailbox, if it is this at least.

    Raises `missing` for one they may not see, NotAllowed `right-needed` for one they may.
    """
    rights = await rights_at(session, member, mailbox_id)
    check_rights(rights, right, missing=missing)
    return rights


def check_rights(rights: Rights, right: Right, *, missing: Exception) -> None:
    """Let through who has a right at a mailbox; raises as `require` does."""
    if Right.LISTEN not in rights:
        raise missing
    check_right(rights, right)


async def check_mailbox(
    database: Database, *, tenant_id: UUID, number: str, member: UUID | None, right: Right
) -> None:
    """Let through who has a right at the mailbox with a number, and whoever may do all.

    Raises NotFound `no-such-mailbox`, NotAllowed `right-needed`.
    """
    if member is None:
        return
    missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
    async with database.transaction() as session:
        found = await mailboxes.by_number(session, tenant_id, number)
        if found is None:
            raise missing
        await require(session, member, found[0].id, right, missing=missing)


async def may(database: Database, member: UUID | None, mailbox_id: UUID, right: Right) -> bool:
    """Say whether somebody has a right at a mailbox now."""
    async with database.transaction() as session:
        return right in await rights_at(session, member, mailbox_id)


async def admission(
    session: AsyncSession, *, tenant_id: UUID, extension: str | None, mailbox_id: UUID
) -> Admission:
    """Return what a caller may do with a mailbox, within a transaction.

    `extension` is the one that the switch authenticated. A mailbox without members is open to every
    extension that knows its PIN. One with members knows people by their extension, and only them; but the
    mailbox of an extension stays its own. A caller from outside, without an extension, is let in only where
    the mailbox lets callers log in from its greeting and has no members.
    """
    if extension is None:
        found = await mailboxes.get(session, mailbox_id)
        open_to_all = found is not None and found[0].log_in_from_greeting
        if not open_to_all or await members.has_any(session, mailbox_id):
            return Admission(rights=NO_RIGHTS)
        return Admission(rights=OUTSIDE_RIGHTS)
    person = await members.person_on_phone(session, tenant_id, extension)
    name = None if person is None else person.user_name
    if not await members.has_any(session, mailbox_id):
        return Admission(rights=ALL_RIGHTS, user_name=name)
    rights = NO_RIGHTS if person is None else await rights_at(session, person.member, mailbox_id)
    spared = person is not None and person.pin_spared and Right.LISTEN in rights
    if await _owns(session, tenant_id, extension, mailbox_id):
        rights = ALL_RIGHTS
    return Admission(rights=rights, pin_spared=spared, user_name=name if rights else None)


async def _owns(session: AsyncSession, tenant_id: UUID, extension: str, mailbox_id: UUID) -> bool:
    """Say whether it is the extension's own mailbox, of which others may be members too."""
    row = await extensions.by_number(session, tenant_id, extension)
    owned = None if row is None else rules_from(row.rules).mailbox
    found = None if owned is None else await mailboxes.by_number(session, tenant_id, owned)
    return found is not None and found[0].id == mailbox_id
