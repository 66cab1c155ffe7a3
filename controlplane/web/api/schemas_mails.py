"""Mails in JSON: those that wait or failed, what they are like, and test mails."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import Field

from controlplane.domain.tenant import Tenant
from controlplane.services.mail_queue import UnsentMail, UnsentMails
from controlplane.services.mail_trials import MailTrial
from controlplane.services.mail_words import MailPreview, WordsFault
from controlplane.services.tenants import TenantChanges
from controlplane.web.api.fields import (
    Input,
    MailIntroduction,
    MailSubject,
    Output,
    example,
    left_out,
)

_MAIL: dict[str, Any] = {
    "message_id": "0b8a52b3-7d4c-4f4e-9c7a-1f0a5b7d9e10",
    "recipient": "sales@example.com",
    "mailbox": "8001",
    "status": "failed",
    "attempts": 1,
    "error": "The mail server refused the recipient (550 5.1.1 No such user).",
    "updated_at": "2026-03-02T09:00:00Z",
}
_FAULT: dict[str, Any] = {
    "mailbox": "8001",
    "field": "email_subject",
    "sentence": "It fails: ZeroDivisionError: division by zero.",
    "mails": 3,
    "first_at": "2026-03-02T09:00:00Z",
    "last_at": "2026-03-02T10:00:00Z",
}
_Recipient = Annotated[str, Field(min_length=1, max_length=320, description="A mail address.")]


class UnsentMailOut(Output):
    """A mail about a message that is not sent yet."""

    message_id: UUID
    recipient: str
    mailbox: str = Field(description="The number of the message's mailbox.")
    status: Literal["queued", "failed"]
    attempts: int
    error: str | None = Field(description="What the mail server said last of this address.")
    updated_at: datetime

    @classmethod
    def of(cls, mail: UnsentMail) -> UnsentMailOut:
        """Make it from the service's value."""
        return cls(
            message_id=mail.message_id,
            recipient=mail.recipient,
            mailbox=mail.mailbox_number,
            status="failed" if mail.failed else "queued",
            attempts=mail.attempts,
            error=mail.error,
            updated_at=mail.updated_at,
        )


class TemplateFaultOut(Output):
    """A template that could not be used: mails were sent with the standard words instead."""

    mailbox: str | None = Field(description="The number of the mailbox; `null`: the tenant's.")
    field: Literal["email_subject", "email_introduction"]
    sentence: str
    mails: int = Field(description="How many mails it concerned.")
    first_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, fault: WordsFault) -> TemplateFaultOut:
        """Make it from the service's value."""
        return cls.model_validate(
            {
                "mailbox": fault.mailbox_number,
                "field": fault.field,
                "sentence": fault.sentence,
                "mails": fault.mails,
                "first_at": fault.first_at,
                "last_at": fault.last_at,
            }
        )


class MailsOut(Output):
    """The newest mails that wait or failed, and templates that could not be used."""

    model_config = example({"waiting": 0, "failed": 1, "items": [_MAIL], "template_faults": [_FAULT]})

    waiting: int
    failed: int
    items: list[UnsentMailOut] = Field(description="At most 200, failed ones first.")
    template_faults: list[TemplateFaultOut] = Field(description="Until the template is changed.")

    @classmethod
    def of(cls, mails: UnsentMails, faults: list[WordsFault]) -> MailsOut:
        """Make it from the services' values."""
        return cls(
            waiting=mails.waiting,
            failed=mails.failed,
            items=[UnsentMailOut.of(mail) for mail in mails.items],
            template_faults=[TemplateFaultOut.of(fault) for fault in faults],
        )


class MailKeyIn(Input):
    """Which mail is meant."""

    model_config = example({"message_id": _MAIL["message_id"], "recipient": _MAIL["recipient"]})

    message_id: Annotated[UUID, Field(strict=False)]
    recipient: _Recipient


