"""Who did something with a message, and who listens to it now: as colleagues are told of it.

By phone an extension is said by its digits, which are always there. A person without one is said by name,
which is spoken as soon as somebody on the phone may have to be told of them; until then it is `a colleague`.
Who called from outside is somebody from outside, whatever number and name they send.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.colleague import SOMEBODY, Colleague, named_in
from controlplane.domain.errors import NotFound
from controlplane.domain.message import MessageState
from controlplane.domain.presence import PresentListener
from controlplane.domain.rights import Right
from controlplane.services.access import require
from controlplane.services.messages import check_seen, no_such_message
from controlplane.storage import audit, mailboxes, message_views, messages, presence, users
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs

JOB: Final = "speech.colleague"

__all__ = [
    "JOB",
    "as_left",
    "colleague_of",
    "defer_names",
    "listeners_of_mailbox",
    "note_playing",
    "note_stopped",
]


async def colleague_of(session: AsyncSession, label: str | None) -> Colleague:
    """Return whom the label of an author means, within a transaction."""
    named = named_in(label)
    if named.outside:
        return Colleague(outside=True)
    if named.extension is not None:
        return Colleague(extension=named.extension)
    row = None if named.user_name is None else await users.by_name(session, named.user_name)
    if row is None:
        return SOMEBODY
    (user,) = await users.with_extensions(session, [row])
    return Colleague(extension=user.extension, name=user.display_name)


async def as_left(session: AsyncSession, message_id: UUID) -> tuple[MessageState | None, Colleague]:
    """Return in which state a message is (None: purged) and who brought it there, within a transaction."""
    found = await messages.as_left(session, message_id)
    if found is None:
        return None, await colleague_of(session, await audit.purged_by(session, message_id))
    state, label = found
    return state, await colleague_of(session, label)


async def defer_names(
    session: AsyncSession, jobs: Jobs, mailbox_ids: Collection[UUID], *, by: str, soon: bool = False
) -> None:
    """Have the name of who changed messages spoken, where somebody on the phone may be told of it.

    That is who listens in the mailbox now; with `soon` who comes later is meant too.
    """
    if not mailbox_ids or named_in(by).user_name is None:
        return
    heard = mailbox_ids if soon else await presence.heard_by_phone(session, mailbox_ids)
    if not heard:
        return
    who = await colleague_of(session, by)
    if who.extension is not None or who.name is None:
        return
    for language in await mailboxes.languages(session, heard):
        await jobs.defer(session, JOB, name=who.name, language=language)


async def listeners_of_mailbox(
    database: Database, tenant_id: UUID, number: str, *, member: UUID | None = None
) -> list[PresentListener]:
    """List who listens to which message of a mailbox now, who began first first.

    Raises NotFound `no-such-mailbox`.
    """
    missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
    async with database.transaction() as session:
        found = await mailboxes.by_number(session, tenant_id, number)
        if found is None:
            raise missing
        await require(session, member, found[0].id, Right.LISTEN, missing=missing)
        return await presence.listeners_of_mailbox(session, found[0].id)


async def note_playing(
    database: Database,
    jobs: Jobs,
    tenant_id: UUID,
    message_id: UUID,
    *,
    player_id: UUID,
    user_id: UUID,
    by: str,
    member: UUID | None = None,
) -> None:
    """Note that a player of a user plays a message; it says so again every few seconds.

    Raises NotFound `no-such-message`.
    """
    async with database.transaction() as session:
        view = await message_views.view(session, tenant_id, message_id)
        if view is None:
            raise no_such_message()
        mailbox_id = view.message.mailbox_id
        rights = await require(session, member, mailbox_id, Right.LISTEN, missing=no_such_message())
        check_seen(rights, view.message.state)
        news = await presence.plays(
            session,
            player_id,
            user_id=user_id,
            tenant_id=tenant_id,
            mailbox_id=mailbox_id,
            message_id=message_id,
        )
        if news:
            await defer_names(session, jobs, [mailbox_id], by=by, soon=True)


async def note_stopped(database: Database, *, player_id: UUID, message_id: UUID, user_id: UUID) -> None:
    """Note that a player of a user does not play a message any more; it may play another one."""
    async with database.transaction() as session:
        await presence.stops(session, player_id, message_id=message_id, user_id=user_id)
