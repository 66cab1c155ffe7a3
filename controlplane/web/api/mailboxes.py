"""`/mailboxes`: provisioning of voicemail boxes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from controlplane.domain.limits import Fill
from controlplane.domain.mailbox import Counts
from controlplane.domain.rights import Right
from controlplane.services import mailboxes
from controlplane.services.access import check_mailbox
from controlplane.services.mailboxes import MailboxDetails
from controlplane.services.tokens import Principal
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas_mailboxes import MailboxIn, MailboxOut, MailboxPage, MailboxPatch
from controlplane.web.deps import WebDeps, deps_of
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import AnyAsking, Asking

router = APIRouter(prefix=f"{API}/mailboxes", tags=["mailboxes"])

Deps = Annotated[WebDeps, Depends(deps_of)]
NumberPath = Annotated[str, Path(description="The number of the mailbox.", examples=["8001"])]


async def who_manages(number: NumberPath, deps: Deps, asking: AnyAsking) -> Principal:
    """Return who asks, if they may manage the mailbox; raises NotFound, NotAllowed."""
    await check_mailbox(
        deps.db, tenant_id=asking.tenant_id, number=number, member=asking.member, right=Right.MANAGE
    )
    return asking


Managing = Annotated[Principal, Depends(who_manages)]


@router.post("", status_code=201, response_model=MailboxOut, responses={**with_etag(201), **body_problems()})
async def create_mailbox(
    request: Request, body: MailboxIn, deps: Deps, asking: Asking, repeating: Repeating
) -> Response:
    """Make a mailbox; callers can dial its number within a second."""

    async def work() -> Done:
        new = body.new_mailbox()
        mailbox = await mailboxes.create_mailbox(
            deps.db,
            deps.jobs,
            deps.hasher,
            deps.pin_policy,
            tenant_id=asking.tenant_id,
            new=new,
            by=asking.label,
        )
        details = MailboxDetails(
            mailbox=mailbox,
            language=new.language,
            counts=Counts(),
            fill=Fill(quota=mailbox.quota),
            source_greetings=tuple(new.source_greetings),
            kind_greetings=tuple(new.kind_greetings),
        )
        return Done(
            response=resource(
                request,
                MailboxOut.of(details),
                mailbox.version,
                status=201,
                location=f"{API}/mailboxes/{mailbox.number}",
            )
        )

    return await repeating.once(work)


@router.get("", response_model=MailboxPage, responses=problems())
async def list_mailboxes(deps: Deps, asking: AnyAsking, paging: Annotated[Paging, Query()]) -> MailboxPage:
    """List mailboxes with the counts of their messages."""
    page = await mailboxes.list_mailboxes(
        deps.db,
        tenant_id=asking.tenant_id,
        q=paging.q,
        limit=paging.limit,
        after=position(paging.after),
        member=asking.member,
    )
    return MailboxPage(
        items=[MailboxOut.of(details) for details in page.items],
        next=cursor(page.items[-1].mailbox.number) if page.more else None,
    )


@router.get("/{number}", response_model=MailboxOut, responses={**with_etag(), **not_modified(), **problems()})
async def get_mailbox(
    request: Request, number: NumberPath, deps: Deps, asking: AnyAsking, _: IfNoneMatch = None
) -> Response:
    """Read a mailbox."""
    details = await mailboxes.get_mailbox(
        deps.db, tenant_id=asking.tenant_id, number=number, member=asking.member
    )
    return resource(request, MailboxOut.of(details), details.mailbox.version)


@router.patch("/{number}", response_model=MailboxOut, responses={**with_etag(), **body_problems(412)})
async def change_mailbox(
    request: Request,
    *,
    number: NumberPath,
    body: MailboxPatch,
    deps: Deps,
    asking: AnyAsking,
    if_match: IfMatch = None,
) -> Response:
    """Change a mailbox; a new PIN lifts the locks of the old one."""
    details = await mailboxes.update_mailbox(
        deps.db,
        deps.jobs,
        deps.hasher,
        deps.pin_policy,
        tenant_id=asking.tenant_id,
        number=number,
        changes=body.changes(),
        by=asking.label,
        expected_version=expected_version(if_match),
        member=asking.member,
    )
    return resource(request, MailboxOut.of(details), details.mailbox.version)


@router.delete("/{number}", status_code=204, responses=problems(400, 412))
async def delete_mailbox(number: NumberPath, deps: Deps, asking: Asking, if_match: IfMatch = None) -> None:
    """Delete a mailbox: its number is free, its messages go to the trash."""
    await mailboxes.delete_mailbox(
        deps.db,
        deps.jobs,
        tenant_id=asking.tenant_id,
        number=number,
        by=asking.label,
        expected_version=expected_version(if_match),
    )