class MailRetryIn(Input):
    """Which mail is to be tried again; without one all that wait or failed."""

    model_config = example({"mail": {"message_id": _MAIL["message_id"], "recipient": _MAIL["recipient"]}})

    mail: MailKeyIn | None = None


class RetriedOut(Output):
    """How many mails are tried again."""

    model_config = example({"mails": 1})

    mails: int


class MailWordsIn(Input):
    """Words to try; what is left out is as it is stored, `null` is what the tenant has."""

    model_config = example({"email_subject": "{{ CALLER_NAME }} called {{ VOICEMAIL_NAME }}"})

    email_subject: MailSubject | None = left_out()
    email_introduction: MailIntroduction | None = left_out()


_STANDARD: dict[str, Any] = {
    "email_subject": "{{ CALLER_NAME }} called {{ VOICEMAIL_NAME }}",
    "email_introduction": None,
}
_STANDARD_WORDS = "`null`: the standard words."


class TenantMailWordsIn(Input):
    """Words of the mails of mailboxes that have none of their own; what is left out stays as it is."""

    model_config = example({"email_subject": _STANDARD["email_subject"]})

    email_subject: MailSubject | None = left_out(_STANDARD_WORDS)
    email_introduction: MailIntroduction | None = left_out(_STANDARD_WORDS)

    def changes(self) -> TenantChanges:
        """Return what the service takes."""
        return cast("TenantChanges", self.model_dump(exclude_unset=True))


class TenantMailWordsOut(Output):
    """Words of the mails of mailboxes that have none of their own."""

    model_config = example(_STANDARD)

    email_subject: str | None = Field(description=f"A template; {_STANDARD_WORDS}")
    email_introduction: str | None = Field(description=f"A template; {_STANDARD_WORDS}")

    @classmethod
    def of(cls, tenant: Tenant) -> TenantMailWordsOut:
        """Make it from the service's value."""
        return cls(email_subject=tenant.email_subject, email_introduction=tenant.email_introduction)


class PreviewFaultOut(Output):
    """What is wrong with a template."""

    field: Literal["email_subject", "email_introduction"]
    error_id: str
    sentence: str


class MailPreviewOut(Output):
    """A mail as it would be; in the place of a template that is wrong are the standard words."""

    model_config = example(
        {
            "subject": "Erika Mustermann called Sales",
            "text": "New message for Sales (8001)",
            "html": "<!DOCTYPE html>",
            "faults": [],
        }
    )

    subject: str
    text: str
    html: str
    faults: list[PreviewFaultOut]

    @classmethod
    def of(cls, preview: MailPreview) -> MailPreviewOut:
        """Make it from the service's value."""
        return cls(
            subject=preview.subject,
            text=preview.text,
            html=preview.html,
            faults=[
                PreviewFaultOut.model_validate(
                    {"field": fault.field, "error_id": fault.error_id, "sentence": fault.sentence}
                )
                for fault in preview.faults
            ],
        )


class TestMailIn(Input):
    """To whom a test mail goes."""

    model_config = example({"recipient": "admin@example.com"})

    recipient: _Recipient


class TestMailOut(Output):
    """A test mail, and how it fares; it is kept for a day."""

    model_config = example(
        {
            "id": "77a3b6a0-52b1-4a7c-9a1b-0d9c2c0d7f21",
            "recipient": "admin@example.com",
            "status": "sent",
            "error": None,
            "made_at": "2026-03-02T09:00:00Z",
        }
    )

    id: UUID
    recipient: str
    status: Literal["queued", "sent", "failed"] = Field(description="There is one try.")
    error: str | None = Field(description="What the mail server said.")
    made_at: datetime

    @classmethod
    def of(cls, trial: MailTrial) -> TestMailOut:
        """Make it from the service's value."""
        return cls.model_validate(
            {
                "id": trial.id,
                "recipient": trial.recipient,
                "status": trial.status,
                "error": trial.error,
                "made_at": trial.made_at,
            }
        )
