"""`/mailboxes/{number}/members`: who may do what with a mailbox; for admins and for who manages it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from controlplane.domain.rights import parse_rights
from controlplane.services import members
from controlplane.services.members import AtMailbox, Member
from controlplane.web.api.mailboxes import Deps, NumberPath
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas_members import MemberIn, MemberOut, MemberPage, MemberPatch
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import OnlyPages, cursor, invalid_cursor, position
from controlplane.web.paths import API
from controlplane.web.security import AnyAsking

router = APIRouter(prefix=f"{API}/mailboxes/{{number}}/members", tags=["members"])

MemberId = Annotated[
    UUID, Path(description="The id of the member.", examples=["8c1f0a77-4b52-4c0f-9a53-1d2e8f6b7a55"])
]


def at_mailbox(number: NumberPath, asking: AnyAsking) -> AtMailbox:
    """Return which mailbox is meant, and who asks."""
    return AtMailbox(tenant_id=asking.tenant_id, number=number, member=asking.member, by=asking.label)


At = Annotated[AtMailbox, Depends(at_mailbox)]


@router.post("", status_code=201, response_model=MemberOut, responses={**with_etag(201), **body_problems()})
async def add_member(request: Request, body: MemberIn, deps: Deps, at: At, repeating: Repeating) -> Response:
    """Give a user or a team rights; with the first member, only members hear the messages by phone."""

    async def work() -> Done:
        made = await members.add_member(
            deps.db,
            at,
            user_name=body.user_name,
            team_id=body.team_id,
            rights=parse_rights(body.rights),
        )
        location = f"{API}/mailboxes/{at.number}/members/{made.id}"
        return Done(response=_answer(request, made, status=201, location=location))

    return await repeating.once(work)


@router.get("", response_model=MemberPage, responses=problems())
async def list_members(deps: Deps, at: At, paging: Annotated[OnlyPages, Query()]) -> MemberPage:
    """List the members of a mailbox."""
    page = await members.list_members(deps.db, at, limit=paging.limit, after=_after(paging.after))
    return MemberPage(
        items=[MemberOut.of(member) for member in page.items],
        next=cursor(str(page.items[-1].id)) if page.more else None,
    )


@router.get(
    "/{member_id}", response_model=MemberOut, responses={**with_etag(), **not_modified(), **problems()}
)
async def get_member(
    request: Request, member_id: MemberId, deps: Deps, at: At, _: IfNoneMatch = None
) -> Response:
    """Read a member."""
    return _answer(request, await members.get_member(deps.db, at, member_id))


@router.patch("/{member_id}", response_model=MemberOut, responses={**with_etag(), **body_problems(412)})
async def change_member(
    request: Request,
    *,
    member_id: MemberId,
    body: MemberPatch,
    deps: Deps,
    at: At,
    if_match: IfMatch = None,
) -> Response:
    """Give a member other rights."""
    changed = await members.change_member(
        deps.db,
        at,
        member_id,
        rights=parse_rights(body.rights),
        expected_version=expected_version(if_match),
    )
    return _answer(request, changed)


@router.delete("/{member_id}", status_code=204, responses=problems(400, 412))
async def remove_member(member_id: MemberId, deps: Deps, at: At, if_match: IfMatch = None) -> None:
    """Take a member out; without members the mailbox is open to every extension that knows the PIN."""
    await members.remove_member(deps.db, at, member_id, expected_version=expected_version(if_match))


def _after(text: str | None) -> UUID | None:
    held = position(text)
    try:
        return None if held is None else UUID(held)
    except ValueError as error:
        raise invalid_cursor() from error


def _answer(request: Request, member: Member, *, status: int = 200, location: str | None = None) -> Response:
    return resource(request, MemberOut.of(member), member.version, status=status, location=location)
