"""Test mails: what the mails of a mailbox or a tenant are like, sent to one address as all mails, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.errors import DeliveryError, NotFound
from controlplane.domain.rights import Right
from controlplane.mail.compose import NewMessageMail
from controlplane.services.access import require
from controlplane.services.mail_words import (
    Template,
    own_words,
    sample_mail,
    sample_of_tenant,
    templates_of,
    templates_of_tenant,
)
from controlplane.services.mailbox_rules import parse_recipient
from controlplane.services.mailing import Mailing
from controlplane.speech.catalogue import available_languages
from controlplane.storage import mail_words as rows
from controlplane.storage import mailboxes, tenants
from controlplane.storage.database import Database
from controlplane.storage.mail_words import MailTrial, TrialOwner
from controlplane.storage.queue import Jobs

__all__ = ["TRY", "MailTrial", "get_trial", "newest_trial", "purge_trials", "send_trial", "try_mail"]

TRY: Final = "mail.trial"


async def try_mail(
    db: Database,
    jobs: Jobs,
    *,
    tenant_id: UUID,
    number: str | None,
    recipient: str,
    by: str,
    member: UUID | None = None,
) -> MailTrial:
    """Have a test mail sent to an address, and return it as it waits; `by` names who wants it.

    It is as those of the mailbox of this number; with None as those of the tenant, which is for its admins:
    a `member` never asks for it. Raises InvalidValue `invalid-address`, NotFound, NotAllowed.
    """
    address = parse_recipient(recipient)
    trial_id = uuid4()
    async with db.transaction() as session:
        owner = await _owner(session, tenant_id, number, member)
        await rows.add_trial(session, trial_id, owner, recipient=address, by=by)
        await jobs.defer(session, TRY, trial_id=str(trial_id))
        made = await rows.trial(session, trial_id)
    assert made is not None
    structlog.get_logger().info("mail.trial", mailbox=number, by=by)
    return made


async def get_trial(
    db: Database, *, tenant_id: UUID, number: str | None, trial_id: UUID, member: UUID | None = None
) -> MailTrial:
    """Return how a test mail of a mailbox, or of the tenant, fares; raises NotFound, NotAllowed."""
    async with db.transaction() as session:
        owner = await _owner(session, tenant_id, number, member)
        found = await rows.trial(session, trial_id)
    if found is None or found.owner != owner:
        raise NotFound("There is no such test mail.", error_id="no-such-test-mail")
    return found


async def newest_trial(
    db: Database, *, tenant_id: UUID, number: str | None, member: UUID | None = None
) -> MailTrial | None:
    """Return the newest test mail of a mailbox, or of the tenant; raises NotFound, NotAllowed."""
    async with db.transaction() as session:
        return await rows.newest_trial(session, await _owner(session, tenant_id, number, member))


async def send_trial(mailing: Mailing, trial_id: UUID) -> None:
    """Send a test mail, and write down how that ended; there is no second try.

    Does nothing for one that ended. Raises Unavailable when the database cannot be reached.
    """
    async with mailing.database.transaction() as session:
        waiting = await rows.trial(session, trial_id)
        if waiting is None or waiting.status != "queued":
            return
        found = await _mail(session, waiting, public_url=mailing.public_url)
    if found is None:
        return
    mail, templates = found
    error: str | None = None
    try:
        mail = await own_words(mailing.database, mailing.composer, mail, templates)
        await mailing.sender.send(mailing.composer.compose(mail, now=datetime.now(UTC)))
    except DeliveryError as refused:
        error = refused.sentence
    except Exception as broken:  # noqa: BLE001 (see below)
        # As with any other mail, a fault of ours must be seen by who waits for it.
        structlog.get_logger().exception("mail.trial_broken")
        error = f"Internal error ({type(broken).__name__})."
    async with mailing.database.transaction() as session:
        await rows.record_trial(session, trial_id, error=error)
    structlog.get_logger().info("mail.trial_ended", error=error)


async def purge_trials(db: Database, *, before: datetime) -> None:
    """Forget test mails of before a time."""
    async with db.transaction() as session:
        await rows.purge_trials(session, before=before)


async def _mail(
    session: AsyncSession, trial: MailTrial, *, public_url: str
) -> tuple[NewMessageMail, dict[str, Template]] | None:
    """Return a mail about a message that nobody left, and the words for it; None if its mailbox is gone."""
    if trial.owner.mailbox_id is None:
        row = None if trial.owner.tenant_id is None else await tenants.get(session, trial.owner.tenant_id)
        if row is None:
            return None
        tenant = tenants.tenant_values(row)
        return sample_of_tenant(
            tenant, public_url=public_url, message_id=trial.id, recipient=trial.recipient
        ), templates_of_tenant(tenant)
    found = await mailboxes.get(session, trial.owner.mailbox_id)
    if found is None:
        return None
    mailbox = mailboxes.mailbox_values(*found, available_languages())
    return sample_mail(
        mailbox, found[1].name, public_url=public_url, message_id=trial.id, recipient=trial.recipient
    ), templates_of(mailbox, found[1])


async def _owner(
    session: AsyncSession, tenant_id: UUID, number: str | None, member: UUID | None
) -> TrialOwner:
    """Return the tenant, or a mailbox that somebody may manage; raises NotFound, NotAllowed."""
    if number is None:
        return TrialOwner(tenant_id=tenant_id)
    found = await mailboxes.by_number(session, tenant_id, number)
    missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
    if found is None:
        raise missing
    await require(session, member, found[0].id, Right.MANAGE, missing=missing)
    return TrialOwner(mailbox_id=found[0].id)
