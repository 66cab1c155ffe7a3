"""Mailboxes: making, reading, changing and deleting them.

`member` is the user whose rights count; None for who may do all (`services.access`). Members neither make
nor delete mailboxes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import SYSTEM, Action, ObjectChange, ObjectKind
from controlplane.domain.errors import NotFound, PreconditionFailed
from controlplane.domain.limits import Fill
from controlplane.domain.mailbox import Counts, KindGreeting, Mailbox, SourceGreeting
from controlplane.domain.numbers import NumberKind
from controlplane.domain.pin import Pin, PinPolicy
from controlplane.domain.rights import ALL_RIGHTS, Right, Rights
from controlplane.domain.routing.destination import Pointer
from controlplane.services.access import require, rights_by_mailbox
from controlplane.services.lamps import defer_introduction, defer_lamps
from controlplane.services.mail_words import check_words, forget_faults
from controlplane.services.mailbox_rules import (
    MailboxChanges,
    NewMailbox,
    check_changes,
    check_lengths,
    check_new,
    notice_only_of,
)
from controlplane.services.numbers import take_number
from controlplane.services.publishing_jobs import defer_publishing
from controlplane.services.routing.pointing import free_number, note_pointers
from controlplane.speech.catalogue import available_languages
from controlplane.storage import limits, mailbox_pages, mailboxes, members, messages
from controlplane.storage.database import Database
from controlplane.storage.limits import quota_of
from controlplane.storage.mailboxes import mailbox_values
from controlplane.storage.paging import Page
from controlplane.storage.queue import Jobs
from controlplane.storage.recording_keys import texts_of_kinds
from controlplane.storage.tables import MailboxRow, TenantRow

__all__ = [
    "MailboxChanges",
    "MailboxDetails",
    "NewMailbox",
    "create_mailbox",
    "delete_mailbox",
    "get_mailbox",
    "list_mailboxes",
    "update_mailbox",
]


_SAID = {"display_name", "language", "greeting", "source_greetings", "kind_greetings"}


class PinHashing(Protocol):
    """Makes what is stored of a PIN; `services.pin_hashing.PinHasher` is one."""

    async def hash(self, pin: Pin) -> str:
        """Return the hash."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxDetails:
    """A mailbox with what its row alone says.

    `language` is the one that was set, None for the tenant's; `mailbox.language` is what is spoken. So it is
    with the languages of `source_greetings`; `kind_greetings` are their texts. `updated_by` names who changed
    it last, if that was noted.
    `rights` are those of who asked.
    """

    mailbox: Mailbox
    language: str | None
    counts: Counts
    fill: Fill
    source_greetings: tuple[SourceGreeting, ...] = ()
    kind_greetings: tuple[KindGreeting, ...] = ()
    updated_by: str | None = None
    rights: Rights = ALL_RIGHTS


async def create_mailbox(
    db: Database,
    jobs: Jobs,
    hasher: PinHashing,
    policy: PinPolicy,
    *,
    tenant_id: UUID,
    new: NewMailbox,
    by: str = SYSTEM,
) -> Mailbox:
    """Make a mailbox, publish its number and have its greeting spoken; `by` names who did it.

    Raises InvalidValue (InvalidValues for several fields), Conflict `number-taken`.
    """
    number, values = check_new(new, policy)
    await check_words(values)
    pin_hash = await hasher.hash(new.pin)
    row = MailboxRow(
        id=uuid4(), tenant_id=tenant_id, number=number, pin_hash=pin_hash, updated_by=by, **values
    )
    async with db.transaction() as session:
        await take_number(
            session, tenant_id=tenant_id, number=row.number, kind=NumberKind.MAILBOX, object_id=row.id
        )
        await mailboxes.insert(session, row)
        await _note_operator(session, row)
        await defer_publishing(
            session,
            jobs,
            tenant_id=tenant_id,
            numbers=[row.number],
            mailboxes=True,
            held=_change(Action.ADDED, row.number, by),
        )
        await defer_greeting(session, jobs, row.id)
        await defer_introduction(session, jobs, row.id)
        found = await mailboxes.get(session, row.id)
        assert found is not None
    structlog.get_logger().info("mailbox.created", tenant_id=str(tenant_id), number=row.number)
    return mailbox_values(*found, available_languages())


async def get_mailbox(
    db: Database,
    *,
    tenant_id: UUID,
    number: str,
    member: UUID | None = None,
    right: Right = Right.LISTEN,
) -> MailboxDetails:
    """Return a mailbox with the counts of its messages to who has a right; raises NotFound, NotAllowed."""
    async with db.transaction() as session:
        row, tenant = await find_mailbox(session, tenant_id, number)
        rights = await require(session, member, row.id, right, missing=_no_such_mailbox())
        counts, fill = await _held(session, row, tenant)
    return _details(row, tenant, counts, fill, rights)


async def list_mailboxes(
    db: Database,
    *,
    tenant_id: UUID,
    q: str | None,
    limit: int,
    after: str | None,
    member: UUID | None = None,
) -> Page[MailboxDetails]:
    """List mailboxes with their counts in the order of their digits, after a number."""
    async with db.transaction() as session:
        page = await mailbox_pages.page(
            session, tenant_id=tenant_id, q=q, limit=limit, after=after, member=member
        )
        rights = await rights_by_mailbox(session, member, [item.row.id for item in page.items])
    return Page(
        items=[
            _details(item.row, item.tenant, item.counts, item.fill, rights[item.row.id])
            for item in page.items
        ],
        more=page.more,
    )


