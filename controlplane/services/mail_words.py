"""An admin's own words of mails: checked when they are saved, previewed, and used when a mail is sent.

A mailbox's subject and introduction are its own, else the tenant's. One that cannot be used when a mail is
sent gives way to the standard words, each for itself, and is noted for the people who look after the mails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache, lru_cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.caller import Caller
from controlplane.domain.errors import InvalidValue, InvalidValues, NotFound
from controlplane.domain.mailbox import MAX_INTRODUCTION, MAX_SUBJECT, Mailbox
from controlplane.domain.message import ReachedBy
from controlplane.domain.rights import Right
from controlplane.domain.tenant import Tenant
from controlplane.mail.compose import Composer, NewMessageMail
from controlplane.mail.own_words import LONGEST, TemplateFault, render_words
from controlplane.services.access import require
from controlplane.speech.catalogue import available_languages
from controlplane.storage import mail_words as rows
from controlplane.storage import mailboxes
from controlplane.storage.database import Database
from controlplane.storage.mail_words import WordsFault
from controlplane.storage.mailboxes import Found
from controlplane.storage.tables import TenantRow

__all__ = [
    "FIELDS",
    "MailPreview",
    "Template",
    "WordsFault",
    "check_words",
    "forget_faults",
    "mailbox_faults",
    "own_words",
    "preview_mail",
    "preview_of_tenant",
    "sample_mail",
    "sample_of_tenant",
    "templates_of",
    "templates_of_tenant",
    "words_faults",
]

FIELDS: Final = ("email_subject", "email_introduction")
_LONGEST_TEMPLATE: Final = {"email_subject": MAX_SUBJECT, "email_introduction": MAX_INTRODUCTION}
_NOBODY: Final = "nobody@localhost"
_SAMPLE_ID: Final = UUID(int=0)
_SAMPLE_WAY: Final = ReachedBy.from_json(
    {
        "path": [{"kind": "call-queue", "number": "6400", "reason": "queue_timeout", "waited_seconds": 60}],
        "reason": "queue_timeout",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Words of an admin, and whose they are: of a mailbox, or with `mailbox_id` None of the tenant."""

    text: str
    tenant_id: UUID
    mailbox_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPreview:
    """A mail as it would be; `faults` are those of templates, in whose place the standard words are."""

    subject: str
    text: str
    html: str
    faults: tuple[InvalidValue, ...]


def templates_of(mailbox: Mailbox, tenant: TenantRow) -> dict[str, Template]:
    """Return the templates of the mails of a mailbox, by field."""
    found = {}
    for field in FIELDS:
        own, of_tenant = getattr(mailbox, field), getattr(tenant, field)
        if own is not None or of_tenant is not None:
            found[field] = Template(
                text=of_tenant if own is None else own,
                tenant_id=mailbox.tenant_id,
                mailbox_id=None if own is None else mailbox.id,
            )
    return found


def templates_of_tenant(tenant: Tenant) -> dict[str, Template]:
    """Return the templates of the mails of mailboxes that have none of their own, by field."""
    return {
        field: Template(text=text, tenant_id=tenant.id, mailbox_id=None)
        for field in FIELDS
        if (text := getattr(tenant, field)) is not None
    }


async def check_words(values: Mapping[str, Any]) -> None:
    """Raise InvalidValue (InvalidValues for both) for templates among `values` that cannot be used.

    They are tried with a caller who is known and with one who is not. Nothing is locked meanwhile: it takes
    its time.
    """
    wrong: list[InvalidValue] = []
    for field in FIELDS:
        text = values.get(field)
        if text is not None:
            try:
                await asyncio.to_thread(_check, field, text)
            except InvalidValue as error:
                wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise InvalidValues(wrong)


async def forget_faults(session: AsyncSession, owner_id: UUID, values: Mapping[str, object]) -> None:
    """Forget what was noted of those templates of a mailbox or tenant that are among `values`."""
    fields = [field for field in FIELDS if field in values]
    if fields:
        await rows.forget_faults(session, owner_id, fields)


async def words_faults(db: Database, *, scope: UUID | None) -> list[WordsFault]:
    """Return the templates of a tenant that could not be used; with None those of all."""
    async with db.transaction() as session:
        return await rows.faults(session, scope)


async def own_words(
    db: Database, composer: Composer, mail: NewMessageMail, templates: Mapping[str, Template]
) -> NewMessageMail:
    """Return the mail with what the templates say of it; one that fails is noted, and left out."""
    said: dict[str, str] = {}
    for field, template in templates.items():
        result = await asyncio.to_thread(_rendered, field, template.text, composer.variables(mail))
        if isinstance(result, TemplateFault):
            structlog.get_logger().warning(
                "mail.words_failed",
                mailbox=mail.mailbox_number,
                of="tenant" if template.mailbox_id is None else "mailbox",
                field=field,
                error_id=result.error_id,
            )
            async with db.transaction() as session:
                await rows.note_fault(
                    session,
                    tenant_id=template.tenant_id,
                    mailbox_id=template.mailbox_id,
                    field=field,
                    template=template.text,
                    sentence=result.sentence,
                )
        else:
            said[field] = result
    return replace(
        mail, own_subject=said.get("email_subject"), own_introduction=said.get("email_introduction")
    )


