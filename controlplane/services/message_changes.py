"""What REST clients and people do with messages: mark, delete, restore, purge, each as far as they may.

A message moves to the trash first, and is purged from there: its row goes in a transaction, its recording
after the commit. `member` is the user whose rights at mailboxes count; None for who may do all
(`services.access`). What somebody may not see is not found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, assert_never
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import Conflict, InvalidValue, PreconditionFailed
from controlplane.domain.message import MessageState
from controlplane.domain.rights import Right, Rights, check_right
from controlplane.services.access import rights_at, rights_by_mailbox
from controlplane.services.colleagues import defer_names
from controlplane.services.lamps import defer_lamps
from controlplane.services.messages import check_seen, no_such_message, right_to_see
from controlplane.storage import message_views, messages
from controlplane.storage.audit import name_author
from controlplane.storage.database import Database
from controlplane.storage.message_views import MessageView
from controlplane.storage.messages import Locked
from controlplane.storage.queue import Jobs

__all__ = [
    "MAX_BULK",
    "BulkAction",
    "BulkOutcome",
    "MessageOutcome",
    "Recordings",
    "Requested",
    "bulk",
    "delete_message",
    "purge_messages",
    "set_state",
]

MAX_BULK = 1000


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


class MessageOutcome(StrEnum):
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
    outcome: MessageOutcome
    state: MessageState | None


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
        held, rights = await _seen(session, tenant_id, message_id, member)
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
            await _tell(session, jobs, [held.mailbox_id], by)
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
        held, rights = await _seen(session, tenant_id, message_id, member)
        check_right(rights, Right.DELETE)
        _check_version(held, expected_version)
        if held.state is not MessageState.DELETED:
            await messages.move_locked(session, [message_id], MessageState.DELETED, by)
            await _tell(session, jobs, [held.mailbox_id], by)
            return await message_views.view(session, tenant_id, message_id)
        await name_author(session, by)
        await messages.delete_locked(session, message_id)
        await defer_names(session, jobs, [held.mailbox_id], by=by)
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
        done = [
            message_id for message_id, result in outcomes.items() if result.outcome is MessageOutcome.DONE
        ]
        await messages.move_locked(session, done, _bulk_target(action), by)
        await _tell(session, jobs, {held[message_id].mailbox_id for message_id in done}, by)
    missing = (
        BulkOutcome(id=i, outcome=MessageOutcome.NOT_FOUND, state=None) for i in ids if i not in outcomes
    )
    outcomes |= {result.id: result for result in missing}
    return [outcomes[message_id] for message_id in dict.fromkeys(ids)]


async def _tell(session: AsyncSession, jobs: Jobs, mailbox_ids: Collection[UUID], by: str) -> None:
    """Have the lamps of mailboxes told, and who did it spoken, for colleagues on the phone."""
    await defer_lamps(session, jobs, mailbox_ids)
    await defer_names(session, jobs, mailbox_ids, by=by)


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
        message_id: BulkOutcome(id=message_id, outcome=MessageOutcome.NOT_ALLOWED, state=locked.state)
        for message_id, locked in seen.items()
        if right not in rights[locked.mailbox_id]
    }
    return seen, refused


async def _seen(
    session: AsyncSession, tenant_id: UUID, message_id: UUID, member: UUID | None
) -> tuple[Locked, Rights]:
    """Return a message, locked, with the rights of who asks; raises NotFound for what they may not see."""
    held = (await messages.lock(session, tenant_id, [message_id])).get(message_id)
    if held is None:
        raise no_such_message()
    rights = await rights_at(session, member, held.mailbox_id)
    check_seen(rights, held.state)
    return held, rights


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
        return BulkOutcome(id=held.id, outcome=MessageOutcome.UNCHANGED, state=held.state)
    if target is None and held.mailbox_deleted:
        return BulkOutcome(id=held.id, outcome=MessageOutcome.MAILBOX_DELETED, state=held.state)
    return BulkOutcome(id=held.id, outcome=MessageOutcome.DONE, state=target or held.state_before)


def _check_version(held: Locked, expected: int | None) -> None:
    if expected is not None and held.version != expected:
        raise PreconditionFailed("The message was changed by somebody else since it was read.")


async def purge_messages(
    database: Database,
    jobs: Jobs,
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
        await defer_names(session, jobs, {held[message_id].mailbox_id for message_id in purged}, by=by)
    for message_id in purged:
        await recordings.remove(message_id)
        structlog.get_logger().info("message.purged", message_id=str(message_id), by=by)
    outcomes = {
        locked.id: BulkOutcome(id=locked.id, outcome=MessageOutcome.UNCHANGED, state=locked.state)
        for locked in held.values()
    }
    outcomes |= {i: BulkOutcome(id=i, outcome=MessageOutcome.DONE, state=None) for i in purged} | refused
    return [
        outcomes.get(i) or BulkOutcome(id=i, outcome=MessageOutcome.NOT_FOUND, state=None)
        for i in dict.fromkeys(ids)
    ]


def _check_count(ids: Sequence[UUID]) -> None:
    if len(ids) > MAX_BULK:
        raise InvalidValue(f"At most {MAX_BULK} messages at once.", error_id="too-many-ids", field="ids")
