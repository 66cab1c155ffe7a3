"""Mails about new messages: queued with the deposit, sent by a job each, retried with back-off.

A mail is sent at least once: when a worker dies between the server's answer and our note of it,
the same mail goes out again with the same Message-ID. What becomes of the message then is up to `after_mail`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from controlplane.domain.audit import AuditAction
from controlplane.domain.errors import DeliveryError
from controlplane.domain.mailbox import Mailbox
from controlplane.domain.message import Message
from controlplane.mail.attachments import Attachment, encode
from controlplane.mail.compose import Composer, NewMessageMail
from controlplane.mail.send import Sender
from controlplane.services.after_mail import hold, settle
from controlplane.services.mail_words import Template, own_words, templates_of
from controlplane.services.message_links import MessageLinks
from controlplane.services.reached import names_on_the_way
from controlplane.speech.catalogue import available_languages
from controlplane.storage import mailboxes, message_mails, messages
from controlplane.storage.audit import note_heard
from controlplane.storage.database import Database
from controlplane.storage.queue import Job, Jobs

SEND = "mail.send"
_MEGABYTE = 1024 * 1024


class Recordings(Protocol):
    """Where the audio of messages is."""

    def path(self, message_id: UUID) -> Path:
        """Return the file of a recording; it may be missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """What sending a mail needs.

    `public_url` is how browsers reach us, `retry_seconds` are the waits between tries.
    """

    database: Database
    jobs: Jobs
    recordings: Recordings
    sender: Sender
    composer: Composer
    links: MessageLinks
    public_url: str
    retry_seconds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """One mail to be sent, how often it was tried, and how often somebody asked for another one."""

    message: Message
    mailbox: Mailbox
    recipient: str
    attempts: int
    asked: int
    names: Mapping[str, str]
    tenant_name: str
    templates: Mapping[str, Template]


def mail_job(message_id: UUID, recipient: str) -> Job:
    """Return the job that sends a mail which a deposit queued."""
    return Job(task=SEND, arguments={"message_id": str(message_id), "recipient": recipient})


async def mail_again(database: Database, jobs: Jobs, message_id: UUID, *, by: str) -> bool:
    """Mail a message to all recipients of its mailbox, because somebody asked for it; False if it has none.

    Whoever was mailed before gets another mail, and whether new messages are mailed does not matter. `by`
    names who asked.
    """
    async with database.transaction() as session:
        message = await messages.get(session, message_id)
        found = None if message is None else await mailboxes.get(session, message.mailbox_id)
        if found is None or not found[0].email_recipients:
            return False
        recipients = found[0].email_recipients
        await message_mails.ask(session, message_id, recipients)
        await note_heard(session, [message_id], action=AuditAction.FORWARDED, by=by, to=", ".join(recipients))
        for recipient in recipients:
            await jobs.defer(session, SEND, message_id=str(message_id), recipient=recipient)
    structlog.get_logger().info("mail.asked_for", message_id=str(message_id), by=by)
    return True


async def send_message_mail(mailing: Mailing, message_id: UUID, recipient: str) -> None:
    """Send one mail as things are now, and write down how that ended.

    Does nothing when the mail was dealt with, the message purged or the recipient taken off. A
    temporary failure queues the next try in the transaction that records it; after the last try,
    or a permanent refusal, the mail is `failed` with its reason. Raises Unavailable when the
    database cannot be reached: then the job is retried as it is.
    """
    log = structlog.get_logger().bind(message_id=str(message_id))
    mail = await _queued(mailing, message_id, recipient)
    if mail is None:
        log.info("mail.skipped")
        return
    log = log.bind(**_traced(mail.message))
    try:
        await _hand_over(mailing, mail)
    except DeliveryError as error:
        await _failed(mailing, mail, error)
        return
    except Exception as error:
        # The edge of a job: a fault of ours must end as visible on the message as a refusal.
        log.exception("mail.broken")
        unforeseen = DeliveryError(f"Internal error ({type(error).__name__}).", permanent=False)
        await _failed(mailing, mail, unforeseen)
        return
    async with mailing.database.transaction() as session:
        await hold(session, mail.message)
        await message_mails.record(session, message_id, recipient, status="sent", error=None)
        await settle(session, mailing.jobs, mail.message)
    log.info("mail.sent", attempt=mail.attempts + 1)


def _traced(message: Message) -> dict[str, str]:
    return {"trace_id": message.trace_id} if message.trace_id else {}


