"""One user: their name, role and extension; and the page on which they are deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Response

from controlplane.domain.errors import Conflict, DomainError, InvalidValue, PreconditionFailed
from controlplane.domain.user import Role, User
from controlplane.services.users import UserChanges, delete_user, get_user, losses, update_user
from controlplane.web.errors import status_of
from controlplane.web.portal.access import Inside
from controlplane.web.portal.addresses import PREFIX
from controlplane.web.portal.forms import Faults, Form, faults_of
from controlplane.web.portal.routes import page_router
from controlplane.web.portal.visits import Visit

router = page_router()
_USER = PREFIX + "/users/{user_id}"


@router.get(_USER)
async def user_page(visit: Inside, user_id: UUID) -> Response:
    """Show what is known of a user."""
    return _page(visit, await get_user(visit.deps.db, user_id, scope=visit.scope))


@router.post(_USER)
async def change_user(visit: Inside, user_id: UUID) -> Response:
    """Change a user, unless somebody else was first."""
    db, form, by = visit.deps.db, visit.form, visit.person
    user = await get_user(db, user_id, scope=visit.scope)
    changes = UserChanges(display_name=form.text("display_name"))
    if user.tenant_id is not None:
        changes["extension"] = form.text("extension").strip() or None
        changes["pin_spared"] = form.ticked("pin_spared")
        if user_id != by.user.id:
            changes["role"] = role_of(form)
    try:
        await update_user(
            db,
            user_id,
            changes=changes,
            scope=visit.scope,
            by=by.label,
            author=by.user.id,
            expected_version=version_of(form),
        )
    except (InvalidValue, Conflict, PreconditionFailed) as error:
        return _page(visit, user, error=error)
    return visit.go("/users", notice="user-saved", user=user.user_name)


@router.get(_USER + "/delete")
async def delete_user_page(visit: Inside, user_id: UUID) -> Response:
    """Say what goes with a user, and ask."""
    return await _sure(visit, user_id)


@router.post(_USER + "/delete")
async def delete_this_user(visit: Inside, user_id: UUID) -> Response:
    """Delete a user for good."""
    by = visit.person
    try:
        gone = await delete_user(visit.deps.db, user_id, scope=visit.scope, by=by.label, author=by.user.id)
    except Conflict as error:
        return await _sure(visit, user_id, error=error)
    return visit.go("/users", notice="user-deleted", user=gone.user_name)


def role_of(form: Form) -> Role:
    """Return the role of a user of a tenant; nothing that was not chosen makes an admin."""
    return Role.TENANT_ADMIN if form.text("role") == Role.TENANT_ADMIN else Role.MEMBER


def version_of(form: Form) -> int | None:
    """Return the version that a form was made of; None for what is none."""
    text = form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004


def _page(visit: Visit, user: User, *, error: DomainError | None = None) -> Response:
    form = visit.form
    entries: dict[str, Any] = {
        "display_name": user.display_name,
        "role": user.role.value,
        "extension": user.extension or "",
        "pin_spared": user.pin_spared,
    }
    if error is not None:
        entries = {name: form.text(name) for name in ("display_name", "role", "extension")}
        entries["pin_spared"] = form.ticked("pin_spared")
    return visit.page(
        "user.html",
        section="users",
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, visit.words),
        user=user,
        entries=entries,
        version=user.version,
    )


async def _sure(visit: Visit, user_id: UUID, *, error: DomainError | None = None) -> Response:
    user = await get_user(visit.deps.db, user_id, scope=visit.scope)
    lost, words = await losses(visit.deps.db, user_id, scope=visit.scope), visit.words
    counted = (
        (lost.mailboxes, "user-lost.mailboxes"),
        (lost.teams, "user-lost.teams"),
        (lost.tokens, "user-lost.tokens"),
    )
    return visit.page(
        "sure.html",
        section="users",
        status=200 if error is None else status_of(error),
        faults=Faults() if error is None else faults_of(error, words),
        title=words("user.deleting", name=user.display_name),
        text=words("user.deleting-text", user=user.user_name),
        lost=[words.count(key, n) for n, key in counted if n],
        button=words("user.delete-button"),
        back=f"{visit.portal.base}/users/{user.id}",
        back_text=user.display_name,
    )
