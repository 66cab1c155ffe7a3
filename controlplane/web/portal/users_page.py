"""Who may sign in: the list, adding, disabling, and links by which a password is set."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import Conflict, InvalidValue, NotFound
from controlplane.domain.tenant import Tenant
from controlplane.domain.user import Role, User
from controlplane.services.sign_in_links import PASSWORD_LINK, make_password_link
from controlplane.services.tenants import list_tenants
from controlplane.services.users import NewUser, create_user, get_user, list_users, update_user
from controlplane.web.errors import status_of
from controlplane.web.paging import MAX_LIMIT
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX, link_address
from controlplane.web.portal.forms import Faults, faults_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.user_page import role_of
from controlplane.web.portal.visits import Visit

router = page_router()
_USERS = f"{PREFIX}/users"


@router.get(_USERS)
async def users_page(visit: Inside) -> Response:
    """List the users that this person manages."""
    tenants = await _tenants(visit)
    users = await list_users(visit.deps.db, scope=visit.scope)
    return visit.page(
        "users.html",
        section="users",
        users=users,
        tenants={tenant.id: tenant.name for tenant in tenants},
    )


@router.get(f"{_USERS}/add")
async def add_user_page(visit: Inside) -> Response:
    """Show the form for a new user."""
    return await _add_form(visit)


@router.post(f"{_USERS}/add")
async def add_user(visit: Inside) -> Response:
    """Make a user, and show the link by which they set a password."""
    form, by = visit.form, visit.person
    tenant = form.text("tenant") if by.system else by.tenant_name
    try:
        user = await create_user(
            visit.deps.db,
            visit.deps.passwords,
            new=NewUser(
                user_name=form.text("user_name"),
                display_name=form.text("display_name"),
                tenant=None if by.system and form.text("role") == Role.SYSTEM_ADMIN else tenant,
                role=role_of(form),
                extension=form.text("extension").strip() or None,
                pin_spared=form.ticked("pin_spared"),
            ),
            scope=visit.scope,
            by=by.label,
        )
    except (InvalidValue, Conflict, NotFound) as error:
        return await _add_form(visit, faults=faults_of(error, visit.words), status=status_of(error))
    return await _with_link(visit, user)


@router.post(_USERS + "/{user_id}/link")
async def link_for_user(visit: Inside, user_id: UUID) -> Response:
    """Make a link by which a user sets a (new) password, and show it once."""
    return await _with_link(visit, await get_user(visit.deps.db, user_id, scope=visit.scope))


@router.post(_USERS + "/{user_id}/disable")
async def disable(visit: Inside, user_id: UUID) -> Response:
    """Sign a user out everywhere, and let nobody in by this name."""
    return await _enable(visit, user_id, enabled=False)


@router.post(_USERS + "/{user_id}/enable")
async def enable(visit: Inside, user_id: UUID) -> Response:
    """Let a user in again."""
    return await _enable(visit, user_id, enabled=True)


async def _enable(visit: Visit, user_id: UUID, *, enabled: bool) -> Response:
    user = await update_user(
        visit.deps.db, user_id, changes={"enabled": enabled}, scope=visit.scope, by=visit.person.label
    )
    notice = "user-enabled" if enabled else "user-disabled"
    return visit.go("/users", notice=notice, user=user.user_name)


async def _with_link(visit: Visit, user: User) -> Response:
    """Answer with the link itself: in an address it would stay in the browser's history."""
    secret = await make_password_link(
        visit.deps.db, user.id, scope=visit.scope, by=visit.person.label, now=visit.deps.clock()
    )
    return visit.page(
        "user_link.html",
        section="users",
        user=user,
        link=link_address(visit.portal.public_url, secret),
        days=PASSWORD_LINK.days,
    )


async def _add_form(visit: Visit, *, faults: Faults | None = None, status: int = 200) -> Response:
    tenants = await _tenants(visit)
    return visit.page(
        "user_add.html",
        section="users",
        faults=faults,
        status=status,
        # A name may be typed too: more of them than that are no help.
        choices=[tenant.name for tenant in tenants[:MAX_LIMIT]],
        chosen=visit.form.text("tenant") or visit.person.tenant_name,
    )


async def _tenants(visit: Visit) -> list[Tenant]:
    """Return all tenants to a system admin, whose list of users names that of each."""
    found: list[Tenant] = []
    more = visit.person.system
    while more:
        after = found[-1].name if found else None
        page = await list_tenants(visit.deps.db, q=None, limit=MAX_LIMIT, after=after)
        found += page.items
        more = page.more
    return found
