"""`/mail-words`: what the mails of a tenant say where a mailbox says nothing of its own."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from controlplane.services import mail_trials, mail_words, tenants
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.mails import TestId
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas_mails import (
    MailPreviewOut,
    TenantMailWordsIn,
    TenantMailWordsOut,
    TestMailIn,
    TestMailOut,
)
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.paths import API
from controlplane.web.security import Asking

_HERE = f"{API}/mail-words"

router = APIRouter(prefix=_HERE, tags=["mails"])


@router.get("", response_model=TenantMailWordsOut, responses={**with_etag(), **not_modified(), **problems()})
async def get_mail_words(request: Request, deps: Deps, asking: Asking, _: IfNoneMatch = None) -> Response:
    """Read the words of the mails of all mailboxes that have none of their own."""
    tenant = await tenants.get_tenant(deps.db, name=asking.tenant_name)
    return resource(request, TenantMailWordsOut.of(tenant), tenant.version)


@router.patch("", response_model=TenantMailWordsOut, responses={**with_etag(), **body_problems(412)})
async def change_mail_words(
    request: Request, body: TenantMailWordsIn, deps: Deps, asking: Asking, if_match: IfMatch = None
) -> Response:
    """Change the words; a template that cannot be used is refused."""
    tenant = await tenants.update_tenant(
        deps.db,
        deps.jobs,
        name=asking.tenant_name,
        changes=body.changes(),
        by=asking.label,
        expected_version=expected_version(if_match),
    )
    return resource(request, TenantMailWordsOut.of(tenant), tenant.version)


@router.post("/preview", response_model=MailPreviewOut, responses=body_problems())
async def preview_mail_words(body: TenantMailWordsIn, deps: Deps, asking: Asking) -> MailPreviewOut:
    """Show what a mail would be with these words, about a message that nobody left."""
    tenant = await tenants.get_tenant(deps.db, name=asking.tenant_name)
    preview = await mail_words.preview_of_tenant(
        tenant, changes=body.model_dump(exclude_unset=True), public_url=deps.public_url
    )
    return MailPreviewOut.of(preview)


@router.post(
    "/test",
    status_code=202,
    response_model=TestMailOut,
    responses={202: {"description": "A job does it; its address says how it went."}, **body_problems()},
)
async def send_test_mail_of_tenant(
    body: TestMailIn, deps: Deps, asking: Asking, response: Response
) -> TestMailOut:
    """Have a test mail sent, with the words as they are stored; `GET` of it says what became of it."""
    trial = await mail_trials.try_mail(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=None,
        recipient=body.recipient,
        by=asking.label,
    )
    response.headers["Location"] = f"{_HERE}/test/{trial.id}"
    return TestMailOut.of(trial)


@router.get("/test/{test_id}", response_model=TestMailOut, responses=problems())
async def get_test_mail_of_tenant(test_id: TestId, deps: Deps, asking: Asking) -> TestMailOut:
    """Read how a test mail fares."""
    trial = await mail_trials.get_trial(deps.db, tenant_id=asking.tenant_id, number=None, trial_id=test_id)
    return TestMailOut.of(trial)
