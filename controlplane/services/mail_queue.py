"""Mails that are not sent yet: looking at them, trying again now, giving one up."""

from __future__ import annotations

from uuid import UUID

import structlog

from controlplane.domain.audit import AuditAction
from controlplane.domain.errors import NotFound
from controlplane.services.mailing import SEND
from controlplane.storage import mail_queue
from controlplane.storage.database import Database
from controlplane.storage.mail_queue import MailKey, UnsentMail, UnsentMails
from controlplane.storage.queue import Jobs

__all__ = ["MailKey", "UnsentMail", "UnsentMails", "discard_mail", "retry_mails", "unsent_mails"]


async def unsent_mails(db: Database, *, scope: UUID | None) -> UnsentMails:
    """Return the mails of a tenant that wait or failed; with None those of all."""
    async with db.transaction() as session:
        return await mail_queue.unsent(session, scope)


async def retry_mails(
    db: Database, jobs: Jobs, *, scope: UUID | None, key: MailKey | None = None, by: str
) -> int:
    """Try one mail again now, or with None all; return how many.

    One that failed begins anew, with all of its tries. Does nothing for one that was sent meanwhile.
    """
    async with db.transaction() as session:
        await mail_queue.note(session, scope, key, action=AuditAction.RETRIED, by=by)
        waiting = await mail_queue.hurry(session, scope, key)
        again = await mail_queue.queue_again(session, scope, key)
        await jobs.defer_each(
            session,
            SEND,
            [{"message_id": str(message_id), "recipient": recipient} for message_id, recipient in again],
        )
    structlog.get_logger().info("mail.retried", mails=waiting + len(again), by=by)
    return waiting + len(again)


async def discard_mail(db: Database, *, scope: UUID | None, key: MailKey, by: str) -> None:
    """Give a mail up; its message stays. Raises NotFound `no-such-mail`."""
    async with db.transaction() as session:
        await mail_queue.note(session, scope, key, action=AuditAction.DISCARDED, by=by)
        found = await mail_queue.discard(session, scope, key)
    if not found:
        raise NotFound("There is no such mail that waits.", error_id="no-such-mail")
    structlog.get_logger().info("mail.discarded", message_id=str(key[0]), by=by)
