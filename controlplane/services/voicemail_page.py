"""What a page about a mailbox or about a message shows, read in one transaction.

`member` is the user whose rights at mailboxes count; None for who may do all (`services.access`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from controlplane.domain.errors import NotFound
from controlplane.domain.limits import Fill
from controlplane.domain.message import MessageState
from controlplane.domain.presence import PresentListener
from controlplane.domain.rights import ALL_RIGHTS, Right, Rights
from controlplane.services.access import check_rights, require, rights_at
from controlplane.services.messages import MessageView, Page, check_seen, get_message, page_of, right_to_see
from controlplane.services.reached import names_on_the_way
from controlplane.storage import limits, mailboxes, message_views, presence
from controlplane.storage.database import Database
from controlplane.storage.message_views import ANY_TIME, ANY_URGENCY, Position, Received, Urgency

__all__ = [
    "COUNTED",
    "MailboxPage",
    "Received",
    "ShownMessage",
    "Urgency",
    "Wanted",
    "find_mailbox_id",
    "find_mailbox_of",
    "read_mailbox_page",
    "read_shown_message",
    "rights_at_mailbox",
]

COUNTED = 1000
"""Up to here unread messages are counted: a page must not read all that a mailbox holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages of a mailbox are wanted; `q` is looked for in callers' names and numbers.

    `way` is a number that calls passed, or dialled from outside, without a plus sign.
    """

    states: tuple[MessageState, ...] = (MessageState.NEW, MessageState.SAVED)
    q: str | None = None
    received: Received = ANY_TIME
    way: str | None = None
    urgency: Urgency = ANY_URGENCY


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxPage:
    """A mailbox and some of its messages; `names` are those of what calls passed, by number.

    `fill` says how full it is; what it holds is known only where it is limited.
    `rights` are those of who looks at it; `listeners` are who listens to its messages now.
    """

    number: str
    display_name: str
    unread: int
    page: Page
    names: Mapping[str, str]
    fill: Fill
    rights: Rights = ALL_RIGHTS
    listeners: Sequence[PresentListener] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message, the display name of its mailbox, and the names of what its call passed, by number."""

    view: MessageView
    mailbox_name: str
    names: Mapping[str, str]
    rights: Rights = ALL_RIGHTS
    listeners: Sequence[PresentListener] = ()


async def read_mailbox_page(
    database: Database,
    tenant_id: UUID,
    number: str,
    *,
    wanted: Wanted,
    limit: int,
    after: Position | None,
    member: UUID | None = None,
    rights: Rights | None = None,
) -> MailboxPage:
    """Return a mailbox with a page of its messages, newest first.

    The messages come without their mails. `rights` are those that were found a moment ago; None: those of
    `member` are looked up. `unread` is no more than COUNTED. Raises NotFound `no-such-mailbox`, NotAllowed
    for who may not see what is wanted.
    """
    async with database.transaction() as session:
        found = await mailboxes.by_number(session, tenant_id, number)
        if found is None:
            raise _no_such_mailbox()
        row, tenant = found
        if rights is None:
            rights = await rights_at(session, member, row.id)
        check_rights(rights, right_to_see(wanted.states), missing=_no_such_mailbox())
        views = await message_views.newest(
            session,
            row.id,
            states=wanted.states,
            q=wanted.q,
            received=wanted.received,
            way=wanted.way,
            urgency=wanted.urgency,
            after=after,
            limit=limit + 1,
            mails=False,
        )
        page = page_of(views, limit, wanted.urgency)
        quota = limits.quota_of(row, tenant)
        return MailboxPage(
            number=row.number,
            display_name=row.display_name,
            unread=await message_views.count_up_to(session, row.id, MessageState.NEW, most=COUNTED),
            page=page,
            names=await names_on_the_way(
                session, tenant_id, [view.message.reached_by for view in page.items]
            ),
            fill=Fill(quota=quota, used=await limits.usage(session, row.id)) if quota.limited else Fill(),
            rights=rights,
            listeners=await presence.listeners_of_mailbox(session, row.id),
        )


async def read_shown_message(
    database: Database, tenant_id: UUID, message_id: UUID, *, member: UUID | None = None
) -> ShownMessage:
    """Return a message of a tenant as its page shows it; raises NotFound `no-such-message`."""
    async with database.transaction() as session:
        view = await message_views.view(session, tenant_id, message_id)
        missing = NotFound("There is no such message.", error_id="no-such-message")
        if view is None:
            raise missing
        rights = await require(session, member, view.message.mailbox_id, Right.LISTEN, missing=missing)
        check_seen(rights, view.message.state)
        mailbox = await mailboxes.get(session, view.message.mailbox_id, with_deleted=True)
        assert mailbox is not None, "a message refers to its mailbox"
        return ShownMessage(
            view=view,
            mailbox_name=mailbox[0].display_name,
            names=await names_on_the_way(session, tenant_id, [view.message.reached_by]),
            rights=rights,
            listeners=await presence.listeners_of_message(session, message_id),
        )


async def find_mailbox_of(
    database: Database, tenant_id: UUID, message_id: UUID, *, member: UUID | None = None
) -> UUID:
    """Return the id of the mailbox of a message that may be seen; raises NotFound `no-such-message`."""
    return (await get_message(database, tenant_id, message_id, member=member)).message.mailbox_id


async def find_mailbox_id(
    database: Database, tenant_id: UUID, number: str, *, member: UUID | None = None
) -> UUID:
    """Return the id of the mailbox with a number, whose messages may be heard.

    Raises NotFound `no-such-mailbox`.
    """
    return (await _find(database, tenant_id, number, member))[0]


async def rights_at_mailbox(
    database: Database, tenant_id: UUID, number: str, *, member: UUID | None = None
) -> Rights:
    """Return what somebody may do with the mailbox with a number, whose messages they may hear.

    Raises NotFound `no-such-mailbox`.
    """
    return ALL_RIGHTS if member is None else (await _find(database, tenant_id, number, member))[1]


async def _find(database: Database, tenant_id: UUID, number: str, member: UUID | None) -> tuple[UUID, Rights]:
    async with database.transaction() as session:
        found = await mailboxes.by_number(session, tenant_id, number)
        if found is None:
            raise _no_such_mailbox()
        mailbox_id = found[0].id
        return mailbox_id, await require(
            session, member, mailbox_id, Right.LISTEN, missing=_no_such_mailbox()
        )


def _no_such_mailbox() -> NotFound:
    return NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
