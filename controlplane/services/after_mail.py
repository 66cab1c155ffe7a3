"""What becomes of a message once its mails are taken: it stays, is read, or goes to the trash.

Only what nobody has touched since it came is moved, so that it happens once and undoes nobody's work, and
only when the mail to every recipient was taken: one that waits, failed or was given up keeps the message as
it is.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.configuration import SYSTEM
from controlplane.domain.mailbox import AfterMail
from controlplane.domain.message import Message, MessageState
from controlplane.services.lamps import defer_lamps
from controlplane.storage import mailboxes, message_mails, messages
from controlplane.storage.queue import Jobs

_STATES: Final = {AfterMail.MARK_READ: MessageState.SAVED, AfterMail.TRASH: MessageState.DELETED}


async def hold(session: AsyncSession, message: Message) -> None:
    """Let no other mail of this message end until the session commits, if the last one has consequences.

    Two that end at once would each see the other one waiting, and none would be the last.
    """
    found = await mailboxes.get(session, message.mailbox_id)
    if _state_after(found) is not None:
        await messages.lock(session, message.tenant_id, [message.id])


async def settle(session: AsyncSession, jobs: Jobs, message: Message) -> None:
    """Do what the mailbox wants, if all mails of the message were taken; `hold` was called before."""
    found = await mailboxes.get(session, message.mailbox_id)
    state = _state_after(found)
    if found is None or state is None:
        return
    if not await message_mails.all_sent(session, message.id, found[0].email_recipients):
        return
    if await messages.move_untouched(session, message.id, to=state, by=SYSTEM):
        await defer_lamps(session, jobs, [message.mailbox_id])
        structlog.get_logger().info("message.settled", message_id=str(message.id), state=state.value)


def _state_after(found: mailboxes.Found | None) -> MessageState | None:
    """Return the state that a message is to get; None: that which it has."""
    if found is None or not found[0].email_notification:
        return None
    return _STATES.get(AfterMail(found[0].after_mail))
