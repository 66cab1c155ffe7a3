"""What REST clients and pages read of messages: one, some, a mailbox's or a tenant's, newest first.

Reading never changes a state. `member` is the user whose rights at mailboxes count; None for who may do all
(`services.access`). Who may hear messages sees those that are not in the trash.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from controlplane.domain.errors import NotFound
from controlplane.domain.message import MessageState
from controlplane.domain.rights import Right, Rights
from controlplane.services.access import require, rights_at, rights_by_mailbox
from controlplane.storage import mailboxes, members, message_views
from controlplane.storage.database import Database
from controlplane.storage.message_views import ANY_URGENCY, MessageView, Position, Urgency

__all__ = [
    "MessageView",
    "Page",
    "Position",
    "Urgency",
    "check_seen",
    "get_message",
    "get_messages",
    "list_all_messages",
    "list_messages",
    "no_such_message",
    "page_of",
    "right_to_see",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Messages, newest first; `next` is where the following page begins, None on the last one."""

    items: tuple[MessageView, ...]
    next: Position | None


async def list_messages(
    database: Database,
    tenant_id: UUID,
    mailbox_number: str,
    *,
    state: MessageState | None,
    q: str | None,
    limit: int,
    after: Position | None,
    urgency: Urgency = ANY_URGENCY,
    member: UUID | None = None,
) -> Page:
    """Return a page of a mailbox's messages, newest first; without a state, new and saved ones.

    `q` is looked for in callers' names and numbers; `urgency` may want urgent ones alone, or first.
    Raises NotFound `no-such-mailbox`, NotAllowed.
    """
    async with database.transaction() as session:
        found = await mailboxes.by_number(session, tenant_id, mailbox_number)
        missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
        if found is None:
            raise missing
        await require(session, member, found[0].id, right_to_see(_states(state)), missing=missing)
        views = await message_views.newest(
            session, found[0].id, states=_states(state), q=q, after=after, limit=limit + 1, urgency=urgency
        )
    return page_of(views, limit, urgency)


async def list_all_messages(
    database: Database,
    tenant_id: UUID,
    *,
    mailbox_number: str | None,
    state: MessageState | None,
    q: str | None,
    limit: int,
    after: Position | None,
    urgency: Urgency = ANY_URGENCY,
    member: UUID | None = None,
) -> Page:
    """Return a page of a tenant's messages, those of deleted mailboxes too; else as `list_messages`.

    `mailbox_number` asks for those of every mailbox that has or had this number, maybe none. A member gets
    those of the mailboxes at which the right to see them was given.
    """
    async with database.transaction() as session:
        if member is not None:
            states = _states(state)
            views = await message_views.newest_of_mailboxes(
                session,
                await members.ids_with(session, member, right_to_see(states)),
                mailbox_number=mailbox_number,
                states=states,
                q=q,
                after=after,
                limit=limit + 1,
                urgency=urgency,
            )
            return page_of(views, limit, urgency)
        views = await message_views.newest_of_tenant(
            session,
            tenant_id,
            mailbox_number=mailbox_number,
            states=_states(state),
            q=q,
            after=after,
            limit=limit + 1,
            urgency=urgency,
        )
    return page_of(views, limit, urgency)


def right_to_see(states: Sequence[MessageState]) -> Right:
    """Return the right that a list of messages of these states needs."""
    return Right.DELETE if MessageState.DELETED in states else Right.LISTEN


def _states(state: MessageState | None) -> tuple[MessageState, ...]:
    return (MessageState.NEW, MessageState.SAVED) if state is None else (state,)


def page_of(views: Sequence[MessageView], limit: int, urgency: Urgency = ANY_URGENCY) -> Page:
    """Make a page of a query that asked for one more."""
    shown = views[:limit]
    more = len(views) > limit
    last = shown[-1].message if more else None
    return Page(
        items=tuple(shown),
        next=None
        if last is None
        else Position(
            received_at=last.received_at, id=last.id, urgent=last.urgent if urgency.first else None
        ),
    )


async def get_message(
    database: Database,
    tenant_id: UUID,
    message_id: UUID,
    *,
    member: UUID | None = None,
    right: Right = Right.LISTEN,
) -> MessageView:
    """Return a message of a tenant to who has a right at its mailbox.

    Raises NotFound `no-such-message`, NotAllowed.
    """
    async with database.transaction() as session:
        found = await message_views.view(session, tenant_id, message_id)
        if found is None:
            raise no_such_message()
        check_seen(await rights_at(session, member, found.message.mailbox_id), found.message.state)
        await require(session, member, found.message.mailbox_id, right, missing=no_such_message())
    return found


async def get_messages(
    database: Database,
    tenant_id: UUID,
    message_ids: Collection[UUID],
    *,
    right: Right,
    member: UUID | None = None,
) -> tuple[dict[UUID, MessageView], bool]:
    """Return those of some messages that are there and at which somebody has a right, without their mails.

    Also says whether some were left out only because the right was missing.
    """
    async with database.transaction() as session:
        found = await message_views.views(session, tenant_id, message_ids)
        at = {view.message.mailbox_id for view in found.values()}
        rights = await rights_by_mailbox(session, member, at)
    seen = {
        message_id: view
        for message_id, view in found.items()
        if right_to_see((view.message.state,)) in rights[view.message.mailbox_id]
    }
    allowed = {
        message_id: view for message_id, view in seen.items() if right in rights[view.message.mailbox_id]
    }
    return allowed, len(allowed) < len(seen)


def check_seen(rights: Rights, state: MessageState) -> None:
    """Let through who may see a message of a state; raises NotFound `no-such-message`."""
    if right_to_see((state,)) not in rights:
        raise no_such_message()


def no_such_message() -> NotFound:
    """Return the error about a message that is not there, or not for who asks."""
    return NotFound("There is no such message.", error_id="no-such-message")
