"""Messages as people read them: with their mailbox's number and how their mails fared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from controlplane.domain.message import Message, MessageState
from controlplane.storage.messages import message_values
from controlplane.storage.paging import contains
from controlplane.storage.tables import MailboxRow, MessageMailRow, MessageRow, MessageWayRow

_Columns = TypeVarTuple("_Columns")
_AT_ONCE = 50
"""Of how many mailboxes the newest messages are asked for in one query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStatus:
    """How far the mail about a message to one recipient is: `queued`, `sent` or `failed`."""

    recipient: str
    status: str
    attempts: int
    error: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message with what people want to see beside it.

    `mailbox_number` is the number that the mailbox has, or had if it is deleted.
    """

    message: Message
    mailbox_number: str
    mailbox_deleted: bool
    state_changed_at: datetime
    state_changed_by: str | None
    mails: tuple[MailStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ended: the message that was its last; `urgent` is set where urgent ones come first."""

    received_at: datetime
    id: UUID
    urgent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """When wanted messages came: from a moment on, and before another one; None for no limit."""

    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """Which messages are wanted, by whether they are urgent, and whether those that are come first.

    `only` None wants both.
    """

    only: bool | None = None
    first: bool = False


ANY_TIME = Received()
ANY_URGENCY = Urgency()
_NEWEST = (MessageRow.received_at, MessageRow.id)


def _views() -> Select[MessageRow, str, bool]:
    return select(MessageRow, MailboxRow.number, MailboxRow.deleted_at.is_not(None)).join(
        MailboxRow, MailboxRow.id == MessageRow.mailbox_id
    )


async def _with_mails(
    session: AsyncSession, rows: Sequence[tuple[MessageRow, str, bool]]
) -> list[MessageView]:
    mails: dict[UUID, list[MailStatus]] = {}
    if rows:
        for mail in await session.scalars(
            select(MessageMailRow)
            .where(MessageMailRow.message_id.in_([row.id for row, _, _ in rows]))
            .order_by(MessageMailRow.recipient)
            .execution_options(populate_existing=True)
        ):
            mails.setdefault(mail.message_id, []).append(
                MailStatus(
                    recipient=mail.recipient,
                    status=mail.status,
                    attempts=mail.attempts,
                    error=mail.error,
                    updated_at=mail.updated_at,
                )
            )
    return [_view(row, number, deleted=deleted, mails=mails.get(row.id, ())) for row, number, deleted in rows]


def _view(row: MessageRow, number: str, *, deleted: bool, mails: Sequence[MailStatus]) -> MessageView:
    return MessageView(
        message=message_values(row),
        mailbox_number=number,
        mailbox_deleted=deleted,
        state_changed_at=row.state_changed_at,
        state_changed_by=row.state_changed_by,
        mails=tuple(mails),
    )


async def views(
    session: AsyncSession, tenant_id: UUID, message_ids: Collection[UUID]
) -> dict[UUID, MessageView]:
    """Return those of some messages that a tenant has, without their mails; one query."""
    rows = await session.execute(
        _views().where(MessageRow.id.in_(message_ids), MessageRow.tenant_id == tenant_id)
    )
    return {row.id: _view(row, number, deleted=deleted, mails=()) for row, number, deleted in rows}


