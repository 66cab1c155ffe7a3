"""What REST clients and admins do with messages: list, read, mark, delete, restore, purge.

Reading never changes a state. A message moves to the trash first, and is purged from there:
its row goes in a transaction, its recording after the commit.

`member` is the user whose rights at mailboxes count; None for who may do all (`services.access`). Who may
hear messages sees those that are not in the trash.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, assert_never
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue, NotFound, PreconditionFailed
from controlplane.domain.message import MessageState
from controlplane.domain.rights import Right, Rights, check_right
from controlplane.services.access import require, rights_by_mailbox
from controlplane.services.lamps import defer_lamps
from controlplane.storage import bookkeeping, mailboxes, members, message_views, messages, pin_tries
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.message_views import MessageView, Position
from controlplane.storage.messages import Locked
from controlplane.storage.queue import Jobs

__all__ = [
    "MAX_BULK",
    "BulkAction",
    "BulkOutcome",
    "MessageView",
    "Outcome",
    "Page",
    "Position",
    "Recordings",
    "Requested",
    "bulk",
    "delete_message",
    "get_message",
    "get_messages",
    "list_all_messages",
    "list_messages",
    "page_of",
    "purge_messages",
    "purge_old_bookkeeping",
    "purge_trash",
    "set_state",
]

MAX_BULK = 1000
_PURGE_AT_ONCE = 200


class Recordings(Protocol):
    """Where the audio of messages is."""

    async def remove(self, message_id: UUID) -> None:
        """Remove a recording; does nothing if there is none."""
        ...


class Requested(StrEnum):
    """What a client may ask a message to become; `restored` is the state before the trash."""

    NEW = "new"
    SAVED = "saved"
    DELETED = "deleted"
    RESTORED = "restored"


class BulkAction(StrEnum):
    """What can be done with many messages at once."""

    MARK_READ = "mark_read"
    MARK_UNREAD = "mark_unread"
    DELETE = "delete"
    RESTORE = "restore"


class Outcome(StrEnum):
    """How one message of many fared; `unchanged` when the action does not apply to its state."""

    DONE = "done"
    UNCHANGED = "unchanged"
    NOT_FOUND = "not-found"
    NOT_ALLOWED = "not-allowed"
    MAILBOX_DELETED = "mailbox-deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOutcome:
    """How one message fared, and its state now; None if there is no such message."""

    id: UUID
    outcome: Outcome
    state: MessageState | None


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
    member: UUID | None = None,
) -> Page:
    """Return a page of a mailbox's messages, newest first; without a state, new and saved ones.

    `q` is looked for in callers' names and numbers. Raises NotFound `no-such-mailbox`, NotAllowed.
    """
    async with database.transaction() as session:
        found = await mailboxes.by_number(session, tenant_id, mailbox_number)
        missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
        if found is None:
            raise missing
        await require(session, member, found[0].id, right_to_see(_states(state)), missing=missing)
        views = await message_views.newest(
            session, found[0].id, states=_states(state), q=q, after=after, limit=limit + 1
        )
    return page_of(views, limit)


async def list_all_messages(
    database: Database,
    tenant_id: UUID,
    *,
    mailbox_number: str | None,
    state: MessageState | None,
    q: str | None,
    limit: int,
    after: Position | None,
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
            )
            return page_of(views, limit)
        views = await message_views.newest_of_tenant(
            session,
            tenant_id,
            mailbox_number=mailbox_number,
            states=_states(state),
            q=q,
            after=after,
            limit=limit + 1,
        )
    return page_of(views, limit)


def right_to_see(states: Sequence[MessageState]) -> Right:
    """Return the right that a list of messages of these states needs."""
    return Right.DELETE if MessageState.DELETED in states else Right.LISTEN


def _states(state: MessageState | None) -> tuple[MessageState, ...]:
    return (MessageState.NEW, MessageState.SAVED) if state is None else (state,)


def page_of(views: Sequence[MessageView], limit: int) -> Page:
    """Make a page of a query that asked for one more."""
    shown = views[:limit]
    more = len(views) > limit
    last = shown[-1].message if more else None
    return Page(
        items=tuple(shown),
        next=None if last is None else Position(received_at=last.received_at, id=last.id),
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
            raise _no_such_message()
        check_seen(await _rights(session, member, found.message.mailbox_id), found.message.state)
        await require(session, member, found.message.mailbox_id, right, missing=_no_such_message())
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
        raise _no_such_message()


async def _rights(session: AsyncSession, member: UUID | None, mailbox_id: UUID) -> Rights:
    return (await rights_by_mailbox(session, member, [mailbox_id]))[mailbox_id]


async def set_state(
    database: Database,
    jobs: Jobs,
    tenant_id: UUID,
    message_id: UUID,
    *,
    state: Requested,
    expected_version: int | None,
    by: str,
    member: UUID | None = None,
) -> MessageView:
    """Give a message a state and return it; what has the state already stays as it is.

    `restored` of a message that is not in the trash changes nothing, so that a repeated request
    is harmless. Raises NotFound `no-such-message`, NotAllowed, PreconditionFailed when the version is not
    the expected one, Conflict `mailbox-deleted` for what must stay in the trash.
    """
    async with database.transaction() as session:
        held = (await messages.lock(session, tenant_id, [message_id])).get(message_id)
        if held is None:
            raise _no_such_message()
        rights = await _rights(session, member, held.mailbox_id)
        check_seen(rights, held.state)
        check_right(
            rights, Right.DELETE if state in {Requested.DELETED, Requested.RESTORED} else Right.LISTEN
        )
        _check_version(held, expected_version)
        target = _target(held, state)
        if target is not None and target is not held.state:
            if held.mailbox_deleted and target is not MessageState.DELETED:
                raise Conflict(
                    "The mailbox of this message was deleted, so that it stays in the trash.",
                    error_id="mailbox-deleted",
                )
            await messages.move_locked(session, [message_id], target, by)
            await defer_lamps(session, jobs, [held.mailbox_id])
        found = await message_views.view(session, tenant_id, message_id)
        assert found is not None
    return found


def _target(held: Locked, state: Requested) -> MessageState | None:
    """Return the state to move to; None when there is nothing to undo."""
    if state is Requested.RESTORED:
        return held.state_before
    return MessageState(state.value)


async def delete_message(
    database: Database,
    jobs: Jobs,
    recordings: Recordings,
    tenant_id: UUID,
    message_id: UUID,
    *,
    expected_version: int | None,
    by: str,
    member: UUID | None = None,
) -> MessageView | None:
    """Move a message to the trash and return it; purge what is there already and return None.

    Of a purged message nothing is left but the note that its recording was dealt with. Raises
    NotFound `no-such-message`, NotAllowed and PreconditionFailed.
    """
    async with database.transaction() as session:
        held = (await messages.lock(session, tenant_id, [message_id])).get(message_id)
        if held is None:
            raise _no_such_message()
        rights = await _rights(session, member, held.mailbox_id)
        check_seen(rights, held.state)
        check_right(rights, Right.DELETE)
        _check_version(held, expected_version)
        if held.state is not MessageState.DELETED:
            await messages.move_locked(session, [message_id], MessageState.DELETED, by)
            await defer_lamps(session, jobs, [held.mailbox_id])
            return await message_views.view(session, tenant_id, message_id)
        await name_author(session, by)
        await messages.delete_locked(session, message_id)
    await recordings.remove(message_id)
    structlog.get_logger().info("message.purged", message_id=str(message_id), by=by)
    return None


async def bulk(
    database: Database,
    jobs: Jobs,
    tenant_id: UUID,
    ids: Sequence[UUID],
    *,
    action: BulkAction,
    by: str,
    member: UUID | None = None,
) -> list[BulkOutcome]:
    """Do the same with up to MAX_BULK messages in one transaction; return an outcome per id, in order.

    `mark_read` concerns new messages, `mark_unread` saved ones; what is in the trash is only
    concerned by `restore`. Foreign and unknown ids are not found, the others go on, and so do those that
    the member may do this with. Raises InvalidValue `too-many-ids`.
    """
    _check_count(ids)
    async with database.transaction() as session:
        held, outcomes = await _held(session, tenant_id, ids, _right_for(action), member)
        outcomes |= {
            message_id: _outcome(locked, action)
            for message_id, locked in held.items()
            if message_id not in outcomes
        }
        done = [message_id for message_id, result in outcomes.items() if result.outcome is Outcome.DONE]
        await messages.move_locked(session, done, _bulk_target(action), by)
        await defer_lamps(session, jobs, {held[message_id].mailbox_id for message_id in done})
    missing = (BulkOutcome(id=i, outcome=Outcome.NOT_FOUND, state=None) for i in ids if i not in outcomes)
    outcomes |= {result.id: result for result in missing}
    return [outcomes[message_id] for message_id in dict.fromkeys(ids)]


async def _held(
    session: AsyncSession, tenant_id: UUID, ids: Sequence[UUID], right: Right, member: UUID | None
) -> tuple[dict[UUID, Locked], dict[UUID, BulkOutcome]]:
    """Hold those of the messages that somebody may see, and say which of them they may not do this with."""
    held = await messages.lock(session, tenant_id, ids)
    rights = await rights_by_mailbox(session, member, {locked.mailbox_id for locked in held.values()})
    seen = {
        message_id: locked
        for message_id, locked in held.items()
        if right_to_see((locked.state,)) in rights[locked.mailbox_id]
    }
    refused = {
        message_id: BulkOutcome(id=message_id, outcome=Outcome.NOT_ALLOWED, state=locked.state)
        for message_id, locked in seen.items()
        if right not in rights[locked.mailbox_id]
    }
    return seen, refused


def _right_for(action: BulkAction) -> Right:
    marks = action in {BulkAction.MARK_READ, BulkAction.MARK_UNREAD}
    return Right.LISTEN if marks else Right.DELETE


def _bulk_target(action: BulkAction) -> MessageState | None:
    match action:
        case BulkAction.MARK_READ:
            return MessageState.SAVED
        case BulkAction.MARK_UNREAD:
            return MessageState.NEW
        case BulkAction.DELETE:
            return MessageState.DELETED
        case BulkAction.RESTORE:
            return None
        case _:
            assert_never(action)


def _outcome(held: Locked, action: BulkAction) -> BulkOutcome:
    in_trash = held.state is MessageState.DELETED
    target = _bulk_target(action)
    if (target is None) != in_trash or target is held.state:
        return BulkOutcome(id=held.id, outcome=Outcome.UNCHANGED, state=held.state)
    if target is None and held.mailbox_deleted:
        return BulkOutcome(id=held.id, outcome=Outcome.MAILBOX_DELETED, state=held.state)
    return BulkOutcome(id=held.id, outcome=Outcome.DONE, state=target or held.state_before)


def _check_version(held: Locked, expected: int | None) -> None:
    if expected is not None and held.version != expected:
        raise PreconditionFailed("The message was changed by somebody else since it was read.")


def _no_such_message() -> NotFound:
    return NotFound("There is no such message.", error_id="no-such-message")


async def purge_messages(
    database: Database,
    recordings: Recordings,
    tenant_id: UUID,
    ids: Sequence[UUID],
    *,
    by: str,
    member: UUID | None = None,
) -> list[BulkOutcome]:
    """Purge up to MAX_BULK messages that are in the trash; return an outcome per id, in order.

    What is not in the trash stays as it is, so that nobody purges what a colleague restored meanwhile.
    Raises InvalidValue `too-many-ids`.
    """
    _check_count(ids)
    async with database.transaction() as session:
        held, refused = await _held(session, tenant_id, ids, Right.DELETE, member)
        await name_author(session, by)
        purged = [locked.id for locked in held.values() if locked.state is MessageState.DELETED]
        for message_id in purged:
            await messages.delete_locked(session, message_id)
    for message_id in purged:
        await recordings.remove(message_id)
        structlog.get_logger().info("message.purged", message_id=str(message_id), by=by)
    outcomes = {
        locked.id: BulkOutcome(id=locked.id, outcome=Outcome.UNCHANGED, state=locked.state)
        for locked in held.values()
    }
    outcomes |= {i: BulkOutcome(id=i, outcome=Outcome.DONE, state=None) for i in purged} | refused
    return [
        outcomes.get(i) or BulkOutcome(id=i, outcome=Outcome.NOT_FOUND, state=None)
        for i in dict.fromkeys(ids)
    ]


def _check_count(ids: Sequence[UUID]) -> None:
    if len(ids) > MAX_BULK:
        raise InvalidValue(f"At most {MAX_BULK} messages at once.", error_id="too-many-ids", field="ids")


async def purge_trash(database: Database, recordings: Recordings, older_than: datetime) -> int:
    """Purge what is in the trash since before a time, in small transactions; return how many messages.

    Mailboxes deleted before that time lose their row with their last message.
    """
    purged = 0
    while True:
        async with database.transaction() as session:
            batch = await messages.purge_trash(session, older_than=older_than, limit=_PURGE_AT_ONCE)
        for message_id in batch:
            await recordings.remove(message_id)
        purged += len(batch)
        if len(batch) < _PURGE_AT_ONCE:
            break
    async with database.transaction() as session:
        gone = await mailboxes.purge_deleted(session, deleted_before=older_than)
    if purged or gone:
        structlog.get_logger().info("trash.purged", messages=purged, mailboxes=gone)
    return purged


async def purge_old_bookkeeping(
    database: Database,
    *,
    recordings_taken_before: datetime,
    idempotency_keys_before: datetime,
    pin_tries_before: datetime,
) -> None:
    """Remove notes that nobody will ask for again: each is older than the limit that it serves.

    `pin_tries_before` is the days of the mailbox's limit ago (`PinLockPolicy.mailbox_window`).
    """
    async with database.transaction() as session:
        taken = await bookkeeping.purge_recordings_taken(session, before=recordings_taken_before)
        keys = await bookkeeping.purge_idempotency_keys(session, before=idempotency_keys_before)
        tries = await pin_tries.purge(session, before=pin_tries_before)
    structlog.get_logger().debug(
        "bookkeeping.purged", recordings_taken=taken, idempotency_keys=keys, pin_tries=tries
    )
