"""The mails that are not sent: what the server said, trying again, giving up."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import NotFound
from controlplane.services.mail_queue import MailKey, discard_mail, retry_mails, unsent_mails
from controlplane.services.mail_words import words_faults
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_MAILS = f"{PREFIX}/mails"


@router.get(_MAILS)
async def mails_page(visit: Inside) -> Response:
    """List the mails that wait or failed, and words that could not be used; a system admin sees all."""
    mails = await unsent_mails(visit.deps.db, scope=visit.scope)
    return visit.page(
        "mails.html",
        section="mails",
        mails=mails,
        words_faults=await words_faults(visit.deps.db, scope=visit.scope),
        now=visit.deps.clock(),
    )


@router.post(f"{_MAILS}/retry")
async def retry(visit: Inside) -> Response:
    """Try one mail again now, or all."""
    key = _key(visit) if visit.form.text("message") else None
    count = await retry_mails(
        visit.deps.db, visit.deps.jobs, scope=visit.scope, key=key, by=visit.person.label
    )
    return visit.go("/mails", notice="mails-retried" if count else "mails-none", n=str(count))


@router.post(f"{_MAILS}/discard")
async def discard(visit: Inside) -> Response:
    """Ask once, then give a mail up."""
    key = _key(visit)
    if not visit.form.ticked("sure"):
        return visit.page(
            "question.html",
            section="mails",
            title=visit.words("mails.discard-title"),
            text=visit.words("mails.discard-text", recipient=key[1]),
            button=visit.words("mails.discard"),
            back="/mails",
            kept={"message": str(key[0]), "recipient": key[1]},
        )
    await discard_mail(visit.deps.db, scope=visit.scope, key=key, by=visit.person.label)
    return visit.go("/mails", notice="mail-discarded", recipient=key[1])


def _key(visit: Visit) -> MailKey:
    """Return the mail that a form means; raises NotFound for what is none."""
    try:
        return UUID(visit.form.text("message")), visit.form.text("recipient")
    except ValueError as error:
        raise NotFound("There is no such mail that waits.", error_id="no-such-mail") from error
