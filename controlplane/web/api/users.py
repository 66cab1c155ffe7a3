"""`/users`: who signs in to the portal of the tenant. System admins are not among them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from controlplane.services import users
from controlplane.services.sign_in_links import PASSWORD_LINK, make_password_link
from controlplane.web.api.mailboxes import Deps
from controlplane.web.api.responses import body_problems, not_modified, problems, with_etag
from controlplane.web.api.schemas_members import UserIn, UserLink, UserOut, UserPage, UserPatch
from controlplane.web.etag import IfMatch, IfNoneMatch, expected_version, resource
from controlplane.web.idempotency import Done, Repeating
from controlplane.web.paging import Paging, cursor, position
from controlplane.web.paths import API
from controlplane.web.security import Asking

router = APIRouter(prefix=f"{API}/users", tags=["users"])

UserNamePath = Annotated[str, Path(description="The user name.", examples=["alice"])]


@router.post("", status_code=201, response_model=UserOut, responses={**with_etag(201), **body_problems()})
async def create_user(
    request: Request, body: UserIn, deps: Deps, asking: Asking, repeating: Repeating
) -> Response:
    """Make a user of the tenant, who sets a password by a link."""

    async def work() -> Done:
        user = await users.create_user(
            deps.db,
            deps.passwords,
            new=body.new_user(asking.tenant_name),
            scope=asking.tenant_id,
            by=asking.label,
        )
        location = f"{API}/users/{user.user_name}"
        return Done(response=resource(request, UserOut.of(user), user.version, status=201, location=location))

    return await repeating.once(work)


@router.get("", response_model=UserPage, responses=problems())
async def list_users(deps: Deps, asking: Asking, paging: Annotated[Paging, Query()]) -> UserPage:
    """List the users of the tenant."""
    page = await users.browse_users(
        deps.db,
        tenant_id=asking.tenant_id,
        q=paging.q,
        limit=paging.limit,
        after=position(paging.after),
    )
    return UserPage(
        items=[UserOut.of(user) for user in page.items],
        next=cursor(page.items[-1].user_name) if page.more else None,
    )


@router.get("/{user_name}", response_model=UserOut, responses={**with_etag(), **not_modified(), **problems()})
async def get_user(
    request: Request, user_name: UserNamePath, deps: Deps, asking: Asking, _: IfNoneMatch = None
) -> Response:
    """Read a user."""
    user = await users.find_by_name(deps.db, user_name, tenant_id=asking.tenant_id)
    return resource(request, UserOut.of(user), user.version)


@router.patch("/{user_name}", response_model=UserOut, responses={**with_etag(), **body_problems(412)})
async def change_user(
    request: Request,
    *,
    user_name: UserNamePath,
    body: UserPatch,
    deps: Deps,
    asking: Asking,
    if_match: IfMatch = None,
) -> Response:
    """Change a user; one who is disabled is signed out everywhere."""
    user = await users.find_by_name(deps.db, user_name, tenant_id=asking.tenant_id)
    changed = await users.update_user(
        deps.db,
        user.id,
        changes=body.changes(),
        scope=asking.tenant_id,
        by=asking.label,
        expected_version=expected_version(if_match),
    )
    return resource(request, UserOut.of(changed), changed.version)


@router.delete("/{user_name}", status_code=204, responses=problems(400, 409, 412))
async def delete_user(user_name: UserNamePath, deps: Deps, asking: Asking, if_match: IfMatch = None) -> None:
    """Remove a user with their sessions, tokens and rights."""
    user = await users.find_by_name(deps.db, user_name, tenant_id=asking.tenant_id)
    await users.delete_user(
        deps.db,
        user.id,
        scope=asking.tenant_id,
        by=asking.label,
        expected_version=expected_version(if_match),
    )


@router.post("/{user_name}/link", response_model=UserLink, responses=problems())
async def make_link(user_name: UserNamePath, deps: Deps, asking: Asking) -> UserLink:
    """Make a link by which a user sets a password; earlier ones end, the old password works until then."""
    user = await users.find_by_name(deps.db, user_name, tenant_id=asking.tenant_id)
    now = deps.clock()
    secret = await make_password_link(deps.db, user.id, scope=asking.tenant_id, by=asking.label, now=now)
    return UserLink(link=password_link(deps.public_url, secret), expires_at=now + PASSWORD_LINK)


def password_link(public_url: str, secret: str) -> str:
    """Return the address of the portal at which the link is."""
    return f"{public_url}/portal/link/{secret}"
