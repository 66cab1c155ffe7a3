"""Tells a mailbox's recipients that its PIN was tried so often that it is refused until it is changed.

That is to phones that never gave it rightly, or to all who call from `outside`, where those tried it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import structlog

from controlplane.domain.errors import DeliveryError
from controlplane.mail.compose import Composer, PinAlarmMail
from controlplane.mail.send import Sender
from controlplane.services.pins import PIN_ALARM
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.queue import Jobs
from controlplane.storage.tables import MailboxRow

__all__ = ["PIN_ALARM", "TELL", "PinAlarms", "announce", "tell"]

TELL = "mail.pin_alarm_to"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinAlarms:
    """What telling needs. `languages` are those with prompts."""

    database: Database
    jobs: Jobs
    sender: Sender
    composer: Composer
    languages: Collection[str]


async def announce(alarms: PinAlarms, mailbox_id: UUID, *, outside: bool = False) -> None:
    """Queue a mail to each recipient, whether or not they are mailed about messages.

    Does nothing when the PIN was changed or the mailbox deleted meanwhile.
    """
    async with alarms.database.transaction() as session:
        found = await mailboxes.get(session, mailbox_id)
        if found is None or _refused_at(found[0], outside=outside) is None:
            return
        recipients = found[0].email_recipients
        more: dict[str, Any] = {"outside": True} if outside else {}
        for recipient in recipients:
            await alarms.jobs.defer(session, TELL, mailbox_id=str(mailbox_id), recipient=recipient, **more)
    structlog.get_logger().warning(
        "pin_alarm.announced", mailbox_id=str(mailbox_id), recipients=len(recipients)
    )


async def tell(alarms: PinAlarms, mailbox_id: UUID, recipient: str, *, outside: bool = False) -> None:
    """Send the mail to one recipient, if there is still a reason for it.

    A permanent refusal is logged and ends it. Raises DeliveryError when a retry may help, and
    Unavailable; a repeated mail has the same Message-ID.
    """
    log = structlog.get_logger().bind(mailbox_id=str(mailbox_id))
    async with alarms.database.transaction() as session:
        found = await mailboxes.get(session, mailbox_id)
    refused_at = None if found is None else _refused_at(found[0], outside=outside)
    if found is None or refused_at is None or recipient not in found[0].email_recipients:
        log.info("pin_alarm.skipped")
        return
    mailbox = mailboxes.mailbox_values(*found, alarms.languages)
    mail = PinAlarmMail(
        alarm_id=uuid5(
            mailbox_id, f"{'outside ' if outside else ''}{refused_at.astimezone(UTC).isoformat()}"
        ),
        recipient=recipient,
        language=mailbox.language,
        mailbox_number=mailbox.number,
        mailbox_name=mailbox.display_name,
        outside=outside,
    )
    try:
        await alarms.sender.send(alarms.composer.compose_pin_alarm(mail, now=datetime.now(UTC)))
    except DeliveryError as error:
        if not error.permanent:
            raise
        log.error("pin_alarm.refused", error=error.sentence)  # noqa: TRY400 (a server's answer needs no traceback)
        return
    log.info("pin_alarm.sent")


def _refused_at(row: MailboxRow, *, outside: bool) -> datetime | None:
    return row.pin_refused_outside_at if outside else row.pin_refused_at