async def preview_mail(
    db: Database,
    *,
    tenant_id: UUID,
    number: str,
    changes: Mapping[str, str | None],
    public_url: str,
    member: UUID | None = None,
) -> MailPreview:
    """Return what a mail of a mailbox would be with these words in the place of those that it has.

    Raises NotFound, NotAllowed.
    """
    async with db.transaction() as session:
        found = await _managed(session, tenant_id, number, member)
    mailbox = replace(
        mailboxes.mailbox_values(*found, available_languages()),
        **{field: text for field, text in changes.items() if field in FIELDS},  # type: ignore[arg-type]  # texts
    )
    mail = sample_mail(mailbox, found[1].name, public_url=public_url)
    return await asyncio.to_thread(_preview, mail, templates_of(mailbox, found[1]))


async def preview_of_tenant(
    tenant: Tenant, *, changes: Mapping[str, str | None], public_url: str
) -> MailPreview:
    """Return what the mails of a tenant's mailboxes would be with these words in the place of its own."""
    changed = replace(tenant, **{field: text for field, text in changes.items() if field in FIELDS})  # type: ignore[arg-type]  # texts
    mail = sample_of_tenant(changed, public_url=public_url)
    return await asyncio.to_thread(_preview, mail, templates_of_tenant(changed))


async def mailbox_faults(
    db: Database, *, tenant_id: UUID, number: str, member: UUID | None = None
) -> list[WordsFault]:
    """Return the templates of a mailbox that could not be used; raises NotFound, NotAllowed."""
    async with db.transaction() as session:
        found = await _managed(session, tenant_id, number, member)
        return await rows.faults(session, tenant_id, mailbox_id=found[0].id)


async def _managed(session: AsyncSession, tenant_id: UUID, number: str, member: UUID | None) -> Found:
    """Return a mailbox that somebody may manage; raises NotFound, NotAllowed."""
    found = await mailboxes.by_number(session, tenant_id, number)
    missing = NotFound("There is no mailbox with this number.", error_id="no-such-mailbox")
    if found is None:
        raise missing
    await require(session, member, found[0].id, Right.MANAGE, missing=missing)
    return found


def sample_mail(
    mailbox: Mailbox,
    tenant_name: str,
    *,
    public_url: str,
    message_id: UUID = _SAMPLE_ID,
    recipient: str = _NOBODY,
) -> NewMessageMail:
    """Return a mail about a message that nobody left."""
    return replace(
        _sample(tenant_name, public_url=public_url, language=mailbox.language),
        message_id=message_id,
        recipient=recipient,
        mailbox_number=mailbox.number,
        mailbox_name=mailbox.display_name,
        received_at=datetime.now(UTC).astimezone(ZoneInfo(mailbox.time_zone)),
    )


def sample_of_tenant(
    tenant: Tenant, *, public_url: str, message_id: UUID = _SAMPLE_ID, recipient: str = _NOBODY
) -> NewMessageMail:
    """Return a mail about a message that nobody left, in a mailbox that is not there."""
    return replace(
        _sample(tenant.name, public_url=public_url, language=tenant.language),
        message_id=message_id,
        recipient=recipient,
        received_at=datetime.now(UTC).astimezone(ZoneInfo(tenant.time_zone)),
    )


def _sample(tenant_name: str, *, public_url: str, language: str) -> NewMessageMail:
    return NewMessageMail(
        message_id=_SAMPLE_ID,
        recipient=_NOBODY,
        language=language,
        mailbox_number="8001",
        mailbox_name="Shared Voicemail",
        caller=Caller(number="+4930123456", name="Erika Mustermann"),
        received_at=datetime.now(UTC),
        duration_ms=65_000,
        link=f"{public_url.rstrip('/')}/m/example",
        link_days=7,
        reached_by=_SAMPLE_WAY,
        tenant_name=tenant_name,
    )


def _preview(mail: NewMessageMail, templates: Mapping[str, Template]) -> MailPreview:
    said: dict[str, str] = {}
    faults = []
    variables = _composer().variables(mail)
    for field, template in templates.items():
        result = _rendered(field, template.text, variables)
        if isinstance(result, TemplateFault):
            faults.append(_invalid(field, result))
        else:
            said[field] = result
    own = replace(
        mail, own_subject=said.get("email_subject"), own_introduction=said.get("email_introduction")
    )
    composed = _composer().compose(own, now=datetime.now(UTC))
    return MailPreview(
        subject=str(composed["Subject"]),
        text=_body(composed, "plain"),
        html=_body(composed, "html"),
        faults=tuple(faults),
    )


def _body(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    return "" if found is None else str(found.get_content())


@cache
def _composer() -> Composer:
    """Return one that writes what nobody sends."""
    return Composer(_NOBODY)


def _rendered(field: str, text: str, variables: Mapping[str, str]) -> str | TemplateFault:
    """Return what a template says; a subject that says nothing is none. Blocks."""
    said = render_words(text, variables, longest=LONGEST[field])
    if field == "email_subject" and isinstance(said, str) and not said.strip():
        return TemplateFault(error_id="template-empty", sentence="It says nothing.", details={})
    return said


@lru_cache(maxsize=1000)
def _check(field: str, text: str) -> None:
    """Raise InvalidValue for a template that cannot be used; a good one is not tried again. Blocks."""
    longest = _LONGEST_TEMPLATE[field]
    if not text.strip() or len(text) > longest:
        raise InvalidValue(
            f"This has 1 to {longest} characters; leave it out for the standard words.",
            error_id="invalid-text",
            field=field,
        )
    known = _sample("default", public_url="https://voicemail.example.com", language="en")
    for sample in (known, replace(known, caller=Caller(), reached_by=ReachedBy())):
        said = _rendered(field, text, _composer().variables(sample))
        if isinstance(said, TemplateFault):
            raise _invalid(field, said)


def _invalid(field: str, fault: TemplateFault) -> InvalidValue:
    return InvalidValue(fault.sentence, error_id=fault.error_id, field=field, details=dict(fault.details))
