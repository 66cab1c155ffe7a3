"""`/mails`: those that wait or failed; and what the mails of a mailbox are like, tried before it is saved."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from controlplane.services import mail_queue, mail_trials, mail_words
from controlplane.web.api.mailboxes import Deps, Managing, NumberPath
from controlplane.web.api.responses import body_problems, problems
from controlplane.web.api.schemas_mails import (
    MailKeyIn,
    MailPreviewOut,
    MailRetryIn,
    MailsOut,
    MailWordsIn,
    RetriedOut,
    TestMailIn,
    TestMailOut,
)
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=API, tags=["mails"])

_OF_MAILBOX = "/mailboxes/{number}/mail"
TestId = Annotated[
    UUID, Path(description="The id of the test mail.", examples=["77a3b6a0-52b1-4a7c-9a1b-0d9c2c0d7f21"])
]


@router.get("/mails", response_model=MailsOut, responses=problems())
async def list_mails(deps: Deps, asking: Asking) -> MailsOut:
    """List the mails that wait or failed, and the templates that could not be used."""
    mails = await mail_queue.unsent_mails(deps.db, scope=asking.tenant_id)
    return MailsOut.of(mails, await mail_words.words_faults(deps.db, scope=asking.tenant_id))


@router.post("/mails/retry", response_model=RetriedOut, responses=body_problems())
async def retry_mails(body: MailRetryIn, deps: Deps, asking: Asking) -> RetriedOut:
    """Try one mail again now, or all; one that failed begins anew, with all of its tries."""
    key = None if body.mail is None else (body.mail.message_id, body.mail.recipient)
    count = await mail_queue.retry_mails(deps.db, deps.jobs, scope=asking.tenant_id, key=key, by=asking.label)
    return RetriedOut(mails=count)


@router.post("/mails/discard", status_code=204, responses=body_problems())
async def discard_mail(body: MailKeyIn, deps: Deps, asking: Asking) -> None:
    """Give a mail up; its message stays."""
    await mail_queue.discard_mail(
        deps.db, scope=asking.tenant_id, key=(body.message_id, body.recipient), by=asking.label
    )


@router.post(f"{_OF_MAILBOX}/preview", response_model=MailPreviewOut, responses=body_problems())
async def preview_mail(number: NumberPath, body: MailWordsIn, deps: Deps, asking: Managing) -> MailPreviewOut:
    """Show what a mail of this mailbox would be with these words, about a message that nobody left."""
    preview = await mail_words.preview_mail(
        deps.db,
        tenant_id=asking.tenant_id,
        number=number,
        changes=body.model_dump(exclude_unset=True),
        public_url=deps.public_url,
        member=asking.member,
    )
    return MailPreviewOut.of(preview)


@router.post(
    f"{_OF_MAILBOX}/test",
    status_code=202,
    response_model=TestMailOut,
    responses={202: {"description": "A job does it; its address says how it went."}, **body_problems()},
)
async def send_test_mail(
    number: NumberPath, body: TestMailIn, deps: Deps, asking: Managing, response: Response
) -> TestMailOut:
    """Have a test mail sent, with the words as they are stored; `GET` of it says what became of it."""
    trial = await mail_trials.try_mail(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        recipient=body.recipient,
        by=asking.label,
        member=asking.member,
    )
    response.headers["Location"] = f"{API}/mailboxes/{number}/mail/test/{trial.id}"
    return TestMailOut.of(trial)


@router.get(f"{_OF_MAILBOX}/test/{{test_id}}", response_model=TestMailOut, responses=problems())
async def get_test_mail(number: NumberPath, test_id: TestId, deps: Deps, asking: Managing) -> TestMailOut:
    """Read how a test mail fares."""
    trial = await mail_trials.get_trial(
        deps.db, tenant_id=asking.tenant_id, number=number, trial_id=test_id, member=asking.member
    )
    return TestMailOut.of(trial)
