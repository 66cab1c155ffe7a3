"""How full a mailbox is: whether it takes a message, and a mail to its recipients when it is almost full."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

import structlog

from controlplane.domain.errors import DeliveryError
from controlplane.domain.limits import WARNED_PERCENT
from controlplane.mail.compose import Composer, QuotaMail
from controlplane.mail.send import Sender
from controlplane.storage import limits, mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Job, Jobs

LOOK = "mail.quota"
TELL = "mail.quota_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaMails:
    """What telling needs. `languages` are those with prompts."""

    database: Database
    jobs: Jobs
    sender: Sender
    composer: Composer
    languages: Collection[str]


def quota_job(mailbox_id: UUID) -> Job:
    """Return the job that looks how full a mailbox is."""
    return Job(task=LOOK, arguments={"mailbox_id": str(mailbox_id)})


async def look(mails: QuotaMails, mailbox_id: UUID) -> None:
    """Queue a mail to each recipient of a mailbox that is almost full, once until there is room again."""
    async with mails.database.transaction() as session:
        found = await limits.warned(session, mailbox_id)
        if found is None:
            return
        quota = limits.quota_of(found.row, found.tenant)
        if quota.percent(found.used) < WARNED_PERCENT:
            await limits.forget_warning(session, mailbox_id)
            return
        if not await limits.note_warning(session, mailbox_id):
            return
        recipients = found.row.email_recipients
        for recipient in recipients:
            await mails.jobs.defer(session, TELL, mailbox_id=str(mailbox_id), recipient=recipient)
    structlog.get_logger().warning(
        "quota.almost_full",
        mailbox_id=str(mailbox_id),
        percent=quota.percent(found.used),
        recipients=len(recipients),
    )


async def tell(mails: QuotaMails, mailbox_id: UUID, recipient: str) -> None:
    """Send the mail to one recipient, if there is still a reason for it.

    A permanent refusal is logged and ends it. Raises DeliveryError when a retry may help, and
    Unavailable; a repeated mail has the same Message-ID.
    """
    log = structlog.get_logger().bind(mailbox_id=str(mailbox_id))
    async with mails.database.transaction() as session:
        found = await limits.warned(session, mailbox_id)
    if found is None or found.warned_at is None or recipient not in found.row.email_recipients:
        log.info("quota.skipped")
        return
    mailbox = mailboxes.mailbox_values(found.row, found.tenant, mails.languages)
    mail = QuotaMail(
        occasion_id=uuid5(mailbox_id, f"quota {found.warned_at.astimezone(UTC).isoformat()}"),
        recipient=recipient,
        language=mailbox.language,
        mailbox_number=mailbox.number,
        mailbox_name=mailbox.display_name,
        quota=mailbox.quota,
        used=found.used,
    )
    try:
        await mails.sender.send(mails.composer.compose_quota(mail, now=datetime.now(UTC)))
    except DeliveryError as error:
        if not error.permanent:
            raise
        log.error("quota.refused", error=error.sentence)  # noqa: TRY400 (a server's answer needs no traceback)
        return
    log.info("quota.told")


async def look_again(mails: QuotaMails) -> None:
    """Forget those who were told and whose mailboxes have room again, so that the next time is told."""
    async with mails.database.transaction() as session:
        told = await limits.warned_mailboxes(session)
    for mailbox_id in told:
        await look(mails, mailbox_id)