async def _queued(mailing: Mailing, message_id: UUID, recipient: str) -> _Mail | None:
    """Return the mail if it is to be sent still; one that nobody wants any more is dropped."""
    async with mailing.database.transaction() as session:
        queued = await message_mails.queued(session, message_id, recipient)
        message = await messages.get(session, message_id)
        if queued is None or message is None:
            return None
        found = await mailboxes.get(session, message.mailbox_id)
        mailbox = None if found is None else mailboxes.mailbox_values(*found, available_languages())
        wanted = mailbox is not None and (mailbox.email_notification or queued.asked > 0)
        if found is None or mailbox is None or not wanted or recipient not in mailbox.email_recipients:
            await hold(session, message)
            await message_mails.drop(session, message_id, recipient)
            await settle(session, mailing.jobs, message)
            return None
        names = await names_on_the_way(session, message.tenant_id, [message.reached_by])
    return _Mail(
        message=message,
        mailbox=mailbox,
        recipient=recipient,
        tenant_name=found[1].name,
        templates=templates_of(mailbox, found[1]),
        attempts=queued.attempts,
        asked=queued.asked,
        names=names,
    )


async def _failed(mailing: Mailing, mail: _Mail, error: DeliveryError) -> None:
    log = structlog.get_logger().bind(
        message_id=str(mail.message.id), attempt=mail.attempts + 1, **_traced(mail.message)
    )
    final = error.permanent or mail.attempts >= len(mailing.retry_seconds)
    async with mailing.database.transaction() as session:
        still_queued = await message_mails.record(
            session,
            mail.message.id,
            mail.recipient,
            status="failed" if final else "queued",
            error=error.sentence,
        )
        if still_queued and not final:
            wait = timedelta(seconds=mailing.retry_seconds[mail.attempts])
            await mailing.jobs.defer(
                session,
                SEND,
                schedule_at=datetime.now(UTC) + wait,
                message_id=str(mail.message.id),
                recipient=mail.recipient,
            )
    log.warning("mail.failed" if final else "mail.postponed", error=error.sentence)


async def _hand_over(mailing: Mailing, mail: _Mail) -> None:
    """Send a mail; where it is too large for the server, without the recording. Raises DeliveryError."""
    values = await _values(mailing, mail)
    try:
        await mailing.sender.send(_compose(mailing, values))
    except DeliveryError as error:
        if not error.too_large or values.attachment is None:
            raise
        structlog.get_logger().info(
            "mail.without_recording", message_id=str(mail.message.id), error=error.sentence
        )
        smaller = replace(values, attachment=None, attachment_missing=True)
        await mailing.sender.send(_compose(mailing, smaller))


def _compose(mailing: Mailing, values: NewMessageMail) -> EmailMessage:
    return mailing.composer.compose(values, now=datetime.now(UTC))


async def _values(mailing: Mailing, mail: _Mail) -> NewMessageMail:
    message, mailbox = mail.message, mail.mailbox
    attached = mailbox.email_attachment and mail.recipient not in mailbox.email_notice_only
    attachment = await _attachment(mailing, mail) if attached else None
    values = NewMessageMail(
        message_id=message.id,
        recipient=mail.recipient,
        language=mailbox.language,
        mailbox_number=mailbox.number,
        mailbox_name=mailbox.display_name,
        caller=message.caller,
        received_at=message.received_at.astimezone(ZoneInfo(mailbox.time_zone)),
        duration_ms=message.duration_ms,
        link=f"{mailing.public_url.rstrip('/')}/m/{mailing.links.make(message.id)}",
        link_days=mailing.links.days,
        attachment=attachment,
        urgent=message.urgent,
        attachment_missing=attached and attachment is None,
        asked=mail.asked,
        reached_by=message.reached_by,
        names=mail.names,
        tenant_name=mail.tenant_name,
        trace_id=message.trace_id,
    )
    return await own_words(mailing.database, mailing.composer, values, mail.templates)


async def _attachment(mailing: Mailing, mail: _Mail) -> Attachment | None:
    """Return the recording to attach; None if it is too large, or not there any more."""
    path, mailbox = mailing.recordings.path(mail.message.id), mail.mailbox
    try:
        return await asyncio.to_thread(
            encode,
            path,
            mailbox.email_attachment_format,
            max_bytes=mailbox.email_attachment_max_mb * _MEGABYTE,
        )
    except FileNotFoundError:
        structlog.get_logger().error("mail.recording_missing", message_id=str(mail.message.id))
        return None