async def view(session: AsyncSession, tenant_id: UUID, message_id: UUID) -> MessageView | None:
    """Return a message of a tenant with its mails."""
    found = (
        await session.execute(
            _views()
            .where(MessageRow.id == message_id, MessageRow.tenant_id == tenant_id)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if found is None:
        return None
    return (await _with_mails(session, [(found[0], found[1], found[2])]))[0]


async def newest(
    session: AsyncSession,
    mailbox_id: UUID,
    *,
    states: Collection[MessageState],
    q: str | None,
    after: Position | None,
    limit: int,
    received: Received = ANY_TIME,
    way: str | None = None,
    mails: bool = True,
    urgency: Urgency = ANY_URGENCY,
) -> list[MessageView]:
    """Return messages of some states, newest first, that come after a position.

    `urgency` may want urgent ones before that, newest first. `q` is looked for in the caller's name and
    number, upper and lower case alike; `way` is a number that the call passed, or dialled from outside.
    Without `mails` these are not asked for, and the views have none.
    """
    # By a way in the order of that index, and by nothing of the messages that it has too: the planner would
    # take one for rarer than it is, and sort all.
    of: type[MessageRow | MessageWayRow] = MessageRow if way is None else MessageWayRow
    query = _views().where(of.mailbox_id == mailbox_id)
    if received.since is not None:
        query = query.where(of.received_at >= received.since)
    if received.before is not None:
        query = query.where(of.received_at < received.before)
    key = _NEWEST
    if way is not None:
        query = query.join(MessageWayRow, MessageWayRow.message_id == MessageRow.id).where(
            MessageWayRow.number == way
        )
        key = (MessageWayRow.received_at, MessageWayRow.message_id)

    async def read(urgent: bool | None, after: Position | None, limit: int) -> list[MessageView]:
        of_kind = _of_kind(query, urgent)
        return await _newest(
            session, of_kind, states=states, q=q, after=after, limit=limit, key=key, mails=mails
        )

    return await _in_order(read, urgency, after=after, limit=limit)


async def newest_of_tenant(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    mailbox_number: str | None,
    states: Collection[MessageState],
    q: str | None,
    after: Position | None,
    limit: int,
    urgency: Urgency = ANY_URGENCY,
) -> list[MessageView]:
    """Return messages of all mailboxes of a tenant, deleted ones too, newest first.

    `mailbox_number` asks for those of every mailbox that has or had this number; the rest is as in
    `newest`.
    """
    query = _views().where(MessageRow.tenant_id == tenant_id)
    if mailbox_number is not None:
        query = query.where(MailboxRow.tenant_id == tenant_id, MailboxRow.number == mailbox_number)

    async def read(urgent: bool | None, after: Position | None, limit: int) -> list[MessageView]:
        return await _newest(session, _of_kind(query, urgent), states=states, q=q, after=after, limit=limit)

    return await _in_order(read, urgency, after=after, limit=limit)


async def newest_of_mailboxes(
    session: AsyncSession,
    mailbox_ids: Sequence[UUID],
    *,
    mailbox_number: str | None,
    states: Collection[MessageState],
    q: str | None,
    after: Position | None,
    limit: int,
    urgency: Urgency = ANY_URGENCY,
) -> list[MessageView]:
    """Return messages of some mailboxes, newest first; the rest is as in `newest_of_tenant`.

    The newest of each mailbox are read by its index, and the newest of those are taken: what else is in
    the tenant is not looked at.
    """
    if mailbox_number is not None:
        named = select(MailboxRow.id).where(
            MailboxRow.id.in_(mailbox_ids), MailboxRow.number == mailbox_number
        )
        mailbox_ids = list(await session.scalars(named))

    async def read(urgent: bool | None, after: Position | None, limit: int) -> list[MessageView]:
        newest_first = await _newest_ids(
            session, mailbox_ids, urgent=urgent, states=states, q=q, after=after, limit=limit
        )
        query = _views().where(MessageRow.id.in_(newest_first))
        return await _newest(session, query, states=states, q=None, after=None, limit=limit)

    return await _in_order(read, urgency, after=after, limit=limit)


async def _in_order(
    read: Callable[[bool | None, Position | None, int], Awaitable[list[MessageView]]],
    urgency: Urgency,
    *,
    after: Position | None,
    limit: int,
) -> list[MessageView]:
    """Read what is wanted newest first; or the urgent ones so, and then the others.

    One after the other, each in the order of an index: together they would all be sorted.
    """
    if not urgency.first:
        return await read(urgency.only, after, limit)
    found: list[MessageView] = []
    for urgent in (True, False):
        wanted = urgency.only in {None, urgent}
        passed = after is not None and after.urgent is False and urgent
        if wanted and not passed and len(found) < limit:
            here = after if after is not None and after.urgent is urgent else None
            found += await read(urgent, here, limit - len(found))
    return found


def _of_kind(query: Select[*_Columns], urgent: bool | None) -> Select[*_Columns]:
    if urgent is None:
        return query
    return query.where(MessageRow.urgent if urgent else ~MessageRow.urgent)


async def _newest_ids(
    session: AsyncSession,
    mailbox_ids: Sequence[UUID],
    *,
    urgent: bool | None,
    states: Collection[MessageState],
    q: str | None,
    after: Position | None,
    limit: int,
) -> list[UUID]:
    newest_first: list[tuple[datetime, UUID]] = []
    for at in range(0, len(mailbox_ids), _AT_ONCE):
        # Each with an id of its own, and not by a join: PostgreSQL knows then how full this mailbox is.
        each = [
            _ordered(
                _of_kind(
                    select(MessageRow.received_at, MessageRow.id).where(MessageRow.mailbox_id == mailbox_id),
                    urgent,
                ),
                states=states,
                q=q,
                after=after,
                limit=limit,
            ).subquery()
            for mailbox_id in mailbox_ids[at : at + _AT_ONCE]
        ]
        found = await session.execute(union_all(*(select(one.c.received_at, one.c.id) for one in each)))
        newest_first += [(received_at, message_id) for received_at, message_id in found]
        newest_first = sorted(newest_first, reverse=True)[:limit]
    return [message_id for _, message_id in newest_first]


async def _newest(
    session: AsyncSession,
    query: Select[MessageRow, str, bool],
    *,
    states: Collection[MessageState],
    q: str | None,
    after: Position | None,
    limit: int,
    key: tuple[InstrumentedAttribute[datetime], InstrumentedAttribute[UUID]] = _NEWEST,
    mails: bool = True,
) -> list[MessageView]:
    rows = await session.execute(_ordered(query, states=states, q=q, after=after, limit=limit, key=key))
    if not mails:
        return [_view(row, number, deleted=deleted, mails=()) for row, number, deleted in rows]
    return await _with_mails(session, [(row[0], row[1], row[2]) for row in rows])


def _ordered(
    query: Select[*_Columns],
    *,
    states: Collection[MessageState],
    q: str | None,
    after: Position | None,
    limit: int,
    key: tuple[InstrumentedAttribute[datetime], InstrumentedAttribute[UUID]] = _NEWEST,
) -> Select[*_Columns]:
    query = query.where(_is_in(states))
    if q:
        query = query.where(_matches(q))
    if after is not None:
        query = query.where(tuple_(*key) < (after.received_at, after.id))
    return query.order_by(*(column.desc() for column in key)).limit(limit)


def _is_in(states: Collection[MessageState]) -> ColumnElement[bool]:
    kept = set(MessageState) - {MessageState.DELETED}
    if set(states) == kept:
        # Word for word as the index of what is not in the trash has it: no parameter is known to fit.
        return MessageRow.state != literal_column("'deleted'")
    return MessageRow.state.in_([state.value for state in states])


async def count_up_to(session: AsyncSession, mailbox_id: UUID, state: MessageState, *, most: int) -> int:
    """Count the messages of a state, and stop at `most`."""
    some = (
        select(MessageRow.id)
        .where(MessageRow.mailbox_id == mailbox_id, MessageRow.state == state.value)
        # In the order of the index, which is all that is read then.
        .order_by(MessageRow.received_at.desc())
        .limit(most)
        .subquery()
    )
    return await session.scalar(select(func.count()).select_from(some)) or 0


def _matches(q: str) -> ColumnElement[bool]:
    return or_(
        contains(MessageRow.caller_number, q),
        contains(MessageRow.caller_name, q),
    )