async def update_mailbox(
    db: Database,
    jobs: Jobs,
    hasher: PinHashing,
    policy: PinPolicy,
    *,
    tenant_id: UUID,
    number: str,
    changes: MailboxChanges,
    by: str = SYSTEM,
    expected_version: int | None = None,
    member: UUID | None = None,
    meant: UUID | None = None,
) -> MailboxDetails:
    """Change a mailbox and return it; a new PIN lifts the locks of the old one. `by` names who did it.

    `meant` is as in `find_mailbox`. Raises NotFound, NotAllowed, PreconditionFailed when the version is not
    the expected one, InvalidValue (InvalidValues for several fields).
    """
    values = check_changes(changes, policy, number=number)
    await check_words(values)
    if "pin" in changes:
        values["pin_hash"] = await hasher.hash(changes["pin"])
    async with db.transaction() as session:
        row, tenant = await find_mailbox(session, tenant_id, number, lock=True, meant=meant)
        rights = await require(session, member, row.id, Right.MANAGE, missing=_no_such_mailbox())
        _check_version(row, expected_version)
        if values.keys() & {"email_recipients", "email_notice_only"}:
            values["email_notice_only"] = notice_only_of(
                values.get("email_recipients", row.email_recipients),
                values.get("email_notice_only", row.email_notice_only),
                is_new="email_notice_only" in values,
            )
        values = {key: value for key, value in values.items() if getattr(row, key) != value}
        check_lengths(
            values.get("min_message_seconds", row.min_message_seconds),
            values.get("max_message_seconds", row.max_message_seconds),
        )
        if values:
            changed = await mailboxes.update_values(
                session, row.id, expected_version=None, values={**values, "updated_by": by}
            )
            assert changed is not None
            row = changed
            await forget_faults(session, row.id, values)
        if "operator_number" in values:
            await _note_operator(session, row)
        if values.keys() & _SAID:
            await defer_greeting(session, jobs, row.id)
        if values.keys() & {"language", "max_message_seconds"}:
            await defer_publishing(session, jobs, tenant_id=tenant_id, mailboxes=True)
        counts, fill = await _held(session, row, tenant)
    structlog.get_logger().info(
        "mailbox.changed", tenant_id=str(tenant_id), number=number, fields=sorted(changes)
    )
    return _details(row, tenant, counts, fill, rights)


async def delete_mailbox(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str,
    by: str,
    expected_version: int | None = None,
) -> None:
    """Delete a mailbox: its number is free, its messages are in the trash.

    `by` names who did it, for the messages' record. Raises NotFound, PreconditionFailed, and Conflict
    `number-in-use` while something points at it.
    """
    async with db.transaction() as session:
        row, _ = await find_mailbox(session, tenant_id, number, lock=True)
        _check_version(row, expected_version)
        await free_number(session, tenant_id=tenant_id, number=number, object_id=row.id)
        await mailboxes.mark_deleted(session, row.id, expected_version=None, by=by)
        await members.remove_all(session, row.id)
        await defer_publishing(
            session,
            jobs,
            tenant_id=tenant_id,
            numbers=[number],
            mailboxes=True,
            held=_change(Action.REMOVED, number, by),
        )
        await defer_greeting(session, jobs, row.id)
        await defer_lamps(session, jobs, [row.id])
    structlog.get_logger().info("mailbox.deleted", tenant_id=str(tenant_id), number=number)


async def _note_operator(session: AsyncSession, row: MailboxRow) -> None:
    """Note which number a mailbox names; raises InvalidValue `no-such-number`."""
    operator = row.operator_number
    pointers = [] if operator is None else [Pointer(slot="operator_number", number=operator)]
    await note_pointers(session, tenant_id=row.tenant_id, object_id=row.id, pointers=pointers)


def _change(action: Action, number: str, by: str) -> ObjectChange:
    return ObjectChange(kind=ObjectKind.MAILBOX, name=number, action=action, by=by)


async def defer_greeting(session: AsyncSession, jobs: Jobs, mailbox_id: UUID) -> None:
    """Have what callers hear of a mailbox made, once the session commits."""
    await jobs.defer(session, "speech.greeting", mailbox_id=str(mailbox_id))


async def find_mailbox(
    session: AsyncSession, tenant_id: UUID, number: str, *, lock: bool = False, meant: UUID | None = None
) -> tuple[MailboxRow, TenantRow]:
    """Return a mailbox and its tenant within a transaction; raises NotFound.

    `meant` is the id of the only one that will do: who was let in to a mailbox some time ago was not let in
    to another one that has its number now.
    """
    found = await mailboxes.by_number(session, tenant_id, number, lock=lock)
    if found is None or meant not in {None, found[0].id}:
        raise _no_such_mailbox()
    return found


def _no_such_mailbox() -> NotFound:
    return NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")


def _check_version(row: MailboxRow, expected: int | None) -> None:
    if expected is not None and row.version != expected:
        raise PreconditionFailed("The mailbox was changed by somebody else since it was read.")


async def _held(session: AsyncSession, row: MailboxRow, tenant: TenantRow) -> tuple[Counts, Fill]:
    counts = await messages.counts(session, [row.id])
    fills = await limits.fills(session, {row.id: quota_of(row, tenant)}, counts)
    return counts[row.id], fills[row.id]


def _details(
    row: MailboxRow, tenant: TenantRow, counts: Counts, fill: Fill, rights: Rights = ALL_RIGHTS
) -> MailboxDetails:
    return MailboxDetails(
        mailbox=mailbox_values(row, tenant, available_languages()),
        language=row.language,
        counts=counts,
        fill=fill,
        source_greetings=tuple(SourceGreeting(**own) for own in row.source_greetings),
        kind_greetings=texts_of_kinds(row.kind_greetings),
        updated_by=row.updated_by,
        rights=rights,
    )
