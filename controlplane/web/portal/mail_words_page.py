"""What mails say: the words of a mailbox and of the tenant, shown as a mail would be, and a test mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response

from controlplane.domain.errors import DomainError, InvalidValue, InvalidValues, PreconditionFailed
from controlplane.domain.mailbox import MAX_INTRODUCTION, MAX_SUBJECT
from controlplane.domain.rights import Right
from controlplane.mail.own_words import VARIABLES
from controlplane.services.mail_trials import newest_trial, try_mail
from controlplane.services.mail_words import (
    FIELDS,
    MailPreview,
    mailbox_faults,
    preview_mail,
    preview_of_tenant,
    words_faults,
)
from controlplane.services.mailboxes import MailboxDetails, get_mailbox, update_mailbox
from controlplane.services.tenants import get_tenant, update_tenant
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Anybody, Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Fault, Faults, faults_of
from controlplane.web.portal.mailboxes_page import MAILBOXES
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_OF_MAILBOX: Final = MAILBOXES + "/{number}/mail"
_OF_TENANT: Final = f"{PREFIX}/mail-words"
_OK: Final = 200

Words = Mapping[str, str | None]


@router.get(_OF_MAILBOX)
async def mailbox_words_page(visit: Anybody, number: str) -> Response:
    """Show the words of the mails of a mailbox."""
    return await _of_mailbox(visit, await _details(visit, number))


@router.post(_OF_MAILBOX)
async def set_mailbox_words(visit: Anybody, number: str) -> Response:
    """Save the words, show what a mail would be with them, or have a test mail sent."""
    deps, by = visit.deps, visit.person
    details = await _details(visit, number)
    words = _sent(visit)
    try:
        match visit.form.text("do"):
            case "test":
                trial = await try_mail(
                    deps.db,
                    deps.jobs,
                    tenant_id=by.tenant_id,
                    number=details.mailbox.number,
                    recipient=visit.form.text("recipient").strip(),
                    by=by.label,
                    member=visit.member,
                )
                return visit.go(
                    f"/mailboxes/{quote(number, safe='')}/mail",
                    notice="test-mail-queued",
                    recipient=trial.recipient,
                )
            case "preview":
                preview = await preview_mail(
                    deps.db,
                    tenant_id=by.tenant_id,
                    number=details.mailbox.number,
                    changes=words,
                    public_url=deps.public_url,
                    member=visit.member,
                )
                return await _of_mailbox(visit, details, words=words, preview=preview)
            case _:
                await update_mailbox(
                    deps.db,
                    deps.jobs,
                    deps.hasher,
                    deps.pin_policy,
                    tenant_id=by.tenant_id,
                    number=details.mailbox.number,
                    changes={
                        "email_subject": words["email_subject"],
                        "email_introduction": words["email_introduction"],
                    },
                    by=by.label,
                    expected_version=_version(visit),
                    member=visit.member,
                )
    except (InvalidValue, PreconditionFailed) as error:
        shown = None if visit.form.text("do") == "test" else words
        return await _of_mailbox(visit, details, words=shown, error=error)
    return visit.go(f"/mailboxes/{quote(number, safe='')}/mail", notice="mail-words-saved")


@router.get(_OF_TENANT)
async def tenant_words_page(visit: Inside) -> Response:
    """Show the words of the mails of all mailboxes that have none of their own."""
    return await _of_tenant(visit)


@router.post(_OF_TENANT)
async def set_tenant_words(visit: Inside) -> Response:
    """Save the words, show what a mail would be with them, or have a test mail sent."""
    deps, by = visit.deps, visit.person
    words = _sent(visit)
    try:
        match visit.form.text("do"):
            case "test":
                trial = await try_mail(
                    deps.db,
                    deps.jobs,
                    tenant_id=by.tenant_id,
                    number=None,
                    recipient=visit.form.text("recipient").strip(),
                    by=by.label,
                )
                return visit.go("/mail-words", notice="test-mail-queued", recipient=trial.recipient)
            case "preview":
                tenant = await get_tenant(deps.db, name=by.tenant_name)
                preview = await preview_of_tenant(tenant, changes=words, public_url=deps.public_url)
                return await _of_tenant(visit, words=words, preview=preview)
            case _:
                await update_tenant(
                    deps.db,
                    deps.jobs,
                    name=by.tenant_name,
                    changes={
                        "email_subject": words["email_subject"],
                        "email_introduction": words["email_introduction"],
                    },
                    by=by.label,
                    expected_version=_version(visit),
                )
    except (InvalidValue, PreconditionFailed) as error:
        shown = None if visit.form.text("do") == "test" else words
        return await _of_tenant(visit, words=shown, error=error)
    return visit.go("/mail-words", notice="mail-words-saved")


async def _details(visit: Visit, number: str) -> MailboxDetails:
    return await get_mailbox(
        visit.deps.db,
        tenant_id=visit.person.tenant_id,
        number=number.replace("\0", "\ufffd"),
        member=visit.member,
        right=Right.MANAGE,
    )


def _sent(visit: Visit) -> dict[str, str | None]:
    """Return the words that were sent; an empty field has none."""
    return {field: visit.form.text(field).replace("\r\n", "\n").strip() or None for field in FIELDS}


def _version(visit: Visit) -> int:
    text = visit.form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0  # noqa: PLR2004 (an integer)


async def _of_mailbox(
    visit: Visit,
    details: MailboxDetails,
    *,
    words: Words | None = None,
    preview: MailPreview | None = None,
    error: DomainError | None = None,
) -> Response:
    deps, mailbox = visit.deps, details.mailbox
    at = {"tenant_id": visit.person.tenant_id, "number": mailbox.number, "member": visit.member}
    return _page(
        visit,
        words={field: getattr(mailbox, field) for field in FIELDS} if words is None else words,
        version=mailbox.version,
        path=f"/mailboxes/{quote(mailbox.number, safe='')}/mail",
        mailbox=mailbox,
        trial=await newest_trial(deps.db, **at),  # type: ignore[arg-type]  # by name
        failed=await mailbox_faults(deps.db, **at),  # type: ignore[arg-type]  # by name
        preview=preview,
        error=error,
    )


async def _of_tenant(
    visit: Visit,
    *,
    words: Words | None = None,
    preview: MailPreview | None = None,
    error: DomainError | None = None,
) -> Response:
    tenant = await get_tenant(visit.deps.db, name=visit.person.tenant_name)
    failed = await words_faults(visit.deps.db, scope=tenant.id)
    return _page(
        visit,
        words={field: getattr(tenant, field) for field in FIELDS} if words is None else words,
        version=tenant.version,
        path="/mail-words",
        mailbox=None,
        trial=await newest_trial(visit.deps.db, tenant_id=tenant.id, number=None),
        failed=[each for each in failed if each.mailbox_number is None],
        preview=preview,
        error=error,
    )


def _page(
    visit: Visit,
    *,
    words: Words,
    version: int,
    path: str,
    preview: MailPreview | None,
    error: DomainError | None,
    **values: Any,
) -> Response:
    faults, status = Faults(), _OK
    if isinstance(error, PreconditionFailed):
        faults = Faults([Fault(field="", text=visit.words("mail-words.changed-meanwhile"))])
    elif error is not None:
        faults = faults_of(error, visit.words)
    elif preview is not None and preview.faults:
        faults = faults_of(InvalidValues(list(preview.faults)), visit.words)
    if error is not None:
        status = status_of(error)
    # That of the words which the person began with; after a clash that which is there now.
    began = 0 if isinstance(error, PreconditionFailed) else _version(visit)
    return visit.page(
        "mail_words.html",
        section="settings" if values["mailbox"] is None else "mailboxes",
        status=status,
        faults=faults,
        here=f"{visit.portal.base}{path}",
        entries=words,
        version=began or version,
        preview=preview,
        recipient=visit.form.text("recipient"),
        variables=VARIABLES,
        most_subject=MAX_SUBJECT,
        most_introduction=MAX_INTRODUCTION,
        **values,
    )
